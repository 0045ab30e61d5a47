"""Auctions in the database: sealed bids, bids that race, a clock that jumps, and what an award leaves behind."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
import pytest_asyncio
from asyncpg.exceptions import InsufficientPrivilegeError

from contracts import auctions_store as store
from contracts.auctions import BIDS_MAX, Auction, AuctionState, Entry, commitment, recompute
from exchange.catalog.store.exclusive import restore_offers
from exchange.flows.auctioned import sold_exclusively
from exchange.flows.cancel_auction import cancel_auction
from exchange.flows.close_auction import close_auction
from exchange.flows.open_auction import AuctionReceipt
from exchange.flows.place_bid import BidReceipt, place_bid
from exchange.flows.show_auction import show_to_bidder, show_to_supplier
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from tests.support.bidding import HOUR, SALT, House, cny, furnished, slug
from tests.support.settlement_market import BUYER, OTHER, SELLER, actor

WHY = {"en": "Other plans.", "zh": "计划变更。"}
S = AuctionState


@pytest_asyncio.fixture
async def house(database: Database, keyring: Keyring, clock: FixedClock) -> House:
    return await furnished(database, keyring, clock)


async def test_only_the_bidder_reads_a_sealed_bid_even_by_raw_sql(house: House) -> None:
    auction = await house.opened(public=False)
    await house.bid(auction, BUYER, 800)
    seen = {}
    for who in (BUYER, OTHER, SELLER, None):
        async with house.db.read(actor(who) if who else None) as tx:
            driver = await tx.driver()
            seen[who] = [
                await driver.fetchval(f"SELECT count(*) FROM contracts.{table}")
                for table in ("auction_bid", "auction_reserve", "auction_tally", "auction_award")
            ]
    assert seen == {BUYER: [1, 0, 0, 0], OTHER: [0, 0, 0, 0], SELLER: [0, 1, 0, 0], None: [0, 0, 0, 0]}
    async with house.db.read(actor(SELLER)) as tx:
        assert (await store.own_bids(tx, actor(SELLER), PageRequest())).items == []
        page = await show_to_supplier(tx, actor(SELLER), auction)
    assert page is not None
    assert (page.lines, page.award, page.bid) == ([], None, None)
    async with house.db.read(actor(OTHER)) as tx:
        assert await show_to_supplier(tx, actor(OTHER), auction) is None
        other = await show_to_bidder(tx, actor(OTHER), auction)
    assert other is not None
    assert (other.auction.reserve, other.auction.salt) == (None, None)


async def test_the_log_does_not_tell_the_supplier_that_somebody_bid(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 800)
    await house.withdraw(auction, BUYER)
    found = await house.scalar(
        "SELECT count(*) FROM compliance.audit_entry WHERE convert_from(envelope, 'UTF8') LIKE '%bid.%' "
        "AND convert_from(envelope, 'UTF8') LIKE '%' || $1 || '%'",
        ids.text("org", SELLER),
    )
    assert found == 0


async def test_after_the_end_all_bidders_see_all_amounts_and_the_supplier_one_name(house: House) -> None:
    auction = await house.opened(public=False)
    await house.bid(auction, BUYER, 900)
    await house.bid(auction, OTHER, 700)
    house.clock.advance(24 * HOUR)
    assert await house.tick(auction) is S.AWARDED
    for who in (BUYER, OTHER):
        async with house.db.read(actor(who)) as tx:
            page = await show_to_bidder(tx, actor(who), auction)
        assert page is not None
        assert [line.amount for line in page.lines] == [cny(900), cny(700)]
        one = page.auction
        assert one.reserve is not None
        assert one.salt is not None
        # The reserve was not moved, and the award follows from what everybody sees.
        assert commitment(one.id, one.reserve, one.salt) == one.reserve_sha256
        assert recompute(page.lines, one.reserve) == (1, cny(700))
        assert (page.award is not None) == (who == BUYER)
    async with house.db.read(actor(SELLER)) as tx:
        mine = await show_to_supplier(tx, actor(SELLER), auction)
    assert mine is not None
    assert mine.award is not None
    assert (mine.award.buyer_id, mine.award.price) == (BUYER, cny(700))
    async with house.db.read(None) as tx:
        everybody = await store.auction(tx, auction)
    assert everybody is not None
    assert (everybody.state, everybody.reserve) == (S.AWARDED, None)


async def test_a_tie_goes_to_the_first_in_line_and_a_new_bid_loses_its_place(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 800)
    await house.bid(auction, OTHER, 800)
    again = await house.bid(auction, BUYER, 800)
    assert isinstance(again, BidReceipt)
    assert again.entry == Entry.REPLACED
    house.clock.advance(24 * HOUR)
    await house.tick(auction)
    award = await house.db.run(lambda tx: store.award_of(tx, auction))
    assert award is not None
    assert (award.buyer_id, award.price) == (OTHER, cny(800))


async def test_racing_bids_stand_one_behind_the_other(house: House) -> None:
    auction = await house.opened()
    answers = await asyncio.gather(*(house.bid(auction, who, 800) for who in (BUYER, OTHER, BUYER, OTHER)))
    assert all(isinstance(one, BidReceipt) for one in answers)
    rows = await house.db.run(lambda tx: store.bids_of(tx, auction))
    assert [row.entry for row in rows].count(Entry.PLACED) == 2
    assert [row.sequence for row in rows] == sorted({row.sequence for row in rows})
    house.clock.advance(24 * HOUR)
    await house.tick(auction)
    award = await house.db.run(lambda tx: store.award_of(tx, auction))
    last = {row.bidder_id: row.sequence for row in rows}
    assert award is not None
    assert award.buyer_id == min(last, key=lambda who: last[who])


async def test_a_bid_below_a_public_reserve_is_refused_and_below_a_secret_one_loses(house: House) -> None:
    auction = await house.opened()
    assert slug(await house.bid(auction, BUYER, 499)) == "bid-below-reserve"
    await house.db.run(lambda tx: cancel_auction(tx, actor(SELLER), auction, WHY))
    secret = await house.opened(public=False)
    assert slug(await house.bid(secret, BUYER, 499)) == ""
    house.clock.advance(24 * HOUR)
    assert await house.tick(secret) is S.LAPSED
    async with house.db.read(actor(BUYER)) as tx:
        page = await show_to_bidder(tx, actor(BUYER), secret)
    assert page is not None
    assert page.auction.reason == {"code": "no-bid"}
    assert [line.outcome for line in page.lines] == ["below_reserve"]


async def test_closing_twice_or_at_once_decides_once(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 800)
    house.clock.advance(24 * HOUR)
    states = await asyncio.gather(*(house.tick(auction) for _ in range(3)))
    assert await house.tick(auction) is S.AWARDED
    assert set(states) <= {S.CLOSED, S.AWARDED}
    for table in ("auction_award", "auction_tally", "quote"):
        assert await house.scalar(f"SELECT count(*) FROM contracts.{table}") == 1
    actions = await house.scalar(
        "SELECT count(*) FROM compliance.audit_entry WHERE convert_from(envelope, 'UTF8') LIKE '%\"auction.award\"%'"
    )
    assert actions == 1


async def test_a_clock_that_jumps_loses_nothing_and_opens_nothing_again(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 800)
    house.clock.advance(30 * HOUR)
    assert slug(await house.bid(auction, OTHER, 900)) == "auction-closed"
    assert slug(await house.withdraw(auction, BUYER)) == "auction-closed"
    # It comes back before anybody closed: the bid still stands, and others may follow.
    house.clock.advance(-30 * HOUR)
    assert await house.tick(auction) is S.OPEN
    assert slug(await house.bid(auction, OTHER, 900)) == ""
    house.clock.advance(30 * HOUR)
    assert await house.db.run(lambda tx: close_auction(tx, auction)) is S.CLOSED
    house.clock.advance(-30 * HOUR)
    assert slug(await house.bid(auction, BUYER, 950)) == "auction-closed"
    assert slug(await house.db.run(lambda tx: cancel_auction(tx, actor(SELLER), auction, WHY))) == "state-conflict"
    # Closed is closed: it is decided, whatever the clock says now.
    assert await house.tick(auction) is S.AWARDED
    award = await house.db.run(lambda tx: store.award_of(tx, auction))
    assert award is not None
    assert (award.buyer_id, award.price) == (OTHER, cny(800))


async def test_an_auction_that_waits_opens_by_the_clock_and_its_row_tells_of_no_bid(house: House) -> None:
    auction = await house.opened(wait_h=5)
    assert slug(await house.bid(auction, BUYER, 800)) == "auction-not-open"
    house.clock.advance(5 * HOUR)
    whole = "SELECT row_to_json(a)::text FROM contracts.auction a"
    before = await house.scalar(whole)
    assert slug(await house.bid(auction, BUYER, 800)) == ""
    assert await house.scalar(whole) == before, "everybody reads it"
    house.clock.advance(-5 * HOUR)
    assert slug(await house.bid(auction, OTHER, 700)) == "auction-not-open"
    house.clock.advance(29 * HOUR)
    assert await house.tick(auction) is S.AWARDED


async def test_a_cancelled_auction_takes_no_bids_and_shows_none(house: House) -> None:
    auction = await house.opened(public=False)
    await house.bid(auction, BUYER, 800)
    assert slug(await house.db.run(lambda tx: cancel_auction(tx, actor(OTHER), auction, WHY))) == "not-found"
    assert slug(await house.db.run(lambda tx: cancel_auction(tx, actor(SELLER), auction, {}))) == "auction-invalid"
    assert slug(await house.db.run(lambda tx: cancel_auction(tx, actor(SELLER), auction, WHY))) == ""
    answer = await house.bid(auction, OTHER, 900)
    assert isinstance(answer, Problem)
    assert answer.slug == "auction-cancelled"
    assert "Other plans." in answer.detail("en")
    assert "计划变更" in answer.detail("zh")
    house.clock.advance(24 * HOUR)
    assert await house.tick(auction) is S.CANCELLED
    async with house.db.read(actor(OTHER)) as tx:
        page = await show_to_bidder(tx, actor(OTHER), auction)
    assert page is not None
    assert (page.lines, page.auction.reserve) == ([], None)


async def test_after_the_end_the_supplier_can_no_longer_cancel(house: House) -> None:
    auction = await house.opened()
    house.clock.advance(24 * HOUR)
    refused = await house.db.run(lambda tx: cancel_auction(tx, actor(SELLER), auction, WHY))
    assert slug(refused) == "auction-closed"


async def test_who_may_not_buy_may_not_bid(house: House) -> None:
    auction = await house.opened()
    assert slug(await house.bid(auction, SELLER, 800)) == "own-offer"
    assert slug(await house.bid(UUID(int=9), BUYER, 800)) == "not-found"
    await _set_state(house, BUYER, "submitted")
    assert slug(await house.bid(auction, BUYER, 800)) == "buyer-not-verified"
    wrong = await house.db.run(
        lambda tx: place_bid(tx, actor(OTHER), auction, Money(800_000_000, "EUR"), ("pretrain",), SALT)
    )
    assert slug(wrong) == "bid-invalid"


async def test_bids_of_those_who_can_no_longer_buy_are_excluded(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 900)
    await house.bid(auction, OTHER, 700)
    await _set_state(house, BUYER, "suspended")
    house.clock.advance(24 * HOUR)
    assert await house.tick(auction) is S.AWARDED
    async with house.db.read(actor(OTHER)) as tx:
        page = await show_to_bidder(tx, actor(OTHER), auction)
    assert page is not None
    assert page.award is not None
    assert page.award.price == cny(500)
    assert [line.outcome for line in page.lines] == ["excluded", "won"]


async def test_bids_have_a_number_and_a_withdrawal_none(house: House) -> None:
    auction = await house.opened()
    assert slug(await house.withdraw(auction, BUYER)) == "no-live-bid"
    for _ in range(BIDS_MAX):
        await house.bid(auction, BUYER, 800)
    assert slug(await house.bid(auction, BUYER, 800)) == "bids-too-many"
    assert slug(await house.withdraw(auction, BUYER)) == ""
    assert slug(await house.withdraw(auction, BUYER)) == "no-live-bid"
    house.clock.advance(24 * HOUR)
    assert await house.tick(auction) is S.LAPSED


async def test_an_exclusive_award_takes_the_dataset_off_sale_until_it_lapses(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 800)
    await house.bid(auction, OTHER, 700)
    house.clock.advance(24 * HOUR)
    await house.tick(auction)
    dataset = await house.scalar("SELECT dataset_id FROM contracts.auction")
    assert await house.scalar("SELECT count(*) FROM catalog.offer_standing WHERE state = 'current'") == 0
    assert slug(await house.market.buy(OTHER, "one_off")) == "not-for-sale"
    assert slug(await house.db.run(lambda tx: sold_exclusively(tx, dataset))) == "sold-exclusively"
    assert slug(await house.open()) == "offer-not-auctionable"
    # The winner lets the quote expire: nobody steps in, and everything is on sale again.
    house.clock.advance(7 * 24 * HOUR)
    assert await house.tick(auction) is S.AWARDED, "an order under way may still arrive"
    house.clock.advance(601)
    assert await house.tick(auction) is S.LAPSED
    assert await house.scalar("SELECT count(*) FROM catalog.offer_standing WHERE state = 'current'") == 4
    assert await house.scalar("SELECT count(*) FROM contracts.auction_award") == 1
    assert await house.db.run(lambda tx: sold_exclusively(tx, dataset)) is None
    assert await house.db.run(lambda tx: restore_offers(tx, [])) == []
    assert isinstance(await house.open(), AuctionReceipt)


async def test_time_exclusivity_ends(house: House) -> None:
    auction = await house.opened(days=30)
    await house.bid(auction, BUYER, 800)
    house.clock.advance(24 * HOUR)
    await house.tick(auction)
    dataset = await house.scalar("SELECT dataset_id FROM contracts.auction")
    house.clock.advance(29 * 24 * HOUR)
    assert slug(await house.db.run(lambda tx: sold_exclusively(tx, dataset))) == "sold-exclusively"
    house.clock.advance(24 * HOUR)
    assert await house.db.run(lambda tx: sold_exclusively(tx, dataset)) is None


async def test_one_auction_of_a_dataset_at_a_time(house: House) -> None:
    answers = await asyncio.gather(house.open(), house.open())
    assert sorted(map(slug, answers)) == ["", "auction-running"]
    assert slug(await house.open(by=OTHER)) == "not-found"
    house.market.offers["auction"] = house.market.offers["one_off"]
    assert slug(await house.open()) == "offer-not-auctionable"


async def test_an_auction_whose_offer_was_taken_off_the_market_lapses_with_its_bids_sealed(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 800)

    async def suspend(tx: Tx) -> None:
        await (await tx.driver()).execute("UPDATE catalog.listing SET state = 'suspended'")

    await house.db.run(suspend)
    assert slug(await house.bid(auction, OTHER, 900)) == "not-for-sale"
    house.clock.advance(24 * HOUR)
    assert await house.tick(auction) is S.LAPSED
    async with house.db.read(actor(SELLER)) as tx:
        page = await show_to_supplier(tx, actor(SELLER), auction)
    assert page is not None
    assert (page.lines, page.auction.reason) == ([], {"code": "not-for-sale"})


async def test_the_clock_finds_what_is_due(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 800)
    assert await house.db.run(store.due) == []
    house.clock.advance(24 * HOUR)
    assert await house.db.run(store.due) == [(auction, S.OPEN)]
    await house.tick(auction)
    assert await house.db.run(store.due) == []
    house.clock.advance(8 * 24 * HOUR)
    assert await house.db.run(store.due) == [(auction, S.AWARDED)]


async def test_pages_of_auctions(house: House) -> None:
    made = []
    for _ in range(3):
        made.append(await house.opened())
        await house.db.run(lambda tx: cancel_auction(tx, actor(SELLER), made[-1], WHY))
    made.append(await house.opened())
    async with house.db.read(actor(SELLER)) as tx:
        first = await store.own_auctions(tx, actor(SELLER), PageRequest(limit=3))
        assert [one.id for one in first.items] == made[:0:-1]
        assert first.next_cursor is not None
        opened = await store.open_auctions(tx, PageRequest())
        assert [one.id for one in opened.items] == [made[-1]]
        of_listing = await store.listing_auctions(tx, first.items[0].listing_id, PageRequest())
        assert len(of_listing.items) == 4
        assert isinstance(await store.auction(tx, made[0]), Auction)


@pytest.mark.parametrize("table", ["auction_bid", "auction_reserve", "auction_tally", "auction_award"])
async def test_what_was_said_in_an_auction_is_never_changed(house: House, table: str) -> None:
    with pytest.raises(InsufficientPrivilegeError):
        await house.scalar(f"DELETE FROM contracts.{table}")


async def _set_state(house: House, organisation: UUID, state: str) -> None:
    async def flow(tx: Tx) -> None:
        driver = await tx.driver()
        await driver.execute("UPDATE parties.organisation SET state = $2 WHERE id = $1", organisation, state)

    await house.db.run(flow)

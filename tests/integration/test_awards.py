"""What stands between an award and the winner's money: orders given up, clocks that jump, later awards, bidders' taxes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest_asyncio

from contracts import auctions_store as store
from contracts.auctions import AuctionState
from contracts.store import find_quotes
from exchange.flows.auctioned import lost_awards
from exchange.flows.close_auction import award_auction, close_auction
from exchange.flows.show_auction import show_to_bidder
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from tests.support.bidding import HOUR, LICENCE, House, cny, furnished, slug
from tests.support.settlement_market import BUYER, OTHER, SELLER, actor

DAY = 24 * HOUR
RICH = 9_000_000_000
S = AuctionState


@pytest_asyncio.fixture
async def house(database: Database, keyring: Keyring, clock: FixedClock) -> House:
    made = await furnished(database, keyring, clock)
    for buyer in (BUYER, OTHER):
        await made.market.fund(buyer, RICH)
    return made


async def on_sale(house: House) -> list[str]:
    codes = await house.scalar(
        "SELECT array_agg(code ORDER BY code) FROM catalog.offer_standing WHERE state = 'current'"
    )
    return codes or []


async def test_an_award_that_was_paid_for_is_looked_at_once_more_and_stands(house: House) -> None:
    auction, award = await house.awarded()
    assert slug(await house.market.buy(BUYER, "auction", quote_id=award.quote_id)) == ""
    house.clock.advance(8 * DAY)
    assert await house.db.run(store.due) == [(auction, S.AWARDED)]
    assert await house.tick(auction) is S.AWARDED
    assert await house.db.run(store.due) == []
    assert await house.tick(auction) is S.AWARDED
    assert await on_sale(house) == []


async def test_an_award_with_an_order_that_nobody_paid_lapses_and_takes_the_order_with_it(house: House) -> None:
    auction, award = await house.awarded()
    order = await house.market.buy(BUYER, "auction", "card", quote_id=award.quote_id, payment_method="pm_card_visa")
    assert order.state == "awaiting_payment"
    house.clock.advance(7 * DAY)
    assert await house.tick(auction) is S.AWARDED, "the card may still be charged"
    house.clock.advance(601)
    assert await house.db.run(store.due) == [(auction, S.AWARDED)]
    assert await house.tick(auction) is S.LAPSED
    assert await house.scalar("SELECT state FROM settlement.orders") == "cancelled"
    assert "auction" in await on_sale(house)
    said = "SELECT count(*) FROM compliance.audit_entry WHERE convert_from(envelope, 'UTF8') LIKE '%\"order.cancel\"%'"
    assert await house.scalar(said) == 1


async def test_what_lapsed_cannot_be_ordered_by_a_clock_that_comes_back(house: House) -> None:
    auction, award = await house.awarded()
    house.clock.advance(8 * DAY)
    assert await house.tick(auction) is S.LAPSED
    house.clock.advance(-8 * DAY)
    assert slug(await house.market.buy(BUYER, "auction", quote_id=award.quote_id)) == "award-lapsed"
    assert await house.scalar("SELECT count(*) FROM settlement.orders") == 0


async def test_no_award_lapses_under_an_order(house: House) -> None:
    auction, award = await house.awarded()
    house.clock.advance(8 * DAY)
    looked, go_on = asyncio.Event(), asyncio.Event()

    async def ordering(tx: Tx) -> dict[UUID, str]:
        lost = await lost_awards(tx, (await find_quotes(tx, [award.quote_id])).values())
        looked.set()
        await go_on.wait()
        return lost

    order = asyncio.create_task(house.db.run(ordering))
    await looked.wait()
    lapse = asyncio.create_task(house.tick(auction))
    await asyncio.wait({lapse}, timeout=0.3)
    assert not lapse.done()
    go_on.set()
    assert await order == {}
    assert await lapse is S.LAPSED
    assert await house.db.run(ordering) == {award.quote_id: ids.text("auc", auction)}


async def test_a_lapse_puts_nothing_back_on_sale_over_a_later_award(house: House) -> None:
    first, award = await house.awarded(days=1)
    # An award of one day is paid within that day, or not at all.
    assert award.expires_at == award.created_at + timedelta(days=1)
    house.clock.advance(25 * HOUR)
    assert slug(await house.market.buy(BUYER, "auction", quote_id=award.quote_id)) == "quote-expired"
    # The supplier offers anew before the worker came by.
    house.market.offers["first"] = house.market.offers["auction"]
    await house.market.offer("second", LICENCE, kind="one_off")
    house.market.offers["auction"] = house.market.offers["second"]
    later, sold = await house.awarded()
    assert await on_sale(house) == []
    assert await house.tick(first) is S.LAPSED
    assert await on_sale(house) == [], "the second award stands"
    house.clock.advance(8 * DAY)
    assert await house.tick(later) is S.LAPSED
    assert await on_sale(house) == ["second"]
    assert sold.withdrawn == (house.market.offers["second"],)


async def test_a_bidder_who_cannot_be_taxed_is_left_out_and_ends_nothing_for_the_others(house: House) -> None:
    tax = {"included": False, "category": "electronic_publication"}
    await house.market.offer("taxed", LICENCE, kind="one_off", tax=tax)
    house.market.offers["auction"] = house.market.offers["taxed"]
    await house.scalar("UPDATE parties.organisation SET country = 'SG' WHERE id = $1 RETURNING id", OTHER)
    auction = await house.opened()
    for who, major in ((BUYER, 900), (OTHER, 700)):
        assert slug(await house.bid(auction, who, major)) == ""
    # From now on the seller's sales are taxed, and nobody knows the rate for this category in the highest bidder's country.
    await house.market.register_for_tax(SELLER)
    assert slug(await house.bid(auction, BUYER, 950)) == "tax-rate-unknown"
    house.clock.advance(24 * HOUR)
    assert await house.tick(auction) is S.AWARDED
    award = await house.db.run(lambda tx: store.award_of(tx, auction))
    assert award is not None
    assert (award.buyer_id, award.price) == (OTHER, cny(500))
    async with house.db.read(actor(OTHER)) as tx:
        page = await show_to_bidder(tx, actor(OTHER), auction)
    assert page is not None
    assert [line.outcome for line in page.lines] == ["excluded", "won"]


async def test_an_auction_of_bidders_of_whom_none_can_buy_sells_nothing(house: House) -> None:
    auction = await house.opened()
    await house.bid(auction, BUYER, 900)
    await house.scalar("UPDATE parties.organisation SET state = 'suspended' WHERE id = $1 RETURNING id", BUYER)
    house.clock.advance(24 * HOUR)
    await house.db.run(lambda tx: close_auction(tx, auction))
    state = await house.db.run(lambda tx: award_auction(tx, house.market.sales, house.market.keyring, auction))
    assert state is S.LAPSED
    assert await house.scalar("SELECT reason ->> 'code' FROM contracts.auction") == "no-bid"
    assert "auction" in await on_sale(house)

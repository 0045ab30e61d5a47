"""Auctions over HTTP: who sees what before and after the end, and what is refused in which words."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from exchange.flows.close_auction import award_auction, close_auction
from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from exchange.kernel.pages import decode_cursor, encode_cursor
from tests.support.api import market
from tests.support.auctions import AuctionHouse, amount
from tests.support.trade import offer_document

WHY = {"en": "The licence changed.", "zh": "许可条款有变。"}


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[AuctionHouse]:
    async with market(database_url, tmp_path, clock=clock, only=("supplier", "assessor", "buyer")) as made:
        house = AuctionHouse(made, clock)
        await house.furnish("ada", "bo")
        yield house


async def test_a_secret_reserve_is_bound_by_its_hash_and_opened_to_those_who_bid(house: AuctionHouse) -> None:
    auction = await house.open("700.00", reserve_public=False)
    status, placed = await house.bid("ada", auction, "650.00")
    assert (status, placed["entry"], placed["amount"]) == (201, "placed", amount("650.00"))
    sealed = await house.seen("bo", auction)
    assert (sealed["auction"]["reserve"], sealed["auction"]["reserve_salt"]) == (None, None)
    assert sealed["bid"] is sealed["result"] is sealed["award"] is None
    own = await house.seen("supplier", auction)
    assert own["auction"]["reserve"] == amount("700.00")
    assert own["result"] is own["winner"] is None
    await house.pass_by(25)
    await house.work()
    page = await house.seen("ada", auction)
    one = page["auction"]
    assert one["state"] == "lapsed"
    assert one["reason"]["zh"] == "没有出价达到保留价。"
    document = {"type": "auction-reserve", "v": 1, "auction": auction, "salt": one["reserve_salt"]}
    opened = canonical({**document, "reserve": one["reserve"]})
    assert hashlib.sha256(opened).hexdigest() == one["reserve_sha256"] == sealed["auction"]["reserve_sha256"]
    assert [line["outcome"] for line in page["result"]["bids"]] == ["below_reserve"]
    assert page["result"]["bids"][0]["bid_sha256"] == placed["sha256"]
    # Who did not bid is shown nothing more than everybody.
    other = await house.seen("bo", auction)
    assert (other["result"], other["auction"]["reserve"]) == (None, None)


async def test_refusals_speak_the_readers_language(house: AuctionHouse) -> None:
    auction = await house.open()
    status, refused = await house.bid("ada", auction, "499.00")
    assert (status, refused["type"]) == (422, "/problems/bid-below-reserve")
    status, refused = await house.bid("ada", auction, "500.001")
    assert (status, refused["type"]) == (422, "/problems/bid-invalid")
    path = f"/buyer/v1/auctions/{auction}"
    answer = await house.market.post(house.parties["ada"], f"{path}/bids/withdrawal", headers={"accept-language": "zh"})
    assert (answer.status_code, answer.json()["title"]) == (409, "没有可撤回的出价")
    wish = {"amount": amount("600.00"), "purposes": ["surveil"]}
    answer = await house.market.post(house.parties["ada"], f"{path}/bids", wish)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/terms-forbid")
    missing = await house.market.get(house.parties["ada"], "/buyer/v1/auctions/auc_0")
    assert missing.status_code == 404


async def test_a_cancelled_auction_tells_bidders_why(house: AuctionHouse) -> None:
    auction = await house.open()
    await house.bid("ada", auction, "600.00")
    path = f"/supplier/v1/auctions/{auction}/cancellation"
    half = await house.market.post(house.parties["supplier"], path, {"reason": {"en": "Other plans."}})
    assert (half.status_code, half.json()["type"]) == (422, "/problems/auction-invalid")
    assert (await house.market.done(house.parties["supplier"], path, {"reason": WHY}))["state"] == "cancelled"
    status, refused = await house.bid("bo", auction, "700.00")
    assert (status, refused["type"]) == (409, "/problems/auction-cancelled")
    assert "The licence changed." in refused["detail"]
    page = await house.seen("ada", auction)
    assert (page["auction"]["state"], page["auction"]["reason"], page["result"]) == ("cancelled", WHY, None)


async def test_lists_of_auctions_and_of_ones_own_bids(house: AuctionHouse) -> None:
    later = (house.clock.now() + timedelta(hours=2)).isoformat()
    auction = await house.open(opens_at=later, exclusive="time_exclusive", exclusive_days=90)
    for party, path in (
        (None, f"/catalog/v1/listings/{house.listing}/auctions"),
        (house.parties["bo"], "/buyer/v1/auctions"),
        (house.parties["supplier"], "/supplier/v1/auctions"),
    ):
        (one,) = (await house.market.get(party, path)).json()["items"]
        assert (one["id"], one["state"], one["exclusive_days"]) == (auction, "scheduled", 90)
        assert one["reserve"] == amount("500.00")
    status, refused = await house.bid("ada", auction, "600.00")
    assert (status, refused["type"]) == (409, "/problems/auction-not-open")
    await house.pass_by(3)
    for major in ("600.00", "650.00"):
        assert (await house.bid("ada", auction, major))[0] == 201
    await house.market.done(house.parties["ada"], f"/buyer/v1/auctions/{auction}/bids/withdrawal")
    mine = (await house.market.get(house.parties["ada"], "/buyer/v1/bids")).json()["items"]
    assert [one["entry"] for one in mine] == ["withdrawn", "replaced", "placed"]
    assert (await house.market.get(house.parties["bo"], "/buyer/v1/bids")).json()["items"] == []
    assert (await house.seen("ada", auction))["bid"] is None


async def test_the_same_key_bids_once(house: AuctionHouse) -> None:
    auction, ada = await house.open(), house.parties["ada"]
    wish = {"amount": amount("600.00"), "purposes": ["pretrain"]}
    path = f"/buyer/v1/auctions/{auction}/bids"
    first = await house.market.post(ada, path, wish, key="once")
    again = await house.market.post(ada, path, wish, key="once")
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await house.market.post(ada, path, {**wish, "amount": amount("601.00")}, key="once")
    assert other.status_code == 422


async def test_only_an_offer_without_a_price_is_auctioned(house: AuctionHouse) -> None:
    document = (await house.market.get(None, f"/catalog/v1/listings/{house.listing}")).json()
    priced = next(one["id"] for one in document["offers"] if one["id"] != house.offer)
    ends = (house.clock.now() + timedelta(days=1)).isoformat()
    wish = {"offer": priced, "exclusive": "exclusive", "reserve": amount("500.00"), "closes_at": ends}
    answer = await house.market.post(house.parties["supplier"], "/supplier/v1/auctions", wish)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/offer-not-auctionable")
    short = {**wish, "offer": house.offer, "closes_at": house.clock.now().isoformat()}
    answer = await house.market.post(house.parties["supplier"], "/supplier/v1/auctions", short)
    assert (answer.status_code, answer.json()["field"]) == (422, "closes_at")
    foreign = await house.market.join("supplier")
    answer = await house.market.post(foreign, "/supplier/v1/auctions", {**wish, "offer": house.offer})
    assert answer.status_code == 404


async def test_pages_of_ones_bids_tell_nothing_of_the_bids_of_others(house: AuctionHouse) -> None:
    auction, ada = await house.open(), house.parties["ada"]
    mine = []
    for major in ("600.00", "610.00", "620.00"):
        mine.append((await house.bid("ada", auction, major))[1]["id"])
        assert (await house.bid("bo", auction, major))[0] == 201
    first = (await house.market.get(ada, "/buyer/v1/bids", limit=2)).json()
    assert [one["id"] for one in first["items"]] == mine[:0:-1]
    # The cursor holds the id of the reader's own row, and no place in the line of all.
    assert decode_cursor(first["next_cursor"]) == (ids.parse("bid", mine[1]).hex,)
    rest = (await house.market.get(ada, "/buyer/v1/bids", limit=2, cursor=first["next_cursor"])).json()
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == (mine[:1], None)
    foreign = (await house.market.get(house.parties["bo"], "/buyer/v1/bids", cursor=first["next_cursor"])).json()
    assert foreign["items"] == []
    broken = await house.market.get(ada, "/buyer/v1/bids", cursor=encode_cursor(("5",)))
    assert broken.status_code == 400


async def test_a_card_order_that_was_cancelled_keeps_nothing_off_sale(house: AuctionHouse) -> None:
    auction = await house.open()
    assert (await house.bid("ada", auction, "900.00"))[0] == 201
    await house.pass_by(25)
    await house.work()
    ada, quote = house.parties["ada"], (await house.seen("ada", auction))["award"]["quote"]
    wish = {"offer": house.offer, "purposes": ["pretrain"], "quote": quote}
    card = {**wish, "payment": "card", "payment_method": "pm_card_visa"}
    order = await house.market.done(ada, "/buyer/v1/orders", card)
    await house.market.done(ada, f"/buyer/v1/orders/{order['id']}/cancellation")
    await house.pass_by(24 * 8)
    await house.work()
    page = await house.seen("supplier", auction)
    assert page["auction"]["state"] == "lapsed"
    assert page["auction"]["reason"]["en"] == "The winner did not order and pay in time."
    offers = (await house.market.get(None, f"/catalog/v1/listings/{house.listing}")).json()["offers"]
    assert house.offer in [one["id"] for one in offers]


async def test_no_supplier_takes_a_listing_away_from_the_winner(house: AuctionHouse) -> None:
    auction, path = await house.open(), f"/supplier/v1/listings/{house.listing}/withdrawal"
    assert (await house.bid("ada", auction, "900.00"))[0] == 201

    async def refused() -> str:
        answer = await house.market.post(house.parties["supplier"], path)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/listing-in-auction")
        detail: str = answer.json()["detail"]
        return detail

    assert " is open:" in await refused()
    await house.pass_by(25)
    await house.work()
    assert " is awarded:" in await refused()
    await house.fund("ada", 5_000)
    quote = (await house.seen("ada", auction))["award"]["quote"]
    wish = {"offer": house.offer, "purposes": ["pretrain"], "payment": "wallet", "quote": quote}
    assert (await house.market.done(house.parties["ada"], "/buyer/v1/orders", wish))["state"] == "paid"
    assert (await house.market.done(house.parties["supplier"], path))["state"] == "delisted"


async def test_a_version_made_while_the_award_is_decided_is_not_on_sale_after_it(house: AuctionHouse) -> None:
    services, auction = house.market.services, await house.open()
    assert (await house.bid("ada", auction, "900.00"))[0] == 201
    await house.pass_by(25)
    name = ids.parse("auc", auction)
    await services.db.run(lambda tx: close_auction(tx, name))
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        # Where a new version of the offer waits after it has asked whether the dataset is sold to one alone.
        await (await tx.driver()).execute("SELECT FROM catalog.offer_standing WHERE code = 'once' FOR UPDATE")
        held.set()
        await go_on.wait()

    async def waiting(count: int) -> None:
        async with asyncio.timeout(10):
            while await services.db.run(_waiters) < count:
                await asyncio.sleep(0.02)

    holder = asyncio.create_task(services.db.run(hold))
    await held.wait()
    path = f"/supplier/v1/listings/{house.listing}/offers"
    document = {**offer_document(), "delivery": {"files": True, "rows": False}}
    late = asyncio.create_task(
        house.market.post(house.parties["supplier"], path, {"code": "once", "document": document})
    )
    await waiting(1)
    award = asyncio.create_task(services.db.run(lambda tx: award_auction(tx, services.sales, services.keyring, name)))
    await waiting(2)
    go_on.set()
    await holder
    assert (await late).status_code == 201
    assert await award == "awarded"
    offers = (await house.market.get(None, f"/catalog/v1/listings/{house.listing}")).json()["offers"]
    assert offers == []
    again = await house.market.post(house.parties["supplier"], path, {"code": "new", "document": document})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/sold-exclusively")


async def _waiters(tx: Tx) -> int:
    found: int = await (await tx.driver()).fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    return found

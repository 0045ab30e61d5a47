"""Auctions over HTTP: who sees what before and after the end, and what is refused in which words."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from exchange.kernel.canonical import canonical
from exchange.kernel.clock import FixedClock
from tests.support.api import market
from tests.support.auctions import AuctionHouse, amount

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

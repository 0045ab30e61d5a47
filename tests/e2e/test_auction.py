"""An exclusive licence from the offer to the charge: a tie, a bid too low, a bid withdrawn, and a clock that jumps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from exchange import main
from exchange.kernel.clock import FixedClock
from exchange.worker.loop import drain
from tests.support.api import market
from tests.support.auctions import AuctionHouse, amount
from tests.support.trade import offer_document


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[AuctionHouse]:
    clock = FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))
    async with market(database_url, tmp_path, clock=clock) as made:
        house = AuctionHouse(made, clock)
        await house.furnish("ada", "bo", "cyn", "dan")
        yield house


async def test_from_the_offer_to_the_charge(house: AuctionHouse) -> None:
    auction = await house.open("500.00")
    await _bidding(house, auction)
    await _jumping(house, auction)
    await _awarded(house, auction)
    await _ordered(house, auction)
    await _settled(house)


async def _bidding(house: AuctionHouse, auction: str) -> None:
    assert (await house.bid("ada", auction, "800.00"))[0] == 201
    assert (await house.bid("bo", auction, "800.00"))[0] == 201
    status, refused = await house.bid("cyn", auction, "499.99")
    assert (status, refused["type"]) == (422, "/problems/bid-below-reserve")
    assert (await house.bid("cyn", auction, "700.00"))[0] == 201
    assert (await house.bid("dan", auction, "950.00"))[0] == 201
    withdrawn = await house.market.done(house.parties["dan"], f"/buyer/v1/auctions/{auction}/bids/withdrawal")
    assert (withdrawn["entry"], withdrawn["amount"]) == ("withdrawn", None)
    sealed = await house.seen("supplier", auction)
    assert sealed["result"] is sealed["award"] is sealed["winner"] is None


async def _jumping(house: AuctionHouse, auction: str) -> None:
    # Forward beyond the end: nothing is taken; back again before the closer came by: nothing was lost.
    await house.pass_by(48)
    status, refused = await house.bid("dan", auction, "990.00")
    assert (status, refused["type"]) == (409, "/problems/auction-closed")
    await house.pass_by(-48)
    await house.work()
    assert (await house.seen("bo", auction))["auction"]["state"] == "open"
    await house.pass_by(25)
    await house.work()
    assert (await house.seen("bo", auction))["auction"]["state"] == "awarded"
    # Back once more: what is closed stays closed, and a second look decides nothing again.
    await house.pass_by(-20)
    status, refused = await house.bid("dan", auction, "990.00")
    assert (status, refused["type"]) == (409, "/problems/auction-closed")
    await house.work()
    await house.pass_by(20)
    await house.work()


async def _awarded(house: AuctionHouse, auction: str) -> None:
    won, lost = await house.seen("ada", auction), await house.seen("bo", auction)
    result = won["result"]
    assert result == lost["result"]
    assert [(one["position"], one["amount"]["amount"], one["outcome"]) for one in result["bids"]] == [
        (1, "800.00", "won"),
        (2, "800.00", "outbid"),
        (3, "700.00", "outbid"),
    ]
    assert (result["winner_position"], result["price"]) == (1, amount("800.00"))
    assert "the one received first won" in result["explanation"]["en"]
    assert "最先收到者中标" in result["explanation"]["zh"]
    # Whoever has the numbers gets the same price: the second highest, or the reserve.
    amounts = sorted((float(one["amount"]["amount"]) for one in result["bids"]), reverse=True)
    assert max(amounts[1], float(result["reserve"]["amount"])) == float(result["price"]["amount"])
    assert (won["award"]["price"], lost["award"]) == (amount("800.00"), None)
    sold = await house.seen("supplier", auction)
    assert sold["winner"]["id"] == house.parties["ada"].organisation
    assert sold["winner"]["name"]["en"] == "ada"
    withdrawal = f"/supplier/v1/listings/{house.listing}/withdrawal"
    kept = await house.market.post(house.parties["supplier"], withdrawal)
    assert (kept.status_code, kept.json()["type"]) == (409, "/problems/listing-in-auction")
    others = {house.parties[name].organisation for name in ("bo", "cyn", "dan")}
    assert not [one for one in others if one in str(sold) + str(won) + str(lost)]


async def _ordered(house: AuctionHouse, auction: str) -> None:
    ada, bo = house.parties["ada"], house.parties["bo"]
    quote = (await house.seen("ada", auction))["award"]["quote"]
    wish = {"offer": house.offer, "purposes": ["pretrain"], "payment": "wallet"}
    for name in ("ada", "bo"):
        await house.fund(name, 5_000)
    stolen = await house.market.post(bo, "/buyer/v1/orders", {**wish, "quote": quote})
    assert stolen.status_code == 404
    gone = await house.market.post(bo, "/buyer/v1/orders", wish)
    assert (gone.status_code, gone.json()["type"]) == (409, "/problems/not-for-sale")
    document = (await house.market.get(None, f"/catalog/v1/listings/{house.listing}")).json()
    assert document["offers"] == [], "nothing of the listing is on sale any more"
    shown = (await house.market.get(ada, f"/buyer/v1/quotes/{quote}")).json()
    assert shown["document"]["concerning"] == auction
    assert shown["document"]["net"] == amount("800.00")
    bought = await house.market.done(ada, "/buyer/v1/orders", {**wish, "quote": quote})
    assert (bought["state"], bought["total"]) == ("paid", shown["document"]["total"])
    assert bought["grant"]
    # An award that was used never lapses.
    await house.pass_by(24 * 8)
    await house.work()
    assert (await house.seen("ada", auction))["auction"]["state"] == "awarded"
    again = {"code": "again", "document": offer_document()}
    supplier = house.parties["supplier"]
    answer = await house.market.post(supplier, f"/supplier/v1/listings/{house.listing}/offers", again)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/sold-exclusively")


async def _settled(house: AuctionHouse) -> None:
    """The price is charged and shared: the supplier's part of it stands on its statement."""
    services = house.market.services
    house.parties["operator"] = await house.market.operator()
    await house.pass_by(24 * 15)
    operator = house.parties["operator"]
    wish = {
        "period_start": "2026-01-01T00:00:00+00:00",
        "period_end": "2026-02-01T00:00:00+00:00",
        "currency": "CNY",
    }
    await house.market.done(operator, "/operator/v1/settlement-runs", wish)
    await drain(services.db, main.steps(services).table())
    (statement,) = (await house.market.get(house.parties["supplier"], "/supplier/v1/statements")).json()["items"]
    # 8,800 of 10,000 parts of 800.00.
    assert statement["closing"] == amount("704.00")

"""What was promised before rights narrowed: offers, quotes, negotiations and agreements are held against what the rights allow now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.auctions import AuctionHouse
from tests.support.negotiations import Table, cheaper, table
from tests.support.signing import sign_kept
from tests.support.trade import offer_document

RIGHT: dict[str, Any] = {
    "subject": "work",
    "id": "w1",
    "kind": "copyright",
    "holder": "Ann",
    "territory": ["CN", "SG"],
    "until": "2027-12-31",
    "purposes": ["pretrain", "fine_tune", "evaluate"],
    "training": True,
    "commercial": True,
    "covers": {"dataset": True},
}
TERMS = {
    "type": "terms",
    "v": 1,
    "prevailing_language": "zh",
    "own": {
        "purposes": ["pretrain", "fine_tune", "evaluate"],
        "commercial": True,
        "territory": ["CN", "SG"],
        "duration": {"months": 12},
    },
}


@pytest_asyncio.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def chained(m: Market) -> tuple[Table, str]:
    """A listing with a chain of rights and an offer for a year; the place of its rights."""
    start = await table(m)
    at = f"/supplier/v1/datasets/{start.sale.dataset}/rights"
    listing = f"/supplier/v1/listings/{start.sale.listing}"
    document = {**offer_document(), "terms": TERMS}
    offer = (await m.done(start.supplier, f"{listing}/offers", {"code": "once", "document": document}))["id"]
    await m.done(start.supplier, at, {"rights": [RIGHT]})
    assert await on_shelf(m, start) == [offer]
    return replace(start, sale=replace(start.sale, offer=offer)), at


async def on_shelf(m: Market, start: Table) -> list[str]:
    shown = (await m.get(None, f"/catalog/v1/listings/{start.sale.listing}")).json()
    return [one["id"] for one in shown["offers"]]


async def narrow(m: Market, supplier: Party, at: str, **less: Any) -> None:
    """One more right, which allows less than the one before."""
    await m.done(supplier, at, {"rights": [{**RIGHT, "id": "w2", **less}]})


def slug(answer: Any) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2]


async def test_an_offer_that_became_wider_than_the_rights_is_sold_no_more(m: Market) -> None:
    start, at = await chained(m)
    offer, wish = start.sale.offer, {"offer": start.sale.offer, "purposes": ["pretrain"]}
    quote = (await m.done(start.buyer, "/buyer/v1/quotes", wish))["id"]
    await narrow(m, start.supplier, at, territory=["CN"])
    assert await on_shelf(m, start) == []
    for more in ({}, {"quote": quote}):
        answer = await m.post(start.buyer, "/buyer/v1/orders", {**wish, "payment": "wallet", **more})
        assert (answer.status_code, slug(answer)) == (409, "not-for-sale"), answer.text
    summary = (await m.get(start.supplier, f"{at}/summary")).json()
    assert [(one["offer"], one["clauses"]) for one in summary["offers_too_wide"]] == [(offer, "territory")]
    # A narrower version takes its place.
    terms = {**TERMS, "own": {**TERMS["own"], "territory": ["CN"]}}  # type: ignore[dict-item]
    body = {"code": "once", "document": {**offer_document(), "terms": terms}}
    made = await m.done(start.supplier, f"/supplier/v1/listings/{start.sale.listing}/offers", body)
    assert await on_shelf(m, start) == [made["id"]]
    assert (await m.get(start.supplier, f"{at}/summary")).json()["offers_too_wide"] == []


async def test_with_the_last_right_the_last_offer_goes(m: Market) -> None:
    start, at = await chained(m)
    (right,) = (await m.get(start.supplier, at)).json()["items"]
    reason = {"en": "It was sold.", "zh": "已转让。"}
    await m.done(start.supplier, f"{at}/{right['id']}/withdrawal", {"reason": reason})
    assert await on_shelf(m, start) == []


async def test_an_auction_awards_nothing_that_the_rights_do_not_allow(m: Market, clock: FixedClock) -> None:
    house = AuctionHouse(m, clock)
    await house.furnish("ada")
    auction = await house.open()
    assert (await house.bid("ada", auction, "900.00"))[0] == 201
    supplier = house.parties["supplier"]
    (dataset,) = (await m.get(supplier, "/supplier/v1/datasets")).json()["items"]
    await narrow(m, supplier, f"/supplier/v1/datasets/{dataset['id']}/rights", territory=["SG"])
    await house.pass_by(25)
    await house.work()
    page = await house.seen("ada", auction)
    assert (page["auction"]["state"], page["award"], page["result"]) == ("lapsed", None, None)


async def test_a_negotiation_ends_in_no_order_that_the_rights_do_not_allow(m: Market) -> None:
    start, at = await chained(m)
    one = await start.at("VERIFIED")
    before = await one.show()
    await narrow(m, start.supplier, at, purposes=["evaluate"])
    refused = await one.send("finalize")
    assert (refused.status_code, slug(refused)) == (409, "not-for-sale"), refused.text
    assert await one.show() == before
    assert (await m.get(start.buyer, "/buyer/v1/orders")).json()["items"] == []


async def test_an_agreement_grows_only_within_the_rights_of_today(m: Market, clock: FixedClock) -> None:
    start, at = await chained(m)
    wish = {"offer": start.sale.offer, "purposes": ["pretrain", "fine_tune"], "payment": "wallet"}
    agreement = (await m.done(start.buyer, "/buyer/v1/orders", wish))["agreement"]
    await sign_kept(m)
    path = f"/buyer/v1/agreements/{agreement}/events"
    until = {"kind": "renewal", "ends_at": "2027-12-01T00:00:00Z"}
    waiting = await m.done(start.buyer, path, until)
    await narrow(m, start.supplier, at, territory=["CN"], purposes=["pretrain"], until="2027-05-31")
    heir = (await m.join("buyer")).organisation
    for event, clauses in (
        ({"kind": "amendment", "purposes": ["pretrain", "evaluate"]}, "purpose"),
        ({"kind": "amendment", "territory": ["CN", "SG"]}, "territory"),
        (until, "purpose, duration"),
        ({"kind": "transfer", "successor": heir}, "purpose"),
    ):
        answer = await m.post(start.buyer, path, event)
        assert (answer.status_code, slug(answer)) == (422, "terms-wider-than-rights"), event
        assert answer.json()["clause"] == clauses
    # What was proposed before is asked about again with the last signature.
    signed = f"/supplier/v1/agreement-events/{waiting['id']}/signatures"
    late = await m.post(start.supplier, signed, {"sha256": waiting["sha256"]})
    assert slug(late) == "terms-wider-than-rights"
    # Less is always possible, and then what is left may go on.
    less = await m.done(start.buyer, path, {"kind": "amendment", "purposes": ["pretrain"]})
    signed = f"/supplier/v1/agreement-events/{less['id']}/signatures"
    assert (await m.done(start.supplier, signed, {"sha256": less["sha256"]}))["state"] == "in_force"
    assert (await m.done(start.buyer, path, {**until, "ends_at": "2027-05-01T00:00:00Z"}))["state"] == "proposed"


async def test_a_renewal_is_negotiated_with_who_holds_the_agreement_now(m: Market, clock: FixedClock) -> None:
    start, _ = await chained(m)
    wish = {"offer": start.sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
    agreement = (await m.done(start.buyer, "/buyer/v1/orders", wish))["agreement"]
    await sign_kept(m)
    # Begun by who holds it still: its next grant must not wait for the end of somebody else's.
    early = await m.done(start.buyer, "/buyer/v1/negotiations", {"agreement": agreement})
    heir, path = await m.join("buyer"), f"/buyer/v1/agreements/{agreement}/events"
    event = await m.done(start.buyer, path, {"kind": "transfer", "successor": heir.organisation})
    for party, portal in ((heir, "buyer"), (start.supplier, "supplier")):
        signed = f"/{portal}/v1/agreement-events/{event['id']}/signatures"
        await m.done(party, signed, {"sha256": event["sha256"]})
    renewal = {"agreement": agreement, "changes": {"plan": cheaper("80.00")}}
    begun = await m.done(start.supplier, "/supplier/v1/negotiations", renewal)
    shown = (await m.get(heir, f"/buyer/v1/negotiations/{begun['id']}")).json()
    assert (shown["buyer"], shown["renews"]) == (heir.organisation, agreement)
    assert shown["messages"][0]["document"]["proposal"]["purposes"] == ["pretrain"]
    assert (await m.post(heir, "/buyer/v1/negotiations", {"agreement": agreement})).status_code == 201
    assert (await m.post(start.buyer, "/buyer/v1/negotiations", {"agreement": agreement})).status_code == 404
    deal = replace(start, id=early["id"])
    clock.advance(timedelta(seconds=1).total_seconds())
    for verb in ("agree", "verify", "finalize"):
        answer = await deal.send(verb)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
    grants = {one["id"]: one for one in (await m.get(start.buyer, "/buyer/v1/grants")).json()["items"]}
    assert grants[answer.json()["grant"]]["starts_at"] == clock.now().isoformat().replace("+00:00", "Z")

"""Measurements over HTTP: who may propose, accept, dispute and read, and what both acceptances prove."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.measurements import verify
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.outcomes import METHOD, REASON, OutcomeDeal, agree, measurement, outcome, outcome_deal, propose
from tests.support.trade import offer_document, on_sale


@pytest.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))) as made:
        yield made


async def answered(m: Market, party: Party, path: str, body: Any) -> str:
    answer = await m.post(party, path, body)
    return str(answer.json().get("type", "")).rpartition("/")[2] if answer.status_code >= 400 else "ok"


async def test_both_accept_and_the_exchange_signs(m: Market) -> None:
    deal = await outcome_deal(m)
    one = await propose(m, deal, "76.5")
    assert one["state"] == "proposed"
    path = f"measurements/{one['id']}"
    seen = (await m.get(deal.buyer, f"/buyer/v1/{path}")).json()
    assert (seen["state"], seen["baseline"], seen["measured"], seen["agreed"]) == ("proposed", "71", "76.5", None)
    assert seen["document"]["method"] == METHOD
    last = await agree(m, deal, one)
    assert last["state"] == "agreed"
    for party, portal in ((deal.buyer, "buyer"), (deal.supplier, "supplier"), (deal.evaluator, "assessor")):
        seen = (await m.get(party, f"/{portal}/v1/{path}")).json()
        assert seen["state"] == "agreed"
        assert [said["answer"] for said in seen["answers"]] == ["accept", "accept"]
        listed = (await m.get(party, f"/{portal}/v1/measurements")).json()["items"]
        assert [row["id"] for row in listed] == [one["id"]]
    signed = seen["agreed"]
    document, key = signed["document"].encode(), m.services.keyring.public_key(signed["kid"])
    assert key is not None
    assert hashlib.sha256(document).hexdigest() == signed["sha256"]
    assert verify(document, bytes.fromhex(signed["signature"]), key) is None
    # One agreed measurement per component, whatever is found out later.
    again = measurement(deal, "80", m.services.db.clock.now())
    assert await answered(m, deal.evaluator, "/assessor/v1/measurements", again) == "measurement-agreed"


async def test_a_dispute_ends_it_and_another_may_follow(m: Market) -> None:
    deal = await outcome_deal(m)
    one = await propose(m, deal, "90")
    body = measurement(deal, "80", m.services.db.clock.now())
    assert await answered(m, deal.evaluator, "/assessor/v1/measurements", body) == "measurement-open"
    at = f"measurements/{one['id']}"
    wrong = {"reason": {"en": "only English"}}
    assert await answered(m, deal.buyer, f"/buyer/v1/{at}/dispute", wrong) == "measurement-invalid"
    disputed = await m.done(deal.buyer, f"/buyer/v1/{at}/dispute", {"reason": REASON})
    assert disputed["state"] == "disputed"
    wish = {"sha256": one["sha256"]}
    assert await answered(m, deal.supplier, f"/supplier/v1/{at}/acceptance", wish) == "measurement-closed"
    seen = (await m.get(deal.supplier, f"/supplier/v1/{at}")).json()
    assert (seen["state"], seen["answers"][0]["reason"]) == ("disputed", REASON)
    second = await propose(m, deal, "75")
    withdrawn = await m.done(deal.evaluator, f"/assessor/v1/measurements/{second['id']}/withdrawal", {"reason": REASON})
    assert withdrawn["state"] == "withdrawn"
    assert (await agree(m, deal, await propose(m, deal, "74")))["state"] == "agreed"


async def test_only_the_evaluator_measures_and_only_the_parties_answer(m: Market) -> None:
    deal = await outcome_deal(m)
    stranger, other = await m.join("assessor"), await m.join("buyer")
    now = m.services.db.clock.now()
    body = measurement(deal, "75", now)
    assert await answered(m, stranger, "/assessor/v1/measurements", body) == "not-found"
    assert await answered(m, deal.buyer, "/buyer/v1/measurements", body) == "not-the-evaluator"
    assert await answered(m, deal.supplier, "/supplier/v1/measurements", body) == "not-the-evaluator"
    wrong = {**body, "component": "nothing"}
    assert await answered(m, deal.evaluator, "/assessor/v1/measurements", wrong) == "measurement-invalid"
    one = await propose(m, deal, "75")
    at, wish = f"measurements/{one['id']}", {"sha256": one["sha256"]}
    assert (await m.get(stranger, f"/assessor/v1/{at}")).status_code == 404
    assert (await m.get(other, f"/buyer/v1/{at}")).status_code == 404
    assert await answered(m, other, f"/buyer/v1/{at}/acceptance", wish) == "not-found"
    assert await answered(m, other, f"/buyer/v1/{at}/dispute", {"reason": REASON}) == "not-found"
    assert await answered(m, stranger, f"/assessor/v1/{at}/withdrawal", {"reason": REASON}) == "not-found"
    assert await answered(m, deal.buyer, f"/buyer/v1/{at}/withdrawal", {"reason": REASON}) == "not-found"
    assert await answered(m, deal.buyer, f"/buyer/v1/{at}/acceptance", {"sha256": "0" * 64}) == "measurement-differs"
    # Who buys is not the seller, whichever portal it comes through.
    assert (await m.get(deal.supplier, f"/buyer/v1/{at}")).status_code == 403
    assert await answered(m, deal.buyer, f"/buyer/v1/{at}/acceptance", wish) == "ok"
    assert await answered(m, deal.buyer, f"/buyer/v1/{at}/dispute", {"reason": REASON}) == "measurement-answered"


async def test_acceptances_at_the_same_moment_still_agree(m: Market) -> None:
    deal = await outcome_deal(m)
    one = await propose(m, deal, "75")
    wish, at = {"sha256": one["sha256"]}, f"measurements/{one['id']}/acceptance"
    both = await asyncio.gather(
        m.done(deal.buyer, f"/buyer/v1/{at}", wish), m.done(deal.supplier, f"/supplier/v1/{at}", wish)
    )
    assert sorted(receipt["state"] for receipt in both) == ["agreed", "proposed"]
    assert (await m.get(deal.buyer, f"/buyer/v1/measurements/{one['id']}")).json()["agreed"] is not None


async def test_a_party_may_be_the_evaluator(m: Market) -> None:
    sale = await on_sale(m)
    buyer = await m.join("buyer")
    deal = await _self_measured(m, sale.supplier, buyer, sale.listing)
    body = measurement(deal, "75", m.services.db.clock.now())
    one = await m.done(sale.supplier, "/supplier/v1/measurements", body)
    # To propose is not to accept: each side says so for itself.
    assert one["state"] == "proposed"
    assert (await agree(m, deal, one))["state"] == "agreed"


async def _self_measured(m: Market, supplier: Party, buyer: Party, listing: str) -> OutcomeDeal:
    document = offer_document("one_off", outcome(supplier.organisation))
    offer = await m.done(supplier, f"/supplier/v1/listings/{listing}/offers", {"code": "own", "document": document})
    wish = {"offer": offer["id"], "purposes": ["pretrain"], "payment": "wallet"}
    order = await m.done(buyer, "/buyer/v1/orders", wish)
    return OutcomeDeal(None, supplier, buyer, supplier, offer["id"], order, order["grant"])  # type: ignore[arg-type]


async def test_an_evaluator_that_nobody_knows_is_refused_with_the_offer(m: Market) -> None:
    sale = await on_sale(m)
    pending = await m.join("assessor", verified=False)
    document = offer_document("one_off", outcome(pending.organisation))
    path = f"/supplier/v1/listings/{sale.listing}/offers"
    refused = await m.post(sale.supplier, path, {"code": "x", "document": document})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/offer-invalid")

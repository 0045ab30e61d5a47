"""A dispute of each kind over HTTP, from its opening to the appeal; payouts of what is disputed stop at once, the rest flows."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from exchange.flows import seal_usage
from exchange.flows.ask_provider import begin_transfer
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from tests.support.api import market
from tests.support.clones import Clones
from tests.support.disputes import REPLY, WHY, Court, cny, court
from tests.support.months import settle

pytestmark = pytest.mark.xdist_group("disputes")
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
EVENTS = [str(uuid.UUID(int=n * 1000)) for n in range(1, 6)]


@pytest_asyncio.fixture(scope="module")
async def c(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Court]:
    """One market for all of them: each test looks at what it changes."""
    url, clock = await clones.make(), FixedClock(START)
    folder = tmp_path_factory.mktemp("disputes")
    async with market(url, folder, clock=clock, EXCHANGE_TOKEN_TTL_S=str(400 * 86_400)) as made:
        access = made.services.settings.access
        await made.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        yield await court(made, clock)
    await clones.drop(url)


async def test_a_delivery_from_its_rejection_to_the_second_decision(c: Court) -> None:
    order = (await c.buy())["id"]
    rejection = {"ground": "incomplete", "evidence_sha256": "ab" * 32}
    await c.m.done(c.buyer, f"/buyer/v1/orders/{order}/rejection", rejection)
    before = await c.of(c.buyer)
    one = await c.open(c.buyer, "delivery", order, "100.00")
    again = {"kind": "order", "source": order, "words": WHY}
    assert (await c.m.post(c.buyer, "/buyer/v1/disputes", again)).json()["type"] == "/problems/dispute-exists"
    # Nobody decides the rejection past the dispute, and the seller settles in it.
    operator = await c.m.operator()
    decided = await c.m.post(operator, f"/operator/v1/orders/{order}/decision", {"outcome": "release"})
    refunded = await c.m.post(c.supplier, f"/supplier/v1/orders/{order}/refunds", {"reason": "goodwill"})
    assert {decided.json()["type"], refunded.json()["type"]} == {"/problems/dispute-exists"}

    assert (await c.do(c.supplier, one, "answers", {"words": REPLY}))["state"] == "answered"
    content = b"id,text\n1,\n"
    file = {"name": "empty.csv", "media_type": "text/csv", "content": base64.b64encode(content).decode()}
    await c.do(c.buyer, one, "evidence", {"title": WHY, "file": file})
    await c.do(c.supplier, one, "evidence", {"title": WHY, "log": order})
    await c.do(c.supplier, one, "evidence", {"title": WHY, "log": c.listing}, "dispute-evidence-invalid")
    await c.do(c.supplier, one, "proposals", {"words": WHY, "refund": cny("10.00")})
    shown = await c.show(c.buyer, one)
    mine, logged = shown["evidence"]
    assert (mine["verified"], logged["verified"], logged["document"]["entries"][0]["action"]) == (
        False,
        True,
        "purchase",
    )
    assert shown["may"] == ["prove", "propose", "accept", "withdraw", "escalate"]
    path = f"/buyer/v1/disputes/{one}/evidence/{mine['id']}/file"
    got = await c.m.get(c.buyer, path)
    assert (got.content, got.headers["x-sha256"]) == (content, hashlib.sha256(content).hexdigest())

    await c.do(c.buyer, one, "escalation")
    first, second = c.arbitrators
    for unfit in (c.broker, c.stranger):
        await c.assign(one, unfit, "arbitrator-unfit")
    assert (await c.m.get(first, f"/assessor/v1/cases/{one}")).status_code == 404
    await c.assign(one, first)
    await c.rule(second, one, "acceptance", refused="not-found")
    await c.rule(first, one, "refusal", {"words": WHY})
    assert (await c.m.get(first, f"/assessor/v1/cases/{one}")).status_code == 404
    await c.assign(one, first)
    await c.rule(first, one, "acceptance")
    await c.rule(first, one, "questions", {"words": {"en": "Which records?"}})
    got = await c.m.get(first, f"/assessor/v1/cases/{one}/evidence/{mine['id']}/file")
    assert got.content == content
    await c.rule(first, one, "decision", {"words": WHY, "refund": cny("100.01")}, "award-invalid")
    await c.rule(first, one, "decision", {"words": WHY, "share": cny("1.00")}, "award-invalid")
    await c.rule(first, one, "decision", {"words": WHY, "refund": cny("60.00")})
    assert await c.of(c.buyer) == before, "no money moves before the window for an appeal is over"

    assert (await c.do(c.supplier, one, "appeal", {"words": WHY}))["round"] == 2
    await c.assign(one, first, "arbitrator-unfit")
    assert (await c.hear(one, second, refund=cny("25.00")))["outcome"] == "decided"
    await c.do(c.buyer, one, "appeal", {"words": WHY}, "dispute-state")
    # 25 back; of both fees of 3.00 the buyer bears three quarters. The delivery is decided, and the rest is released.
    assert (await c.of(c.buyer))["wallet"] == before["wallet"] + 2500 - 450
    assert await c.of(c.supplier) == {"payable": 22_000 - 150}
    assert await c.of(c.broker) == {"payable": 2_750}
    assert [(await c.of(each)) for each in c.arbitrators] == [{"payable": 300}] * 2
    kinds = [each["kind"] for each in (await c.show(c.buyer, one))["moved"]]
    assert kinds == ["refund", *["arbitration_fee"] * 4]
    await c.sound()


async def test_payouts_of_the_disputed_part_stop_at_once_and_the_rest_flows(c: Court) -> None:
    had = (await c.of(c.supplier))["payable"]
    order = await c.accepted()
    assert (await c.of(c.supplier))["payable"] == had + 24_000
    ordered = await c.pay_out("2026-01a")
    assert len(ordered) == 2, "the seller's and the broker's"
    assert await c.of(c.supplier) == {}, "all of it is on its way"
    one = await c.open(c.buyer, "quality", order, "100.00")
    assert (await c.show(c.supplier, one))["holds"][0]["held"] == cny("0.00")
    # What has not left fails at the gate, is held as far as it is disputed, and the rest is ordered again at once.
    for each in ordered:
        assert await leaves(c, each) is False
    failed = (await c.m.get(c.supplier, "/supplier/v1/payouts")).json()["items"][0]
    assert (failed["state"], failed["failure"]) == ("failed", "in_dispute")
    again = {each["organisation"]: each for each in await c.pay_out("2026-01a")}
    of_supplier = again[c.supplier.organisation]
    assert of_supplier["amount"] == cny(f"{(had + 24_000 - 8_000) / 100:.2f}")
    await c.days(0)
    assert (await c.of(c.supplier), await c.of(c.broker)) == ({"held": 8_000}, {"held": 1_000})
    assert await leaves(c, of_supplier) is True

    # Quality, from here on: silence leads to arbitration, where the second decision orders delivery anew.
    await c.days(7)
    assert (await c.show(c.buyer, one))["dispute"]["state"] == "arbitration"
    first, second = c.arbitrators
    agreement = next(
        each["id"]
        for each in (await c.m.get(c.buyer, "/buyer/v1/agreements")).json()["items"]
        if each["order"] == order
    )
    await c.do(c.supplier, one, "evidence", {"title": WHY, "agreement": agreement})
    await c.hear(one, first, refund=cny("40.00"))
    await c.days(13)
    await c.do(c.buyer, one, "appeal", {"words": WHY})
    answer = await c.hear(one, second, refund=cny("20.00"), credit=cny("5.00"), rework_days=10)
    assert (answer["state"], answer["outcome"]) == ("rework", None)
    # Of 75.00 that are left, 60.00 are the seller's; 59.00 are there, as the rest of its money has left: it owes the fees.
    assert (await c.of(c.supplier)) == {"held": 5_900, "debt": -600}
    await c.do(c.supplier, one, "redelivery", {"words": REPLY})
    await c.do(c.buyer, one, "redelivery/rejection", {"words": WHY})
    await c.rule(second, one, "decision", {"words": WHY, "rework_days": 5, "refund": cny("1.00")}, "award-invalid")
    closed = await c.rule(second, one, "decision", {"words": WHY, "credit": cny("15.00")})
    assert (closed["state"], closed["outcome"]) == ("closed", "decided")
    assert "held" not in await c.of(c.supplier)
    assert [
        each["amount"]["amount"] for each in (await c.show(c.buyer, one))["moved"] if each["kind"] != "arbitration_fee"
    ] == [
        "20.00",
        "5.00",
        "15.00",
    ]
    await c.sound()


async def leaves(c: Court, payout: dict[str, Any]) -> bool:
    """Whether the worker would send a payout now."""
    payout_id = ids.parse("pot", payout["id"])
    return await c.m.services.db.run(lambda tx: begin_transfer(tx, payout_id)) is not None


async def test_a_split_between_payees(c: Court) -> None:
    order = await c.accepted()
    supplier, broker = await c.of(c.supplier), await c.of(c.broker)
    wish = {"kind": "split", "source": order, "words": WHY, "respondent": c.supplier.organisation}
    beyond = await c.m.post(c.broker, "/assessor/v1/disputes", {**wish, "amount": cny("240.01")})
    assert beyond.json()["type"] == "/problems/dispute-amount"
    stranger = await c.m.post(c.stranger, "/buyer/v1/disputes", wish)
    assert stranger.status_code == 404
    one = await c.open(c.broker, "split", order, "10.00", respondent=c.supplier.organisation)
    assert (await c.of(c.supplier))["held"] == 1_000
    assert (await c.m.get(c.buyer, f"/buyer/v1/disputes/{one}")).status_code == 404, "the buyer has no part in it"
    await c.do(c.supplier, one, "answers", {"words": REPLY})
    await c.days(14)
    first, second = c.arbitrators
    await c.hear(one, first, share=cny("8.00"))
    await c.do(c.supplier, one, "appeal", {"words": WHY})
    await c.hear(one, second, share=cny("5.00"))
    fee = 2 * 30
    assert (await c.of(c.supplier))["payable"] == supplier["payable"] - 500 - fee // 2
    assert (await c.of(c.broker))["payable"] == broker["payable"] + 500 - fee // 2
    await c.sound()


async def test_an_order_is_settled_or_its_decision_lapses_into_effect(c: Court) -> None:
    wallet, order = (await c.of(c.buyer))["wallet"], await c.accepted()
    one = await c.open(c.supplier, "order", order)
    await c.do(c.buyer, one, "proposals", {"words": WHY, "refund": cny("30.00")})
    proposal = (await c.show(c.supplier, one))["facts"][-1]
    assert proposal["award"]["refund"] == cny("30.00")
    await c.do(c.buyer, one, "acceptance", {"proposal": proposal["id"]}, "proposal-over")
    assert (await c.do(c.supplier, one, "acceptance", {"proposal": proposal["id"]}))["outcome"] == "settled"
    assert (await c.of(c.buyer))["wallet"] == wallet - 30_000 + 3_000

    two = await c.open(c.buyer, "order", order)
    assert (await c.show(c.buyer, two))["dispute"]["amount"] == cny("270.00")
    await c.do(c.supplier, two, "withdrawal", {"words": WHY}, "dispute-state")
    await c.do(c.buyer, two, "withdrawal", {"words": WHY})

    three = await c.open(c.buyer, "order", order, "20.00")
    await c.do(c.supplier, three, "escalation")
    first, second = c.arbitrators
    # Who takes a case up and is silent loses it; who is asked and is silent, too.
    await c.assign(three, first)
    await c.rule(first, three, "acceptance")
    await c.days(14)
    await c.assign(three, second)
    await c.days(3)
    assert (await c.show(c.buyer, three))["dispute"]["arbitrator"] is None
    await c.hear(three, first, refund=cny("20.00"))
    await c.do(c.supplier, three, "appeal", {"words": WHY})
    await c.assign(three, second)
    await c.rule(second, three, "acceptance")
    assert (await c.rule(second, three, "decision", {"words": WHY}))["state"] == "closed"
    assert [each["kind"] for each in (await c.show(c.buyer, three))["moved"]] == ["arbitration_fee"] * 2

    four = await c.open(c.buyer, "order", order, "20.00")
    await c.do(c.supplier, four, "escalation")
    await c.hear(four, first, rework_days=5)
    await c.do(c.buyer, four, "waiver")
    assert (await c.do(c.supplier, four, "waiver"))["state"] == "rework"
    await c.days(5)
    closed = await c.show(c.buyer, four)
    assert (closed["dispute"]["outcome"], closed["moved"][-1]["kind"]) == ("decided", "refund"), (
        "nothing came, so it goes back"
    )
    await c.sound()


async def test_use_that_was_charged_with_the_event_in_the_bill(c: Court) -> None:
    bought = await c.buy("use")
    await c.m.done(c.supplier, "/supplier/v1/usage/sources", {})
    at = c.clock.now()
    access, db = c.m.services.settings.access, c.m.services.db
    await db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
    data = {"meter": "records", "value": 100}
    events = [{"id": one, "subject": bought["grant"], "time": at.isoformat(), "data": data} for one in EVENTS]
    sent = await c.m.post(c.supplier, "/supplier/v1/usage/events", events)
    assert sent.json()["accepted"] == len(EVENTS), sent.text
    month = at.replace(day=1, hour=0)
    after = (month.replace(day=28) + (month.replace(day=5) - month)).replace(day=1)
    await c.days((after - at).days + 2)
    for _ in range(3):
        await db.run(lambda tx: seal_usage.seal_usage(tx, at.date(), settings=access))
    await db.run(lambda tx: seal_usage.root_usage(tx, at.date()))
    await settle(c.m, month.year, month.month)
    charge = next(
        one for one in (await c.m.get(c.buyer, "/buyer/v1/charges")).json()["items"] if one["order"] == bought["id"]
    )
    assert charge["amount"]["amount"] in ("50", "50.00"), charge
    invoice = (await c.m.get(c.buyer, "/buyer/v1/invoices")).json()["items"][0]["id"]
    wrong = {"kind": "usage", "source": bought["id"], "words": WHY}
    assert (await c.m.post(c.buyer, "/buyer/v1/disputes", wrong)).json()["type"] == "/problems/dispute-kind"
    one = await c.open(c.buyer, "usage", charge["id"], "30.00")
    for event in (EVENTS[0], str(uuid.UUID(int=1500))):
        usage = {"invoice": invoice, "event": event, "day": at.date().isoformat()}
        await c.do(c.buyer, one, "evidence", {"title": WHY, "usage": usage})
    inside, outside = (each["document"] for each in (await c.show(c.supplier, one))["evidence"])
    assert (inside["in_invoice"], inside["in_charge"], outside["in_invoice"]) == (True, True, False)
    assert json.loads(inside["proofs"][0]["leaf"])["event"] == EVENTS[0]
    assert len(outside["proofs"]) == 2, "its neighbours show that it is not there"
    held = (await c.of(c.supplier))["held"]
    assert held == 2_400
    await c.do(c.supplier, one, "escalation")
    first, second = c.arbitrators
    wallet = (await c.of(c.buyer))["wallet"]
    await c.hear(one, first, refund=cny("10.00"))
    await c.do(c.buyer, one, "appeal", {"words": WHY})
    await c.hear(one, second, refund=cny("30.00"))
    assert (await c.of(c.buyer))["wallet"] == wallet + 3_000
    assert "held" not in await c.of(c.supplier)
    await c.sound()


async def test_the_log_has_each_fact_and_a_stranger_sees_nothing(c: Court) -> None:
    shown = (await c.m.get(c.buyer, "/buyer/v1/disputes")).json()["items"]
    assert {one["kind"] for one in shown} == {"delivery", "quality", "order", "usage"}
    assert (await c.m.get(c.stranger, "/buyer/v1/disputes")).json()["items"] == []
    one = shown[0]["id"]
    for verb, body in (("answers", {"words": WHY}), ("escalation", None), ("evidence", {"title": WHY, "log": one})):
        await c.do(c.stranger, one, verb, body, "not-found")
    facts = (await c.show(c.buyer, one))["facts"]

    async def logged() -> list[str]:
        async def read(tx: Tx) -> list[Any]:
            rows = await (await tx.driver()).fetch(
                "SELECT envelope FROM compliance.audit_entry WHERE object_id = $1 AND action LIKE 'dispute.%' ORDER BY seq",
                one,
            )
            return [json.loads(row[0]) for row in rows]

        done = [entry for entry in await c.m.services.db.run(read) if entry["outcome"] == "done"]
        return [entry["digests"]["fact"] for entry in done]

    said = [hashlib.sha256(each["document"].encode()).hexdigest() for each in facts]
    assert await logged() == said
    # Who watches the market reads the whole case, and can do nothing in it.
    regulator = await c.m.join("regulator")
    listed = (await c.m.get(regulator, "/regulator/v1/disputes")).json()["items"]
    assert {one["id"] for one in shown} < {one["id"] for one in listed}
    read = (await c.m.get(regulator, f"/regulator/v1/disputes/{one}")).json()
    assert (read["facts"], read["may"]) == (facts, [])
    assert {each["organisation"] for each in read["holds"]} >= {c.supplier.organisation}
    assert (await c.m.get(c.buyer, f"/regulator/v1/disputes/{one}")).status_code == 403

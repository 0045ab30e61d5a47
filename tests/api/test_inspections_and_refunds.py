"""Acceptance, rejection, refunds and credits for revoked data, as each side meets them over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange import main
from exchange.flows import seal_usage
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from exchange.worker.loop import drain
from settlement.refunds import recompute
from settlement.store import audit
from tests.support.api import Market, Party, market
from tests.support.directives import wish
from tests.support.months import go_to, settle
from tests.support.outcomes import REASON, funded
from tests.support.trade import component, offer_document, on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
EVIDENCE = {"ground": "incomplete", "evidence_sha256": "ab" * 32}
ALL: dict[str, Any] = {
    "subject": "work",
    "id": "w1",
    "kind": "copyright",
    "holder": "We",
    "territory": "*",
    "purposes": ["pretrain"],
    "training": True,
    "commercial": True,
    "sublicensable": True,
    "covers": {"dataset": True},
}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        access = made.services.settings.access
        await made.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        yield made


async def order(m: Market, buyer: Party, offer: str) -> dict[str, Any]:
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    return await m.done(buyer, "/buyer/v1/orders", wish)


async def sound(m: Market) -> None:
    assert await m.services.db.run(audit.check) == []


async def items(m: Market, party: Party, path: str) -> list[dict[str, Any]]:
    answer = await m.get(party, path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def slug(m: Market, party: Party, path: str, body: Any = None) -> str:
    answer = await m.post(party, path, body)
    return str(answer.json()["type"]).rpartition("/")[2]


async def test_a_buyer_inspects_accepts_and_the_seller_is_credited_at_once(m: Market) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    bought = await order(m, buyer, sale.offer)
    path = f"/buyer/v1/orders/{bought['id']}"
    (seen,) = await items(m, buyer, "/buyer/v1/inspections")
    assert (seen["order"], seen["standing"], seen["silence"]) == (bought["id"], "inspection", "accepts")
    assert datetime.fromisoformat(seen["inspection_ends_at"]) == START + timedelta(days=7)
    assert seen["your_share"]["amount"] == "0.00"
    (sold,) = await items(m, sale.supplier, "/supplier/v1/inspections")
    assert sold["your_share"] == {"amount": "264.00", "currency": "CNY"}
    done = await m.post(buyer, f"{path}/acceptance")
    assert (done.status_code, done.json()["standing"]) == (200, "accepted")
    assert (await m.get(buyer, f"{path}/inspection")).json()["standing"] == "accepted"
    assert await items(m, buyer, "/buyer/v1/inspections") == []
    assert await items(m, sale.supplier, "/supplier/v1/inspections") == []
    one = (await m.get(sale.supplier, f"/supplier/v1/orders/{bought['id']}/inspection")).json()
    assert (one["standing"], one["your_share"]["amount"]) == ("accepted", "0.00")
    assert await slug(m, buyer, f"{path}/rejection", EVIDENCE) == "acceptance-state"
    assert await slug(m, buyer, f"{path}/acceptance") == "acceptance-state"
    await sound(m)


async def test_a_rejection_is_decided_by_the_operator_and_told_to_both(m: Market) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    bought = await order(m, buyer, sale.offer)
    path = f"/buyer/v1/orders/{bought['id']}"
    assert await slug(m, buyer, f"{path}/rejection", {**EVIDENCE, "ground": "I changed my mind"}) == "invalid-request"
    assert (await m.post(buyer, f"{path}/rejection", EVIDENCE)).json()["standing"] == "rejected"
    operator = await m.operator()
    (waits,) = await items(m, operator, "/operator/v1/rejections")
    assert (waits["ground"], waits["evidence_sha256"]) == ("incomplete", "ab" * 32)
    wish = {"outcome": "refund", "amount": {"amount": "100.00", "currency": "CNY"}}
    decided = await m.post(operator, f"/operator/v1/orders/{bought['id']}/decision", wish)
    assert decided.json()["refunded"] == {"amount": "100.00", "currency": "CNY"}
    assert await items(m, operator, "/operator/v1/rejections") == []
    (back,) = await items(m, buyer, "/buyer/v1/refunds")
    assert (back["id"], back["reason"]) == (decided.json()["refund"], "rejected")
    assert back["explanation"]["text"]["zh"].startswith("退款 100.00 CNY")
    (given,) = await items(m, sale.supplier, "/supplier/v1/refunds")
    assert given == back
    assert await items(m, operator, "/operator/v1/refunds") == [back]
    traced = (await m.get(operator, f"/operator/v1/orders/{bought['id']}/trace")).json()
    assert [one["text"]["en"][:8] for one in traced["steps"] if "efunded" in one["text"]["en"]] == ["Refunded"]
    await sound(m)


async def test_a_supplier_refunds_in_parts_and_the_use_ends_with_the_last(m: Market) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    bought = await order(m, buyer, sale.offer)
    path = f"/supplier/v1/orders/{bought['id']}/refunds"
    part = {"reason": "defect", "amount": {"amount": "0.000001", "currency": "CNY"}}
    assert (await m.done(sale.supplier, path, part))["full"] is False
    wrong = {"reason": "defect", "amount": {"amount": "1.00", "currency": "EUR"}}
    assert await slug(m, sale.supplier, path, wrong) == "refund-too-large"
    late = {**part, "grant_ends_at": "2020-01-01T00:00:00Z"}
    assert await slug(m, sale.supplier, path, late) == "refund-grant-end"
    shorter = {**part, "grant_ends_at": (START + timedelta(days=30)).isoformat()}
    assert (await m.done(sale.supplier, path, shorter))["grant_ends_at"] == "2026-02-14T08:00:00Z"
    (grant,) = await items(m, buyer, "/buyer/v1/grants")
    assert grant["ends_at"] == "2026-02-14T08:00:00Z"
    rest = await m.done(sale.supplier, path, {"reason": "defect"})
    assert (rest["full"], rest["refunded"]["amount"]) == (True, "300.00")
    (grant,) = await items(m, buyer, "/buyer/v1/grants")
    assert grant["state"] == "ended"
    assert await slug(m, buyer, f"/buyer/v1/orders/{bought['id']}/acceptance") == "acceptance-state"
    assert await items(m, buyer, "/buyer/v1/inspections") == []
    assert len(await items(m, buyer, "/buyer/v1/refunds")) == 3
    await sound(m)


async def test_a_refund_repeated_under_its_key_is_made_once(m: Market) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    bought = await order(m, buyer, sale.offer)
    wish = {"reason": "goodwill", "amount": {"amount": "1.00", "currency": "CNY"}}
    headers = {**sale.supplier.headers, "idempotency-key": "once"}
    path = f"/supplier/v1/orders/{bought['id']}/refunds"
    first, second = [await m.http.post(path, json=wish, headers=headers) for _ in range(2)]
    assert (first.status_code, second.headers["idempotency-replayed"]) == (201, "true")
    assert first.content == second.content
    assert len(await items(m, buyer, "/buyer/v1/refunds")) == 1


async def test_a_withdrawn_right_to_everything_gives_back_the_unused_years(m: Market, clock: FixedClock) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    monthly = component({"type": "flat", "amount": "31.00", "in_advance": True}, None, "month")
    document = offer_document("subscription", component({"type": "one_off", "amount": "109.50"}), monthly)
    path = f"/supplier/v1/listings/{sale.listing}/offers"
    mixed = (await m.done(sale.supplier, path, {"code": "mixed", "document": document}))["id"]
    first, second = await order(m, buyer, sale.offer), await order(m, buyer, mixed)
    rights = f"/supplier/v1/datasets/{sale.dataset}/rights"
    (right,) = (await m.done(sale.supplier, rights, {"rights": [ALL]}))["rights"]
    operator = await m.operator()
    assert await slug(m, operator, "/operator/v1/revocations", {"cause": right}) == "state-conflict"
    supplier, buyer = await go_to(m, clock, START + timedelta(days=365), sale.supplier, buyer)
    await m.done(supplier, f"{rights}/{right}/withdrawal", {"reason": REASON})
    await drain(m.services.db, main.steps(m.services).table())
    operator = await m.operator()
    credited = await m.done(operator, "/operator/v1/revocations", {"cause": right})
    # Two of three years are left; the plan's months are given back by the next settlement, since the use ends.
    assert {one["order"]: one["amount"]["amount"] for one in credited["credited"]} == {
        first["id"]: "200.00",
        second["id"]: "73.00",
    }
    assert (credited["left_out"], credited["next"]) == ([], None)
    for one in await items(m, buyer, "/buyer/v1/refunds"):
        said = one["explanation"]["credit"]
        assert said["cause"] == right
        assert recompute(said).to_wire() == one["amount"] == said["amount"]
    assert {one["state"] for one in await items(m, buyer, "/buyer/v1/grants")} == {"ended"}
    again = await m.done(operator, "/operator/v1/revocations", {"cause": right})
    assert (again["credited"], again["left_out"]) == ([], [])
    await sound(m)


async def test_a_right_to_some_files_gives_back_their_part_and_the_rest_goes_on(m: Market) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    await order(m, buyer, sale.offer)
    rights = f"/supplier/v1/datasets/{sale.dataset}/rights"
    other = {**ALL, "id": "w2", "covers": {"assets": ["no-such-file.jsonl"]}}
    records = {**ALL, "id": "w3", "covers": {"records": {"field": "text", "ids": ["x"]}}}
    made = (await m.done(sale.supplier, rights, {"rights": [ALL, other, records]}))["rights"]
    operator = await m.operator()
    for right, reason in zip(made[1:], ("nothing was paid once", "single records"), strict=True):
        await m.done(sale.supplier, f"{rights}/{right}/withdrawal", {"reason": REASON})
        answer = await m.done(operator, "/operator/v1/revocations", {"cause": right})
        assert answer["credited"] == []
        assert answer["left_out"][0]["reason"]["en"].startswith(reason)
    (grant,) = await items(m, buyer, "/buyer/v1/grants")
    assert grant["state"] == "active"
    await sound(m)


async def test_a_freeze_of_the_data_gives_everything_back_on_the_first_day(m: Market) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    bought = await order(m, buyer, sale.offer)
    regulator, operator = await m.join("regulator"), await m.operator()
    for kind, target, answer in (
        ("preserve", sale.dataset, "state-conflict"),
        ("freeze", sale.listing, "state-conflict"),
    ):
        directive = (await m.done(regulator, "/regulator/v1/directives", wish(kind, target)))["id"]
        assert await slug(m, operator, "/operator/v1/revocations", {"cause": directive}) == answer
    directive = (await m.done(regulator, "/regulator/v1/directives", wish("freeze", sale.revision)))["id"]
    credited = await m.done(operator, "/operator/v1/revocations", {"cause": directive})
    (one,) = credited["credited"]
    assert (one["order"], one["full"]) == (bought["id"], True)
    assert await slug(m, operator, "/operator/v1/revocations", {"cause": "dir_" + "0" * 26}) == "not-found"
    (wallet,) = (await m.get(buyer, "/buyer/v1/wallet")).json()["balances"]
    assert Money.from_wire(wallet).units == 5_000 * 1_000_000
    await sound(m)


async def test_what_was_refunded_after_a_payout_is_taken_off_the_next_one(m: Market, clock: FixedClock) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    bought = await order(m, buyer, sale.offer)
    await m.post(buyer, f"/buyer/v1/orders/{bought['id']}/acceptance")
    supplier, buyer = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), sale.supplier, buyer)
    await settle(m, 2026, 1)
    (statement,) = await items(m, supplier, "/supplier/v1/statements")
    assert statement["closing"]["amount"] == "264.00"
    refunded = await m.done(supplier, f"/supplier/v1/orders/{bought['id']}/refunds", {"reason": "defect"})
    assert refunded["full"]
    (supplier,) = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), supplier)
    await settle(m, 2026, 2)
    newest = max(await items(m, supplier, "/supplier/v1/statements"), key=lambda one: one["number"])
    document = (await m.get(supplier, f"/supplier/v1/statements/{newest['id']}")).json()["document"]
    assert document["totals"]["refunds"]["amount"] == "-264.00"
    assert [line["kind"] for line in document["lines"]] == ["refund"]
    assert newest["closing"]["amount"] == "0.00"
    await sound(m)

"""A service that is bought by milestones: reserved, reported, rejected, accepted by word and by silence, charged, split."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.kernel.clock import FixedClock
from exchange.main import steps
from exchange.worker.loop import drain
from settlement.accounts import AccountKey, held, payable, receivable, wallet
from settlement.store import audit, ledger
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.trade import offer_document, on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
MILLION = 1_000_000
NOTE = {"en": "2,000 pictures are labelled.", "zh": "已标注 2000 张图片。"}
WHY = {"en": "Labels of dogs are missing.", "zh": "缺少犬类标注。"}
DONE = {"note": NOTE, "evidence_sha256": "ab" * 32}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


def stage(name: str, **model: Any) -> dict[str, Any]:
    title = {"en": f"Stage {name}", "zh": f"阶段 {name}"}
    return {"id": name, "title": title, "meter": None, "period": None, "model": {"type": "milestone", **model}}


async def service(m: Market, *stages: dict[str, Any], units: int = 5_000 * MILLION) -> tuple[Party, Party, str]:
    sold, buyer = await on_sale(m), await funded(m, units)
    body = {"code": "service", "document": offer_document("one_off", *stages)}
    offer = (await m.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", body))["id"]
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    order = await m.done(buyer, "/buyer/v1/orders", wish)
    return sold.supplier, buyer, order["id"]


async def money(m: Market, key: AccountKey) -> int:
    return sum((await m.services.db.run(lambda tx: ledger.sums(tx, [key]))).values())


async def states(m: Market, who: Party, portal: str, order: str) -> dict[str, tuple[str, str | None]]:
    found = (await m.get(who, f"/{portal}/v1/orders/{order}/milestones")).json()["milestones"]
    return {one["id"]: (one["state"], one["escrow"]) for one in found}


async def test_a_service_is_paid_milestone_by_milestone_from_what_the_buyer_reserved(
    m: Market, clock: FixedClock
) -> None:
    supplier, buyer, order = await service(
        m,
        stage("sample", amount="200", after_days=14, escrow=True),
        stage("bulk", amount="800", after_days=30, escrow=True),
        stage("support", amount="50", due="date", after_days=10),
    )
    work, pay = f"/supplier/v1/orders/{order}/milestones", f"/buyer/v1/orders/{order}"
    early = await m.post(supplier, f"{work}/sample/reports", DONE)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/milestone-state")
    assert (await m.post(supplier, f"{pay.replace('buyer', 'supplier')}/escrow")).status_code == 404
    await m.done(buyer, f"{pay}/escrow")
    assert await _instruction(m) == [
        ("hold", "800.00"),
        ("hold", "200.00"),
        ("held", "1000.00"),
        ("stated", "0.00"),
        ("move", "1000.00"),
    ]
    assert await money(m, held(buyer.id, "CNY")) == 1_000 * MILLION
    again = await m.post(buyer, f"{pay}/escrow")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/escrow-state")
    await m.done(supplier, f"{work}/sample/reports", DONE)
    twice = await m.post(supplier, f"{work}/sample/reports", DONE)
    assert twice.json()["state"] == "reported"
    refused = await m.post(buyer, f"{pay}/milestones/sample/rejection", {"reason": {"en": "No"}})
    assert refused.json()["type"] == "/problems/milestone-invalid"
    await m.done(buyer, f"{pay}/milestones/sample/rejection", {"reason": WHY})
    shown = (await m.get(supplier, work)).json()["milestones"]
    assert (shown[0]["state"], shown[0]["rejected_because"]) == ("rejected", WHY)
    await m.done(supplier, f"{work}/sample/reports", DONE)
    await m.done(buyer, f"{pay}/milestones/sample/acceptance")
    late = await m.post(buyer, f"{pay}/milestones/sample/acceptance")
    assert (late.status_code, late.json()["state"]) == (409, "accepted")
    assert await states(m, buyer, "buyer", order) == {
        "sample": ("accepted", "held"),
        "bulk": ("open", "held"),
        "support": ("waiting", None),
    }
    buyer, supplier = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), buyer, supplier)
    await settle(m, 2026, 1)
    # The sample, and the support whose day was the 25th, were charged; what is reserved for the rest still is.
    assert await money(m, held(buyer.id, "CNY")) == 800 * MILLION
    assert await money(m, wallet(buyer.id, "CNY")) == (5_000 - 800 - 250) * MILLION
    assert await money(m, payable(supplier.id, "CNY")) == 220 * MILLION
    (invoice,) = (await m.get(buyer, "/buyer/v1/invoices")).json()["items"]
    lines = (await m.get(buyer, f"/buyer/v1/invoices/{invoice['id']}")).json()["document"]["lines"]
    assert [one["description"]["en"].split(":")[-1].split("=")[0].strip() for one in lines] == ["200", "50"]
    assert "里程碑已验收" in lines[0]["description"]["zh"]
    # Silence accepts the bulk: the window of seven days is over.
    await m.done(supplier, f"{work}/bulk/reports", DONE)
    clock.advance(timedelta(days=8).total_seconds())
    (buyer,) = await go_to(m, clock, clock.now(), buyer)
    assert (await states(m, buyer, "buyer", order))["bulk"] == ("accepted", "held")
    assert (await m.post(buyer, f"{pay}/milestones/bulk/rejection", {"reason": WHY})).status_code == 409
    buyer, supplier = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), buyer, supplier)
    await settle(m, 2026, 2)
    assert await money(m, held(buyer.id, "CNY")) == 0
    assert await money(m, payable(supplier.id, "CNY")) == 924 * MILLION
    # A charge of a milestone goes back like any other charge.
    (charge,) = [
        one["id"] for one in (await m.get(buyer, "/buyer/v1/charges")).json()["items"] if one["component"] == "bulk"
    ]
    await m.done(supplier, f"/supplier/v1/charges/{charge}/refunds", {"reason": "defect"})
    assert await money(m, payable(supplier.id, "CNY")) == 220 * MILLION
    assert await money(m, wallet(buyer.id, "CNY")) == 4_750 * MILLION
    assert await m.services.db.run(audit.check) == []


async def test_what_is_dropped_or_not_done_in_time_goes_back_and_is_never_charged(m: Market, clock: FixedClock) -> None:
    supplier, buyer, order = await service(
        m,
        stage("a", amount="100", after_days=5, escrow=True),
        stage("b", amount="70", after_days=5, escrow=True),
        stage("c", amount="30"),
    )
    work = f"/supplier/v1/orders/{order}/milestones"
    await m.done(buyer, f"/buyer/v1/orders/{order}/escrow")
    await m.done(supplier, f"{work}/a/reports", DONE)
    await m.done(supplier, f"{work}/a/drop")
    assert await money(m, held(buyer.id, "CNY")) == 70 * MILLION
    assert await states(m, supplier, "supplier", order) == {
        "a": ("dropped", "released"),
        "b": ("open", "held"),
        "c": ("open", None),
    }
    assert (await m.post(supplier, f"{work}/a/reports", DONE)).status_code == 409
    assert (await m.post(supplier, f"{work}/x/reports", DONE)).json()["type"] == "/problems/milestone-invalid"
    buyer, supplier = await go_to(m, clock, START + timedelta(days=60), buyer, supplier)
    from exchange.flows.expire_holds import expire_holds

    assert await m.services.db.run(expire_holds) == 1
    await settle(m, 2026, 1)
    await settle(m, 2026, 2)
    assert await money(m, wallet(buyer.id, "CNY")) == 5_000 * MILLION
    assert await money(m, receivable(buyer.id, "CNY")) == 0
    assert await m.services.db.run(audit.check) == []


async def test_escrow_is_of_all_milestones_or_of_none(m: Market) -> None:
    stages = [stage(name, amount="60", after_days=5, escrow=True) for name in ("a", "b")]
    _, buyer, order = await service(m, *stages, units=100 * MILLION)
    refused = await m.post(buyer, f"/buyer/v1/orders/{order}/escrow")
    assert (refused.status_code, refused.json()["type"]) == (402, "/problems/wallet-too-low")
    assert await money(m, held(buyer.id, "CNY")) == 0
    stranger = await funded(m)
    assert (await m.post(stranger, f"/buyer/v1/orders/{order}/escrow")).status_code == 404
    assert (await m.get(stranger, f"/buyer/v1/orders/{order}/milestones")).status_code == 404
    await drain(m.services.db, steps(m.services).table())
    assert await m.services.db.run(audit.check) == []


async def _instruction(m: Market) -> list[tuple[str, str]]:
    """What the supervising bank is told: its lines and their amounts."""
    operator = await m.operator()
    details = {
        "scheme": "cn",
        "holder": "语料交易所监管户",
        "account": "6222021234567890123",
        "bank": "102100099996",
        "bank_name": "工商银行北京分行",
    }
    wish = {"kind": "escrow", "currency": "CNY", "details": details}
    opened = await m.done(operator, "/operator/v1/bank-accounts", wish)
    file = await m.get(operator, f"/operator/v1/bank-accounts/{opened['id']}/escrow-instruction")
    rows = list(csv.reader(file.content.decode("utf-8-sig").splitlines()))[1:]
    return [(row[0], row[5]) for row in rows]

"""The proof of zero margin: stated costs beside what was charged, and a surplus where there is one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.flows import seal_usage
from exchange.kernel.clock import FixedClock
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.trade import component, offer_document, on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
COSTS = [
    {"title": {"en": "Cleaning", "zh": "清洗"}, "amount": "900"},
    {"title": {"en": "Storage", "zh": "存储"}, "amount": "100"},
]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        access = made.services.settings.access
        await made.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
        yield made


def public_data(quantity: int) -> dict[str, Any]:
    model = {"type": "cost_recovery", "costs": COSTS, "quantity": quantity}
    return offer_document("pay_per_use", component(model, "records", "month"))


async def use(m: Market, supplier: Party, grant: str, records: int) -> None:
    event = {
        "id": str(uuid.uuid4()),
        "subject": grant,
        "time": m.services.db.clock.now().isoformat(),
        "data": {"meter": "records", "value": records},
    }
    told = await m.post(supplier, "/supplier/v1/usage/events", [event])
    assert told.json()["accepted"] == 1, told.text


async def proof(m: Market, offer: str) -> dict[str, Any]:
    shown = await m.http.get(f"/catalog/v1/offers/{offer}/cost-recovery")
    assert shown.status_code == 200, shown.text
    (one,) = shown.json()["components"]
    found: dict[str, Any] = one
    return found


async def test_costs_are_recovered_and_then_a_surplus_shows(m: Market, clock: FixedClock) -> None:
    sale, buyer = await on_sale(m), await funded(m)
    path = f"/supplier/v1/listings/{sale.listing}/offers"
    offer = (await m.done(sale.supplier, path, {"code": "public", "document": public_data(1_000)}))["id"]
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    grant = (await m.done(buyer, "/buyer/v1/orders", wish))["grant"]
    await m.done(sale.supplier, "/supplier/v1/usage/sources", {})
    before = await proof(m, offer)
    assert (before["state"], before["zero_margin"]) == ("outstanding", True)
    assert before["total"] == {"amount": "1000.00", "currency": "CNY"}
    assert [one["title"]["zh"] for one in before["costs"]] == ["清洗", "存储"]

    await use(m, sale.supplier, grant, 400)
    (supplier,) = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), sale.supplier)
    await settle(m, 2026, 1)
    after = await proof(m, offer)
    assert (after["recovered"]["amount"], after["margin"]["amount"]) == ("400.00", "-600.00")
    assert after["state"] == "outstanding"

    # A new version does not start the costs afresh.
    newer = (await m.done(supplier, path, {"code": "public", "document": public_data(2_000)}))["id"]
    assert (await proof(m, newer))["recovered"]["amount"] == "400.00"

    access = m.services.settings.access
    await m.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
    await use(m, supplier, grant, 600)
    (supplier,) = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), supplier)
    await settle(m, 2026, 2)
    exact = await proof(m, offer)
    assert (exact["state"], exact["margin"]["amount"], exact["zero_margin"]) == ("recovered", "0.00", True)

    await m.services.db.run(lambda tx: seal_usage.prepare_days(tx, settings=access))
    await use(m, supplier, grant, 1)
    (supplier,) = await go_to(m, clock, datetime(2026, 4, 2, tzinfo=UTC), supplier)
    await settle(m, 2026, 3)
    over = await proof(m, offer)
    assert (over["state"], over["margin"]["amount"], over["zero_margin"]) == ("surplus", "1.00", False)
    assert "1.00 CNY" in over["summary"]["en"]
    assert "零利润不再成立" in over["summary"]["zh"]
    own = (await m.get(supplier, f"/supplier/v1/offers/{newer}/cost-recovery")).json()
    assert own["components"][0]["recovered"] == over["recovered"]


async def test_who_sees_what(m: Market) -> None:
    sale = await on_sale(m)
    stranger = await m.join("supplier")
    # An offer without cost recovery has nothing to prove; one that is nobody's does not exist.
    assert (await m.http.get(f"/catalog/v1/offers/{sale.offer}/cost-recovery")).json()["components"] == []
    assert (await m.get(stranger, f"/supplier/v1/offers/{sale.offer}/cost-recovery")).status_code == 404
    assert (await m.http.get("/catalog/v1/offers/ofr_01m80jwmabesg81hwe4cc73nw9/cost-recovery")).status_code == 404
    operator = await m.operator()
    await m.done(operator, f"/operator/v1/listings/{sale.listing}/suspension", {"reason": "case 1"})
    assert (await m.http.get(f"/catalog/v1/offers/{sale.offer}/cost-recovery")).status_code == 404
    assert (await m.get(sale.supplier, f"/supplier/v1/offers/{sale.offer}/cost-recovery")).status_code == 200

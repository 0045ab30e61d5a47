"""A split rule with a memory from the offer to the payees and back: sold, accepted, settled, refunded to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange.kernel.clock import FixedClock
from settlement.accounts import AccountKey, AccountKind, payable, pending, platform
from settlement.store import audit, ledger
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.outcomes import funded
from tests.support.ruled import step, waterfall
from tests.support.trade import offer_document, on_sale

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
MILLION = 1_000_000


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def test_a_monthly_cap_holds_over_all_sales_and_refunds_bring_every_payee_back_to_zero(
    m: Market, clock: FixedClock
) -> None:
    sold, buyer = await on_sale(m), await funded(m)
    supplier = sold.supplier
    capped = waterfall(step("fee", "share_of_gross", percent="10", at_most="50", per="month"), per="month")
    rule = await m.done(
        supplier, f"/supplier/v1/datasets/{sold.dataset}/split-rules", {"code": "main", "document": capped}
    )
    document = {**offer_document(), "split_rule": {"id": rule["id"], "sha256": rule["sha256"]}}
    del document["shares"]
    made = await m.done(supplier, f"/supplier/v1/listings/{sold.listing}/offers", {"code": "r", "document": document})
    wish = {"offer": made["id"], "purposes": ["pretrain"], "payment": "wallet"}
    first, second = [(await m.done(buyer, "/buyer/v1/orders", wish))["id"] for _ in range(2)]
    assert await money(m, platform(AccountKind.CLEARING, "CNY")) == 600 * MILLION
    for one in (first, second):
        answer = await m.post(buyer, f"/buyer/v1/orders/{one}/acceptance")
        assert answer.status_code == 200, answer.text
        # Split at once: nobody waits for the next run.
        assert await money(m, platform(AccountKind.CLEARING, "CNY")) == (300 * MILLION if one == first else 0)
    assert await standing(m, supplier) == (550 * MILLION, 0, 50 * MILLION)
    buyer, supplier = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), buyer, supplier)
    await settle(m, 2026, 1)
    # A tenth of 600 would be 60; the month's cap is 50.
    assert await standing(m, supplier) == (550 * MILLION, 0, 50 * MILLION)
    await refund(m, supplier, first)
    buyer, supplier = await go_to(m, clock, datetime(2026, 3, 2, tzinfo=UTC), buyer, supplier)
    await settle(m, 2026, 2)
    assert await standing(m, supplier) == (270 * MILLION, 0, 30 * MILLION)
    await refund(m, supplier, second)
    supplier = (await go_to(m, clock, datetime(2026, 4, 2, tzinfo=UTC), supplier))[0]
    await settle(m, 2026, 3)
    assert await standing(m, supplier) == (0, 0, 0)
    assert await money(m, platform(AccountKind.CLEARING, "CNY")) == 0
    assert await m.services.db.run(audit.check) == []


async def test_the_pool_and_a_guarantee_of_a_month_reach_their_payees_with_the_run(
    m: Market, clock: FixedClock
) -> None:
    sold, buyer, member = await on_sale(m), await funded(m), await m.join("supplier")
    supplier, operator = sold.supplier, await m.operator()
    policy = await m.done(
        operator, "/operator/v1/pool-policies", {"currency": "CNY", "from_month": "2026-01", "by": "sales"}
    )
    least = {
        **step("least", "guarantee", "member", member.id, amount="50", per="month"),
        "guaranteed_by": "platform",
    }
    ruled = waterfall(
        step("pool", "share_of_gross", "pool", percent="10"),
        step("all", "share_of_gross", "supplier", percent="90", per="month"),
        least,
        per="month",
    )
    path = f"/supplier/v1/datasets/{sold.dataset}/split-rules"
    itself = {**least, "payees": [{"role": "supplier"}], "guaranteed_by": "supplier"}
    bad = {**ruled, "steps": [ruled["steps"][0], itself, ruled["steps"][-1]]}
    refused = await m.post(supplier, path, {"code": "bad", "document": bad})
    assert (refused.status_code, refused.json()["field"]) == (422, "/steps/1/payees")
    rule = await m.done(supplier, path, {"code": "main", "document": ruled})
    asked = (await m.get(operator, "/operator/v1/guarantees-asked")).json()["items"]
    assert [(one["rule"], one["organisation"]) for one in asked] == [(rule["id"], member.organisation)]
    await m.done(operator, f"/operator/v1/split-rules/{rule['id']}/guarantee")
    document = {**offer_document(), "split_rule": {"id": rule["id"], "sha256": rule["sha256"]}}
    del document["shares"]
    made = await m.done(supplier, f"/supplier/v1/listings/{sold.listing}/offers", {"code": "r", "document": document})
    wish = {"offer": made["id"], "purposes": ["pretrain"], "payment": "wallet"}
    order = (await m.done(buyer, "/buyer/v1/orders", wish))["id"]
    await m.post(buyer, f"/buyer/v1/orders/{order}/acceptance")
    give = {"currency": "CNY", "month": "2026-01"}
    early = await m.post(operator, "/operator/v1/pool-distributions", give)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/pool-not-given")
    supplier, member = await go_to(m, clock, datetime(2026, 2, 2, tzinfo=UTC), supplier, member)
    operator = await m.operator()
    given = await m.done(operator, "/operator/v1/pool-distributions", give)
    assert (given["policy"], given["given"]["amount"]) == (policy["id"], "30.00")
    assert (await m.done(operator, "/operator/v1/pool-distributions", give))["id"] == given["id"]
    await settle(m, 2026, 1)
    (share,) = (await m.get(supplier, "/supplier/v1/pool-shares")).json()["items"]
    assert (share["distribution"], share["amount"]["amount"], share["before"]) == (given["id"], "30.00", "0")
    (paid,) = (await m.get(member, "/supplier/v1/guarantees")).json()["items"]
    assert (paid["rule"], paid["month"], paid["amount"]["amount"]) == (rule["id"], "2026-01", "50.00")
    assert (await m.get(member, "/supplier/v1/pool-shares")).json()["items"] == []
    (statement,) = (await m.get(member, "/supplier/v1/statements")).json()["items"]
    assert statement["closing"]["amount"] == "50.00"
    assert len((await m.get(operator, "/operator/v1/pool-distributions")).json()["items"]) == 1
    assert (await m.get(supplier, "/supplier/v1/pool-policies")).json()["items"][0]["version"] == 1
    assert await m.services.db.run(audit.check) == []


async def refund(m: Market, supplier: Party, order: str) -> None:
    await m.done(supplier, f"/supplier/v1/orders/{order}/refunds", {"reason": "defect"})


async def money(m: Market, *keys: AccountKey) -> int:
    return sum((await m.services.db.run(lambda tx: ledger.sums(tx, keys))).values())


async def standing(m: Market, supplier: Party) -> tuple[int, int, int]:
    return (
        await money(m, payable(supplier.id, "CNY")),
        await money(m, pending(supplier.id, "CNY")),
        await money(m, platform(AccountKind.REVENUE, "CNY")),
    )

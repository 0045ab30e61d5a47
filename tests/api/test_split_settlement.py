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

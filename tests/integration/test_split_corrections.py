"""Which sale a charge belongs to under a rule that counts sales: what corrects goes with what it corrects, a first charge is its own."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from exchange.access.store import course
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from settlement.accounts import AccountKind, platform
from settlement.store import audit, ledger, split_bookings
from tests.integration.test_settlement_late import APRIL
from tests.integration.test_settlement_preview import everything, preview, units
from tests.integration.test_settlement_priced import FEBRUARY, FEE, JANUARY, MARCH, charges
from tests.integration.test_settlement_run import settle
from tests.support.ruled import put_rule, ruled_offer, step, waterfall
from tests.support.settlement_market import BUYER, PER_RECORD, SELLER, Market, open_market

YUAN = 1_000_000
BY_MONTH = {**PER_RECORD, "period": "month"}
# One for each sale, and a tenth of each month up to four.
RULE = waterfall(
    step("visit", "fixed", amount="1.00"),
    step("fee", "share_of_gross", percent="10", at_most="4.00", per="month"),
    per="month",
    time_zone="UTC",
)


@pytest.fixture
async def market(database: Database, keyring: Keyring) -> Market:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 100_000 * YUAN)
    rule = await put_rule(market, RULE)
    await ruled_offer(market, "by use", rule, "pay_per_use", PER_RECORD)
    await ruled_offer(market, "by month", rule, "pay_per_use", BY_MONTH)
    await ruled_offer(market, "fee", rule, "subscription", FEE)
    return market


async def taken(market: Market, step: str) -> dict[str, int]:
    """What a step took in all, by the sale or month for which it did; where it took nothing in all is left out."""

    async def look(tx: Tx) -> dict[str, int]:
        rows = await (await tx.driver()).fetch(
            "SELECT period, sum(amount)::bigint AS units FROM settlement.split_booked WHERE step = $1 GROUP BY 1", step
        )
        return {row["period"]: row["units"] for row in rows if row["units"]}

    return await market.database.run(look)


async def sales(market: Market) -> dict[UUID, set[UUID]]:
    """Each sale with the orders and charges that were split as its own."""

    async def look(tx: Tx) -> dict[UUID, set[UUID]]:
        found: dict[UUID, set[UUID]] = defaultdict(set)
        for row in await (await tx.driver()).fetch("SELECT sale_id, source_id FROM settlement.split_source"):
            found[row["sale_id"]].add(row["source_id"])
        return found

    return await market.database.run(look)


async def run(market: Market, period: Any) -> None:
    """Settle, as a preview showed it."""
    before = await everything(market.database)
    _, lines = await preview(market, period, sellers=1)
    await settle(market, period)
    after = await everything(market.database)
    shown = {one.get("organisation", one.get("account")): units(one["earned"]) for one in lines["payee"]}
    seller, found = ids.text("org", SELLER), (f"pending/{SELLER}", f"payable/{SELLER}", f"debt/{SELLER}")
    assert shown.get(seller, 0) == sum(after.get(name, 0) - before.get(name, 0) for name in found)
    assert shown.get("revenue", 0) == after.get("revenue", 0) - before.get("revenue", 0)


async def sound(market: Market) -> None:
    clearing = platform(AccountKind.CLEARING, "CNY")
    assert (await market.database.run(lambda tx: ledger.sums(tx, [clearing])))[clearing] == 0
    assert await market.database.run(audit.check) == []


async def test_what_a_further_run_adds_to_a_line_belongs_to_the_sale_of_its_first_charge(
    market: Market, clock: FixedClock
) -> None:
    grant = (await market.buy(BUYER, "by use")).grant
    at = clock.now() + timedelta(minutes=5)
    await market.use(grant, 1_000, at)
    clock.advance(20 * 86_400)
    await run(market, JANUARY)
    await market.use(grant, 200, at)
    await run(market, JANUARY)
    first, late = await charges(market)
    assert (first.corrects, late.corrects) == (None, first.id)
    # As if all had come in time: 18.00 in one sale.
    assert await taken(market, "visit") == {str(first.id): YUAN}
    # What is used later is charged by the run of its own period, and is no correction.
    await market.use(grant, 400, JANUARY.end + timedelta(days=3))
    clock.advance(30 * 86_400)
    await run(market, FEBRUARY)
    later = (await charges(market))[-1]
    assert await taken(market, "visit") == {str(first.id): YUAN, str(later.id): YUAN}
    assert await sales(market) == {first.id: {first.id, late.id}, later.id: {later.id}}
    await sound(market)


async def test_a_line_that_is_charged_late_for_the_first_time_is_a_sale_of_its_own_in_its_own_month(
    market: Market, clock: FixedClock
) -> None:
    timely, tardy = await market.buy(BUYER, "by month"), await market.buy(BUYER, "by month")
    february = datetime(2026, 2, 20, tzinfo=UTC)
    clock.advance(50 * 86_400)
    await run(market, FEBRUARY)
    await market.use(timely.grant, 1_000, february)
    clock.advance(30 * 86_400)
    await run(market, MARCH)
    await market.use(tardy.grant, 1_000, february)
    clock.advance(30 * 86_400)
    await run(market, APRIL)
    in_time, late = await charges(market)
    # Its papers name the order, because there is no charge that they could name.
    assert (in_time.corrects, late.corrects) == (None, ids.parse("ord", tardy.id))
    assert await taken(market, "visit") == {str(in_time.id): YUAN, str(late.id): YUAN}
    assert await taken(market, "fee") == {"2026-02": 3 * YUAN}
    # What then comes later still goes with it; the month's fee is at its most.
    await market.use(tardy.grant, 1_000, february)
    await run(market, APRIL)
    (*_, later) = await charges(market)
    assert later.corrects == late.id
    assert await sales(market) == {in_time.id: {in_time.id}, late.id: {late.id, later.id}}
    assert await taken(market, "visit") == {str(in_time.id): YUAN, str(late.id): YUAN}
    assert await taken(market, "fee") == {"2026-02": 4 * YUAN}
    # A rule that is tried out on past months sees the same sales.
    assert market.listing is not None
    window, listings = (FEBRUARY.start, FEBRUARY.end), [market.listing]
    past = await market.database.run(lambda tx: split_bookings.sales_between(tx, SELLER, listings, "CNY", window, 10))
    assert {one.source_id: one.sale_id for one in past} == {
        in_time.id: in_time.id, late.id: late.id, later.id: late.id
    }  # fmt: skip
    await sound(market)


async def test_what_is_given_back_of_a_price_that_the_order_paid_belongs_to_the_order_however_often(
    market: Market, clock: FixedClock
) -> None:
    bought = await market.buy(BUYER, "fee")
    order, grant = ids.parse("ord", bought.id), ids.parse("grt", bought.grant)
    clock.advance(20 * 86_400)
    for day in (30, 25):
        ends_at = datetime(2026, 1, day, tzinfo=UTC)
        await market.database.run(lambda tx, ends_at=ends_at: course.end_at(tx, grant, ends_at))  # type: ignore[misc]
        await run(market, JANUARY)
    first, second = await charges(market)
    assert (first.corrects, second.corrects) == (order, first.id)
    assert second.amount.units < 0
    assert await sales(market) == {order: {order, first.id, second.id}}
    assert await taken(market, "visit") == {str(order): YUAN}
    assert set(await taken(market, "fee")) == {"2026-01"}
    await sound(market)

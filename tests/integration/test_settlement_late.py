"""Use that comes long after its month, runs that were left out, and the tax of what is given back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import asyncpg

from exchange.access.settings import AccessSettings
from exchange.access.store import seal
from exchange.flows.change_offer import OfferChanged
from exchange.flows.seal_usage import seal_usage
from exchange.flows.settle_period import Period
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from tests.integration.test_settlement_priced import (
    FEBRUARY,
    FEE,
    JANUARY,
    MARCH,
    USE,
    VOLUME,
    YUAN,
    booked,
    changed,
    charges,
    opened,
    sound,
    sums,
)
from tests.integration.test_settlement_run import settle
from tests.support.settlement_market import BUYER, SELLER, Market

APRIL = Period(MARCH.end, datetime(2026, 5, 1, tzinfo=UTC), "CNY")
MAY = Period(APRIL.end, datetime(2026, 6, 1, tzinfo=UTC), "CNY")
JUNE = Period(MAY.end, datetime(2026, 7, 1, tzinfo=UTC), "CNY")
FEE_OF_USE = {**FEE, "model": {"type": "flat", "amount": "31.00", "in_advance": False}}


async def settled(market: Market, clock: FixedClock, *periods: Period) -> None:
    """Settle each period on the day after its end."""
    for period in periods:
        clock.advance(max(0.0, (period.end - clock.now()).total_seconds() + 86_400))
        await settle(market, period)


async def sealed(market: Market, day: date) -> None:
    settings = AccessSettings()
    for _ in range(4):
        await market.database.run(lambda tx: seal_usage(tx, day, settings=settings))


async def late(market: Market, grant: str, records: int, at: datetime) -> None:
    """Records of a day that is sealed already."""

    async def flow(tx: Tx) -> None:
        await (await tx.driver()).execute(
            "INSERT INTO access.usage_late (source_id, event_id, grant_id, meter, at, quantity, day, batch_id) "
            "VALUES (1, $1, $2, 2, $3, $4, $5, $1)",
            tx.new_id(),
            ids.parse("grt", grant),
            at,
            records,
            at.date(),
        )

    await market.database.run(flow)


async def changed_days(market: Market, grant: str, since: datetime) -> int:
    grants = [ids.parse("grt", grant)]
    found = await market.database.run(lambda tx: seal.changed_days(tx, tx.now, since, grants))
    return sum(map(len, found.values()))


async def test_use_that_comes_months_late_is_charged_whatever_the_state_of_its_day(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("plain", USE, kind="pay_per_use", discounts=[VOLUME])
    order, start = await market.buy(BUYER, "plain"), clock.now()
    at = start + timedelta(minutes=5)
    await market.use(order.grant, 200, at)
    await settled(market, clock, JANUARY, FEBRUARY, MARCH, APRIL)
    assert await booked(market) == {("use", 1): 3 * YUAN}
    # A day that nobody sealed yet.
    await market.use(order.grant, 200, at)
    await settled(market, clock, MAY)
    assert await booked(market) == {("use", 1): 6 * YUAN}
    # A sealed day, with late events that no roll-up counted, and then with those that one did.
    await sealed(market, at.date())
    await late(market, order.grant, 200, at)
    await settled(market, clock, JUNE)
    assert await booked(market) == {("use", 1): 9 * YUAN}
    await late(market, order.grant, 400, at)
    await sealed(market, at.date())
    await settle(market, JUNE)
    assert await booked(market) == {("use", 1): 15 * YUAN, ("volume@month", 1): -YUAN}
    before = await charges(market)
    assert all(one.corrects is not None for one in before[1:])
    await settle(market, JUNE)
    assert await charges(market) == before
    # A day that rests is not looked at again.
    assert await changed_days(market, order.grant, clock.now() - timedelta(days=1)) == 1
    clock.advance(2 * 86_400)
    assert await changed_days(market, order.grant, clock.now() - timedelta(days=1)) == 0
    await sound(market)


async def test_months_whose_runs_were_left_out_are_charged_by_the_next_one(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("both", USE, FEE_OF_USE, kind="pay_per_use")
    order = await market.buy(BUYER, "both")
    await settled(market, clock, JANUARY)
    await market.use(order.grant, 1_000, datetime(2026, 2, 20, tzinfo=UTC))
    await settled(market, clock, JUNE)
    found = await booked(market)
    assert [found["fee", month] for month in range(1, 6)] == [31 * YUAN] * 5
    assert found["use", 2] == 15 * YUAN
    await sound(market)


async def test_what_is_given_back_is_taxed_as_it_was_when_it_was_booked(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("small", FEE)
    await market.offer("large", {**FEE, "model": {"type": "flat", "amount": "62.00", "in_advance": True}})
    await market.offer("use", USE, kind="pay_per_use", discounts=[VOLUME])
    paid, used, start = await market.buy(BUYER, "small"), await market.buy(BUYER, "use"), clock.now()
    at = start + timedelta(minutes=5)
    await market.use(used.grant, 2_000, at)
    await settled(market, clock, JANUARY)
    await market.register_for_tax(SELLER)
    # The new plan gives back a part of the fee that the order paid; less use gives back use and takes back a discount.
    assert isinstance(await changed(market, paid.grant, "large"), OfferChanged)
    await market.use(used.grant, -1_000, at)
    await market.use(used.grant, 1_000, datetime(2026, 2, 20, tzinfo=UTC))
    await settled(market, clock, FEBRUARY)
    found = (await charges(market))[2:]
    old = [one for one in found if one.service_start < JANUARY.end]
    assert {one.component: (one.corrects is not None, one.tax.units) for one in old} == {
        "fee": (True, 0),
        "use": (True, 0),
        "volume@month": (True, 0),
    }
    # Nothing of that was taxed before, so no tax goes back; what is new is taxed: 62.00, and 15.00 less 1.00.
    assert sorted(one.tax.units for one in found if one not in old) == [-60_000, 900_000]
    assert (await sums(market))["tax"] == 3_720_000 + 840_000
    await sound(market)


async def test_tax_that_was_paid_goes_back_with_what_it_was_paid_for(
    database: Database, keyring: Keyring, clock: FixedClock, database_url: str
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("use", USE, kind="pay_per_use", tax={"included": True})
    order, start = await market.buy(BUYER, "use"), clock.now()
    at = start + timedelta(minutes=5)
    await market.use(order.grant, 1_000, at)
    await settled(market, clock, JANUARY)
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE parties.identifier DISABLE TRIGGER ALL")
    await connection.execute("DELETE FROM parties.identifier")
    await connection.close()
    await market.use(order.grant, -1_000, at)
    await settled(market, clock, FEBRUARY)
    assert [one.tax.units for one in await charges(market)] == [849_057, -849_057]
    found = await sums(market)
    assert (found["tax"], found["wallet"], found["seller"]) == (0, 10_000 * YUAN, 0)
    await sound(market)

"""Use that no grant plausibly had in a day is accepted and held aside: it costs nothing before a person has looked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from exchange.access.plausibility import DayUse, Why, counting, limit_of
from exchange.access.settings import AccessSettings
from exchange.access.store import aside, seal
from exchange.flows.hold_usage import UsageDecided, decide_usage, hold_usage
from exchange.flows.seal_usage import seal_usage
from exchange.flows.settle_period import Period
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from settlement.store import audit
from tests.integration.test_settlement_run import settle
from tests.support.settlement_market import BUYER, OPERATOR, OTHER, SELLER, Market, actor, open_market

YUAN = 1_000_000
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "CNY")
FEBRUARY = Period(JANUARY.end, datetime(2026, 3, 1, tzinfo=UTC), "CNY")
MARCH = Period(FEBRUARY.end, datetime(2026, 4, 1, tzinfo=UTC), "CNY")
DAY = date(2026, 1, 20)
SETTINGS = AccessSettings(day_units_most=1_000, day_use_least=100, day_use_times=3)
WHY = {"en": "The holder confirmed it.", "zh": "数据方已确认。"}
RUNS = actor(OPERATOR, "operator")


@pytest_asyncio.fixture
async def market(database: Database, keyring: Keyring) -> Market:
    made = await open_market(database, keyring)
    await made.fund(BUYER, 100_000 * YUAN)
    return made


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


async def sealed(market: Market, clock: FixedClock, *days: date) -> None:
    clock.advance(max(0.0, (at(max(days), 0) + timedelta(hours=26) - clock.now()).total_seconds()))
    for day in days:
        for _ in range(5):
            await market.database.run(lambda tx, day=day: seal_usage(tx, day, settings=SETTINGS))  # type: ignore[misc]
    while await market.database.run(lambda tx: hold_usage(tx, SETTINGS)):
        pass


async def held(market: Market, *, open_only: bool = False) -> list[aside.Held]:
    return (await market.database.run(lambda tx: aside.list_held(tx, None, PageRequest(), open_only=open_only))).items


async def decide(market: Market, one: aside.Held, *, let_through: bool) -> Any:
    return await market.database.run(lambda tx: decide_usage(tx, RUNS, one.aside.id, WHY, let_through=let_through))


async def charged(market: Market) -> int:
    async def flow(tx: Tx) -> int:
        return int(await (await tx.driver()).fetchval("SELECT coalesce(sum(amount_units), 0) FROM settlement.charge"))

    return await market.database.run(flow)


async def run(market: Market, clock: FixedClock, period: Period) -> None:
    clock.advance(max(0.0, (period.end - clock.now()).total_seconds() + 86_400))
    await settle(market, period)


async def grant_of(market: Market) -> str:
    await market.database.run(lambda tx: seal.ensure_days(tx, [DAY + timedelta(days=n) for n in range(-6, 6)]))
    order = await market.buy(BUYER, "per_use")
    grant: str = order.grant
    return grant


async def test_use_above_a_limit_costs_nothing_until_it_is_let_through(market: Market, clock: FixedClock) -> None:
    grant = await grant_of(market)
    await market.use(grant, 600, at(DAY, 3))
    await market.use(grant, 1_400, at(DAY, 20))
    await sealed(market, clock, DAY)
    (one,) = await held(market)
    assert (one.aside.counted, one.aside.limit, one.aside.why, one.key) == (2_000, 1_000, Why.ABSOLUTE, "records")
    await run(market, clock, JANUARY)
    assert await charged(market) == 15 * YUAN
    # Looked at again, it is the same exception.
    await sealed(market, clock, DAY)
    assert len(await held(market)) == 1
    stranger = await market.database.run(
        lambda tx: decide_usage(tx, actor(SELLER, "supplier"), one.aside.id, WHY, let_through=True)
    )
    assert isinstance(stranger, Problem)
    assert stranger.slug == "forbidden"
    decided = await decide(market, one, let_through=True)
    assert isinstance(decided, UsageDecided), decided
    again = await decide(market, one, let_through=False)
    assert isinstance(again, Problem)
    assert again.slug == "held-usage-decided"
    assert await held(market, open_only=True) == []
    # The next run charges the rest, as a correction of January.
    await run(market, clock, FEBRUARY)
    assert await charged(market) == 30 * YUAN
    for reader, seen in ((BUYER, 1), (SELLER, 1), (OTHER, 0)):
        async with market.database.read(actor(reader)) as tx:
            assert len((await aside.list_held(tx, actor(reader), PageRequest())).items) == seen
    assert await market.database.run(audit.check) == []


async def test_what_was_charged_before_anybody_looked_comes_back_and_what_is_refused_never_counts(
    market: Market, clock: FixedClock
) -> None:
    grant = await grant_of(market)
    await market.use(grant, 4_000, at(DAY, 3))
    # A run that comes before the day is sealed sees all of it.
    await run(market, clock, JANUARY)
    assert await charged(market) == 60 * YUAN
    await sealed(market, clock, DAY)
    (one,) = await held(market)
    assert isinstance(await decide(market, one, let_through=False), UsageDecided)
    await run(market, clock, FEBRUARY)
    assert await charged(market) == 15 * YUAN
    await run(market, clock, MARCH)
    assert await charged(market) == 15 * YUAN
    assert await market.database.run(audit.check) == []


async def test_a_day_far_above_the_busiest_before_is_held_and_a_first_day_is_not(
    market: Market, clock: FixedClock
) -> None:
    grant = await grant_of(market)
    before = DAY - timedelta(days=3)
    await market.use(grant, 200, at(before, 3))
    await market.use(grant, 700, at(DAY, 3))
    await sealed(market, clock, before, DAY)
    (one,) = await held(market)
    assert (one.aside.day, one.aside.limit, one.aside.why) == (DAY, 600, Why.HISTORY)
    assert ids.text("grt", one.aside.grant_id) == grant


@pytest.mark.parametrize(
    ("quota", "busiest", "expected"),
    [
        (None, None, (1_000, Why.ABSOLUTE)),
        (50, None, (50, Why.QUOTA)),
        (50, 1, (50, Why.QUOTA)),
        (None, 1, (100, Why.HISTORY)),
        (None, 200, (600, Why.HISTORY)),
        (None, 500, (1_000, Why.ABSOLUTE)),
    ],
)
def test_the_least_limit_holds(quota: int | None, busiest: int | None, expected: tuple[int, Why]) -> None:
    assert limit_of(DayUse(BUYER, 2, "records", 0, quota, busiest), SETTINGS) == expected


def test_windows_that_cut_a_day_count_what_its_limit_allows_and_no_more() -> None:
    for cut in range(31):
        assert counting(0, cut, 12) + counting(cut, 30, 12) == 12
    assert counting(3, 9, 12) == 6

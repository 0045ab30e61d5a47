"""One event under two days: it counts once, under the day that was sealed first, and is seen by the operator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from compliance import store as compliance
from exchange.access.meters import Meter
from exchange.access.store import across, roots, seal
from exchange.flows.seal_usage import root_usage
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.pages import PageRequest
from tests.integration.test_access_usage import SETTINGS, event, ingest, registered, report, seal_day, totals
from tests.support.access import open_market

START = datetime(2025, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def aside(database: Database) -> list[tuple[str, str, UUID, int]]:
    page = await database.run(lambda tx: across.put_aside(tx, PageRequest(50)))
    return [(one.day.isoformat(), one.other_day.isoformat(), one.event_id, one.quantity) for one in page.items]


@pytest.mark.parametrize("apart", [1, 3, 35])
async def test_an_event_under_two_days_counts_under_the_one_sealed_first(
    database: Database, clock: FixedClock, apart: int
) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=START)
    source, second = await registered(database), clock.now()
    first = second - apart * DAY + timedelta(hours=1)
    other = await registered(database)
    await ingest(database, report(source, "a", [event(grant, n, n, at=first) for n in range(1, 40)]))
    await ingest(database, report(source, "b", [event(grant, n, 1_000 + n, at=second) for n in (7, 9, 500)]))
    # The same id from another source is another event.
    await ingest(database, report(other, "c", [event(grant, 8, 1, at=second)]))
    clock.advance(18 * 3600)
    assert (await seal_day(database, first.date()))[-1] == "sealed"
    assert await aside(database) == []
    assert (await seal_day(database, second.date()))[-1] == "sealed"
    days = second.date().isoformat(), first.date().isoformat()
    assert sorted(await aside(database)) == [(*days, UUID(int=7), 1_007), (*days, UUID(int=9), 1_009)]
    assert (await totals_of(database))[grant.id, Meter.TOKENS] == (sum(range(1, 40)) + 1_500 + 1, 41)
    leaves = await database.run(lambda tx: roots.leaves(tx, second.date(), source.id, grant.id))
    assert len(leaves) == 1
    found = await database.run(lambda tx: compliance.objects_logged(tx, "usage.aside", [f"usage-day:{days[0]}"]))
    assert found == {f"usage-day:{days[0]}": 1}


async def totals_of(database: Database) -> dict[tuple[UUID, str], tuple[int, int]]:
    now = database.clock.now()
    found = await database.run(lambda tx: seal.usage_totals(tx, now - 60 * DAY, now + DAY))
    return {(one.grant_id, one.meter): (one.quantity, one.n) for one in found}


async def test_further_apart_than_the_window_nobody_looks(database: Database, clock: FixedClock) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=START)
    source, now = await registered(database), clock.now()
    settings_days = SETTINGS.window_days
    await ingest(database, report(source, "a", [event(grant, 1, 1, at=now)]))
    clock.advance((settings_days + 1) * 86_400)
    await ingest(database, report(source, "b", [event(grant, 1, 1, at=clock.now())]))
    clock.advance(2 * 86_400)
    await seal_day(database, now.date())
    await seal_day(database, (now + (settings_days + 1) * DAY).date())
    assert await aside(database) == []


async def test_a_late_event_is_compared_with_other_days_in_both_directions(
    database: Database, clock: FixedClock
) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=START)
    source, second = await registered(database), clock.now()
    first = second - DAY
    await ingest(database, report(source, "a", [event(grant, 1, 10, at=first)]))
    await ingest(database, report(source, "b", [event(grant, 2, 20, at=second)]))
    clock.advance(18 * 3600)
    await seal_day(database, first.date())
    # It comes late under the first day, before the second is sealed: the second's own copy is put aside.
    await ingest(database, report(source, "c", [event(grant, 2, 20, at=first)]))
    assert await seal_day(database, first.date()) == ["sealed"]
    await seal_day(database, second.date())
    # And one that comes late under the second day, and stands under the first.
    await ingest(database, report(source, "d", [event(grant, 1, 10, at=second), event(grant, 3, 5, at=second)]))
    assert await seal_day(database, second.date()) == ["sealed"]
    days = second.date().isoformat(), first.date().isoformat()
    assert sorted(await aside(database)) == [(*days, UUID(int=1), 10), (*days, UUID(int=2), 20)]
    assert await totals(database) == {(grant.id, Meter.TOKENS): (35, 3)}
    # The same again changes nothing.
    await ingest(database, report(source, "e", [event(grant, 1, 10, at=second)]))
    await seal_day(database, second.date())
    assert len(await aside(database)) == 2
    assert await totals(database) == {(grant.id, Meter.TOKENS): (35, 3)}


async def test_days_sealed_at_once_do_not_both_count_it(database: Database, clock: FixedClock) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=START)
    source, now = await registered(database), clock.now()
    days = [now - number * DAY for number in range(4)]
    for at in days:
        await ingest(database, report(source, at.isoformat(), [event(grant, 1, 10, at=at)]))
    clock.advance(18 * 3600)
    await asyncio.gather(*(seal_day(database, at.date()) for at in days))
    assert len(await aside(database)) == 3
    assert await totals(database) == {(grant.id, Meter.TOKENS): (10, 1)}


async def test_a_day_of_several_parts_is_compared_as_one(
    database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(across, "_PAGES", 2)
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=START)
    source, now = await registered(database), clock.now()
    for at in (now - DAY, now):
        await ingest(database, report(source, at.isoformat(), [event(grant, n, 1, at=at) for n in range(1, 901)]))
    clock.advance(18 * 3600)
    await seal_day(database, (now - DAY).date())
    await seal_day(database, now.date())
    assert await totals(database) == {(grant.id, Meter.TOKENS): (900, 900)}


async def test_what_was_shown_provisionally_and_put_aside_is_gone_from_the_roll_up(
    database: Database, clock: FixedClock
) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=START)
    source, now = await registered(database), clock.now()
    for at in (now - DAY, now):
        await ingest(database, report(source, at.isoformat(), [event(grant, 1, 10, at=at)]))
    await database.run(lambda tx: seal.roll_up(tx, now.date(), final=False))
    clock.advance(18 * 3600)
    await seal_day(database, (now - DAY).date())
    await seal_day(database, now.date())
    assert await totals(database) == {(grant.id, Meter.TOKENS): (10, 1)}
    assert await database.run(lambda tx: root_usage(tx, now.date())) is None

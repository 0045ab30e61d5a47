from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from exchange.access.meters import Meter
from exchange.access.settings import AccessSettings
from exchange.access.store import roots as roots_store
from exchange.access.store import seal, usage
from exchange.access.store.usage import Source
from exchange.access.usage import GrantCache, read_events
from exchange.flows.access_data import access_data
from exchange.flows.ingest_usage import Report, ingest_usage
from exchange.flows.seal_usage import due_days, due_roots, roll_up_today, root_usage, seal_usage
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.merkle import leaf_hash, root_of
from tests.support.access import BUYER, SELLER, STRANGER, open_market, read

SETTINGS = AccessSettings()
TODAY = date(2026, 1, 15)


def event(grant, number, value, *, at, meter="tokens", subject=None):
    return {
        "specversion": "1.0",
        "id": str(UUID(int=number)),
        "source": "urn:shelf:1",
        "type": "exchange.usage",
        "subject": subject or ids.text("grt", grant.id),
        "time": at.isoformat(),
        "data": {"meter": meter, "value": value},
    }


def report(source, key, events):
    body = msgspec.json.encode(events)
    read_ = read_events(body, SETTINGS)
    assert not isinstance(read_, Problem), read_
    return Report(source, key, hashlib.sha256(body).digest(), read_)


async def ingest(database, *reports, known=None):
    known = known or GrantCache(10)
    return await database.run(lambda tx: ingest_usage(tx, list(reports), known=known, settings=SETTINGS))


async def registered(database, organisation=SELLER) -> Source:
    return Source(
        await database.run(lambda tx: usage.register_source(tx, organisation, database.ids.new(database.clock.now()))),
        organisation,
    )


async def totals(database: Database, **days: int):
    now = database.clock.now()
    found = await database.run(
        lambda tx: seal.usage_totals(tx, now - timedelta(days=30), now + timedelta(days=days.get("ahead", 1)))
    )
    return {(one.grant_id, one.meter): (one.quantity, one.n) for one in found}


async def seal_day(database, day=TODAY):
    states = []
    while not states or states[-1] not in {None, "sealed"}:
        states.append(await database.run(lambda tx: seal_usage(tx, day, settings=SETTINGS)))
    if states[-1] == "sealed":
        await database.run(lambda tx: root_usage(tx, day))
        assert day not in [one for one, _ in await database.run(due_roots)]
    return states


async def test_good_events_go_in_and_bad_ones_are_told_by_index(database, clock):
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source, now = await registered(database), clock.now()
    events = [
        event(grant, 1, 10, at=now),
        event(grant, 2, 10, at=now, subject="grt_nonsense"),
        {"id": "no"},
        event(grant, 3, 10, at=now, meter="bytes"),
        event(grant, 4, 10, at=now + timedelta(hours=1)),
        event(grant, 5, 10, at=now - timedelta(days=3)),
        event(grant, 6, -1, at=now),
        event(grant, 7, 7, at=now - timedelta(hours=9)),
    ]
    (answer,) = await ingest(database, report(source, "a", events))
    told = msgspec.json.decode(answer.answer)
    assert told["accepted"] == 2
    assert [(one["index"], one["type"]) for one in told["refused"]] == [
        (1, "usage-grant-unknown"),
        (2, "usage-event-malformed"),
        (3, "usage-meter-unknown"),
        (4, "usage-time-refused"),
        (5, "usage-time-refused"),
        (6, "usage-event-malformed"),
    ]
    assert await totals(database) == {(grant.id, Meter.TOKENS): (17, 2)}


async def test_only_the_seller_s_source_may_report(database, clock):
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    stranger = await registered(database, STRANGER)
    known = GrantCache(10)
    mine = await registered(database)
    for source, accepted in ((mine, 1), (stranger, 0)):
        (answer,) = await ingest(database, report(source, "a", [event(grant, 1, 10, at=clock.now())]), known=known)
        assert msgspec.json.decode(answer.answer)["accepted"] == accepted


async def test_a_batch_comes_in_once(database, clock):
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source = await registered(database)
    one = report(source, "a", [event(grant, 1, 10, at=clock.now())])
    other = report(source, "a", [event(grant, 2, 10, at=clock.now())])
    first, twin, conflict = await ingest(database, one, one, other)
    assert (first.replayed, twin.replayed, conflict.slug) == (False, True, "usage-batch-conflict")
    again, conflict = await ingest(database, one, other)
    assert again.answer == first.answer == twin.answer
    assert (again.replayed, conflict.slug) == (True, "usage-batch-conflict")
    answers = await asyncio.gather(
        *[ingest(database, report(source, "b", [event(grant, 3, 1, at=clock.now())])) for _ in range(8)]
    )
    assert sorted(answer[0].replayed for answer in answers) == [False] + [True] * 7
    assert await totals(database) == {(grant.id, Meter.TOKENS): (11, 2)}


async def test_a_day_is_sealed_with_its_copies_aside(database, clock):
    grant, other = await open_market(database, {}, 2, meters=(Meter.TOKENS, Meter.RECORDS))
    source, now = await registered(database), clock.now()
    events = [event(grant, number, number, at=now) for number in range(1, 51)]
    await ingest(database, report(source, "a", events))
    await ingest(database, report(source, "b", [*events[:5], event(other, 1, 99, at=now)]))
    await database.run(lambda tx: access_data(tx, [read(other, records=3)], holder=UUID(int=5), settings=SETTINGS))
    expected = {
        (grant.id, Meter.TOKENS): (50 * 51 // 2, 50),
        (other.id, Meter.RECORDS): (3, 1),
    }
    assert await totals(database) == expected
    assert await seal_day(database) == [None]
    clock.advance(18 * 3600)
    assert await database.run(lambda tx: due_days(tx, settings=SETTINGS)) == [TODAY - timedelta(days=1), TODAY]
    assert await seal_day(database) == ["closed", "proven", "sealed"]
    assert await seal_day(database) == ["sealed"]
    assert await totals(database) == expected
    await check_aside(database, 6)
    async with database.read(Actor(BUYER, UUID(int=1), frozenset(), frozenset(), "x")) as tx:
        rows = await seal.usage_of(
            tx, Actor(BUYER, UUID(int=1), frozenset(), frozenset(), "x"), grant.id, now, now + timedelta(1)
        )
        roots = await seal.roots_of(
            tx, Actor(BUYER, UUID(int=1), frozenset(), frozenset(), "x"), grant.id, TODAY, TODAY + timedelta(1)
        )
    assert rows == [(now, Meter.TOKENS, 1275, True)]
    leaves = await database.run(lambda tx: roots_store.leaves(tx, TODAY, source.id, grant.id))
    assert [(one.part, one.n, one.root) for one in roots] == [(0, 50, root_of(map(leaf_hash, leaves)))]


async def check_aside(database, count):
    async def flow(tx):
        driver = await tx.driver()
        assert await driver.fetchval("SELECT count(*) FROM access.usage_copy") == count
        assert await driver.fetchval("SELECT count(*) FROM access.usage_record_20260115") == 51

    await database.run(flow)


async def test_late_events_count_once_and_get_their_own_root(database, clock):
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source, now = await registered(database), clock.now()
    await ingest(database, report(source, "a", [event(grant, 1, 10, at=now)]))
    clock.advance(18 * 3600)
    await seal_day(database)
    late = [event(grant, 1, 10, at=now), event(grant, 2, 5, at=now), event(grant, 2, 5, at=now)]
    await ingest(database, report(source, "b", late))
    await ingest(database, report(source, "c", late))
    assert await totals(database) == {(grant.id, Meter.TOKENS): (15, 2)}
    assert await database.run(lambda tx: due_days(tx, settings=SETTINGS)) == [TODAY - timedelta(days=1), TODAY]
    assert await seal_day(database) == ["sealed"]
    assert await totals(database) == {(grant.id, Meter.TOKENS): (15, 2)}
    actor = Actor(SELLER, UUID(int=1), frozenset(), frozenset(), "x")
    async with database.read(actor) as tx:
        roots = await seal.roots_of(tx, actor, grant.id, TODAY, TODAY + timedelta(1))
    assert [(one.part, one.n) for one in roots] == [(0, 1), (1, 2)]


async def test_a_day_without_a_partition_gets_one(database, clock):
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=datetime(2025, 12, 1, tzinfo=UTC))
    source = await registered(database)
    old = clock.now() - timedelta(days=20)
    await ingest(database, report(source, "a", [event(grant, 1, 10, at=old), event(grant, 2, 1, at=clock.now())]))
    assert await totals(database) == {(grant.id, Meter.TOKENS): (11, 2)}
    await seal_day(database, old.date())
    assert await totals(database) == {(grant.id, Meter.TOKENS): (11, 2)}


async def test_closing_waits_for_writers_and_no_record_is_lost(database, clock):
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source, at = await registered(database), clock.now()
    clock.advance(18 * 3600)

    async def write(number):
        await ingest(database, report(source, f"k{number}", [event(grant, number, 1, at=at)]))

    await asyncio.gather(
        *[write(number) for number in range(1, 21)], seal_day(database), *[write(n) for n in range(21, 41)]
    )
    await seal_day(database)
    assert await totals(database) == {(grant.id, Meter.TOKENS): (40, 40)}


async def test_a_day_closes_after_its_last_writer(database, clock):
    await open_market(database, {})
    clock.advance(18 * 3600)
    inside, leave = asyncio.Event(), asyncio.Event()

    async def writer(tx):
        assert await usage.hold_days(tx, [TODAY]) == {TODAY}
        inside.set()
        await leave.wait()

    writing = asyncio.create_task(database.run(writer))
    await inside.wait()
    closing = asyncio.create_task(database.run(lambda tx: seal_usage(tx, TODAY, settings=SETTINGS)))
    done, _ = await asyncio.wait({closing}, timeout=0.3)
    assert not done
    leave.set()
    await writing
    assert await closing == "closed"
    assert await database.run(lambda tx: usage.hold_days(tx, [TODAY])) == set()


async def test_both_sides_see_today_s_use_before_it_is_final(database, clock):
    (grant,) = await open_market(database, {})
    for _ in range(2):
        await database.run(lambda tx: access_data(tx, [read(grant, records=3)], holder=UUID(int=5), settings=SETTINGS))
        await database.run(roll_up_today)
    for organisation, rows in ((BUYER, 1), (SELLER, 1), (STRANGER, 0)):
        actor = Actor(organisation, UUID(int=1), frozenset(), frozenset(), "x")
        async with database.read(actor) as tx:
            found = await seal.usage_of(tx, actor, grant.id, clock.now(), clock.now() + timedelta(hours=1))
        assert found == [(clock.now(), Meter.RECORDS, 6, False)][:rows]


@pytest.mark.parametrize("count", [1, 30])
async def test_the_number_of_statements_does_not_grow(database, database_url, clock, count):
    from exchange.kernel.db import DatabaseUrls

    seen: list[str] = []
    watched = Database(DatabaseUrls.from_one(database_url), clock, observer=seen.append)
    (grant,) = await open_market(watched, {}, meters=(Meter.TOKENS,))
    source, known = await registered(watched), GrantCache(10)
    await ingest(watched, report(source, "warm", [event(grant, 1, 1, at=clock.now())]), known=known)
    seen.clear()
    made = [
        report(source, f"k{n}", [event(grant, n * 9 + m, 1, at=clock.now()) for m in range(3)]) for n in range(count)
    ]
    await ingest(watched, *made, known=known)
    statements = [
        one.split()[0] for one in seen if one.split()[0] in {"SELECT", "INSERT", "COPY"} and one != "SELECT 1"
    ]
    assert statements in (
        ["INSERT", "SELECT", "COPY", "INSERT"],
        ["INSERT", "SELECT", "INSERT"],
    )  # COPY is not logged by all
    await watched.close()


async def test_a_fresh_exchange_rolls_up_before_its_days_are_prepared(database: Database) -> None:
    await database.run(roll_up_today)
    await database.run(roll_up_today)

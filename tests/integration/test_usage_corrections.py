"""Corrected usage: events stay, their day counts what the last correction says, and the money follows, also long after."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from exchange.access.corrections import Wishes, read_corrections
from exchange.access.meters import Meter
from exchange.access.settings import AccessSettings
from exchange.access.store import corrections, roots, seal, usage
from exchange.flows.correct_usage import CorrectionWish, correct_usage
from exchange.flows.seal_usage import due_days, due_roots, root_usage
from exchange.flows.settle_period import Period
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.merkle import leaf_hash, root_of
from exchange.kernel.pages import PageRequest
from tests.integration.test_access_usage import SETTINGS, event, ingest, registered, report, seal_day, totals
from tests.integration.test_settlement_priced import FEBRUARY, JANUARY, MARCH, USE, YUAN, booked, charges, opened, sound
from tests.integration.test_settlement_run import settle
from tests.support.access import BUYER, SELLER, STRANGER, open_market
from tests.support.settlement_market import BUYER as TRADE_BUYER
from tests.support.settlement_market import SELLER as TRADE_SELLER
from tests.support.settlement_market import Market, actor

CLIENT = UUID(int=0xC11E)
TODAY = datetime(2026, 1, 15, tzinfo=UTC).date()


def wish(number: int, at: datetime, value: int | None = None, **more: Any) -> dict[str, Any]:
    action = "deprecate" if value is None else "amend"
    said = {} if value is None else {"value": value}
    return {"id": str(UUID(int=number)), "time": at.isoformat(), "action": action, "reason": "other", **said, **more}


async def stand_up(database: Database, organisation: UUID = SELLER, client: UUID = CLIENT) -> usage.Source:
    """A verified organisation with a client that may report."""

    async def flow(tx: Tx) -> int:
        driver = await tx.driver()
        await driver.execute(
            "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) "
            "VALUES ($1, '{}', '{supplier}', 'CN', 'verified', $2) ON CONFLICT DO NOTHING",
            organisation,
            tx.now,
        )
        await driver.execute(
            "INSERT INTO parties.client (id, organisation_id, label, secret_hash, scopes, created_at) "
            "VALUES ($1, $2, 'test', sha256('x'), '{}', $3)",
            client,
            organisation,
            tx.now,
        )
        return await usage.register_source(tx, organisation, client)

    return usage.Source(await database.run(flow), organisation)


async def correct(
    database: Database,
    key: str,
    wishes: list[dict[str, Any]],
    organisation: UUID = SELLER,
    client: UUID = CLIENT,
    settings: AccessSettings = SETTINGS,
) -> dict[str, Any] | str:
    """What a batch of corrections is answered; the slug of a problem."""
    body = msgspec.json.encode(wishes)
    read = read_corrections(body, settings)
    assert isinstance(read, Wishes)
    who = Actor(organisation, client, frozenset({"supplier"}), frozenset({"supplier"}), "jti")
    asked = CorrectionWish(who, key, hashlib.sha256(body).digest(), read)
    answer = await database.run(lambda tx: correct_usage(tx, asked, settings=settings))
    if isinstance(answer, Problem):
        return answer.slug
    found: dict[str, Any] = msgspec.json.decode(answer.answer)
    return {**found, "replayed": answer.replayed}


def slugs(answer: dict[str, Any] | str) -> list[tuple[int, str]]:
    assert isinstance(answer, dict)
    return [(one["index"], one["type"]) for one in answer["refused"]]


async def test_an_event_counts_as_its_last_correction_says_while_its_day_is_open(
    database: Database, clock: FixedClock
) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source, now = await stand_up(database), clock.now()
    await ingest(database, report(source, "a", [event(grant, n, 100, at=now) for n in (1, 2, 3)]))
    answer = await correct(database, "c1", [wish(1, now, 40), wish(2, now), wish(1, now, 50)])
    assert isinstance(answer, dict)
    assert (answer["accepted"], answer["refused"], answer["replayed"]) == (3, [], False)
    assert await totals(database) == {(grant.id, Meter.TOKENS): (150, 2)}
    await database.run(lambda tx: seal.roll_up(tx, TODAY, final=False))
    clock.advance(18 * 3600)
    assert (await seal_day(database))[-1] == "sealed"
    assert await totals(database) == {(grant.id, Meter.TOKENS): (150, 2)}
    # What was taken back may come again, and the facts say all of it.
    await correct(database, "c2", [wish(2, now, 7)])
    assert await seal_day(database) == ["sealed"]
    assert await totals(database) == {(grant.id, Meter.TOKENS): (157, 3)}
    buyer = Actor(BUYER, UUID(int=1), frozenset(), frozenset(), "x")
    async with database.read(buyer) as tx:
        page = await corrections.corrections_of(tx, buyer, grant.id, PageRequest(2))
        assert page.next_cursor is not None
    rows = [(one.event_id.int, one.number, one.kind, one.before, one.quantity) for one in page.items]
    assert rows == [(2, 2, "amend", 0, 7), (2, 1, "deprecate", 100, 0)]
    stranger = Actor(STRANGER, UUID(int=1), frozenset(), frozenset(), "x")
    async with database.read(stranger) as tx:
        assert (await corrections.corrections_of(tx, stranger, grant.id, PageRequest(9))).items == []


async def test_the_same_batch_is_answered_alike_and_another_under_its_key_refused(
    database: Database, clock: FixedClock
) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source, now = await stand_up(database), clock.now()
    await ingest(database, report(source, "a", [event(grant, 1, 100, at=now)]))
    first = await correct(database, "c", [wish(1, now, 40)])
    again = await correct(database, "c", [wish(1, now, 40)])
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    assert again == {**first, "replayed": True}
    assert await correct(database, "c", [wish(1, now, 41)]) == "usage-batch-conflict"
    assert await correct(database, "a", [wish(1, now, 41)]) == "usage-batch-conflict"
    assert await totals(database) == {(grant.id, Meter.TOKENS): (40, 1)}


async def test_what_cannot_be_corrected_is_told_by_its_index(database: Database, clock: FixedClock) -> None:
    starts_at = clock.now() - timedelta(days=500)
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=starts_at, ends_at=None)
    source, now = await stand_up(database), clock.now()
    other = await registered(database)
    await ingest(database, report(source, "a", [event(grant, 1, 100, at=now), event(grant, 2, 5, at=now)]))
    await ingest(database, report(other, "b", [event(grant, 3, 9, at=now)]))
    answer = await correct(
        database,
        "c",
        [
            wish(1, now, 100),
            wish(9, now, 1),
            wish(1, now - timedelta(days=1), 1),
            wish(1, now - timedelta(days=401), 1),
            {"id": "no"},
            {**wish(1, now), "value": 3},
            wish(3, now, 1),
            wish(3, now, 1, source=other.id),
            wish(3, now, 1, source=other.id + 1),
            wish(2, now),
            wish(2, now),
        ],
    )
    assert slugs(answer) == [
        (0, "usage-correction-changes-nothing"),
        (1, "usage-event-unknown"),
        (2, "usage-event-unknown"),
        (3, "usage-correction-too-late"),
        (4, "usage-event-malformed"),
        (5, "usage-event-malformed"),
        (6, "usage-event-unknown"),
        (8, "usage-event-unknown"),
        (10, "usage-correction-changes-nothing"),
    ]
    few = AccessSettings(corrections_max=2)
    swings = [wish(1, now, value) for value in (1, 2, 3)]
    assert slugs(await correct(database, "d", swings, settings=few)) == [(2, "usage-corrections-too-many")]


async def test_nobody_corrects_what_another_reported(database: Database, clock: FixedClock) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source, now = await stand_up(database), clock.now()
    await stand_up(database, STRANGER, UUID(int=0xBAD))
    await ingest(database, report(source, "a", [event(grant, 1, 100, at=now)]))
    theirs = [wish(1, now, 1), wish(1, now, 1, source=source.id)]
    answer = await correct(database, "c", theirs, STRANGER, UUID(int=0xBAD))
    assert slugs(answer) == [(0, "usage-event-unknown"), (1, "usage-event-unknown")]
    assert await correct(database, "c", theirs, SELLER, UUID(int=0xBAD)) in {
        "unauthenticated",
        "usage-source-unknown",
    }
    assert await totals(database) == {(grant.id, Meter.TOKENS): (100, 1)}


async def test_roots_and_proofs_follow_a_correction_and_older_roots_stay(
    database: Database, database_url: str, clock: FixedClock
) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,))
    source, now = await stand_up(database), clock.now()
    await ingest(database, report(source, "a", [event(grant, n, 100, at=now) for n in (1, 2)]))
    await ingest(database, report(source, "b", [event(grant, 1, 100, at=now)]))
    clock.advance(18 * 3600)
    await seal_day(database)
    # A late event is corrected as well as one of the day.
    await ingest(database, report(source, "late", [event(grant, 3, 9, at=now)]))
    await correct(database, "c", [wish(1, now, 40), wish(3, now)])
    assert TODAY in await database.run(lambda tx: due_days(tx, settings=SETTINGS))
    assert await seal_day(database) == ["sealed"]
    assert await database.run(due_roots) == []
    assert await totals(database) == {(grant.id, Meter.TOKENS): (140, 2)}
    leaves = await database.run(lambda tx: roots.leaves(tx, TODAY, source.id, grant.id))
    shown = [msgspec.json.decode(one) for one in leaves]
    assert [(one["quantity"], one.get("reported"), one.get("correction")) for one in shown] == [
        (40, 100, 1),
        (100, None, None),
        (0, 9, 1),
    ]
    who = Actor(SELLER, UUID(int=1), frozenset(), frozenset(), "x")
    async with database.read(who) as tx:
        found = await seal.roots_of(tx, who, grant.id, TODAY, TODAY + timedelta(1))
    assert [(one.part, one.n) for one in found] == [(0, 2), (1, 3)]
    assert found[1].root == root_of(map(leaf_hash, leaves)) != found[0].root
    # The events themselves are as they were reported, and nobody may change a correction.
    connection = await asyncpg.connect(database_url)
    try:
        kept = await connection.fetch("SELECT quantity FROM access.usage_record WHERE source_id > 0 ORDER BY event_id")
        assert [row["quantity"] for row in kept] == [100, 100]
        for statement in ("UPDATE access.usage_correction SET quantity = 1", "DELETE FROM access.usage_correction"):
            with pytest.raises(asyncpg.PostgresError, match="never"):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_sealed_day_is_counted_live_where_a_correction_came_and_nowhere_else(
    database: Database, database_url: str, clock: FixedClock
) -> None:
    grant, other = await open_market(database, {}, 2, meters=(Meter.TOKENS,))
    source, now = await stand_up(database), clock.now()
    await ingest(database, report(source, "a", [event(grant, 1, 100, at=now), event(other, 2, 70, at=now)]))
    clock.advance(18 * 3600)
    await seal_day(database)
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE access.usage_rollup SET quantity = 71 WHERE grant_id = $1", other.id)
    await connection.close()
    await correct(database, "c", [wish(1, now, 40)])
    # The other grant is still read from the roll-up, which was bent to show it.
    assert await totals(database) == {(grant.id, Meter.TOKENS): (40, 1), (other.id, Meter.TOKENS): (71, 1)}


async def report_and_seal(market: Market, grant: str, events: list[tuple[int, int]], at: datetime, key: str) -> None:
    body = [
        {
            "id": str(UUID(int=number)),
            "subject": grant,
            "time": at.isoformat(),
            "data": {"meter": "records", "value": value},
        }
        for number, value in events
    ]
    source = await market.database.run(lambda tx: usage.source_of(tx, actor(TRADE_SELLER).client_id))
    assert source is not None
    (answer,) = await ingest(market.database, report(source, key, body))
    assert msgspec.json.decode(answer.answer)["refused"] == []


async def count_again(market: Market, at: datetime) -> None:
    await seal_day(market.database, at.date())
    assert await market.database.run(lambda tx: root_usage(tx, at.date())) is None


async def test_a_corrected_event_is_credited_or_charged_in_its_own_period_after_the_invoice(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("plain", USE, kind="pay_per_use")
    order, start = await market.buy(TRADE_BUYER, "plain"), clock.now()
    client = actor(TRADE_SELLER).client_id
    await database.run(lambda tx: usage.register_source(tx, TRADE_SELLER, client))
    at = start + timedelta(minutes=5)
    clock.advance(600)
    await report_and_seal(market, order.grant, [(1, 200), (2, 100)], at, "a")
    await after(market, clock, JANUARY, at)
    assert await booked(market) == {("use", 1): 4_500_000}
    (first,) = await charges(market)

    async def corrected(key: str, *wishes: dict[str, Any]) -> None:
        answer = await correct(database, key, list(wishes), TRADE_SELLER, client)
        assert isinstance(answer, dict)
        assert answer["accepted"] == len(wishes)

    # Amended down, after seal, settlement and invoice: the next run books a credit that names what it corrects.
    await corrected("down", wish(1, at, 120))
    await after(market, clock, FEBRUARY, at)
    down = (await charges(market))[1]
    assert (down.amount.units, down.corrects, down.service_start) == (-1_200_000, first.id, first.service_start)
    # Amended up: an extra line of the same period.
    await corrected("up", wish(1, at, 1_120))
    await after(market, clock, MARCH, at)
    up = (await charges(market))[2]
    assert (up.amount.units, up.corrects, up.service_end) == (15 * YUAN, first.id, first.service_end)
    # Taken back without anybody counting the day again: the run sees it all the same.
    await corrected("none", wish(1, at), wish(2, at))
    april = Period(MARCH.end, datetime(2026, 5, 1, tzinfo=UTC), "CNY")
    clock.advance((april.end - clock.now()).total_seconds() + 86_400)
    await settle(market, april)
    assert await booked(market) == {("use", 1): 0}
    before = await charges(market)
    await count_again(market, at)
    await settle(market, april)
    assert await charges(market) == before
    await sound(market)


async def after(market: Market, clock: FixedClock, period: Period, at: datetime) -> None:
    """The day after a period's end: the day of use is counted anew, and the period settled."""
    clock.advance(max(0.0, (period.end - clock.now()).total_seconds() + 86_400))
    await count_again(market, at)
    await settle(market, period)


async def test_an_event_put_aside_is_corrected_where_it_counts(database: Database, clock: FixedClock) -> None:
    (grant,) = await open_market(database, {}, meters=(Meter.TOKENS,), starts_at=clock.now() - timedelta(days=9))
    source, now = await stand_up(database), clock.now()
    first = now - timedelta(days=1)
    for at in (first, now):
        await ingest(database, report(source, at.isoformat(), [event(grant, 1, 10, at=at)]))
    clock.advance(18 * 3600)
    await seal_day(database, first.date())
    await seal_day(database, now.date())
    answer = await correct(database, "c", [wish(1, now, 3), wish(1, first, 4)])
    assert slugs(answer) == [(0, "usage-event-put-aside")]
    await seal_day(database, first.date())
    assert await totals(database) == {(grant.id, Meter.TOKENS): (4, 1)}
    assert ids.text("grt", grant.id)

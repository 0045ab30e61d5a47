"""Days of usage: made ahead, closed, proven, rolled up, rooted; and the totals that settlement bills."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.access.store.meters import keys_of
from exchange.access.tables import usage_rollup as _rollup
from exchange.access.tables import usage_seal as _seal
from exchange.access.usage import leaf, stamp
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.merkle import Range, leaf_hash
from exchange.kernel.store import ours

QUARTER_S = 900
_KEEP_EVENTS = 2_000

# Late events count where the sealed day has not got them already.
_COUNTED = """
SELECT source_id, event_id, grant_id, meter, at, quantity FROM access.usage_record WHERE at >= $1 AND at < $2
UNION ALL
SELECT l.source_id, l.event_id, l.grant_id, l.meter, l.at, l.quantity FROM access.usage_late l
WHERE l.day = ($1::timestamptz AT TIME ZONE 'UTC')::date AND NOT EXISTS (
    SELECT FROM access.usage_record r
    WHERE r.at >= $1 AND r.at < $2 AND r.source_id = l.source_id AND r.event_id = l.event_id)"""
# A day without its index: the first copy of each event counts, as the proof will keep it.
_FIRSTS = """
SELECT DISTINCT ON (source_id, event_id) source_id, event_id, grant_id, meter, at, quantity FROM (
    SELECT source_id, event_id, grant_id, meter, at, quantity, 0 AS late, batch_id, ctid FROM access.usage_record
    WHERE at >= $1 AND at < $2
    UNION ALL
    SELECT source_id, event_id, grant_id, meter, at, quantity, 1, batch_id, ctid FROM access.usage_late
    WHERE day = ($1::timestamptz AT TIME ZONE 'UTC')::date) u
ORDER BY source_id, event_id, late, batch_id, ctid"""
_ROLL = """
INSERT INTO access.usage_rollup AS o (grant_id, meter, quarter, quantity, n, final, buyer_id, seller_id)
SELECT u.grant_id, u.meter, u.quarter, u.quantity, u.n, $3, g.buyer_id, g.seller_id FROM (
    SELECT grant_id, meter, date_bin('15 minutes', at, $1) AS quarter, sum(quantity) AS quantity, count(*) AS n
    FROM ({counted}) c GROUP BY 1, 2, 3) u
JOIN access.grants g ON g.id = u.grant_id
ON CONFLICT (grant_id, meter, quarter) DO UPDATE
SET quantity = EXCLUDED.quantity, n = EXCLUDED.n, final = EXCLUDED.final
WHERE (o.quantity, o.n, o.final) IS DISTINCT FROM (EXCLUDED.quantity, EXCLUDED.n, EXCLUDED.final)"""
_LEAVES = """
SELECT source_id, grant_id, event_id, meter, at, quantity FROM ({counted}) c {narrow} ORDER BY source_id, grant_id, event_id"""
_CHANGED = """
WHERE (source_id, grant_id) IN (SELECT source_id, grant_id FROM access.usage_late WHERE day = $3)"""
_SEALS = """
INSERT INTO access.usage_seal (day, source_id, grant_id, part, n, root, sealed_at, buyer_id, seller_id)
SELECT $1, s, g, $2, n, r, $3, x.buyer_id, x.seller_id FROM unnest($4::int[], $5::uuid[], $6::bigint[], $7::bytea[])
    AS u(s, g, n, r) JOIN access.grants x ON x.id = u.g"""
_DAY = """
SELECT d.day, d.state, d.copies, d.late_counted, d.part,
    (SELECT count(*) FROM access.usage_late l WHERE l.day = d.day) AS late
FROM access.usage_day d WHERE d.day = $1 FOR UPDATE OF d"""
_MISSING = """
SELECT d AS day FROM unnest($1::date[]) AS d
WHERE NOT EXISTS (SELECT FROM access.usage_day u WHERE u.day = d) ORDER BY d"""
_DUE = """
SELECT d.day FROM access.usage_day d WHERE d.day < $1 AND (d.state <> 'sealed' OR d.late_counted <
    (SELECT count(*) FROM access.usage_late l WHERE l.day = d.day)) ORDER BY d.day LIMIT $2"""
# Which days can be read from the roll-up: sealed, and no late event came since.
_STATES = """
SELECT d.day, d.state = 'sealed' AND d.late_counted =
    (SELECT count(*) FROM access.usage_late l WHERE l.day = d.day) AS rolled
FROM access.usage_day d WHERE d.day BETWEEN $1 AND $2 ORDER BY d.day"""
_ROLLED = """
SELECT grant_id, meter, sum(quantity) AS quantity, sum(n)::bigint AS n FROM access.usage_rollup
WHERE quarter >= $1 AND quarter < $2 AND (quarter AT TIME ZONE 'UTC')::date = ANY($3::date[])
  AND ($4::uuid[] IS NULL OR grant_id = ANY($4)) GROUP BY 1, 2"""
_LIVE = f"""
SELECT grant_id, meter, sum(quantity) AS quantity, count(*) AS n
FROM unnest($1::timestamptz[], $2::timestamptz[]) AS d(low, high)
CROSS JOIN LATERAL ({_FIRSTS.replace("$1::timestamptz", "d.low").replace("$1", "d.low").replace("$2", "d.high")}) u
WHERE u.at >= $3 AND u.at < $4 AND ($5::uuid[] IS NULL OR grant_id = ANY($5)) GROUP BY 1, 2"""

# Which old days changed since a moment: not sealed yet, sealed anew, or with late events that no roll-up counted.
_CHANGED_DAYS = """
SELECT d.day, d.state = 'sealed' AS sealed FROM access.usage_day d WHERE d.day < $1 AND (d.state <> 'sealed' OR d.sealed_at >= $2
    OR d.late_counted < (SELECT count(*) FROM access.usage_late l WHERE l.day = d.day))"""
_USERS = """
SELECT DISTINCT u.grant_id, d.low FROM unnest($1::timestamptz[], $2::timestamptz[], $4::boolean[]) AS d(low, high, sealed)
CROSS JOIN LATERAL (
    SELECT grant_id FROM access.usage_rollup WHERE quarter >= d.low AND quarter < d.high AND grant_id = ANY($3::uuid[])
    UNION ALL
    SELECT grant_id FROM access.usage_late WHERE day = (d.low AT TIME ZONE 'UTC')::date AND grant_id = ANY($3::uuid[])
    UNION ALL
    SELECT grant_id FROM access.usage_record
    WHERE NOT d.sealed AND at >= d.low AND at < d.high AND grant_id = ANY($3::uuid[])) u"""

# The index of a day proves that day; the same event under another day's time shows only here.
_ACROSS = """
SELECT source_id, event_id FROM (
    SELECT source_id, event_id, (at AT TIME ZONE 'UTC')::date AS day FROM access.usage_record WHERE at >= $1 AND at < $2
    UNION ALL
    SELECT source_id, event_id, day FROM access.usage_late WHERE at >= $1 AND at < $2) u
GROUP BY source_id, event_id HAVING min(day) <> max(day) ORDER BY 1, 2 LIMIT $3"""


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day of usage and how far it has come."""

    day: date
    state: str
    copies: int
    late_counted: int
    part: int
    late: int


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """What one grant used of one meter in a period."""

    grant_id: UUID
    meter: str
    quantity: int
    n: int


@dataclass(frozen=True, slots=True)
class Root:
    """The Merkle root over one grant's records of one day from one source."""

    day: date
    source_id: int
    grant_id: UUID
    part: int
    n: int
    root: bytes


async def ensure_partitions(tx: Tx, days: int) -> int:
    """Make the partitions from yesterday to `days` days ahead; how many were missing."""
    first = tx.now.astimezone(UTC).date() - timedelta(days=1)
    return await ensure_days(tx, [first + timedelta(days=number) for number in range(days + 2)])


async def ensure_days(tx: Tx, days: Sequence[date]) -> int:
    """Make the partitions of some days; how many were missing."""
    driver = await tx.driver()
    if not await driver.fetch(_MISSING, days):
        return 0
    # Whoever makes the same days is waited for here: within one statement the catalogue's cache would not show them yet.
    await driver.execute("SELECT pg_advisory_xact_lock(7264)")
    missing = [row["day"] for row in await driver.fetch(_MISSING, days)]
    row = await driver.fetchval(
        "SELECT count(*) FILTER (WHERE access.ensure_day(d)) FROM unnest($1::date[]) AS d", missing
    )
    return int(row)


async def due_days(tx: Tx, before: date, limit: int = 100) -> list[date]:
    """Days before `before` that are not sealed, or have late events that no roll-up counted."""
    return [row["day"] for row in await (await tx.driver()).fetch(_DUE, before, limit)]


async def lock_day(tx: Tx, day: date) -> Day | None:
    """One day, for whoever moves it on."""
    row = await (await tx.driver()).fetchrow(_DAY, day)
    return None if row is None else Day(**dict(row))


async def close_day(tx: Tx, day: date) -> None:
    """Let no more records in: waits for the writers of now, and later ones see the day closed."""
    driver = await tx.driver()
    await driver.execute("SELECT pg_advisory_xact_lock(7263, $1::date - date '2000-01-01')", day)
    await driver.execute("UPDATE access.usage_day SET state = 'closed', closed_at = $2 WHERE day = $1", day, tx.now)


async def prove_day(tx: Tx, day: date) -> int:
    """Prove by a unique index that no event of the day is there twice; copies are moved aside, and counted."""
    driver = await tx.driver()
    copies = int(await driver.fetchval("SELECT access.prove_day($1)", day))
    await driver.execute("UPDATE access.usage_day SET state = 'proven', copies = $2 WHERE day = $1", day, copies)
    return copies


async def roll_up(tx: Tx, day: date, *, final: bool) -> None:
    """Sum the day by grant, meter and quarter-hour; the same again changes nothing."""
    statement = _ROLL.format(counted=_COUNTED if final else _FIRSTS)
    await (await tx.driver()).execute(statement, *_edges(day), final)


async def put_roots(tx: Tx, day: date, part: int, *, changed_only: bool) -> int:
    """Write the Merkle root of each source and grant of a proven day; how many."""
    columns: tuple[list[int], list[UUID], list[int], list[bytes]] = ([], [], [], [])
    arguments = (*_edges(day), day) if changed_only else _edges(day)
    statement = _LEAVES.format(counted=_COUNTED, narrow=_CHANGED if changed_only else "")
    current, tree = None, Range(0, [])
    async for source_id, grant_id, data in _leaves(tx, statement, arguments):
        if (source_id, grant_id) != current:
            _close(columns, current, tree)
            current, tree = (source_id, grant_id), Range(0, [])
        tree.append(leaf_hash(data))
    _close(columns, current, tree)
    await (await tx.driver()).execute(_SEALS, day, part, tx.now, *columns)
    return len(columns[0])


async def across_days(tx: Tx, since: date, until: date, limit: int = 1_000) -> list[tuple[int, UUID]]:
    """Events (source, id) that stand under several days in [since, until): none proves uniqueness over the window."""
    rows = await (await tx.driver()).fetch(_ACROSS, _edges(since)[0], _edges(until)[0], limit)
    return [(row["source_id"], row["event_id"]) for row in rows]


async def finish_day(tx: Tx, day: date, late: int, part: int) -> None:
    """Note that everything of the day is counted, `late` late events included."""
    await (await tx.driver()).execute(
        "UPDATE access.usage_day SET state = 'sealed', late_counted = $2, part = $3, sealed_at = $4 WHERE day = $1",
        day,
        late,
        part,
        tx.now,
    )


async def usage_totals(
    tx: Tx, since: datetime, until: datetime, grant_ids: Sequence[UUID] | None = None
) -> list[UsageTotal]:
    """What was used from `since` up to but without `until`: from the roll-up where a day is sealed, else counted now.

    units    `since` and `until` fall on quarter-hours, but for days that are not sealed
    """
    driver = await tx.driver()
    days = await driver.fetch(_STATES, since.astimezone(UTC).date(), until.astimezone(UTC).date())
    rolled = [row["day"] for row in days if row["rolled"]]
    live = [_edges(row["day"]) for row in days if not row["rolled"]]
    rows = list(await driver.fetch(_ROLLED, since, until, rolled, grant_ids)) if rolled else []
    if live:
        rows += await driver.fetch(_LIVE, [low for low, _ in live], [high for _, high in live], since, until, grant_ids)
    totals: dict[tuple[UUID, int], tuple[int, int]] = {}
    for row in rows:
        key = row["grant_id"], row["meter"]
        quantity, n = totals.get(key, (0, 0))
        totals[key] = quantity + int(row["quantity"]), n + row["n"]
    keys = await keys_of(tx, {meter for _, meter in totals})
    return [UsageTotal(grant_id, keys[meter], *totals[grant_id, meter]) for grant_id, meter in sorted(totals)]


async def changed_days(
    tx: Tx, before: datetime, since: datetime, grant_ids: Sequence[UUID]
) -> dict[UUID, list[datetime]]:
    """The days before `before` on which these grants have use, of those days that changed after `since`.

    shapes   grant -> the beginnings of UTC days; one look at the days, and one at the use of those that changed
    """
    driver = await tx.driver()
    days = await driver.fetch(_CHANGED_DAYS, before.astimezone(UTC).date(), since)
    found: dict[UUID, list[datetime]] = {}
    if days:
        edges = [_edges(row["day"]) for row in days]
        sealed = [row["sealed"] for row in days]
        lows, highs = [low for low, _ in edges], [high for _, high in edges]
        for grant_id, low in await driver.fetch(_USERS, lows, highs, grant_ids, sealed):
            found.setdefault(grant_id, []).append(low)
    return found


async def leaves(tx: Tx, day: date, source_id: int, grant_id: UUID) -> list[bytes]:
    """The records that a root of a proven day is over, in its order; for proofs to a buyer."""
    statement = _LEAVES.format(counted=_COUNTED, narrow="WHERE source_id = $3 AND grant_id = $4")
    return [data async for _, _, data in _leaves(tx, statement, (*_edges(day), source_id, grant_id))]


async def usage_of(
    tx: Tx, actor: Actor, grant_id: UUID, since: datetime, until: datetime
) -> list[tuple[datetime, str, int, bool]]:
    """The rolled-up use of a grant that the actor buys or sells: quarter-hour, meter, quantity, final."""
    c = _rollup.c
    statement = select(c.quarter, c.meter, c.quantity, c.final).where(
        ours((c.buyer_id, c.seller_id), actor), c.grant_id == grant_id, c.quarter >= since, c.quarter < until
    )
    rows = (await tx.conn.execute(statement.order_by(c.quarter, c.meter))).all()
    keys = await keys_of(tx, {row[1] for row in rows})
    return [(row[0], keys[row[1]], int(row[2]), row[3]) for row in rows]


async def roots_of(tx: Tx, actor: Actor, grant_id: UUID, since: date, until: date) -> list[Root]:
    """The Merkle roots over a grant's days that the actor buys or sells."""
    c = _seal.c
    statement = select(c.day, c.source_id, c.grant_id, c.part, c.n, c.root).where(
        ours((c.buyer_id, c.seller_id), actor), c.grant_id == grant_id, c.day >= since, c.day < until
    )
    rows = await tx.conn.execute(statement.order_by(c.day, c.source_id, c.part))
    return [Root(*row) for row in rows]


async def _leaves(tx: Tx, statement: str, arguments: Sequence[Any]) -> AsyncIterator[tuple[int, UUID, bytes]]:
    driver = await tx.driver()
    keys = await keys_of(tx, ())
    texts: dict[UUID, str] = {}
    async for row in driver.cursor(statement, *arguments, prefetch=_KEEP_EVENTS):
        source_id, grant_id, event_id, meter, at, quantity = row
        text = texts.get(grant_id)
        if text is None:
            text = texts.setdefault(grant_id, ids.text("grt", grant_id))
        if meter not in keys:
            keys = await keys_of(tx, [meter])
        yield source_id, grant_id, leaf(source_id, str(event_id), text, keys[meter], stamp(at), quantity)


def _close(columns: Sequence[list[Any]], group: tuple[int, UUID] | None, tree: Range) -> None:
    if group is not None:
        for column, value in zip(columns, (*group, tree.size, tree.root()), strict=True):
            column.append(value)


def _edges(day: date) -> tuple[datetime, datetime]:
    low = datetime.combine(day, time(), UTC)
    return low, low + timedelta(days=1)

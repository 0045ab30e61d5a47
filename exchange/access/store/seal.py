"""Days of usage: made ahead, closed, proven, rolled up, rooted; and the totals that settlement bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select

from exchange.access.store.meters import keys_of
from exchange.access.tables import usage_rollup as _rollup
from exchange.access.tables import usage_seal as _seal
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import ours

QUARTER_S = 900
_DAY = """
SELECT d.day, d.state, d.copies, d.part, d.rooted, EXISTS (SELECT FROM access.usage_touch t WHERE t.day = d.day) AS touched
FROM access.usage_day d WHERE d.day = $1 FOR UPDATE OF d"""
_MISSING = """
SELECT d AS day FROM unnest($1::date[]) AS d
WHERE NOT EXISTS (SELECT FROM access.usage_day u WHERE u.day = d) ORDER BY d"""
_DUE = """
SELECT d.day FROM access.usage_day d WHERE d.day < $1 AND (d.state <> 'sealed'
    OR EXISTS (SELECT FROM access.usage_touch t WHERE t.day = d.day)) ORDER BY d.day LIMIT $2"""
_DUE_ROOTS = "SELECT day, part FROM access.usage_day WHERE state = 'sealed' AND rooted < part ORDER BY day LIMIT $1"
_FINISH = """
UPDATE access.usage_day SET state = 'sealed', part = $2, sealed_at = $3,
    late_counted = (SELECT count(*) FROM access.usage_late l WHERE l.day = $1) WHERE day = $1"""
# Days that cannot be read from the roll-up, and the grants to which something came after a day was counted.
_OPEN = "SELECT day FROM access.usage_day WHERE day BETWEEN $1 AND $2 AND state <> 'sealed' ORDER BY day"
_TOUCHED = """
SELECT DISTINCT t.day, t.grant_id FROM access.usage_touch t JOIN access.usage_day d ON d.day = t.day AND d.state = 'sealed'
WHERE t.day BETWEEN $1 AND $2 AND ($3::uuid[] IS NULL OR t.grant_id = ANY($3)) ORDER BY 1, 2"""
_ROLLED = """
SELECT r.grant_id, r.meter, sum(r.quantity) AS quantity, sum(r.n)::bigint AS n FROM access.usage_rollup r
WHERE r.quarter >= $1 AND r.quarter < $2 AND (r.quarter AT TIME ZONE 'UTC')::date <> ALL ($3::date[])
  AND ($4::uuid[] IS NULL OR r.grant_id = ANY($4)) AND NOT EXISTS (
    SELECT FROM unnest($5::date[], $6::uuid[]) AS t(day, grant_id)
    WHERE t.grant_id = r.grant_id AND t.day = (r.quarter AT TIME ZONE 'UTC')::date) GROUP BY 1, 2"""
_LIVE = """
SELECT grant_id, meter, sum(quantity) AS quantity, count(*) FILTER (WHERE stands) AS n FROM ({counted}) u
WHERE u.at >= $1 AND u.at < $2 AND ($3::uuid[] IS NULL OR grant_id = ANY($3)) GROUP BY 1, 2"""

# Which old days changed since a moment: not sealed yet, sealed anew, or touched by what no roll-up counted.
_CHANGED_DAYS = """
SELECT d.day, d.state = 'sealed' AS sealed FROM access.usage_day d WHERE d.day < $1 AND (d.state <> 'sealed' OR d.sealed_at >= $2
    OR EXISTS (SELECT FROM access.usage_touch t WHERE t.day = d.day))"""
_USERS = """
SELECT DISTINCT u.grant_id, d.low FROM unnest($1::timestamptz[], $2::timestamptz[], $4::boolean[]) AS d(low, high, sealed)
CROSS JOIN LATERAL (
    SELECT grant_id FROM access.usage_rollup WHERE quarter >= d.low AND quarter < d.high AND grant_id = ANY($3::uuid[])
    UNION ALL
    SELECT grant_id FROM access.usage_touch WHERE day = (d.low AT TIME ZONE 'UTC')::date AND grant_id = ANY($3::uuid[])
    UNION ALL
    SELECT grant_id FROM access.usage_record
    WHERE NOT d.sealed AND at >= d.low AND at < d.high AND grant_id = ANY($3::uuid[])) u"""


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day of usage and how far it has come.

    shapes   part: which sealing it is, from 0; rooted: the newest sealing whose roots are written, -1 for none
             touched: something came after it was counted
    """

    day: date
    state: str
    copies: int
    part: int
    rooted: int
    touched: bool


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
    """Days before `before` that are not sealed, or to which something came that no roll-up counted."""
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


async def untouch(tx: Tx, day: date) -> None:
    """Take note of what came to a day since it was counted: whatever comes from now on touches it again."""
    await (await tx.driver()).execute("DELETE FROM access.usage_touch WHERE day = $1", day)


async def roll_up(tx: Tx, day: date, *, final: bool) -> None:
    """Sum the day by grant, meter and quarter-hour; the same again changes nothing."""
    await (await tx.driver()).fetchval("SELECT access.fold_day($1, $2)", day, final)


async def counted_sql(tx: Tx, day: date) -> str:
    """The query over what counts of a day: source_id, event_id, grant_id, meter, at, quantity, reported, correction, stands."""
    return str(await (await tx.driver()).fetchval("SELECT access.counted_sql($1)", day))


async def due_roots(tx: Tx, limit: int = 100) -> list[tuple[date, int]]:
    """Sealed days whose newest sealing has no roots yet, and which sealing that is."""
    return [(row["day"], row["part"]) for row in await (await tx.driver()).fetch(_DUE_ROOTS, limit)]


async def finish_day(tx: Tx, day: date, part: int) -> None:
    """Note that everything of the day is counted."""
    await (await tx.driver()).execute(_FINISH, day, part, tx.now)


async def finish_roots(tx: Tx, day: date, part: int) -> None:
    """Note that the roots of a sealing are written."""
    await (await tx.driver()).execute("UPDATE access.usage_day SET rooted = $2 WHERE day = $1", day, part)


async def usage_totals(
    tx: Tx, since: datetime, until: datetime, grant_ids: Sequence[UUID] | None = None
) -> list[UsageTotal]:
    """What was used from `since` up to but without `until`: from the roll-up where a day is sealed, else counted now.

    units    `since` and `until` fall on quarter-hours, but for days that are not sealed
    """
    driver = await tx.driver()
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    uncounted = [row["day"] for row in await driver.fetch(_OPEN, first, last)]
    touched = [(row["day"], row["grant_id"]) for row in await driver.fetch(_TOUCHED, first, last, grant_ids)]
    apart = [day for day, _ in touched], [grant_id for _, grant_id in touched]
    rows = list(await driver.fetch(_ROLLED, since, until, uncounted, grant_ids, *apart))
    asked: dict[date, Sequence[UUID] | None] = dict.fromkeys(uncounted, grant_ids)
    for day in dict.fromkeys(apart[0]):
        asked[day] = [grant_id for one, grant_id in touched if one == day]
    for day, whose in asked.items():
        rows += await driver.fetch(_LIVE.format(counted=await counted_sql(tx, day)), since, until, whose)
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


def _edges(day: date) -> tuple[datetime, datetime]:
    low = datetime.combine(day, time(), UTC)
    return low, low + timedelta(days=1)

"""What a batch of reads asks and writes: grants and tokens, leases, usage of our own data plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID

from asyncpg.exceptions import SerializationError

from exchange.access.reads import Lease, QuotaKey, Standing
from exchange.access.store.grants import COLUMNS, live_grant
from exchange.access.store.meters import keys_of, numbers_of
from exchange.kernel.db import Tx

OUR_SOURCE = 0
"""The source of what this exchange serves itself."""

# The day is held open until the commit: closing it waits for those who still write into it.
_STANDING = f"""
WITH d AS MATERIALIZED (SELECT access.hold_days($3::date[]) AS open)
SELECT k.n, d.open, t.revoked_at IS NOT NULL AS revoked, {", ".join("g." + name for name in COLUMNS if name != "quota")},
    g.quota::text AS quota
FROM d CROSS JOIN unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(grant_id, jti, n)
LEFT JOIN access.grants g ON g.id = k.grant_id
LEFT JOIN access.token t ON t.id = k.jti"""
# The same for reads that run already: it writes nothing, so it holds no day.
_STANDING_NOW = f"""
SELECT k.grant_id AS asked, k.jti, t.revoked_at IS NOT NULL AS revoked,
    {", ".join("g." + name for name in COLUMNS if name != "quota")}, g.quota::text AS quota
FROM unnest($1::uuid[], $2::uuid[]) AS k(grant_id, jti)
JOIN access.grants g ON g.id = k.grant_id LEFT JOIN access.token t ON t.id = k.jti"""
_LEASES = """
SELECT id, grant_id, meter, period_start, reserved - used - held AS free FROM access.lease
WHERE holder = $1 AND state = 'open' AND grant_id = ANY($2::uuid[])"""
_RECORDS = """
INSERT INTO {table} (source_id, event_id, grant_id, meter, at, quantity, batch_id{more})
SELECT 0, e, g, m, {at}, q, b{value} FROM unnest({arrays}) AS r(e, g, m, q, b)"""
_LATE = _RECORDS.format(
    table="access.usage_late",
    more=", day",
    value=", ($1::timestamptz AT TIME ZONE 'UTC')::date",
    at="$1",
    arrays="$2::uuid[], $3::uuid[], $4::smallint[], $5::bigint[], $6::uuid[]",
)
_OPEN = _RECORDS.format(
    table="access.usage_record",
    more="",
    value="",
    at="$1",
    arrays="$2::uuid[], $3::uuid[], $4::smallint[], $5::bigint[], $6::uuid[]",
)
# Locked in one order everywhere: two batches then never wait for each other crosswise.
_LEASED = """, locked AS (SELECT id FROM access.lease WHERE id = ANY($7::uuid[])
    ORDER BY grant_id, meter, period_start, holder FOR UPDATE),
moved AS (UPDATE access.lease l SET used = l.used + t.used, held = l.held + t.held,
          expires_at = greatest(l.expires_at, $10)
    FROM locked JOIN unnest($7::uuid[], $8::bigint[], $9::bigint[]) AS t(id, used, held) USING (id)
    WHERE l.id = locked.id AND l.state = 'open' AND l.used + l.held + t.used + t.held <= l.reserved RETURNING l.id)
SELECT id FROM moved"""
# What was sent on a lease that is settled by now is used all the same.
_ORPHANS = """
UPDATE access.quota q SET used = q.used + t.units
FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::bigint[]) AS t(grant_id, meter, period_start, units)
WHERE (q.grant_id, q.meter, q.period_start) = (t.grant_id, t.meter, t.period_start)"""


@dataclass(slots=True)
class Records:
    """Usage records of one batch, column by column."""

    event_ids: list[UUID]
    grant_ids: list[UUID]
    meters: list[str]
    quantities: list[int]
    read_ids: list[UUID]

    @classmethod
    def empty(cls) -> Records:
        """None yet."""
        return cls([], [], [], [], [])

    def add(self, event_id: UUID, grant_id: UUID, meter: str, quantity: int, read_id: UUID) -> None:
        """One more."""
        self.event_ids.append(event_id)
        self.grant_ids.append(grant_id)
        self.meters.append(meter)
        self.quantities.append(quantity)
        self.read_ids.append(read_id)

    def columns(self, numbers: Mapping[str, int]) -> tuple[list[Any], ...]:
        """The columns as the statement takes them; `numbers` are those of the meters."""
        meters = [numbers[meter] for meter in self.meters]
        return self.event_ids, self.grant_ids, meters, self.quantities, self.read_ids


@dataclass(slots=True)
class Move:
    """What a batch changes in one lease."""

    used: int = 0
    held: int = 0
    key: QuotaKey | None = None


async def standings(tx: Tx, pairs: Sequence[tuple[UUID, UUID]]) -> tuple[list[Standing | None], bool]:
    """What stands for each (grant, token), and whether today takes records; holds the day open until the commit."""
    driver = await tx.driver()
    rows = await driver.fetch(_STANDING, [p[0] for p in pairs], [p[1] for p in pairs], [today(tx)])
    keys = await keys_of(tx, {number for row in rows if row["meters"] for number in row["meters"]})
    found: list[Standing | None] = [None] * len(pairs)
    for row in rows:
        if row["id"] is not None:
            found[row["n"] - 1] = Standing(live_grant(row, keys), row["revoked"])
    return found, today(tx) in (rows[0]["open"] if rows else ())


async def standings_now(tx: Tx, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Standing]:
    """What stands for each (grant, token) of reads that run; a grant that does not exist is absent."""
    rows = await (await tx.driver()).fetch(_STANDING_NOW, [p[0] for p in pairs], [p[1] for p in pairs])
    keys = await keys_of(tx, {number for row in rows for number in row["meters"]})
    return {(row["asked"], row["jti"]): Standing(live_grant(row, keys), row["revoked"]) for row in rows}


async def leases(tx: Tx, holder: UUID, grant_ids: Sequence[UUID]) -> dict[QuotaKey, Lease]:
    """The open leases of one process on some grants."""
    driver = await tx.driver()
    rows = await driver.fetch(_LEASES, holder, grant_ids)
    keys = await keys_of(tx, {row["meter"] for row in rows})
    return {
        QuotaKey(row["grant_id"], keys[row["meter"]], row["period_start"]): Lease(row["id"], row["free"])
        for row in rows
    }


async def write(
    tx: Tx, records: Records, moves: Mapping[UUID, Move], *, day_open: bool, ttl_s: int, sent: bool = False
) -> None:
    """Put records and their effect on leases in one statement.

    A lease that another process cut or settled meanwhile makes the whole flow run again; with `sent` the bytes are out,
    so the units go straight to the quota.
    """
    driver = await tx.driver()
    insert = _OPEN if day_open else _LATE
    numbers = await numbers_of(tx, set(records.meters))
    if not moves:
        if records.event_ids:
            await driver.execute(insert, tx.now, *records.columns(numbers))
        return
    rows = await driver.fetch(
        f"WITH put AS ({insert}){_LEASED}",
        tx.now,
        *records.columns(numbers),
        list(moves),
        [move.used for move in moves.values()],
        [move.held for move in moves.values()],
        tx.now + timedelta(seconds=ttl_s),
    )
    if len(rows) == len(moves):
        return
    if not sent:
        raise SerializationError("a lease was cut by another process; the batch decides again")
    there = {row["id"] for row in rows}
    lost = [(move.key, move.used) for id_, move in moves.items() if id_ not in there and move.key is not None]
    numbers = await numbers_of(tx, {key.meter for key, _ in lost})
    await driver.execute(
        _ORPHANS,
        [key.grant_id for key, _ in lost],
        [numbers[key.meter] for key, _ in lost],
        [key.period_start for key, _ in lost],
        [units for _, units in lost],
    )


async def hold_today(tx: Tx) -> bool:
    """Hold today open until the commit; says whether it takes records."""
    driver = await tx.driver()
    return today(tx) in await driver.fetchval("SELECT access.hold_days($1::date[])", [today(tx)])


def today(tx: Tx) -> date:
    """The UTC day of the transaction."""
    return tx.now.astimezone(UTC).date()

"""Use that is held aside for a person: which sealed days to look at, what they held, what was decided, in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, or_, select, true

from exchange.access.aside_tables import usage_aside, usage_decision
from exchange.access.grants import quotas_of
from exchange.access.plausibility import HISTORY_DAYS, Aside, DayUse, Decision, Why
from exchange.access.store.meters import keys_of as keys_of
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine

_DAY = timedelta(days=1)
# Each sealing of a day is looked at once.
_DUE = """
SELECT d.day, d.sealed_at FROM access.usage_day d WHERE d.state = 'sealed' AND d.sealed_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM access.usage_checked c WHERE c.day = d.day AND c.sealed_at = d.sealed_at)
ORDER BY d.day LIMIT $1 FOR UPDATE OF d SKIP LOCKED"""
_CHECKED = "INSERT INTO access.usage_checked (day, sealed_at, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
# Only what is large, or has a quota, can be above a limit.
_LARGE = """
SELECT r.grant_id, r.meter, r.quantity, g.quota::text AS quota, g.buyer_id, g.seller_id FROM (
    SELECT grant_id, meter, sum(quantity) AS quantity FROM access.usage_rollup
    WHERE quarter >= $1 AND quarter < $2 GROUP BY 1, 2) r
JOIN access.grants g ON g.id = r.grant_id WHERE r.quantity > $3 OR (g.quota <> '{}' AND r.quantity > 0)
ORDER BY r.grant_id, r.meter"""
_BUSIEST = """
SELECT grant_id, meter, max(quantity) FROM (
    SELECT grant_id, meter, (quarter AT TIME ZONE 'UTC')::date, sum(quantity) AS quantity FROM access.usage_rollup
    WHERE quarter >= $1 AND quarter < $2 AND grant_id = ANY($3::uuid[]) GROUP BY 1, 2, 3) d GROUP BY 1, 2"""
# Per day of a grant: the newest limit, all that was let through, and what the newest one had counted.
_ALLOWED = """
SELECT DISTINCT ON (a.grant_id, a.day, a.meter) a.grant_id, a.day, a.meter, a.number, a.counted, a.most,
    max(CASE WHEN d.let_through THEN a.counted END) OVER (PARTITION BY a.grant_id, a.day, a.meter) AS through
FROM access.usage_aside a LEFT JOIN access.usage_decision d ON d.aside_id = a.id
WHERE a.grant_id = ANY($1::uuid[]) ORDER BY a.grant_id, a.day, a.meter, a.number DESC"""
_INSERT = """
INSERT INTO access.usage_aside (id, grant_id, day, meter, number, counted, most, why, buyer_id, seller_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
_DECIDE = """
INSERT INTO access.usage_decision (aside_id, let_through, reason, decided_by, buyer_id, seller_id, created_at)
VALUES ($1, $2, $3::text::jsonb, $4, $5, $6, $7) ON CONFLICT (aside_id) DO NOTHING RETURNING aside_id"""
_NEWEST = """
SELECT a.number = (SELECT max(b.number) FROM access.usage_aside b
    WHERE (b.grant_id, b.day, b.meter) = (a.grant_id, a.day, a.meter)) FROM access.usage_aside a WHERE a.id = $1"""


class Place(NamedTuple):
    """One meter of a grant in one UTC day."""

    grant_id: UUID
    day: date
    meter: int


@dataclass(frozen=True, slots=True)
class Known:
    """What was held of a day before: the newest number, what it had counted, and how much of the day counts."""

    number: int
    counted: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Held:
    """Use that was held aside, with its meter's key and what was decided."""

    aside: Aside
    key: str
    decision: Decision | None


async def due_days(tx: Tx, limit: int) -> list[tuple[date, datetime]]:
    """Sealed days that nobody looked at since they were sealed last, locked."""
    return [(row[0], row[1]) for row in await (await tx.driver()).fetch(_DUE, limit)]


async def mark_checked(tx: Tx, day: date, sealed_at: datetime) -> None:
    """Note that a sealing of a day was looked at."""
    await (await tx.driver()).execute(_CHECKED, day, sealed_at, tx.now)


async def large_uses(tx: Tx, day: date, least: int) -> list[tuple[DayUse, UUID, UUID]]:
    """The use of a sealed day that might be above a limit, with buyer and seller."""
    low, high = edges(day)
    driver = await tx.driver()
    rows = await driver.fetch(_LARGE, low, high, least)
    grant_ids = sorted({row["grant_id"] for row in rows})
    history = await driver.fetch(_BUSIEST, low - timedelta(days=HISTORY_DAYS), low, grant_ids) if rows else []
    busiest = {(row[0], row[1]): int(row[2]) for row in history}
    keys = await keys_of(tx, {row["meter"] for row in rows})
    found = []
    for row in rows:
        key = keys[row["meter"]]
        limits = [one.limit for one in quotas_of(row["quota"]) if one.meter == key]
        place = row["grant_id"], row["meter"]
        use = DayUse(*place, key, int(row["quantity"]), min(limits, default=None), busiest.get(place))
        found.append((use, row["buyer_id"], row["seller_id"]))
    return found


async def known(tx: Tx, grant_ids: Sequence[UUID]) -> dict[Place, Known]:
    """What was held of these grants, day by day."""
    rows = await (await tx.driver()).fetch(_ALLOWED, list(grant_ids))
    return {
        Place(row[0], row[1], row[2]): Known(row[3], int(row[4]), max(int(row[5]), int(row[6] or 0))) for row in rows
    }


async def insert(tx: Tx, one: Aside) -> None:
    """Write that use is held aside."""
    await (await tx.driver()).execute(
        _INSERT,
        *(one.id, one.grant_id, one.day, one.meter, one.number, one.counted, one.limit, one.why.value),
        *(one.buyer_id, one.seller_id, one.created_at),
    )


async def decide(tx: Tx, one: Aside, decision: Decision) -> bool:
    """Write what was decided; False where it was decided before."""
    reason = msgspec.json.encode(decision.reason).decode()
    values = one.id, decision.let_through, reason, decision.decided_by, one.buyer_id, one.seller_id, decision.created_at
    return await (await tx.driver()).fetchval(_DECIDE, *values) is not None


async def find(tx: Tx, aside_id: UUID) -> Held | None:
    """One exception, whoever asks."""
    found = await _read(tx, usage_aside.c.id == aside_id, 1)
    return found[0] if found else None


async def is_newest(tx: Tx, aside_id: UUID) -> bool:
    """Whether no later exception of the same day replaces it."""
    return bool(await (await tx.driver()).fetchval(_NEWEST, aside_id))


async def list_held(tx: Tx, actor: Actor | None, request: PageRequest, *, open_only: bool = False) -> Page[Held]:
    """Exceptions of the actor's deals, or everybody's for None (a flow's transaction only), newest first."""
    c = usage_aside.c
    condition = true() if actor is None else or_(mine(c.buyer_id, actor), mine(c.seller_id, actor))
    if open_only:
        condition = condition & usage_decision.c.aside_id.is_(None)
    if request.after:
        condition = condition & (c.id < UUID(request.after[0]))
    return page_of(await _read(tx, condition, request.limit + 1), request, lambda one: (str(one.aside.id),))


def edges(day: date) -> tuple[datetime, datetime]:
    """When a UTC day begins and ends."""
    low = datetime.combine(day, time(), UTC)
    return low, low + _DAY


async def _read(tx: Tx, condition: ColumnElement[bool], limit: int) -> list[Held]:
    d = usage_decision.c
    statement = (
        select(usage_aside, d.let_through, d.reason, d.decided_by, d.created_at.label("decided_at"))
        .join(usage_decision, d.aside_id == usage_aside.c.id, isouter=True)
        .where(condition)
        .order_by(usage_aside.c.id.desc())
        .limit(limit)
    )
    rows: Sequence[Mapping[Any, Any]] = (await tx.conn.execute(statement)).mappings().all()
    keys = await keys_of(tx, {row["meter"] for row in rows})
    return [_held(row, keys[row["meter"]]) for row in rows]


def _held(row: Mapping[Any, Any], key: str) -> Held:
    aside = Aside(
        row["id"], row["grant_id"], row["day"], row["meter"], row["number"], int(row["counted"]), int(row["most"]),
        Why(row["why"]), row["buyer_id"], row["seller_id"], row["created_at"],
    )  # fmt: skip
    said = row["let_through"]
    decision = None if said is None else Decision(said, row["reason"], row["decided_by"], row["decided_at"])
    return Held(aside, key, decision)

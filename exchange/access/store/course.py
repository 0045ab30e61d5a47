"""How a grant runs: what is left of its quota, when it ends, and all that came of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from exchange.access.grants import Grant, period_start
from exchange.access.store.grants import of_orders
from exchange.access.store.meters import keys_of, numbers_of
from exchange.access.tables import grants as _grants
from exchange.access.tables import lease as _lease
from exchange.access.tables import quota as _quota
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import ours

# What is counted of a grant's use, whatever day it lies on: copies once, as a day's proof will have it; not what was put
# aside; and what was corrected as its last correction says.
_USED = """
SELECT once.grant_id, once.meter, sum(coalesce(k.quantity, once.quantity))::text,
    count(*) FILTER (WHERE k.kind IS DISTINCT FROM 'deprecate')
FROM (SELECT DISTINCT ON (source_id, event_id) source_id, event_id, grant_id, meter, at, quantity FROM (
        SELECT source_id, event_id, grant_id, meter, at, quantity FROM access.usage_record
            WHERE grant_id = ANY($1::uuid[]) AND at >= $2
        UNION ALL
        SELECT source_id, event_id, grant_id, meter, at, quantity FROM access.usage_late
            WHERE grant_id = ANY($1::uuid[])) u
    WHERE NOT EXISTS (SELECT FROM access.usage_exception x WHERE x.day = (u.at AT TIME ZONE 'UTC')::date
        AND x.source_id = u.source_id AND x.event_id = u.event_id)
    ORDER BY source_id, event_id) once
LEFT JOIN (SELECT DISTINCT ON (day, source_id, event_id) day, source_id, event_id, kind, quantity
    FROM access.usage_correction WHERE grant_id = ANY($1::uuid[]) ORDER BY day, source_id, event_id, number DESC) k
ON k.day = (once.at AT TIME ZONE 'UTC')::date AND k.source_id = once.source_id AND k.event_id = once.event_id
GROUP BY 1, 2 ORDER BY 1, 2"""
_TOKENS = "SELECT id, grant_id, created_at FROM access.token WHERE grant_id = ANY($1::uuid[]) ORDER BY id LIMIT 1000"


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    """A quota in the period that holds now; `left` is what a new read may still take."""

    meter: str
    limit: int
    period: str
    period_start: datetime
    used: int
    left: int


@dataclass(frozen=True, slots=True)
class Used:
    """What one grant used of one meter in all, in how many records."""

    grant_id: UUID
    meter: str
    quantity: int
    n: int


@dataclass(frozen=True, slots=True)
class Issued:
    """A token of a grant."""

    id: UUID
    grant_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """What access knows of one order."""

    grants: Sequence[Grant]
    tokens: Sequence[Issued]
    used: Sequence[Used]


async def quota_left(tx: Tx, actor: Actor, grant: Grant) -> list[QuotaLeft]:
    """What is left of each quota of a grant that the actor's organisation buys or sells."""
    starts = {one.meter: period_start(one.period, grant.starts_at, tx.now) for one in grant.quotas}
    q, held = _quota.c, _lease.c
    booked = select(q.meter, q.period_start, q.used, q.reserved).where(
        q.grant_id == grant.id, ours((q.buyer_id, q.seller_id), actor)
    )
    # A lease that is open: `used` of it is use, the rest of it comes back when its holder is done.
    leased = (
        select(held.meter, held.period_start, func.sum(held.used), func.sum(held.held))
        .where(held.grant_id == grant.id, held.state == "open", ours((held.buyer_id, held.seller_id), actor))
        .group_by(held.meter, held.period_start)
    )
    used: dict[tuple[int, datetime], int] = {}
    busy: dict[tuple[int, datetime], int] = {}
    for meter, start, units, _ in await tx.conn.execute(booked):
        used[meter, start] = units
    for meter, start, units, running in await tx.conn.execute(leased):
        used[meter, start] = used.get((meter, start), 0) + int(units)
        busy[meter, start] = int(running)
    numbers = await numbers_of(tx, list(starts))
    found = []
    for one in grant.quotas:
        key = (numbers[one.meter], starts[one.meter])
        spent = used.get(key, 0)
        left = max(0, one.limit - spent - busy.get(key, 0))
        found.append(QuotaLeft(one.meter, one.limit, one.period, starts[one.meter], spent, left))
    return found


async def end_at(tx: Tx, grant_id: UUID, at: datetime) -> bool:
    """Let a grant end at a moment, unless it ends earlier anyway; False where it had ended."""
    c = _grants.c
    changed = await tx.conn.execute(
        update(_grants)
        .where(c.id == grant_id, c.state != "ended")
        .values(ends_at=func.least(func.coalesce(c.ends_at, at), at), changed_at=tx.now)
    )
    return changed.rowcount > 0


async def prolong(tx: Tx, grant_id: UUID, until: datetime) -> bool:
    """Let a grant that has not ended go on until a later moment; False where it has ended, or ends later anyway."""
    c = _grants.c
    changed = await tx.conn.execute(
        update(_grants)
        .where(c.id == grant_id, c.state != "ended", c.ends_at > tx.now, c.ends_at < until)
        .values(ends_at=until, changed_at=tx.now)
    )
    return changed.rowcount > 0


async def course_of(tx: Tx, order_id: UUID) -> Course:
    """The grants of an order, the tokens taken of them and what was used, for a trace."""
    found = await of_orders(tx, [order_id])
    if not found:
        return Course((), (), ())
    driver = await tx.driver()
    grant_ids = [one.id for one in found]
    tokens = [Issued(*row) for row in await driver.fetch(_TOKENS, grant_ids)]
    rows: list[Any] = await driver.fetch(_USED, grant_ids, min(one.starts_at for one in found))
    keys = await keys_of(tx, {row[1] for row in rows})
    return Course(found, tokens, [Used(row[0], keys[row[1]], int(row[2]), row[3]) for row in rows])

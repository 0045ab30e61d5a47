"""Policies of the incentive pool, what was given of it, and what suppliers sold in a month, in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.pool_tables import pool_distribution, pool_policy, pool_share
from settlement.pools import By, PoolPart, PoolPolicy

_p, _d, _s = pool_policy.c, pool_distribution.c, pool_share.c
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('pool/' || $1::text, 0))"
# What listings brought in a window by the day of each fact, without tax; what went back in it is taken off.
_SOLD = """
SELECT k.seller_id, k.listing_id, sum(k.units)::bigint FROM (
    SELECT o.seller_id, o.listing_id, o.price_units - o.tax_units AS units FROM settlement.orders o
        WHERE o.state = 'paid' AND o.currency = $1 AND o.paid_at >= $2 AND o.paid_at < $3
    UNION ALL SELECT c.seller_id, o.listing_id, c.amount_units - c.tax_units FROM settlement.charge c
        JOIN settlement.orders o ON o.id = c.order_id WHERE c.currency = $1 AND c.created_at >= $2 AND c.created_at < $3
    UNION ALL SELECT r.seller_id, o.listing_id, r.tax_units - r.amount_units FROM settlement.refund r
        JOIN settlement.orders o ON o.id = r.order_id WHERE r.currency = $1 AND r.created_at >= $2 AND r.created_at < $3) k
GROUP BY 1, 2 HAVING sum(k.units) <> 0 ORDER BY 1, 2"""
_SHARES = """
INSERT INTO settlement.pool_share (distribution_id, organisation_id, weight, before, amount_units)
SELECT $1, o, w::numeric, b::numeric, a FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[]) AS t(o, w, b, a)"""
_OF = """
SELECT s.distribution_id, s.organisation_id, s.weight::text, s.before::text, s.amount_units, d.currency, d.month,
    d.total_units, d.whole::text, d.policy_id, d.created_at
FROM settlement.pool_share s JOIN settlement.pool_distribution d ON d.id = s.distribution_id
WHERE s.distribution_id = ANY($1::uuid[]) AND s.organisation_id = ANY($2::uuid[])"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A month's pool that was given away.

    units    available: what the pool held; total: the policy's part of that; given: what suppliers got of it
    """

    id: UUID
    policy_id: UUID
    currency: str
    month: str
    available: int
    total: int
    given: int
    whole: int
    journal_id: UUID
    made_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PoolShare:
    """One supplier's part of a distribution, with all that its amount follows from."""

    distribution_id: UUID
    part: PoolPart
    currency: str
    month: str
    total: int
    whole: int
    policy_id: UUID
    created_at: datetime


async def lock_pool(tx: Tx, currency: str) -> None:
    """Let the policies and months of a currency's pool come one after another, until the transaction ends."""
    await (await tx.driver()).execute(_LOCK, currency)


async def insert_policy(tx: Tx, one: PoolPolicy) -> None:
    """Write a version of a policy."""
    values = {name: getattr(one, name) for name in PoolPolicy.__dataclass_fields__ if name not in ("share", "by")}
    await tx.conn.execute(insert(pool_policy).values(parts=one.share, by=one.by.value, **values))


async def next_version(tx: Tx, currency: str) -> int:
    """The number of a currency's next policy."""
    statement = select(func.coalesce(func.max(_p.version), 0)).where(_p.currency == currency)
    return int((await tx.conn.execute(statement)).scalar_one()) + 1


async def policy_for(tx: Tx, currency: str, month: str) -> PoolPolicy | None:
    """The newest policy of a currency that has begun by a month."""
    statement = select(pool_policy).where(_p.currency == currency, _p.from_month <= month)
    row = (await tx.conn.execute(statement.order_by(_p.version.desc()).limit(1))).mappings().one_or_none()
    return _policy(row) if row else None


async def list_policies(tx: Tx, request: PageRequest) -> Page[PoolPolicy]:
    """Every policy that was ever set, newest first; everybody may read them."""
    statement = select(pool_policy).order_by(_p.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(_p.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    return page_of([_policy(row) for row in rows], request, lambda one: (str(one.id),))


async def sold_by_listing(tx: Tx, currency: str, window: tuple[datetime, datetime]) -> list[tuple[UUID, UUID, int]]:
    """What listings brought in a window, without tax, refunds taken off.

    shapes   (seller, listing, millionths); below zero where more went back than was sold
    """
    return [tuple(row) for row in await (await tx.driver()).fetch(_SOLD, currency, *window)]


async def distribution_of(tx: Tx, currency: str, month: str) -> Distribution | None:
    """What was given of a month, None where nothing was yet."""
    statement = select(pool_distribution).where(_d.currency == currency, _d.month == month)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return _distribution(row) if row else None


async def insert_distribution(tx: Tx, one: Distribution, parts: Sequence[PoolPart]) -> None:
    """Write what was given of a month, and to whom."""
    await tx.conn.execute(
        insert(pool_distribution).values(
            id=one.id,
            policy_id=one.policy_id,
            currency=one.currency,
            month=one.month,
            available_units=one.available,
            total_units=one.total,
            given_units=one.given,
            whole=one.whole,
            journal_id=one.journal_id,
            made_by=one.made_by,
            created_at=one.created_at,
        )
    )
    await (await tx.driver()).execute(
        _SHARES,
        one.id,
        [part.organisation_id for part in parts],
        [str(part.weight) for part in parts],
        [str(part.before) for part in parts],
        [part.amount for part in parts],
    )


async def list_distributions(tx: Tx, request: PageRequest) -> Page[Distribution]:
    """Every month that was given away, newest first."""
    statement = select(pool_distribution).order_by(_d.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(_d.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    return page_of([_distribution(row) for row in rows], request, lambda one: (str(one.id),))


async def own_shares(tx: Tx, actor: Actor, request: PageRequest) -> Page[PoolShare]:
    """What the actor's organisation got of the pool, newest first."""
    statement = (
        select(pool_share, _d.currency, _d.month, _d.total_units, _d.whole, _d.policy_id, _d.created_at)
        .join(pool_distribution, _d.id == _s.distribution_id)
        .where(mine(_s.organisation_id, actor))
        .order_by(_s.distribution_id.desc())
        .limit(request.limit + 1)
    )
    if request.after:
        statement = statement.where(_s.distribution_id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).all()
    return page_of([_share(tuple(row)) for row in rows], request, lambda one: (str(one.distribution_id),))


async def shares_of(
    tx: Tx, distribution_ids: Sequence[UUID], organisation_ids: Sequence[UUID]
) -> Mapping[tuple[UUID, UUID], PoolShare]:
    """The parts of some suppliers in distributions, by (distribution, supplier)."""
    if not distribution_ids:
        return {}
    rows = await (await tx.driver()).fetch(_OF, list(distribution_ids), list(organisation_ids))
    return {(row[0], row[1]): _share(tuple(row)) for row in rows}


def _share(row: tuple[Any, ...]) -> PoolShare:
    part = PoolPart(row[1], int(row[2]), int(row[3]), row[4])
    return PoolShare(row[0], part, row[5], row[6], row[7], int(row[8]), row[9], row[10])


def _policy(row: Any) -> PoolPolicy:
    named = {name: row[name] for name in PoolPolicy.__dataclass_fields__ if name not in ("share", "by")}
    return PoolPolicy(**named, share=row["parts"], by=By(row["by"]))


def _distribution(row: Any) -> Distribution:
    return Distribution(
        row["id"], row["policy_id"], row["currency"], row["month"], row["available_units"], row["total_units"],
        row["given_units"], int(row["whole"]), row["journal_id"], row["made_by"], row["created_at"],
    )  # fmt: skip

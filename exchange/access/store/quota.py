"""Quotas and their leases. The order of locks is always quota, then lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from exchange.access.grants import Grant
from exchange.access.reads import Lease, QuotaKey, growth
from exchange.access.settings import AccessSettings
from exchange.access.store.meters import keys_of, numbers_of
from exchange.kernel.db import Tx

# A write even where nothing changes: it locks the row and reads its newest form.
_LOCK = """
INSERT INTO access.quota AS q (grant_id, meter, period_start, limit_units, buyer_id, seller_id)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::bigint[], $5::uuid[], $6::uuid[]) AS k
ORDER BY 1, 2, 3
ON CONFLICT (grant_id, meter, period_start) DO UPDATE SET limit_units = EXCLUDED.limit_units
RETURNING grant_id, meter, period_start, limit_units - reserved - used AS free"""
# Dead holders' leases end here; live ones give back what no read of theirs holds. Our own are locked along: every lock on
# leases is taken in the order of quota and holder, so that no two batches wait for each other crosswise.
_CUT = """
WITH all_of AS (
    SELECT l.id, l.holder, l.reserved, l.expires_at < $5 AS dead FROM access.lease l
    JOIN unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::boolean[]) AS k(grant_id, meter, period_start, scarce)
        USING (grant_id, meter, period_start)
    WHERE l.state = 'open' AND (l.holder = $6 OR k.scarce AND (l.expires_at < $5 OR l.reserved > l.used + l.held))
    ORDER BY l.grant_id, l.meter, l.period_start, l.holder FOR UPDATE OF l),
other AS (SELECT * FROM all_of WHERE holder <> $6),
cut AS (
    UPDATE access.lease l SET state = CASE WHEN other.dead THEN 'settled' ELSE 'open' END,
        held = CASE WHEN other.dead THEN 0 ELSE l.held END,
        reserved = CASE WHEN other.dead THEN l.used ELSE l.used + l.held END
    FROM other WHERE l.id = other.id
    RETURNING l.grant_id, l.meter, l.period_start,
        CASE WHEN other.dead THEN other.reserved ELSE other.reserved - l.reserved END AS back,
        CASE WHEN other.dead THEN l.used ELSE 0 END AS used)
SELECT grant_id, meter, period_start, back, used FROM cut"""
_LEASE = """
WITH k AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::timestamptz[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::uuid[], $9::uuid[]) AS k(id, grant_id, meter, period_start, take, back, used, buyer_id, seller_id)),
q AS (UPDATE access.quota q SET reserved = q.reserved + k.take - k.back, used = q.used + k.used FROM k
    WHERE (q.grant_id, q.meter, q.period_start) = (k.grant_id, k.meter, k.period_start))
INSERT INTO access.lease AS l
    (id, grant_id, meter, period_start, holder, reserved, expires_at, buyer_id, seller_id)
SELECT id, grant_id, meter, period_start, $10, take, $11, buyer_id, seller_id FROM k ORDER BY grant_id, meter, period_start
ON CONFLICT (grant_id, meter, period_start, holder) WHERE state = 'open'
DO UPDATE SET reserved = l.reserved + EXCLUDED.reserved, expires_at = EXCLUDED.expires_at
RETURNING id, grant_id, meter, period_start, reserved - used - held AS free"""
_SETTLE = """
WITH q AS (
    SELECT DISTINCT grant_id, meter, period_start FROM access.lease
    WHERE state = 'open' AND {which} ORDER BY 1, 2, 3 LIMIT $3),
locked AS MATERIALIZED (
    SELECT grant_id, meter, period_start FROM access.quota
    WHERE (grant_id, meter, period_start) IN (SELECT grant_id, meter, period_start FROM q)
    ORDER BY 1, 2, 3 FOR UPDATE),
old AS MATERIALIZED (
    SELECT l.id, l.reserved FROM access.lease l JOIN locked USING (grant_id, meter, period_start)
    WHERE l.state = 'open' AND {which}
    ORDER BY l.grant_id, l.meter, l.period_start, l.holder FOR UPDATE OF l),
done AS (
    UPDATE access.lease l SET state = 'settled', held = 0, reserved = l.used FROM old WHERE l.id = old.id
    RETURNING l.grant_id, l.meter, l.period_start, old.reserved, l.used),
sums AS (SELECT grant_id, meter, period_start, sum(reserved)::bigint AS back, sum(used)::bigint AS used, count(*) AS n
    FROM done GROUP BY 1, 2, 3),
back AS (
    UPDATE access.quota q SET reserved = q.reserved - s.back, used = q.used + s.used FROM sums s
    WHERE (q.grant_id, q.meter, q.period_start) = (s.grant_id, s.meter, s.period_start))
SELECT coalesce(sum(n), 0)::bigint FROM sums"""
_SETTLE_EXPIRED = _SETTLE.format(which="expires_at < $1 AND ($2::uuid IS NULL OR holder = $2)")
_SETTLE_HELD = _SETTLE.format(which="holder = $2 AND ($1::timestamptz IS NOT NULL)")
_RENEW = """
WITH mine AS (SELECT id FROM access.lease WHERE holder = $1 AND state = 'open' AND held > 0
    ORDER BY grant_id, meter, period_start FOR UPDATE)
UPDATE access.lease l SET expires_at = $2 FROM mine WHERE l.id = mine.id RETURNING l.id"""
# The facts are the judge: what quota and leases say was used is what the records of our own source add up to.
_DRIFT = """
WITH said AS (
    SELECT grant_id, meter, sum(used) AS used FROM (
        SELECT grant_id, meter, used FROM access.quota
        UNION ALL SELECT grant_id, meter, used FROM access.lease WHERE state = 'open') s GROUP BY 1, 2),
reserved AS (
    SELECT q.grant_id, q.meter, q.period_start, q.reserved, coalesce(sum(l.reserved), 0) AS leased,
           q.used + q.reserved > q.limit_units AS over
    FROM access.quota q LEFT JOIN access.lease l ON l.state = 'open'
        AND (l.grant_id, l.meter, l.period_start) = (q.grant_id, q.meter, q.period_start)
    GROUP BY q.grant_id, q.meter, q.period_start),
facts AS (
    SELECT grant_id, meter, sum(quantity) AS used FROM (
        SELECT grant_id, meter, quantity FROM access.usage_record WHERE source_id = 0
        UNION ALL SELECT grant_id, meter, quantity FROM access.usage_late WHERE source_id = 0) r GROUP BY 1, 2)
SELECT grant_id, meter, 'used' AS what, said.used::text AS said, coalesce(facts.used, 0)::text AS fact
FROM said LEFT JOIN facts USING (grant_id, meter) WHERE said.used <> coalesce(facts.used, 0)
UNION ALL
SELECT grant_id, meter, 'reserved', reserved::text, leased::text FROM reserved WHERE reserved <> leased
UNION ALL
SELECT grant_id, meter, 'over', '', '' FROM reserved WHERE over"""


@dataclass(frozen=True, slots=True)
class Drift:
    """A quota that does not agree with the facts."""

    grant_id: UUID
    meter: str
    what: str
    said: str
    fact: str


async def top_up(
    tx: Tx, short: Mapping[QuotaKey, int], grants: Mapping[UUID, Grant], holder: UUID, settings: AccessSettings
) -> dict[QuotaKey, Lease]:
    """Lease more for each quota that is short, as far as it goes; the leases as they are then, locked.

    `short` names every quota of the batch, those that are not short with 0: all are locked before anything changes.
    Where a quota has not enough left, ended leases are settled and other processes' unused units taken back first.
    """
    driver = await tx.driver()
    keys = sorted(short)
    numbers = await numbers_of(tx, {k.meter for k in keys})
    names = {numbers[k.meter]: k.meter for k in keys}
    columns = [k.grant_id for k in keys], [numbers[k.meter] for k in keys], [k.period_start for k in keys]
    sides = [grants[k.grant_id].buyer_id for k in keys], [grants[k.grant_id].seller_id for k in keys]
    limits = [_limit(grants[k.grant_id], k.meter) for k in keys]
    left = {_key(row, names): row["free"] for row in await driver.fetch(_LOCK, *columns, limits, *sides)}
    back, used = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
    for row in await driver.fetch(_CUT, *columns, [left[k] < short[k] for k in keys], tx.now, holder):
        back[_key(row, names)] += row["back"]
        used[_key(row, names)] += row["used"]
    rows = await driver.fetch(
        _LEASE,
        [tx.new_id() for _ in keys],
        *columns,
        [growth(short[k], left[k] + back[k] - used[k], settings) if short[k] else 0 for k in keys],
        [back[k] for k in keys],
        [used[k] for k in keys],
        *sides,
        holder,
        tx.now + timedelta(seconds=settings.lease_ttl_s),
    )
    return {_key(row, names): Lease(row["id"], row["free"]) for row in rows}


async def settle_expired(tx: Tx, *, holder: UUID | None = None, quotas_max: int = 1_000) -> int:
    """Give back what ended leases left unused; how many were settled."""
    driver = await tx.driver()
    return int(await driver.fetchval(_SETTLE_EXPIRED, tx.now, holder, quotas_max))


async def release(tx: Tx, holder: UUID, *, quotas_max: int = 1_000) -> int:
    """Settle every lease of a process that stops serving; how many there were."""
    driver = await tx.driver()
    return int(await driver.fetchval(_SETTLE_HELD, tx.now, holder, quotas_max))


async def renew(tx: Tx, holder: UUID, settings: AccessSettings) -> int:
    """Keep the leases that running reads of this process hold; how many."""
    driver = await tx.driver()
    return len(await driver.fetch(_RENEW, holder, tx.now + timedelta(seconds=settings.lease_ttl_s)))


async def drift(tx: Tx) -> Sequence[Drift]:
    """Every quota whose numbers are not those of the usage records; none in a sound database."""
    driver = await tx.driver()
    rows = await driver.fetch(_DRIFT)
    keys = await keys_of(tx, {row["meter"] for row in rows})
    return [Drift(row["grant_id"], keys[row["meter"]], row["what"], row["said"], row["fact"]) for row in rows]


def _limit(grant: Grant, meter: str) -> int:
    return next(quota.limit for quota in grant.quotas if quota.meter == meter)


def _key(row: Any, names: Mapping[int, str]) -> QuotaKey:
    return QuotaKey(row["grant_id"], names[row["meter"]], row["period_start"])

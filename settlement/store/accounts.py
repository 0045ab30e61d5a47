"""Accounts by their natural key, made when first needed and remembered per process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from exchange.kernel.db import Tx
from settlement.accounts import MIN_BALANCE, AccountKey, AccountKind

CACHED_MAX = 200_000

# Ids never change once committed. Kept per engine, so that two databases in one process never meet.
_known: WeakKeyDictionary[Engine, dict[AccountKey, int]] = WeakKeyDictionary()

# `settled`: the row's transaction ended before every running one, ours included, so a rollback cannot take it back.
_FIND = """
SELECT a.id, k.n, age(a.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid) AS settled
FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS k(o, k, c, n)
JOIN settlement.account a ON a.organisation_id = k.o AND a.kind = k.k AND a.currency = k.c
UNION ALL
SELECT a.id, k.n, age(a.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)
FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS k(o, k, c, n)
JOIN settlement.account a ON a.organisation_id IS NULL AND a.kind = k.k AND a.currency = k.c WHERE k.o IS NULL"""
_MAKE = """
WITH made AS (
    INSERT INTO settlement.account (organisation_id, kind, currency, min_balance, created_at)
    SELECT o, k, c, m, $5 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS t(o, k, c, m)
    ON CONFLICT DO NOTHING RETURNING id, organisation_id, currency, min_balance)
INSERT INTO settlement.balance (account_id, organisation_id, currency, min_balance)
SELECT id, organisation_id, currency, min_balance FROM made WHERE min_balance IS NOT NULL"""


async def account_ids(tx: Tx, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """The id of each account, making those that do not exist yet.

    No statement when all are known to this process, one when all exist, three when some are new.
    """
    cache = _cache(tx)
    wanted = set(keys)
    found = {key: cache[key] for key in wanted if key in cache}
    if len(found) == len(wanted):
        return found
    missing = sorted((key for key in wanted if key not in found), key=_sort_key)
    found.update(await _find(tx, missing, cache))
    missing = [key for key in missing if key not in found]
    if missing:
        driver = await tx.driver()
        await driver.execute(_MAKE, *_columns(missing), [MIN_BALANCE.get(key.kind) for key in missing], tx.now)
        found.update(await _find(tx, missing, cache))
    return found


async def known_ids(tx: Tx, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """The id of each account that exists; nothing is made, and no statement is sent when all are known."""
    cache = _cache(tx)
    wanted = set(keys)
    found = {key: cache[key] for key in wanted if key in cache}
    if len(found) < len(wanted):
        found.update(await _find(tx, sorted(wanted - found.keys(), key=_sort_key), cache))
    return found


async def _find(tx: Tx, keys: list[AccountKey], cache: dict[AccountKey, int]) -> dict[AccountKey, int]:
    driver = await tx.driver()
    rows = await driver.fetch(_FIND, *_columns(keys))
    found = {keys[row["n"] - 1]: row["id"] for row in rows}
    if len(cache) + len(rows) > CACHED_MAX:
        cache.clear()
    cache.update({keys[row["n"] - 1]: row["id"] for row in rows if row["settled"]})
    return found


def _columns(keys: list[AccountKey]) -> tuple[list[UUID | None], list[str], list[str]]:
    return [key.organisation_id for key in keys], [key.kind for key in keys], [key.currency for key in keys]


def _cache(tx: Tx) -> dict[AccountKey, int]:
    sync: Any = tx.conn.sync_connection
    return _known.setdefault(sync.engine, {})


def _sort_key(key: AccountKey) -> tuple[int, AccountKind, str]:
    return (key.organisation_id.int if key.organisation_id else 0, key.kind, key.currency)

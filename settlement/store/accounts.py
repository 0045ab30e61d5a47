"""Accounts by their natural key, made when first needed and remembered per process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from exchange.kernel.db import Tx
from settlement.accounts import BOUNDED, MAX_BALANCE, MIN_BALANCE, AccountKey, AccountKind

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
    ON CONFLICT DO NOTHING RETURNING id, organisation_id, kind, currency, min_balance)
INSERT INTO settlement.balance (account_id, organisation_id, currency, min_balance, max_balance)
SELECT m.id, m.organisation_id, m.currency, m.min_balance, c.max_balance FROM made m
LEFT JOIN unnest($6::text[], $7::bigint[]) AS c(kind, max_balance) ON c.kind = m.kind
WHERE m.min_balance IS NOT NULL OR c.max_balance IS NOT NULL"""
_BOUND = """
UPDATE settlement.balance SET min_balance = $2, max_balance = $3
WHERE account_id = $1 AND posted >= coalesce($2, posted) AND posted <= coalesce($3, posted) RETURNING account_id"""


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
        floors = [MIN_BALANCE.get(key.kind) for key in missing]
        await driver.execute(_MAKE, *_columns(missing), floors, tx.now, list(MAX_BALANCE), list(MAX_BALANCE.values()))
        found.update(await _find(tx, missing, cache))
    return found


async def set_bounds(tx: Tx, key: AccountKey, minimum: int | None, maximum: int | None) -> bool:
    """Give one account a floor and a ceiling of its own; False where what is in it now lies outside, and nothing changed.

    Every posting from then on meets them, also one whose transaction began before: it waits for the same row.

    units    millionths; a wallet and a held account keep a floor, an advance and a debt a ceiling
    errors   ValueError for an account of a kind without bounds, or one that would lose the bound of its kind
    """
    if key.kind not in BOUNDED:
        raise ValueError(f"a {key.kind} account has no bounds")
    if (minimum is None and key.kind in MIN_BALANCE) or (maximum is None and key.kind in MAX_BALANCE):
        raise ValueError(f"a {key.kind} account keeps the bound of its kind")
    account_id = (await account_ids(tx, [key]))[key]
    return await (await tx.driver()).fetchval(_BOUND, account_id, minimum, maximum) is not None


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

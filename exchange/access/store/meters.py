"""The numbers that stand for usage keys in rows.

Numbers never change and are never given twice, so each connection remembers those it has met. What has a fixed number
costs no statement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from exchange.access.meters import BY_KEY, NUMBERS, BadMeter
from exchange.access.problems import METERS_TOO_MANY
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem

CUSTOM_MAX = 100
"""How many keys one organisation may bring in; the numbers are a smallint, and everybody shares them."""

_FIXED = {number: BY_KEY[key] for key, number in NUMBERS.items()}
_NOTE = "access.meters"
_ALL_MAX = 31_000
_BY_KEY = "SELECT id, key FROM access.custom_meter WHERE key = ANY($1::text[])"
_BY_NUMBER = "SELECT id, key FROM access.custom_meter WHERE id = ANY($1::smallint[])"
_ALONE = "SELECT pg_advisory_xact_lock(7272, 14)"
_COUNT = """
SELECT count(*) FILTER (WHERE organisation_id = $1) AS own, count(*) AS everybody FROM access.custom_meter"""
# The NOT EXISTS keeps keys that are there from using up numbers; two at once are told apart by the conflict.
_REGISTER = """
INSERT INTO access.custom_meter (key, organisation_id, created_at)
SELECT k, $2, $3 FROM unnest($1::text[]) AS k
WHERE NOT EXISTS (SELECT FROM access.custom_meter c WHERE c.key = k) ORDER BY k
ON CONFLICT (key) DO NOTHING"""


async def register(tx: Tx, keys: Iterable[str], organisation_id: UUID) -> Problem | None:
    """Give numbers to the keys that have none yet; a key belongs to nobody, the first who needs it brings it in.

    errors   answers METERS_TOO_MANY
    """
    asked = sorted({key for key in keys if key not in NUMBERS})
    if not asked:
        return None
    driver = await tx.driver()
    there = {row["key"] for row in await driver.fetch(_BY_KEY, asked)}
    fresh = [key for key in asked if key not in there]
    if fresh:
        # Everybody is counted, so one registration waits for another.
        await driver.execute(_ALONE)
        ((own, everybody),) = await driver.fetch(_COUNT, organisation_id)
        if own + len(fresh) > CUSTOM_MAX or everybody + len(fresh) > _ALL_MAX:
            return METERS_TOO_MANY(limit=CUSTOM_MAX)
        await driver.execute(_REGISTER, fresh, organisation_id, tx.now)
    return None


async def numbers_of(tx: Tx, keys: Collection[str]) -> Mapping[str, int]:
    """The number of each key, and of others.

    errors   BadMeter for a key that no offer ever brought in
    """
    if all(key in NUMBERS for key in keys):
        return NUMBERS
    known = _known(tx)
    numbers = {key: number for number, key in known.items()}
    missing = [key for key in keys if key not in numbers]
    if missing:
        for row in await (await tx.driver()).fetch(_BY_KEY, missing):
            numbers[row["key"]] = row["id"]
            known[row["id"]] = row["key"]
    if unknown := [key for key in missing if key not in numbers]:
        raise BadMeter(f"no offer has brought in {', '.join(unknown)}")
    return numbers


async def keys_of(tx: Tx, numbers: Iterable[int]) -> Mapping[int, str]:
    """The usage key of each number, and of others."""
    wanted = set(numbers)
    if wanted <= _FIXED.keys():
        return _FIXED
    known = _known(tx)
    if missing := [number for number in wanted if number not in known]:
        for row in await (await tx.driver()).fetch(_BY_NUMBER, missing):
            known[row["id"]] = row["key"]
    return known


def _known(tx: Tx) -> dict[int, str]:
    # With the connection, not the process: one process may serve several databases, each with numbers of its own.
    info = tx.conn.info
    known: dict[int, str] | None = info.get(_NOTE)
    if known is None:
        known = info[_NOTE] = dict(_FIXED)
    return known

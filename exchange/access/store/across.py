"""The same event under several days: the index of a day proves that day, and a filter for each day finds the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
import numpy.typing as npt

from exchange.access import filters
from exchange.access.filters import KEY_BYTES, Words
from exchange.access.store.meters import keys_of
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of

# So many pages of a day (about 2,600,000 records) are looked at together: their events take 52 MB.
_PAGES = 32_768
_CANDIDATES = 10_000
# Two days compared at once would both miss the other: one after another, however long the other takes.
_PATIENT = "SELECT set_config('lock_timeout', '0', true)"
_ALONE = "SELECT pg_advisory_xact_lock(7266)"
_SIZE = "SELECT pg_relation_size(format('access.%I', $1::text)) / current_setting('block_size')::int"
_KEYS = "SELECT string_agg(int4send(source_id) || uuid_send(event_id), ''::bytea) FROM access.{name} {pages}"
_LATE_KEYS = (
    "SELECT string_agg(int4send(source_id) || uuid_send(event_id), ''::bytea) FROM access.usage_late WHERE day = $1"
)
_OTHERS = """
SELECT f.day FROM access.usage_filter f JOIN access.usage_day d ON d.day = f.day AND d.state IN ('proven', 'sealed')
WHERE f.day BETWEEN $1::date - $2::int AND $1::date + $2::int AND f.day <> $1 ORDER BY f.day"""
_FILTER = "SELECT words FROM access.usage_filter WHERE day = $1"
_KEEP = """
INSERT INTO access.usage_filter AS f (day, keys, words, made_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (day) DO UPDATE SET keys = f.keys + EXCLUDED.keys, words = EXCLUDED.words, made_at = EXCLUDED.made_at"""
_FORGET = "DELETE FROM access.usage_filter WHERE day < $1"
# What stands under the other day is found by its indexes; an event that was put aside there does not stand there.
_THERE = """
SELECT k.s, k.e FROM unnest($1::int[], $2::uuid[]) AS k(s, e) WHERE (
    EXISTS (SELECT FROM access.{name} r WHERE r.source_id = k.s AND r.event_id = k.e)
    OR EXISTS (SELECT FROM access.usage_late l WHERE l.day = $3 AND l.source_id = k.s AND l.event_id = k.e))
AND NOT EXISTS (SELECT FROM access.usage_exception x WHERE x.day = $3 AND x.source_id = k.s AND x.event_id = k.e)"""
_ASIDE = """
INSERT INTO access.usage_exception (day, source_id, event_id, other_day, grant_id, meter, at, quantity, batch_id, found_at,
    buyer_id, seller_id)
SELECT $3, k.s, k.e, $4, r.grant_id, r.meter, r.at, r.quantity, r.batch_id, $5, g.buyer_id, g.seller_id
FROM unnest($1::int[], $2::uuid[]) AS k(s, e) CROSS JOIN LATERAL (
    SELECT grant_id, meter, at, quantity, batch_id FROM access.{name} WHERE source_id = k.s AND event_id = k.e
    UNION ALL
    SELECT grant_id, meter, at, quantity, batch_id FROM access.usage_late
    WHERE day = $3 AND source_id = k.s AND event_id = k.e LIMIT 1) r
JOIN access.grants g ON g.id = r.grant_id ORDER BY 1, 2
ON CONFLICT (day, source_id, event_id) DO NOTHING RETURNING seller_id"""
_LIST = """
SELECT day, source_id, event_id, other_day, grant_id, meter, at, quantity, found_at, seller_id FROM access.usage_exception
WHERE ($1::date IS NULL OR day = $1) AND ($2::timestamptz IS NULL OR (found_at, event_id) < ($2, $3))
ORDER BY found_at DESC, event_id DESC LIMIT $4"""


@dataclass(frozen=True, slots=True)
class PutAside:
    """An event that stands under another day already, and so does not count under this one."""

    day: date
    source_id: int
    event_id: UUID
    other_day: date
    grant: str
    meter: str
    at: datetime
    quantity: int
    found_at: datetime
    seller: str


async def compare_day(tx: Tx, day: date, window_days: int) -> list[UUID]:
    """Put aside the events of a day just proven that stand under another such day not further away than the window.

    shapes   the sellers of what was put aside now, one for each event
    """
    return await _compare(tx, day, window_days, _keys(tx, day), None)


async def compare_late(tx: Tx, day: date, window_days: int) -> list[UUID]:
    """The same for what came late to a day that was compared before."""
    driver = await tx.driver()
    if not await driver.fetchval("SELECT EXISTS (SELECT FROM access.usage_late WHERE day = $1)", day):
        return []
    kept = await driver.fetchval(_FILTER, day)
    if kept is None:
        # A day that was proven before days were compared.
        return await compare_day(tx, day, window_days)
    return await _compare(tx, day, window_days, _late_keys(tx, day), filters.from_bytes(kept))


async def _compare(
    tx: Tx, day: date, window_days: int, parts: AsyncIterator[tuple[npt.NDArray[np.void], int]], own: Words | None
) -> list[UUID]:
    driver = await tx.driver()
    await driver.execute(_PATIENT)
    await driver.execute(_ALONE)
    others = [row["day"] for row in await driver.fetch(_OTHERS, day, window_days)]
    aside: list[UUID] = []
    count = 0
    async for keys, estimate in parts:
        own = filters.new_filter(estimate) if own is None else own
        events = filters.hashed(keys)
        for other in others:
            suspects = keys[filters.may_hold(filters.from_bytes(await driver.fetchval(_FILTER, other)), events)]
            for at in range(0, len(suspects), _CANDIDATES):
                aside += await _put_aside(tx, day, other, suspects[at : at + _CANDIDATES])
        filters.add(own, events)
        count += len(keys)
    if own is None:
        own = filters.new_filter(0)
    await driver.execute(_KEEP, day, count, filters.to_bytes(own), tx.now)
    await driver.execute(_FORGET, day - timedelta(days=2 * window_days))
    return aside


async def put_aside(tx: Tx, request: PageRequest, day: date | None = None) -> Page[PutAside]:
    """Events that were put aside, of all days or of one, the newest first; for the operator."""
    found, event = (None, None)
    if request.after:
        try:
            found, event = datetime.fromisoformat(request.after[0]), UUID(request.after[1])
        except (ValueError, IndexError) as error:
            raise BadCursor("the cursor is not one of ours") from error
    rows = await (await tx.driver()).fetch(_LIST, day, found, event, request.limit + 1)
    keys = await keys_of(tx, {row["meter"] for row in rows})
    items = [
        PutAside(
            *(row["day"], row["source_id"], row["event_id"], row["other_day"], ids.text("grt", row["grant_id"])),
            *(keys[row["meter"]], row["at"], row["quantity"], row["found_at"], ids.text("org", row["seller_id"])),
        )
        for row in rows
    ]
    return page_of(items, request, lambda one: (one.found_at.isoformat(), str(one.event_id)))


async def _keys(tx: Tx, day: date) -> AsyncIterator[tuple[npt.NDArray[np.void], int]]:
    """The events of a day in parts, each with about how many there are in all."""
    driver, name = await tx.driver(), _partition(day)
    pages = int(await driver.fetchval(_SIZE, name))
    for first in range(0, pages, _PAGES):
        # A day of one part is read without naming pages, and so by several processes.
        part = "" if pages <= _PAGES else f"WHERE ctid >= '({first},0)' AND ctid < '({first + _PAGES},0)'"
        data = await driver.fetchval(_KEYS.format(name=name, pages=part))
        if data:
            keys = filters.read_keys(data)
            yield keys, max(len(keys), len(keys) * pages // _PAGES)
    async for late in _late_keys(tx, day):
        yield late


async def _late_keys(tx: Tx, day: date) -> AsyncIterator[tuple[npt.NDArray[np.void], int]]:
    if late := await (await tx.driver()).fetchval(_LATE_KEYS, day):
        yield filters.read_keys(late), len(late) // KEY_BYTES


async def _put_aside(tx: Tx, day: date, other: date, suspects: npt.NDArray[np.void]) -> Sequence[UUID]:
    driver = await tx.driver()
    sources = suspects["source_id"].tolist()
    events = [
        UUID(int=high << 64 | low)
        for high, low in zip(suspects["high"].tolist(), suspects["low"].tolist(), strict=True)
    ]
    there = await driver.fetch(_THERE.format(name=_partition(other)), sources, events, other)
    if not there:
        return ()
    columns = [row["s"] for row in there], [row["e"] for row in there]
    rows = await driver.fetch(_ASIDE.format(name=_partition(day)), *columns, day, other, tx.now)
    return [row["seller_id"] for row in rows]


def _partition(day: date) -> str:
    return f"usage_record_{day:%Y%m%d}"

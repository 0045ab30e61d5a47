"""Corrections of reported usage: the events they name, and the facts that they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, tuple_

from exchange.access.corrections import Corrected, Key, Standing
from exchange.access.store.meters import keys_of
from exchange.access.tables import usage_correction as _correction
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import ours

# Corrections of one source are taken one after another: each is numbered, and stands on the one before.
_ALONE = "SELECT pg_advisory_xact_lock(7267, s) FROM unnest($1::int[]) AS s ORDER BY s"
_OWN = "SELECT id FROM access.source WHERE organisation_id = $1 AND id = ANY($2::int[])"
_DAYS = "SELECT day FROM access.usage_day WHERE day = ANY($1::date[])"
# The first copy of an event is the event, as it is when its day is proven; the last correction says what it counts as.
_STANDING = """
SELECT DISTINCT ON (u.source_id, u.event_id) u.source_id, u.event_id, u.grant_id, u.meter, u.at,
    coalesce(k.quantity, u.quantity) AS quantity, coalesce(k.number, 0) AS number,
    coalesce(k.kind = 'deprecate', false) AS deprecated, EXISTS (SELECT FROM access.usage_exception x
        WHERE x.day = $1 AND x.source_id = u.source_id AND x.event_id = u.event_id) AS aside, g.buyer_id, g.seller_id
FROM unnest($2::int[], $3::uuid[]) AS w(s, e) CROSS JOIN LATERAL (
    SELECT r.*, 0 AS late FROM access.{name} r WHERE r.source_id = w.s AND r.event_id = w.e
    UNION ALL
    SELECT l.source_id, l.event_id, l.grant_id, l.meter, l.at, l.quantity, l.batch_id, 1 FROM access.usage_late l
    WHERE l.day = $1 AND l.source_id = w.s AND l.event_id = w.e) u
JOIN access.grants g ON g.id = u.grant_id LEFT JOIN LATERAL (
    SELECT c.number, c.kind, c.quantity FROM access.usage_correction c
    WHERE c.day = $1 AND c.source_id = u.source_id AND c.event_id = u.event_id ORDER BY c.number DESC LIMIT 1) k ON true
ORDER BY u.source_id, u.event_id, u.late, u.batch_id"""
_INSERT = """
INSERT INTO access.usage_correction (day, source_id, event_id, number, kind, quantity, before, reason, grant_id, meter, at,
    batch_id, created_at, buyer_id, seller_id)
SELECT d, s, e, n, k, q, b, r, g, m, a, $14, $15, x, y FROM unnest($1::date[], $2::int[], $3::uuid[], $4::int[], $5::text[],
    $6::bigint[], $7::bigint[], $8::text[], $9::uuid[], $10::smallint[], $11::timestamptz[], $12::uuid[], $13::uuid[])
    AS u(d, s, e, n, k, q, b, r, g, m, a, x, y)"""


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A correction as both sides see it: what the event counted as before it, and since."""

    event_id: UUID
    source_id: int
    number: int
    kind: str
    meter: str
    at: datetime
    before: int
    quantity: int
    reason: str
    created_at: datetime


async def hold_sources(tx: Tx, organisation_id: UUID, source_ids: Sequence[int]) -> set[int]:
    """Those of some sources that are the organisation's, held until the commit."""
    driver = await tx.driver()
    own = {row["id"] for row in await driver.fetch(_OWN, organisation_id, list(source_ids))}
    await driver.execute(_ALONE, sorted(own))
    return own


async def standing_events(tx: Tx, keys: Sequence[Key]) -> dict[Key, Standing]:
    """The events that corrections name, as they count now; one that nobody reported is missing.

    A sealed day answers from its index, a day that is still open from one look at its records.
    """
    driver = await tx.driver()
    wanted: dict[date, list[Key]] = {}
    for key in keys:
        wanted.setdefault(key[0], []).append(key)
    found: dict[Key, Standing] = {}
    for row in await driver.fetch(_DAYS, sorted(wanted)):
        day, named = row["day"], wanted[row["day"]]
        statement = _STANDING.format(name=f"usage_record_{day:%Y%m%d}")
        for one in await driver.fetch(statement, day, [key[1] for key in named], [key[2] for key in named]):
            found[day, one["source_id"], one["event_id"]] = Standing(*list(one.values())[2:])
    return found


async def insert_corrections(tx: Tx, batch_id: UUID, taken: Sequence[Corrected]) -> None:
    """Write corrections; their days are touched by a trigger, and counted again."""
    if not taken:
        return
    await (await tx.driver()).execute(
        _INSERT,
        [one.key[0] for one in taken],
        [one.key[1] for one in taken],
        [one.key[2] for one in taken],
        [one.number for one in taken],
        [one.kind for one in taken],
        [one.quantity for one in taken],
        [one.before.quantity for one in taken],
        [one.reason for one in taken],
        [one.before.grant_id for one in taken],
        [one.before.meter for one in taken],
        [one.before.at for one in taken],
        [one.before.buyer_id for one in taken],
        [one.before.seller_id for one in taken],
        batch_id,
        tx.now,
    )


async def corrections_of(tx: Tx, actor: Actor, grant_id: UUID, request: PageRequest) -> Page[CorrectionRow]:
    """What was corrected of a grant that the actor buys or sells, the newest first."""
    c = _correction.c
    statement = select(
        *(c.event_id, c.source_id, c.number, c.kind, c.meter, c.at, c.before, c.quantity, c.reason, c.created_at)
    ).where(ours((c.buyer_id, c.seller_id), actor), c.grant_id == grant_id)
    key = (c.created_at, c.event_id, c.number)
    if request.after:
        try:
            made, event, number = request.after
            after = (datetime.fromisoformat(made), UUID(event), int(number))
        except ValueError as error:
            raise BadCursor("the cursor is not one of ours") from error
        statement = statement.where(tuple_(*key) < tuple_(*after))
    rows = (await tx.conn.execute(statement.order_by(*(one.desc() for one in key)).limit(request.limit + 1))).all()
    keys = await keys_of(tx, {row[4] for row in rows})
    items = [
        CorrectionRow(event, source, nth, kind, keys[meter], *rest)
        for event, source, nth, kind, meter, *rest in map(tuple, rows)
    ]
    return page_of(items, request, lambda one: (one.created_at.isoformat(), str(one.event_id), str(one.number)))

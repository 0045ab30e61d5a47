"""Open items in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.open_items import ItemKind, Opened, OpenItem
from settlement.provider_tables import open_item as _t

_COLUMNS = (
    _t.c.id, _t.c.kind, _t.c.subject, _t.c.about, _t.c.account, _t.c.seen, _t.c.opened_at, _t.c.last_at, _t.c.closed_at, _t.c.note,
)  # fmt: skip
_PUT = """
INSERT INTO settlement.open_item AS i (id, kind, subject, account, about, opened_at, last_at)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $6)
ON CONFLICT (kind, subject) WHERE closed_at IS NULL DO UPDATE SET seen = i.seen + 1, last_at = $6, about = excluded.about
RETURNING id, seen"""
_CLOSE = """
UPDATE settlement.open_item SET closed_at = $2, closed_by = $3, note = $4 WHERE id = $1 AND closed_at IS NULL RETURNING id"""
_SETTLED = """
UPDATE settlement.open_item SET closed_at = $3, note = 'settled' WHERE subject = $1 AND kind = ANY($2::text[]) AND closed_at IS NULL"""


async def put_item(tx: Tx, opened: Opened, about_json: str) -> tuple[UUID, bool]:
    """Open an item, or count once more what is open already; its id, and whether it is new.

    shapes   about_json: `opened.about` as JSON
    """
    row = await (await tx.driver()).fetchrow(
        _PUT, tx.new_id(), opened.kind.value, opened.subject, opened.account, about_json, tx.now
    )
    assert row is not None, "an upsert answers a row"
    return row["id"], row["seen"] == 1


async def close_item(tx: Tx, item_id: UUID, organisation_id: UUID, note: str) -> bool:
    """Close an item as a person; False where it is not open."""
    return await (await tx.driver()).fetchrow(_CLOSE, item_id, tx.now, organisation_id, note) is not None


async def settle_items(tx: Tx, subject: str, kinds: Sequence[ItemKind]) -> None:
    """Close what has settled itself."""
    await (await tx.driver()).execute(_SETTLED, subject, [kind.value for kind in kinds], tx.now)


async def list_items(tx: Tx, request: PageRequest, *, closed: bool = False) -> Page[OpenItem]:
    """Items, newest first: the open ones, or those that were closed."""
    wanted = _t.c.closed_at.is_not(None) if closed else _t.c.closed_at.is_(None)
    query = select(*_COLUMNS).where(wanted).order_by(_t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        query = query.where(_t.c.id < UUID(request.after[0]))
    rows = await tx.conn.execute(query)
    return page_of([_item(row) for row in rows], request, lambda one: (str(one.id),))


def _item(row: Any) -> OpenItem:
    what = Opened(ItemKind(row[1]), row[2], row[3], row[4])
    return OpenItem(row[0], what, row[5], row[6], row[7], row[8], row[9])

"""Exports of the log in the database: their scopes' leaves, their states and their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, update

from compliance.scopes import Scope
from compliance.tables import export as _export
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine

_SCOPED = """
SELECT l.leaf_index, e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3
  AND ($4::uuid IS NULL OR $4 = ANY (e.organisation_ids)) AND ($5::text IS NULL OR e.object_id = $5)
  AND (cardinality($6::text[]) = 0 OR e.action = ANY ($6)) ORDER BY l.leaf_index LIMIT $7"""


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle that was asked for, and how far it is."""

    id: UUID
    requested_by: UUID
    scope: Scope
    size: int
    earlier_size: int | None
    legal_basis: str | None
    state: str
    entry_count: int
    next_index: int
    file_key: str | None
    sha256: bytes | None
    size_bytes: int | None
    problem: str | None
    created_at: datetime
    ended_at: datetime | None


_EXPORT = [column for column in _export.c if column.name != "node_id"]
_ENDED = ("done", "failed")


async def put_export(
    tx: Tx, export_id: UUID, actor: Actor, scope: Scope, size: int, earlier_size: int | None, legal_basis: str | None
) -> None:
    """Write down that an export is wanted, over a pinned scope and a checkpoint's size."""
    row = {
        "id": export_id,
        "requested_by": actor.organisation_id,
        "node_id": scope.node_id,
        "scope": scope.to_wire(),
        "size": size,
        "earlier_size": earlier_size,
        "legal_basis": legal_basis,
        "state": "requested",
        "entry_count": 0,
        "next_index": scope.from_index,
        "created_at": tx.now,
    }
    await tx.conn.execute(insert(_export).values(row))


async def find_export(tx: Tx, export_id: UUID) -> Export | None:
    """An export by id, whoever asks."""
    row = (await tx.conn.execute(select(*_EXPORT).where(_export.c.id == export_id))).mappings().one_or_none()
    return None if row is None else _as_export(row)


async def own_export(tx: Tx, actor: Actor, export_id: UUID) -> Export | None:
    """An export that the actor's organisation asked for."""
    query = select(*_EXPORT).where(_export.c.id == export_id, mine(_export.c.requested_by, actor))
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else _as_export(row)


async def own_exports(tx: Tx, actor: Actor, before: UUID | None = None, limit: int = 50) -> list[Export]:
    """The exports of the actor's organisation, newest first."""
    query = select(*_EXPORT).where(mine(_export.c.requested_by, actor)).order_by(_export.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_export.c.id < before)
    return [_as_export(row) for row in (await tx.conn.execute(query)).mappings()]


async def move_export(tx: Tx, export_id: UUID, entry_count: int, next_index: int) -> bool:
    """Record progress; False when the export has ended."""
    values = {"state": "running", "entry_count": entry_count, "next_index": next_index}
    return await _update_export(tx, export_id, values)


async def end_export(tx: Tx, export_id: UUID, file_key: str, sha256: bytes, size_bytes: int, entry_count: int) -> bool:
    """Record the finished file; False when the export had ended already."""
    values = {"state": "done", "file_key": file_key, "sha256": sha256, "size_bytes": size_bytes}
    return await _update_export(tx, export_id, {**values, "entry_count": entry_count, "ended_at": tx.now})


async def fail_export(tx: Tx, export_id: UUID, problem: str) -> bool:
    """Record that the export cannot be made; False when it had ended already."""
    return await _update_export(tx, export_id, {"state": "failed", "problem": problem[:500], "ended_at": tx.now})


async def _update_export(tx: Tx, export_id: UUID, values: Mapping[str, Any]) -> bool:
    change = update(_export).where(_export.c.id == export_id, _export.c.state.not_in(_ENDED)).values(**values)
    return (await tx.conn.execute(change)).rowcount == 1


def _as_export(row: RowMapping) -> Export:
    return Export(**{**row, "scope": Scope.from_wire(row["scope"])})


async def scoped(tx: Tx, scope: Scope, from_index: int, limit: int) -> list[tuple[int, bytes]]:
    """The leaves of a scope from an index on, at most `limit`: (leaf index, envelope)."""
    assert scope.to_index is not None, "an export runs over a pinned scope"
    driver = await tx.driver()
    start = max(from_index, scope.from_index)
    filters = scope.organisation_id, scope.object_id, list(scope.actions)
    rows = await driver.fetch(_SCOPED, scope.node_id, start, scope.to_index, *filters, limit)
    return [(row[0], row[1]) for row in rows]

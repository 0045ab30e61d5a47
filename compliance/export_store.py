"""Exports of the log in the database: their scopes' leaves, their states and their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, RowMapping, any_, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from compliance.exports.bundle import PieceKept
from compliance.scopes import Scope
from compliance.tables import export as _export
from compliance.tables import export_bundle as _bundle
from compliance.tables import export_object as _object
from compliance.tables import export_part as _part
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine

# What an entry says of its rules and its agreement stands in its canonical bytes only, where it has one spelling.
_SCOPED = """
SELECT l.leaf_index, e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3
  AND ($4::uuid IS NULL OR $4 = ANY (e.organisation_ids)) AND ($5::text IS NULL OR e.object_id = $5)
  AND (cardinality($6::text[]) = 0 OR e.action = ANY ($6)) AND ($7::bytea IS NULL OR position($7 IN e.envelope) > 0)
  AND ($8::bytea IS NULL OR e.organisation_ids && $9::uuid[]
       OR EXISTS (SELECT FROM compliance.export_object o WHERE o.closure = $8 AND o.object_id = e.object_id)
       OR EXISTS (SELECT FROM compliance.export_object o WHERE o.closure = $8
                  AND o.object_id = substring(convert_from(e.envelope, 'UTF8') FROM '"agreement":"([^"]+)"')))
ORDER BY l.leaf_index"""
_SEALED = _SCOPED.replace(
    "ORDER BY", "AND EXISTS (SELECT FROM compliance.sealed s WHERE s.entry_id = e.id AND s.sealed IS NOT NULL) ORDER BY"
)
_PIN = """
INSERT INTO compliance.export_object SELECT $1, o FROM unnest($2::text[]) AS o ON CONFLICT DO NOTHING"""
_PARTS = """
SELECT number, member, sha256, packed_bytes, crc32, size_bytes, notes, entry_count FROM compliance.export_part
WHERE bundle = $1 ORDER BY number, member"""
_KEEP = """
INSERT INTO compliance.export_part
SELECT $1, $2, p.member, p.sha256, p.packed, p.crc, p.size, $8::bytea[], $9, $10
FROM unnest($3::text[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[]) AS p(member, sha256, packed, crc, size)
ON CONFLICT DO NOTHING"""


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
    note: bytes | None
    since_size: int | None
    formats: list[str]
    closure: bytes | None
    delivery: bytes | None
    disclosure: Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request pins: a scope up to a checkpoint's size, the checkpoint as it stood, and the forms."""

    scope: Scope
    size: int
    note: bytes
    formats: tuple[str, ...]
    earlier_size: int | None = None
    since_size: int | None = None
    closure: bytes | None = None
    legal_basis: str | None = None
    disclosure: Mapping[str, str | None] | None = None


_EXPORT = [column for column in _export.c if column.name != "node_id"]
_ENDED = ("done", "failed", "cancelled", "erased")


async def put_export(tx: Tx, export_id: UUID, actor: Actor, asked: Asked) -> None:
    """Write down that an export is wanted."""
    row = {
        "id": export_id,
        "requested_by": actor.organisation_id,
        "node_id": asked.scope.node_id,
        "scope": asked.scope.to_wire(),
        "size": asked.size,
        "earlier_size": asked.earlier_size,
        "legal_basis": asked.legal_basis,
        "state": "requested",
        "entry_count": 0,
        "next_index": asked.scope.from_index,
        "created_at": tx.now,
        "note": asked.note,
        "since_size": asked.since_size,
        "formats": list(asked.formats),
        "closure": asked.closure,
        "disclosure": None if asked.disclosure is None else dict(asked.disclosure),
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


async def last_size(tx: Tx, actor: Actor, node_id: str, below: int) -> int | None:
    """The size of the newest checkpoint that an organisation's finished exports were made at, below another; None for none."""
    mine_done = mine(_export.c.requested_by, actor), _export.c.state == "done", _export.c.node_id == node_id
    size: int | None = await tx.conn.scalar(select(func.max(_export.c.size)).where(*mine_done, _export.c.size < below))
    return size


async def pin_note(tx: Tx, export_id: UUID, note: bytes) -> None:
    """Pin the checkpoint as it stands when the making begins: with the cosignatures that it has by then."""
    await _update_export(tx, export_id, {"note": note, "state": "running"})


async def move_export(tx: Tx, export_id: UUID, entry_count: int, next_index: int) -> bool:
    """Record progress; False when the export has ended."""
    values = {"state": "running", "entry_count": entry_count, "next_index": next_index}
    return await _update_export(tx, export_id, values)


async def end_export(tx: Tx, export_id: UUID, made: BundleKept, delivery: bytes) -> bool:
    """Record the finished bundle and its note; False when the export had ended already."""
    values = {"state": "done", "file_key": made.sha256.hex(), "sha256": made.sha256, "size_bytes": made.size_bytes}
    return await _update_export(
        tx, export_id, {**values, "entry_count": made.entries, "delivery": delivery, "ended_at": tx.now}
    )


async def cancel_export(tx: Tx, export_id: UUID) -> bool:
    """Stop an export; False when it had ended already."""
    return await _update_export(tx, export_id, {"state": "cancelled", "ended_at": tx.now})


async def fail_export(tx: Tx, export_id: UUID, problem: str) -> bool:
    """Record that the export cannot be made; False when it had ended already."""
    return await _update_export(tx, export_id, {"state": "failed", "problem": problem[:500], "ended_at": tx.now})


async def _update_export(tx: Tx, export_id: UUID, values: Mapping[str, Any]) -> bool:
    change = update(_export).where(_export.c.id == export_id, _export.c.state.not_in(_ENDED)).values(**values)
    return (await tx.conn.execute(change)).rowcount == 1


def _as_export(row: RowMapping) -> Export:
    return Export(**{**row, "scope": Scope.from_wire(row["scope"])})


async def scoped(
    tx: Tx, scope: Scope, closure: bytes | None, first: int, end: int, *, sealed: bool = False
) -> list[tuple[int, bytes]]:
    """The leaves of a scope within [first, end): (leaf index, envelope); `sealed`: only those with something beside them."""
    driver = await tx.driver()
    rule = None if scope.rule_set is None else f'"rule_set":"{scope.rule_set}"'.encode()
    organisations = [] if closure is None else await _organisations(tx, closure)
    filters = scope.organisation_id, scope.object_id, list(scope.actions), rule, closure, organisations
    rows = await driver.fetch(_SEALED if sealed else _SCOPED, scope.node_id, first, end, *filters)
    return [(row[0], row[1]) for row in rows]


# ---------------------------------------------------------------- what belongs to the object that an export is about


async def closed(tx: Tx, closure: bytes) -> bool:
    """Whether it was pinned before what belongs to an object."""
    query = select(_object.c.object_id).where(_object.c.closure == closure).limit(1)
    return (await tx.conn.execute(query)).one_or_none() is not None


async def pin_objects(tx: Tx, closure: bytes, names: Sequence[str]) -> None:
    """Pin what belongs to an object at a checkpoint, so that asking again gives the same."""
    await (await tx.driver()).execute(_PIN, closure, list(names))


async def _organisations(tx: Tx, closure: bytes) -> list[UUID]:
    query = select(_object.c.object_id).where(_object.c.closure == closure, _object.c.object_id.like("org\\_%"))
    return [ids.parse("org", row[0]) for row in await tx.conn.execute(query)]


# ---------------------------------------------------------------- parts and bundles


@dataclass(frozen=True, slots=True)
class BundleKept:
    """A finished bundle: equal requests get the same one."""

    sha256: bytes
    size_bytes: int
    entries: int


async def kept_pieces(tx: Tx, bundle: bytes) -> list[PieceKept]:
    """The pieces of a bundle that are made already, part by part."""
    rows = await (await tx.driver()).fetch(_PARTS, bundle)
    return [PieceKept(*row)._replace(notes=tuple(row["notes"])) for row in rows]


async def keep_part(tx: Tx, bundle: bytes, pieces: Sequence[PieceKept]) -> None:
    """Remember the pieces of a part; those that another worker remembered stay."""
    driver = await tx.driver()
    for one in pieces:
        values = [one.member], [one.sha256], [one.packed], [one.crc32], [one.size]
        await driver.execute(_KEEP, bundle, one.number, *values, list(one.notes), one.entries, tx.now)


async def forget_parts(tx: Tx, bundle: bytes) -> list[bytes]:
    """Forget the parts of a bundle; gives the hashes of the pieces that no other bundle needs."""
    gone = await tx.conn.execute(delete(_part).where(_part.c.bundle == bundle).returning(_part.c.sha256))
    mine_only = {row[0] for row in gone}
    kept = await tx.conn.execute(
        select(_part.c.sha256).where(_part.c.sha256 == any_(literal(list(mine_only), ARRAY(LargeBinary))))
    )
    return sorted(mine_only - {row[0] for row in kept})


async def find_bundle(tx: Tx, bundle: bytes) -> BundleKept | None:
    """A finished bundle by its name."""
    query = select(_bundle.c.sha256, _bundle.c.size_bytes, _bundle.c.entry_count).where(_bundle.c.bundle == bundle)
    row = (await tx.conn.execute(query)).one_or_none()
    return None if row is None else BundleKept(*row)


async def put_bundle(tx: Tx, bundle: bytes, made: BundleKept) -> None:
    """Remember a finished bundle."""
    row = {"bundle": bundle, "sha256": made.sha256, "size_bytes": made.size_bytes, "entry_count": made.entries}
    await tx.conn.execute(upsert(_bundle).values(**row, created_at=tx.now).on_conflict_do_nothing())

"""All SQL of the audit log, its exports and the directives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, update

from compliance import proofs, tiles
from compliance.directives import Directive
from compliance.entries import CENTRE, Entry, envelope
from compliance.log import Growth, LogState, Signed, Waiting
from compliance.notes import Checkpoint
from compliance.scopes import Scope
from compliance.tables import directive as _directive
from compliance.tables import export as _export
from exchange.kernel import merkle
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.store import mine

# ---------------------------------------------------------------- entries

# An array of arrays cannot be unnested by row, so that the organisations travel as text.
_APPEND = """
INSERT INTO compliance.audit_entry (id, node_id, organisation_ids, action, object_id, envelope, created_at)
SELECT e.id, e.node, e.organisations::uuid[], e.action, e.object, e.envelope, $7
FROM unnest($1::text::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
     WITH ORDINALITY AS e(id, node, organisations, action, object, envelope, n) ORDER BY e.n"""
_OF_OBJECT = """
SELECT e.seq, l.leaf_index, e.envelope FROM compliance.audit_entry e
LEFT JOIN compliance.audit_leaf l ON l.entry_seq = e.seq
WHERE e.object_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3"""

_MARKS = """
SELECT o.id, e.action, e.seq, l.leaf_index FROM unnest($1::text[]) AS o(id)
CROSS JOIN LATERAL (SELECT x.action, x.seq FROM compliance.audit_entry x WHERE x.object_id = o.id
                    ORDER BY x.seq LIMIT $2) e
LEFT JOIN compliance.audit_leaf l ON l.entry_seq = e.seq ORDER BY e.seq"""
_SEARCH = """
SELECT seq, leaf_index, envelope FROM regulator.audit_entry WHERE seq < coalesce($1, 1 + seq)
  AND ($2::text IS NULL OR object_id = $2) AND ($3::uuid IS NULL OR $3 = ANY (organisation_ids))
  AND ($4::text IS NULL OR action = $4) AND ($5::timestamptz IS NULL OR created_at >= $5)
  AND ($6::timestamptz IS NULL OR created_at < $6) ORDER BY seq DESC LIMIT $7"""
_BETWEEN = """
SELECT min(l.leaf_index), max(l.leaf_index) FROM compliance.audit_entry e
JOIN compliance.audit_leaf l ON l.entry_seq = e.seq
WHERE e.node_id = $1 AND l.leaf_index < (SELECT coalesce(max(size), 0) FROM compliance.checkpoint WHERE node_id = $1)
  AND ($2::timestamptz IS NULL OR e.created_at >= $2) AND ($3::timestamptz IS NULL OR e.created_at < $3)"""


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry with its place in the log, None until the sequencer has seen it."""

    seq: int
    leaf_index: int | None
    envelope: bytes


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are looked for; None lets everything through.

    units    [since, until) by the time of writing, aware UTC
    """

    object_id: str | None = None
    organisation_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def append(tx: Tx, entries: Sequence[Entry]) -> list[UUID]:
    """Write audit entries in the caller's transaction; one statement for any number, none for none."""
    if not entries:
        return []
    made = [tx.new_id() for _ in entries]
    driver = await tx.driver()
    await driver.execute(
        _APPEND,
        array(made),
        [one.node_id for one in entries],
        [array(one.organisations()) for one in entries],
        [one.action for one in entries],
        [one.object_id or None for one in entries],
        [envelope(one, tx.now, entry_id) for one, entry_id in zip(entries, made, strict=True)],
        tx.now,
    )
    return made


async def entries_of(tx: Tx, object_id: str, after_seq: int = 0, limit: int = 100) -> list[Logged]:
    """What the log says of one object, oldest first; a portal sees the entries that concern it."""
    driver = await tx.driver()
    return [Logged(*row) for row in await driver.fetch(_OF_OBJECT, object_id, after_seq, limit)]


async def marks_of(tx: Tx, object_ids: Sequence[str], limit: int = 20) -> dict[str, list[tuple[str, int, int | None]]]:
    """The first entries of many objects, for a trace: object -> (action, seq, leaf index)."""
    found: dict[str, list[tuple[str, int, int | None]]] = {}
    for row in await (await tx.driver()).fetch(_MARKS, list(object_ids), limit):
        found.setdefault(row[0], []).append((row[1], row[2], row[3]))
    return found


async def search(tx: Tx, wanted: EntryFilter, before_seq: int | None, limit: int) -> list[Logged]:
    """Entries that a filter lets through, newest first. For the regulator's role."""
    w = wanted
    filters = w.object_id, w.organisation_id, w.action, w.since, w.until
    rows = await (await tx.driver()).fetch(_SEARCH, before_seq, *filters, limit)
    return [Logged(row[0], row[1], row[2].encode()) for row in rows]


async def indexes_between(
    tx: Tx, since: datetime | None, until: datetime | None, node_id: str = CENTRE
) -> tuple[int | None, int | None]:
    """The first and the last leaf of a period that the newest checkpoint covers; None where there is none."""
    row = await (await tx.driver()).fetchrow(_BETWEEN, node_id, since, until)
    return (row[0], row[1]) if row else (None, None)


# ---------------------------------------------------------------- the sequencer

# SKIP LOCKED makes a second sequencer leave at once, and the locked row is always the newest one.
_LOCK = """
SELECT size, frontier, cursor_xid::text, cursor_seq, floor_seq FROM compliance.log_state
WHERE node_id = $1 FOR UPDATE SKIP LOCKED"""
_SIGNED = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS horizon, c.size, c.root FROM (SELECT) AS always
LEFT JOIN LATERAL (SELECT size, root FROM compliance.checkpoint WHERE node_id = $1 ORDER BY size DESC LIMIT 1) c ON true"""
# Every transaction below xmin has ended: no entry can still appear before the ones read here. The order names its
# table, because the text beside it is called xid too and would sort 1000 before 999.
_NEXT = """
SELECT e.seq, e.xid::text, e.envelope FROM compliance.audit_entry e
WHERE e.node_id = $1 AND (e.xid, e.seq) > ($2::text::xid8, $3::bigint)
  AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) AND e.seq > $4 ORDER BY e.xid, e.seq LIMIT $5"""
_LEAVES = """
INSERT INTO compliance.audit_leaf (node_id, leaf_index, entry_seq, leaf_hash)
SELECT $1, $2 + n - 1, s, h FROM unnest($3::bigint[], $4::bytea[]) WITH ORDINALITY AS l(s, h, n)"""
_NEW_TILES = """
INSERT INTO compliance.tile (node_id, level, number, width, data)
SELECT $1, l, n, octet_length(d) / 32, d FROM unnest($2::smallint[], $3::bigint[], $4::bytea[]) AS p(l, n, d)"""
_GROWN_TILES = """
UPDATE compliance.tile t SET width = t.width + octet_length(p.d) / 32, data = t.data || p.d
FROM unnest($2::smallint[], $3::bigint[], $4::bytea[], $5::smallint[]) AS p(l, n, d, s)
WHERE t.node_id = $1 AND t.level = p.l AND t.number = p.n AND t.width = p.s"""
_SIGN = "INSERT INTO compliance.checkpoint (node_id, size, root, note, created_at) VALUES ($1, $2, $3, $4, $5)"
_MOVE = """
UPDATE compliance.log_state SET size = $2, frontier = $3, cursor_xid = $4::text::xid8, cursor_seq = $5
WHERE node_id = $1"""
_REBASE = """
UPDATE compliance.log_state SET cursor_xid = '0', cursor_seq = 0,
    floor_seq = (SELECT coalesce(max(seq), 0) FROM compliance.audit_entry WHERE node_id = $1) WHERE node_id = $1"""
_OPEN = "INSERT INTO compliance.log_state VALUES ($1, 0, '', '0', 0, 0) ON CONFLICT DO NOTHING"
_LEFT_BEHIND = """
SELECT e.seq, e.xid::text, e.envelope FROM compliance.audit_entry e
WHERE e.node_id = $1 AND e.seq > $2 AND NOT EXISTS (SELECT FROM compliance.audit_leaf l WHERE l.entry_seq = e.seq)
ORDER BY e.seq"""


async def open_log(tx: Tx, node_id: str) -> None:
    """Make an empty log for a node that has none."""
    await (await tx.driver()).execute(_OPEN, node_id)


async def lock_log(tx: Tx, node_id: str = CENTRE) -> LogState | None:
    """The log's state, held until the end of the transaction; None while another sequencer holds it."""
    row = await (await tx.driver()).fetchrow(_LOCK, node_id)
    if row is None:
        return None
    size, frontier, xid, seq, floor = row
    hashes = tuple(frontier[at : at + merkle.HASH_BYTES] for at in range(0, len(frontier), merkle.HASH_BYTES))
    return LogState(node_id, size, hashes, int(xid), seq, floor)


async def signed(tx: Tx, node_id: str, origin: str) -> Signed:
    """The newest checkpoint and the transaction counter."""
    row = await (await tx.driver()).fetchrow(_SIGNED, node_id)
    assert row is not None
    newest = None if row["size"] is None else Checkpoint(origin, row["size"], row["root"])
    return Signed(newest, int(row["horizon"]))


async def waiting(tx: Tx, state: LogState, limit: int) -> list[Waiting]:
    """Entries that come next and whose order is final, at most `limit`."""
    driver = await tx.driver()
    rows = await driver.fetch(_NEXT, state.node_id, str(state.cursor_xid), state.cursor_seq, state.floor_seq, limit)
    return [Waiting(seq, int(xid), data) for seq, xid, data in rows]


async def record(tx: Tx, growth: Growth, entries: Sequence[Waiting], note: bytes) -> None:
    """Write one step of the log: leaves, tiles, checkpoint, state. Two to five statements."""
    driver = await tx.driver()
    node_id, after = growth.before.node_id, growth.after
    if entries:
        seqs = [one.seq for one in entries]
        await driver.execute(_LEAVES, node_id, growth.before.size, seqs, growth.leaf_hashes)
    new = [piece for piece in growth.pieces if piece.start == 0]
    grown = [piece for piece in growth.pieces if piece.start > 0]
    if new:
        await driver.execute(_NEW_TILES, node_id, *_columns(new))
    if grown:
        done = await driver.execute(_GROWN_TILES, node_id, *_columns(grown), [piece.start for piece in grown])
        assert done == f"UPDATE {len(grown)}", "a tile is not as wide as the log's size says"
    await driver.execute(_SIGN, node_id, after.size, growth.root, note, tx.now)
    values = after.size, b"".join(after.frontier), str(after.cursor_xid), after.cursor_seq
    await driver.execute(_MOVE, node_id, *values)


async def left_behind(tx: Tx, state: LogState) -> list[Waiting]:
    """Entries without a leaf, whatever the transaction counter says; only for `rebase`, with writes stopped."""
    rows = await (await tx.driver()).fetch(_LEFT_BEHIND, state.node_id, state.floor_seq)
    return [Waiting(seq, int(xid), data) for seq, xid, data in rows]


async def rebase(tx: Tx, node_id: str) -> None:
    """Start a new count of transactions: everything written so far is below the floor."""
    await (await tx.driver()).execute(_REBASE, node_id)


def _columns(pieces: Sequence[tiles.Piece]) -> tuple[list[int], list[int], list[bytes]]:
    return [one.level for one in pieces], [one.number for one in pieces], [one.data for one in pieces]


# ---------------------------------------------------------------- reads

_CHECKPOINT = """
SELECT note FROM compliance.checkpoint WHERE node_id = $1 AND size = coalesce($2, size) ORDER BY size DESC LIMIT 1"""
_TILE = "SELECT substr(data, 1, 32 * $4) FROM compliance.tile WHERE node_id = $1 AND level = $2 AND number = $3 AND width >= $4"
_TILES = """
SELECT level, number, data FROM compliance.tile JOIN unnest($2::smallint[], $3::bigint[]) AS w(l, n)
ON level = w.l AND number = w.n WHERE node_id = $1"""
_BUNDLE = """
SELECT e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3 ORDER BY l.leaf_index"""
_SCOPED = """
SELECT l.leaf_index, e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3
  AND ($4::uuid IS NULL OR $4 = ANY (e.organisation_ids)) AND ($5::text IS NULL OR e.object_id = $5)
  AND (cardinality($6::text[]) = 0 OR e.action = ANY ($6)) ORDER BY l.leaf_index LIMIT $7"""


async def checkpoint(tx: Tx, node_id: str = CENTRE, size: int | None = None) -> bytes | None:
    """The newest checkpoint as a signed note, or the one of `size`; None if there is none."""
    note: bytes | None = await (await tx.driver()).fetchval(_CHECKPOINT, node_id, size)
    return note


async def tile(tx: Tx, level: int, number: int, width: int, node_id: str = CENTRE) -> bytes | None:
    """The first `width` hashes of a tile, None if it has not so many."""
    data: bytes | None = await (await tx.driver()).fetchval(_TILE, node_id, level, number, width)
    return data


async def entry_bundle(tx: Tx, number: int, width: int, node_id: str = CENTRE) -> bytes | None:
    """The first `width` entries of a bundle, None if it has not so many. For the app's and the regulator's role."""
    first = number * tiles.WIDTH
    rows = await (await tx.driver()).fetch(_BUNDLE, node_id, first, first + width)
    return tiles.bundle(row[0] for row in rows) if len(rows) == width else None


async def tree(tx: Tx, places: Iterable[tiles.Place], node_id: str = CENTRE) -> tiles.Tiles:
    """The tiles at these places, ready to answer for nodes."""
    wanted = sorted(places)
    driver = await tx.driver()
    rows = await driver.fetch(_TILES, node_id, [level for level, _ in wanted], [number for _, number in wanted])
    return tiles.Tiles({(row[0], row[1]): row[2] for row in rows})


async def inclusion(tx: Tx, leaf_index: int, size: int, node_id: str = CENTRE) -> list[bytes] | None:
    """The proof that a leaf is in the tree of `size`, None if either is beyond the log."""
    if not 0 <= leaf_index < size:
        return None
    known = await tree(tx, tiles.places_for_inclusion([leaf_index], size), node_id)
    try:
        return merkle.inclusion_proof(leaf_index, size, known.node)
    except KeyError:
        return None


async def consistency(tx: Tx, old: int, new: int, node_id: str = CENTRE) -> list[bytes] | None:
    """The proof that the tree only grew from `old` to `new`, None if either is beyond the log."""
    if not 0 <= old <= new:
        return None
    known = await tree(tx, tiles.places_for_consistency(old, new), node_id)
    try:
        return merkle.consistency_proof(old, new, known.node)
    except KeyError:
        return None


async def tlog_proof(
    tx: Tx, leaf_index: int, checkpoint_of: Checkpoint, note: bytes, node_id: str = CENTRE
) -> bytes | None:
    """The stand-alone proof of a leaf against a checkpoint, None if the leaf is beyond it."""
    hashes = await inclusion(tx, leaf_index, checkpoint_of.size, node_id)
    return None if hashes is None else proofs.encode(proofs.TlogProof(leaf_index, tuple(hashes), note))


async def scoped(tx: Tx, scope: Scope, from_index: int, limit: int) -> list[tuple[int, bytes]]:
    """The leaves of a scope from an index on, at most `limit`: (leaf index, envelope)."""
    assert scope.to_index is not None, "an export runs over a pinned scope"
    driver = await tx.driver()
    start = max(from_index, scope.from_index)
    filters = scope.organisation_id, scope.object_id, list(scope.actions)
    rows = await driver.fetch(_SCOPED, scope.node_id, start, scope.to_index, *filters, limit)
    return [(row[0], row[1]) for row in rows]


# ---------------------------------------------------------------- exports


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


# ---------------------------------------------------------------- directives

_DIRECTED = """
SELECT DISTINCT target_id FROM compliance.directive
WHERE state = 'active' AND kind = ANY ($2::text[]) AND target_id = ANY ($1::uuid[])"""


async def directed(tx: Tx, ids: Sequence[UUID], kinds: Sequence[str]) -> set[UUID]:
    """Which of these objects stand under an active directive of these kinds; one statement."""
    if not ids:
        return set()
    return {row[0] for row in await (await tx.driver()).fetch(_DIRECTED, list(ids), list(kinds))}


async def frozen(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these objects may be neither sold nor used; one statement."""
    return await directed(tx, ids, ("freeze",))


async def off_sale(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these objects may not be sold: frozen or delisted; one statement."""
    return await directed(tx, ids, ("freeze", "delist"))


async def preserved(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these objects may not be erased; one statement."""
    return await directed(tx, ids, ("preserve",))


async def put_directive(tx: Tx, one: Directive) -> None:
    """Write a directive down."""
    row = {column.name: getattr(one, column.name) for column in _directive.c}
    await tx.conn.execute(insert(_directive).values({**row, "reason": dict(one.reason)}))


async def lift_directive(tx: Tx, directive_id: UUID, lifted_by: UUID) -> bool:
    """End a directive; False when it is not active."""
    change = update(_directive).where(_directive.c.id == directive_id, _directive.c.state == "active")
    return (await tx.conn.execute(change.values(state="lifted", lifted_by=lifted_by, lifted_at=tx.now))).rowcount == 1


async def find_directive(tx: Tx, directive_id: UUID) -> Directive | None:
    """A directive by id. For the app's and the regulator's role."""
    row = (await tx.conn.execute(select(_directive).where(_directive.c.id == directive_id))).mappings().one_or_none()
    return None if row is None else Directive(**row)


async def directives(
    tx: Tx, *, active_only: bool = False, before: UUID | None = None, limit: int = 50
) -> list[Directive]:
    """Directives, newest first. For the app's and the regulator's role."""
    query = select(_directive).order_by(_directive.c.id.desc()).limit(limit)
    if active_only:
        query = query.where(_directive.c.state == "active")
    if before is not None:
        query = query.where(_directive.c.id < before)
    return [Directive(**row) for row in (await tx.conn.execute(query)).mappings()]


# ---------------------------------------------------------------- checks


async def objects_logged(tx: Tx, action: str, object_ids: Sequence[str]) -> dict[str, int]:
    """How many entries say that `action` was done to each of these objects; none means absent."""
    driver = await tx.driver()
    rows = await driver.fetch(
        "SELECT object_id, count(*) FROM compliance.audit_entry WHERE object_id = ANY($1::text[]) AND action = $2 "
        "GROUP BY object_id",
        list(object_ids),
        action,
    )
    return {row[0]: row[1] for row in rows}


async def envelopes(tx: Tx, from_index: int, limit: int, node_id: str = CENTRE) -> list[bytes]:
    """The entries behind the leaves from `from_index` on, in the log's order; a gap ends the answer."""
    driver = await tx.driver()
    rows = await driver.fetch(
        "SELECT l.leaf_index, e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq "
        "WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3 ORDER BY l.leaf_index",
        node_id,
        from_index,
        from_index + limit,
    )
    return [row[1] for position, row in enumerate(rows) if row[0] == from_index + position]

"""The log's tree in the database: what the sequencer writes, and what proofs are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from compliance import proofs, tiles
from compliance.entries import CENTRE
from compliance.log import Growth, LogState, Placed, Snapshot
from compliance.notes import Checkpoint
from exchange.kernel import merkle
from exchange.kernel.db import Tx
from exchange.kernel.ids import array

_COLUMNS = (
    """size, frontier, base_snapshot::text, target_snapshot::text, cursor_xid::text, cursor_seq, floor_seq, marks"""
)
_STATE = f"SELECT {_COLUMNS} FROM compliance.log_state WHERE node_id = $1"
# SKIP LOCKED makes a second sequencer leave at once, and the locked row is always the newest one.
_LOCK = f"{_STATE} FOR UPDATE SKIP LOCKED"
_SIGNED = """
SELECT pg_current_snapshot()::text AS now, c.size, c.root FROM (SELECT) AS always
LEFT JOIN LATERAL (SELECT size, root FROM compliance.checkpoint WHERE node_id = $1 ORDER BY size DESC LIMIT 1) c ON true"""
# New is what had not ended at the base and has ended at the target; a transaction that goes on holds nobody back.
# Everything the target sees has committed by now, so that this later statement sees its rows. The first part of the
# union are transactions that ran at the base, the second those that began after it; the envelopes stay in the server.
_PLACE = r"""
WITH new AS MATERIALIZED (
    SELECT n.*, row_number() OVER (ORDER BY n.xid, n.seq) - 1 AS n FROM (
        (SELECT e.xid, e.seq, e.created_at, sha256('\x00'::bytea || e.envelope) AS hash
         FROM unnest($2::text[]) AS r(xid) JOIN compliance.audit_entry e ON e.node_id = $1 AND e.xid = r.xid::xid8
         WHERE (e.xid, e.seq) > ($5::text::xid8, $6::bigint) AND e.seq > $7
           AND pg_visible_in_snapshot(e.xid, $4::text::pg_snapshot) ORDER BY e.xid, e.seq LIMIT $8)
        UNION ALL
        (SELECT e.xid, e.seq, e.created_at, sha256('\x00'::bytea || e.envelope)
         FROM compliance.audit_entry e
         WHERE e.node_id = $1 AND e.xid >= $3::text::xid8 AND (e.xid, e.seq) > ($5::text::xid8, $6::bigint) AND e.seq > $7
           AND e.xid < pg_snapshot_xmax($4::text::pg_snapshot)
           AND pg_visible_in_snapshot(e.xid, $4::text::pg_snapshot) ORDER BY e.xid, e.seq LIMIT $8)
    ) AS n ORDER BY n.xid, n.seq LIMIT $8),
leaves AS (
    INSERT INTO compliance.audit_leaf (node_id, leaf_index, entry_seq, leaf_hash)
    SELECT $1, $9 + n, seq, hash FROM new)
SELECT count(*) AS count, coalesce(string_agg(hash, ''::bytea ORDER BY n), '') AS hashes, min(created_at) AS oldest,
       (array_agg(xid::text ORDER BY n DESC))[1] AS xid, (array_agg(seq ORDER BY n DESC))[1] AS seq FROM new"""
_NEW_TILES = """
INSERT INTO compliance.tile (node_id, level, number, width, data)
SELECT $1, l, n, octet_length(d) / 32, d FROM unnest($2::smallint[], $3::bigint[], $4::bytea[]) AS p(l, n, d)"""
_GROWN_TILES = """
UPDATE compliance.tile t SET width = t.width + octet_length(p.d) / 32, data = t.data || p.d
FROM unnest($2::smallint[], $3::bigint[], $4::bytea[], $5::smallint[]) AS p(l, n, d, s)
WHERE t.node_id = $1 AND t.level = p.l AND t.number = p.n AND t.width = p.s"""
_MOVE = """
UPDATE compliance.log_state SET size = $2, frontier = $3, base_snapshot = $4::text::pg_snapshot,
    target_snapshot = $5::text::pg_snapshot, cursor_xid = $6::text::xid8, cursor_seq = $7
WHERE node_id = $1"""
# One row per size, none behind a longer one, and time does not go back in them even where a clock does.
_SIGN = """
INSERT INTO compliance.checkpoint (node_id, size, root, note, created_at)
SELECT $1, $2, $3, $4, greatest($5::timestamptz,
    (SELECT created_at FROM compliance.checkpoint WHERE node_id = $1 ORDER BY size DESC LIMIT 1))
WHERE NOT EXISTS (SELECT FROM compliance.checkpoint WHERE node_id = $1 AND size >= $2) ON CONFLICT DO NOTHING"""
_MARKS = "UPDATE compliance.log_state SET marks = $2 WHERE node_id = $1 AND marks <> $2"
_WAITING = """
SELECT s.size, s.target_snapshot IS NOT NULL OR EXISTS (
        SELECT FROM compliance.audit_entry e WHERE e.node_id = $1 AND e.seq > s.floor_seq
        AND e.xid >= pg_snapshot_xmax(s.base_snapshot)) OR EXISTS (
        SELECT FROM pg_snapshot_xip(s.base_snapshot) AS r(xid) JOIN compliance.audit_entry e
        ON e.node_id = $1 AND e.xid = r.xid AND e.seq > s.floor_seq) AS waiting,
    (SELECT max(size) FROM compliance.checkpoint WHERE node_id = $1) AS signed
FROM compliance.log_state s WHERE s.node_id = $1"""
# Of what waits for its leaf only the first thousand are looked at: beyond that the age says enough.
_AGE = """
SELECT c.size, least(
    (SELECT e.created_at FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
     WHERE l.node_id = $1 AND l.leaf_index = coalesce(c.size, 0)),
    (SELECT min(w.created_at) FROM (
        SELECT e.created_at FROM compliance.audit_entry e WHERE e.node_id = $1 AND e.seq > s.floor_seq
        AND e.xid >= pg_snapshot_xmax(s.base_snapshot) AND (e.xid, e.seq) > (s.cursor_xid, s.cursor_seq)
        ORDER BY e.xid, e.seq LIMIT 1000) w),
    (SELECT min(e.created_at) FROM pg_snapshot_xip(s.base_snapshot) AS r(xid) JOIN compliance.audit_entry e
     ON e.node_id = $1 AND e.xid = r.xid AND e.seq > s.floor_seq AND (e.xid, e.seq) > (s.cursor_xid, s.cursor_seq))) AS oldest
FROM compliance.log_state s LEFT JOIN LATERAL (
    SELECT size FROM compliance.checkpoint WHERE node_id = $1 ORDER BY size DESC LIMIT 1) c ON true
WHERE s.node_id = $1"""
_STILL = "SELECT compliance.entries_stand_still()"
_PLACE_LEFT = r"""
WITH new AS MATERIALIZED (
    SELECT e.xid, e.seq, e.created_at, sha256('\x00'::bytea || e.envelope) AS hash,
           row_number() OVER (ORDER BY e.seq) - 1 AS n
    FROM compliance.audit_entry e WHERE e.node_id = $1 AND e.seq > $2
      AND NOT EXISTS (SELECT FROM compliance.audit_leaf l WHERE l.entry_seq = e.seq) ORDER BY e.seq LIMIT $4),
leaves AS (
    INSERT INTO compliance.audit_leaf (node_id, leaf_index, entry_seq, leaf_hash) SELECT $1, $3 + n, seq, hash FROM new)
SELECT count(*) AS count, coalesce(string_agg(hash, ''::bytea ORDER BY n), '') AS hashes, min(created_at) AS oldest,
       '0' AS xid, 0::bigint AS seq FROM new"""
_REBASE = """
UPDATE compliance.log_state SET base_snapshot = pg_current_snapshot(), target_snapshot = NULL, cursor_xid = '0', cursor_seq = 0,
    floor_seq = (SELECT coalesce(max(seq), 0) FROM compliance.audit_entry WHERE node_id = $1) WHERE node_id = $1"""
_OPEN = "INSERT INTO compliance.log_state (node_id) VALUES ($1) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint in the database, and which transactions had ended when it was read."""

    checkpoint: Checkpoint | None
    now: Snapshot


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether the sequencer has something to do."""

    size: int
    entries: bool
    signed: int | None


async def open_log(tx: Tx, node_id: str) -> None:
    """Make an empty log for a node that has none."""
    await (await tx.driver()).execute(_OPEN, node_id)


async def lock_log(tx: Tx, node_id: str = CENTRE) -> LogState | None:
    """The log's state, held until the end of the transaction; None while another sequencer holds it."""
    return _state(node_id, await (await tx.driver()).fetchrow(_LOCK, node_id))


async def state(tx: Tx, node_id: str = CENTRE) -> LogState | None:
    """The log's state as it is now, None where a node has no log."""
    return _state(node_id, await (await tx.driver()).fetchrow(_STATE, node_id))


async def waiting(tx: Tx, node_id: str = CENTRE) -> Waiting:
    """Whether entries wait for their leaves, and how far the checkpoint is behind the tree; one statement."""
    row = await (await tx.driver()).fetchrow(_WAITING, node_id)
    return Waiting(0, entries=False, signed=0) if row is None else Waiting(*row)


async def oldest_unsigned(tx: Tx, node_id: str = CENTRE) -> tuple[int, datetime | None]:
    """The newest checkpoint's size, and since when the oldest entry waits that is not under it; for the app's role."""
    row = await (await tx.driver()).fetchrow(_AGE, node_id)
    return (0, None) if row is None else (row[0] or 0, row[1])


async def signed(tx: Tx, node_id: str, origin: str) -> Seen:
    """The newest checkpoint and the server's snapshot."""
    row = await (await tx.driver()).fetchrow(_SIGNED, node_id)
    assert row is not None
    newest = None if row["size"] is None else Checkpoint(origin, row["size"], row["root"])
    return Seen(newest, Snapshot.parse(row["now"]))


async def place(tx: Tx, at: LogState, target: Snapshot, limit: int) -> Placed:
    """Give the next entries that `target` sees their leaves, at most `limit`; one statement."""
    base = at.base
    row = await (await tx.driver()).fetchrow(
        _PLACE,
        at.node_id,
        [str(xid) for xid in base.running],
        str(base.xmax),
        str(target),
        str(at.cursor_xid),
        at.cursor_seq,
        at.floor_seq,
        limit,
        at.size,
    )
    return _placed(row)


async def place_left(tx: Tx, at: LogState, limit: int) -> Placed:
    """Give entries without a leaf theirs, whatever the transaction counter says; only for `rebase`."""
    return _placed(await (await tx.driver()).fetchrow(_PLACE_LEFT, at.node_id, at.floor_seq, at.size, limit))


async def record(tx: Tx, growth: Growth) -> None:
    """Write what the leaves do to the tiles, and the state. One to three statements."""
    driver = await tx.driver()
    node_id, after = growth.before.node_id, growth.after
    new = [piece for piece in growth.pieces if piece.start == 0]
    grown = [piece for piece in growth.pieces if piece.start > 0]
    if new:
        await driver.execute(_NEW_TILES, node_id, *_columns(new))
    if grown:
        done = await driver.execute(_GROWN_TILES, node_id, *_columns(grown), [piece.start for piece in grown])
        assert done == f"UPDATE {len(grown)}", "a tile is not as wide as the log's size says"
    target = None if after.target is None else str(after.target)
    moved = after.size, b"".join(after.frontier), str(after.base), target, str(after.cursor_xid), after.cursor_seq
    await driver.execute(_MOVE, node_id, *moved)


async def sign(tx: Tx, head: Checkpoint, note: bytes, marks: Sequence[str], node_id: str = CENTRE) -> bool:
    """Make a signed checkpoint the newest one, and remember who knows it; False where it is there, or a longer one."""
    driver = await tx.driver()
    await driver.execute(_MARKS, node_id, list(marks))
    done: str = await driver.execute(_SIGN, node_id, head.size, head.root, note, tx.now)
    return done == "INSERT 0 1"


async def stand_still(tx: Tx) -> None:
    """Wait until nobody writes entries, and let nobody begin before the transaction ends."""
    await (await tx.driver()).execute(_STILL)


async def rebase(tx: Tx, node_id: str) -> None:
    """Start a new count of transactions: everything written so far is below the floor."""
    await (await tx.driver()).execute(_REBASE, node_id)


async def roots(tx: Tx, sizes: Iterable[int], node_id: str = CENTRE) -> dict[int, bytes]:
    """The roots that the tree had at these sizes, worked out from its tiles; what is beyond it is left out."""
    wanted = {size for size in sizes if size > 0}
    known = await tree(tx, set().union(*(tiles.places([(0, size)]) for size in wanted)), node_id) if wanted else None
    found = {0: merkle.EMPTY_ROOT}
    for size in wanted:
        try:
            assert known is not None
            found[size] = merkle.subtree(0, size, known.node)
        except KeyError:
            continue
    return found


def _state(node_id: str, row: Any) -> LogState | None:
    if row is None:
        return None
    size, frontier, base, target, xid, seq, floor, marks = row
    hashes = tuple(frontier[at : at + merkle.HASH_BYTES] for at in range(0, len(frontier), merkle.HASH_BYTES))
    goal = None if target is None else Snapshot.parse(target)
    return LogState(node_id, size, hashes, Snapshot.parse(base), goal, int(xid), seq, floor, tuple(marks))


def _placed(row: Any) -> Placed:
    count, data, oldest, xid, seq = row
    hashes = tuple(data[at : at + merkle.HASH_BYTES] for at in range(0, len(data), merkle.HASH_BYTES))
    assert len(hashes) == count
    return Placed(hashes, int(xid or 0), seq or 0, oldest)


def _columns(pieces: Sequence[tiles.Piece]) -> tuple[list[int], list[int], list[bytes]]:
    return [one.level for one in pieces], [one.number for one in pieces], [one.data for one in pieces]


_CHECKPOINT = """
SELECT note FROM compliance.checkpoint WHERE node_id = $1 AND size = coalesce($2, size) ORDER BY size DESC LIMIT 1"""
_TILE = "SELECT substr(data, 1, 32 * $4) FROM compliance.tile WHERE node_id = $1 AND level = $2 AND number = $3 AND width >= $4"
_TILES = """
SELECT level, number, data FROM compliance.tile JOIN unnest($2::smallint[], $3::bigint[]) AS w(l, n)
ON level = w.l AND number = w.n WHERE node_id = $1"""
_BUNDLE = """
SELECT e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3 ORDER BY l.leaf_index"""


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


async def tiles_at(tx: Tx, places: Iterable[tiles.Place], node_id: str = CENTRE) -> dict[tiles.Place, bytes]:
    """The tiles at these places as they lie there: the last of a level may have grown since."""
    wanted = sorted(places)
    driver = await tx.driver()
    rows = await driver.fetch(_TILES, node_id, [level for level, _ in wanted], [number for _, number in wanted])
    return {(row[0], row[1]): row[2] for row in rows}


async def tree(tx: Tx, places: Iterable[tiles.Place], node_id: str = CENTRE) -> tiles.Tiles:
    """The tiles at these places, ready to answer for nodes."""
    return tiles.Tiles(await tiles_at(tx, places, node_id))


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


_ABOUT = """
SELECT l.leaf_index, e.envelope, e.organisation_ids, e.created_at
FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3 AND e.action = ANY ($4::text[])
    AND e.organisation_ids && $5::text::uuid[] ORDER BY l.leaf_index"""


@dataclass(frozen=True, slots=True)
class Told:
    """A leaf of the log with whom it concerns."""

    index: int
    envelope: bytes
    organisation_ids: tuple[UUID, ...]
    created_at: datetime


async def leaves_about(
    tx: Tx, places: tuple[int, int], actions: Sequence[str], organisations: Sequence[UUID], node_id: str = CENTRE
) -> list[Told]:
    """The leaves of a part of the log that say one of these actions and concern one of these organisations.

    shapes   places: the first leaf, and the one after the last
    """
    rows = await (await tx.driver()).fetch(_ABOUT, node_id, *places, list(actions), array(organisations))
    return [Told(row[0], row[1], tuple(row[2]), row[3]) for row in rows]

"""The log's tree in the database: what the sequencer writes, and what proofs are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compliance import proofs, tiles
from compliance.entries import CENTRE
from compliance.log import Growth, LogState, Signed, Waiting
from compliance.notes import Checkpoint
from exchange.kernel import merkle
from exchange.kernel.db import Tx

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

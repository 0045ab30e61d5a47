"""What the audit of the log reads: whole tiles at a time, and single rows where something has to be named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from compliance.auditing import LeafRow, Reached, StoredCheckpoint, TileRows
from compliance.tiles import Place
from exchange.kernel.db import Tx

SOME = 1000
# One row per tile: the driver makes a handful of objects for 256 entries instead of a dozen for each. An entry that was
# written by another transaction than it says was changed; a restore from a dump makes rows anew, and a rebase then sets
# the floor above them. A tile's entries, which mostly lie together, are looked for at once and not one by one.
_LEAVES = """
          FROM compliance.audit_leaf
          WHERE node_id = $1 AND leaf_index >= n * 256 AND leaf_index < least($4, n * 256 + 256)"""
_TILES = f"""
SELECT n, g.*, CASE WHEN octet_length(t.data) = 32 * t.width THEN t.data END, substr(u.data, 32 * (n & 255)::int + 1, 32)
FROM generate_series($2::bigint, $3::bigint) AS n
CROSS JOIN LATERAL (
    SELECT count(*), bool_and(e.node_id = $1), string_agg(int8send(leaf_index) || leaf_hash, ''), array_agg(envelope),
        string_agg(uuid_send(id), ''), string_agg(timestamptz_send(created_at), ''), array_agg(action), array_agg(object_id),
        array_agg(array_send(organisation_ids)), array_agg(leaf_index) FILTER (WHERE entry_seq > $5 AND e.xid::xid <> e.xmin)
    FROM (SELECT leaf_index, leaf_hash, entry_seq {_LEAVES} ORDER BY leaf_index) l
    LEFT JOIN (SELECT xmin, * FROM compliance.audit_entry WHERE seq = ANY (ARRAY(SELECT entry_seq {_LEAVES}))) e
        ON e.seq = l.entry_seq) g
LEFT JOIN compliance.tile t ON t.node_id = $1 AND t.level = 0 AND t.number = n
LEFT JOIN compliance.tile u ON u.node_id = $1 AND u.level = 1 AND u.number = n >> 8
ORDER BY n"""
_ROW = "e.node_id, e.id, e.created_at, e.action, e.object_id, e.organisation_ids, e.envelope"
_ROWS = f"""
SELECT l.leaf_index, l.leaf_hash, l.entry_seq, {_ROW} FROM compliance.audit_leaf l
LEFT JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 * 256 AND l.leaf_index < $2 * 256 + 256 ORDER BY l.leaf_index"""
_GROUND = """
SELECT (SELECT max(leaf_index) + 1 FROM compliance.audit_leaf WHERE node_id = $1) AS leaves,
    (SELECT max(size) FROM compliance.checkpoint WHERE node_id = $1) AS signed, s.size, s.frontier, s.floor_seq, s.marks
FROM (SELECT) AS always LEFT JOIN compliance.log_state s ON s.node_id = $1"""
_CHECKPOINTS = """
SELECT size, root, note, created_at FROM compliance.checkpoint WHERE node_id = $1 AND size > $2 AND size <= $3 ORDER BY size"""
_UPPER = """
SELECT level, number, CASE WHEN octet_length(data) = 32 * width THEN data ELSE '' END FROM compliance.tile JOIN unnest($2::smallint[], $3::bigint[]) AS w(l, n)
ON level = w.l AND number = w.n WHERE node_id = $1"""
# How far the sequencer has come are two snapshots and a cursor: an entry that it has passed has a leaf, and one that it
# has not passed has none.
_PASSED = """e.seq <= s.floor_seq OR pg_visible_in_snapshot(e.xid, s.base) OR (s.target IS NOT NULL
    AND pg_visible_in_snapshot(e.xid, s.target) AND (e.xid, e.seq) <= (s.cursor_xid, s.cursor_seq))"""
_STATE = """
s AS MATERIALIZED (SELECT l.floor_seq, l.cursor_xid, l.cursor_seq, l.base_snapshot AS base,
        l.target_snapshot AS target FROM compliance.log_state l WHERE l.node_id = $1)"""
# One look at the entries alone: as many are passed as there are leaves, and none that waits has one. A leaf belongs to one
# entry, so that these are then the same; only where they are not, each entry is looked for among the leaves.
_WAITING = f"""
WITH {_STATE}, p AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE passed) AS done, array_agg(seq) FILTER (WHERE NOT passed) AS waiting
    FROM (SELECT e.seq, ({_PASSED}) AS passed FROM s, compliance.audit_entry e WHERE e.node_id = $1) x)
SELECT done = (SELECT count(*) FROM compliance.audit_leaf WHERE node_id = $1) AND NOT EXISTS (
    SELECT FROM unnest(waiting) AS w(seq) JOIN compliance.audit_leaf l ON l.entry_seq = w.seq) AS whole,
    ARRAY(SELECT w FROM unnest(waiting) AS w ORDER BY w LIMIT {SOME}) AS waiting FROM p"""
_STRAYS = f"""
WITH {_STATE}
SELECT seq, leaf_index, passed FROM (
    SELECT e.seq, l.leaf_index, l.entry_seq IS NOT NULL AS logged, ({_PASSED}) AS passed
    FROM s, compliance.audit_entry e LEFT JOIN compliance.audit_leaf l ON l.entry_seq = e.seq WHERE e.node_id = $1) x
WHERE NOT (logged AND passed) ORDER BY logged = passed, seq LIMIT {SOME}"""
_REACHED = f"""
WITH {_STATE}, last AS (
    SELECT e.xid, e.seq FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
    WHERE l.node_id = $1 ORDER BY l.leaf_index DESC LIMIT 1)
SELECT s.cursor_xid::text AS xid, s.cursor_seq AS seq, s.floor_seq AS floor, last.xid::text AS last_xid, last.seq AS last_seq,
    s.target IS NOT NULL AS under_way, (SELECT max(seq) FROM compliance.audit_entry) AS newest,
    greatest(s.cursor_xid, pg_snapshot_xmax(s.base), pg_snapshot_xmax(s.target)) > pg_snapshot_xmax(pg_current_snapshot())
        OR coalesce(pg_snapshot_xmax(s.target) < pg_snapshot_xmax(s.base), false) AS astray
FROM s LEFT JOIN last ON true"""
_ENTRIES = f"""
SELECT NULL::bigint, NULL::bytea, e.seq, {_ROW} FROM compliance.audit_entry e WHERE e.seq = ANY ($1::bigint[]) ORDER BY e.seq"""
# By ranges of the primary keys, so that nothing of the log itself is read again.
_BEYOND = f"""
SELECT x.* FROM (
    SELECT 'audit_leaf' AS what, node_id, leaf_index AS number, 0 AS level FROM compliance.audit_leaf
        WHERE node_id = $1 AND leaf_index >= $2
    UNION ALL SELECT 'audit_leaf', node_id, leaf_index, 0 FROM compliance.audit_leaf WHERE node_id < $1
    UNION ALL SELECT 'audit_leaf', node_id, leaf_index, 0 FROM compliance.audit_leaf WHERE node_id > $1
    UNION ALL SELECT 'tile', node_id, number, level FROM compliance.tile
    UNION ALL SELECT 'checkpoint', node_id, size, 0 FROM compliance.checkpoint WHERE node_id = $1 AND size > $2
    UNION ALL SELECT 'checkpoint', node_id, size, 0 FROM compliance.checkpoint WHERE node_id < $1
    UNION ALL SELECT 'checkpoint', node_id, size, 0 FROM compliance.checkpoint WHERE node_id > $1) x
WHERE CASE WHEN node_id <> $1 THEN NOT EXISTS (SELECT FROM compliance.log_state s WHERE s.node_id = x.node_id)
    ELSE what <> 'tile' OR level > 7 OR number * (256 ^ (level + 1))::bigint >= $2 END LIMIT {SOME}"""
_ASKED = """
SELECT x.size FROM (SELECT node_id, size FROM compliance.export UNION SELECT node_id, earlier_size FROM compliance.export) x
WHERE x.node_id = $1 AND x.size IS NOT NULL
  AND NOT EXISTS (SELECT FROM compliance.checkpoint c WHERE c.node_id = $1 AND c.size = x.size) ORDER BY 1"""


class Ground(NamedTuple):
    """How long the log is, by all who should know; None where nobody says."""

    leaves: int | None
    signed: int | None
    state: int | None
    frontier: bytes | None
    floor_seq: int | None
    marks: list[str] | None


async def ground(tx: Tx, node_id: str) -> Ground:
    """How long the log is, in one moment."""
    row = await (await tx.driver()).fetchrow(_GROUND, node_id)
    assert row is not None
    return Ground(*row)


async def tile_rows(tx: Tx, node_id: str, first: int, last: int, size: int, floor_seq: int) -> list[TileRows]:
    """The leaves below `size` of the tiles from `first` to `last`, each with what is stored of them."""
    rows = await (await tx.driver()).fetch(_TILES, node_id, first, last, size, floor_seq)
    return [TileRows(*row) for row in rows]


async def leaf_rows(tx: Tx, node_id: str, number: int) -> dict[int, LeafRow]:
    """The leaves of one tile with their entries, by index."""
    rows = await (await tx.driver()).fetch(_ROWS, node_id, number)
    return {row[0]: LeafRow(*row) for row in rows}


async def checkpoints(tx: Tx, node_id: str, above: int, up_to: int) -> list[StoredCheckpoint]:
    """The checkpoints of the sizes (above, up_to], smallest first."""
    rows = await (await tx.driver()).fetch(_CHECKPOINTS, node_id, above, up_to)
    return [StoredCheckpoint(*row) for row in rows]


async def upper_tiles(tx: Tx, node_id: str, places: Iterable[Place]) -> dict[Place, bytes]:
    """The tiles at these places, as they are stored."""
    wanted: Sequence[Place] = sorted(places)
    levels, numbers = [level for level, _ in wanted], [number for _, number in wanted]
    rows = await (await tx.driver()).fetch(_UPPER, node_id, levels, numbers) if wanted else []
    return {(row[0], row[1]): row[2] for row in rows}


async def strays(tx: Tx, node_id: str) -> list[tuple[int, int | None, bool]]:
    """Entries that are not both in the log and passed by the sequencer: (seq, leaf, passed), those that lie first."""
    driver = await tx.driver()
    seen: Any = await driver.fetchrow(_WAITING, node_id)
    if seen["whole"]:
        return [(seq, None, False) for seq in seen["waiting"]]
    return [(row[0], row[1], row[2]) for row in await driver.fetch(_STRAYS, node_id)]


async def reached(tx: Tx, node_id: str) -> Reached | None:
    """How far the sequencer says that it has come; None where the node has no log."""
    row: Any = await (await tx.driver()).fetchrow(_REACHED, node_id)
    if row is None:
        return None
    last = None if row["last_xid"] is None else int(row["last_xid"])
    return Reached(int(row["xid"]), row["seq"], row["floor"], last, *row[4:])


async def entries(tx: Tx, seqs: Sequence[int]) -> list[LeafRow]:
    """Entries by their number, as rows without a leaf."""
    return [LeafRow(*row) for row in await (await tx.driver()).fetch(_ENTRIES, seqs)]


async def beyond(tx: Tx, node_id: str, size: int) -> list[tuple[str, str, int, int]]:
    """Leaves, tiles and checkpoints beyond the log's size, or of a node without a log: (table, node, number, level)."""
    return [tuple(row) for row in await (await tx.driver()).fetch(_BEYOND, node_id, size)]


async def asked_for(tx: Tx, node_id: str) -> list[int]:
    """Sizes that exports name and no checkpoint has."""
    return [row[0] for row in await (await tx.driver()).fetch(_ASKED, node_id)]

"""What is wrong with the log as it is stored, each fault with its place. Pure.

`tile_audit` looks at whole tiles and only says whether all is well; this looks at single rows, where it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from compliance import notes, tiles
from compliance.entries import TYPE, moment
from compliance.log import Known
from compliance.notes import Verifier
from exchange.kernel import ids, merkle
from exchange.kernel.canonical import canonical
from exchange.kernel.text import Text

VERSIONS = (1, 2)
# What version 2 of an entry has and version 1 had not; each has its own fields and no other's.
NEW_IN_2 = frozenset({"member", "sealed", "where"})
# A clock may be set back a little between two steps of the sequencer.
CLOCK = timedelta(seconds=60)
_HASH = merkle.HASH_BYTES
_PAIR = 2 * _HASH


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold: the rule, the place, the entry's index where it is one, and the two values."""

    rule: str
    place: Text
    index: int | None
    what: Text
    said: str = ""
    fact: str = ""


@dataclass(frozen=True, slots=True)
class TileRows:
    """256 leaves with their entries' columns, each column in one piece, beside the stored tile and its parent's hash.

    shapes   `hashes`: per leaf its index (8 bytes) and hash; `ids`, `times`: 16 and 8 bytes each, as PostgreSQL sends them,
             as it does the arrays of `organisations`
             `here`: every entry is this node's
    """

    number: int
    count: int
    here: bool | None
    hashes: bytes | None
    envelopes: list[bytes] | None
    ids: bytes | None
    times: bytes | None
    actions: list[str | None] | None
    objects: list[str | None] | None
    organisations: list[bytes | None] | None
    rewritten: list[int] | None
    tile: bytes | None
    above: bytes | None


@dataclass(frozen=True, slots=True)
class LeafRow:
    """One leaf, or entry without one, with everything that is stored of it; no id where the entry is gone."""

    index: int | None
    leaf_hash: bytes | None
    seq: int
    node_id: str | None
    id: UUID | None
    created_at: datetime | None
    action: str | None
    object_id: str | None
    organisation_ids: list[UUID] | None
    envelope: bytes | None


class StoredCheckpoint(NamedTuple):
    """A row of the checkpoints."""

    size: int
    root: bytes
    note: bytes
    created_at: datetime


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The hash over a full tile."""
    sha, level = sha256, b"".join(hashes)
    while len(level) > _HASH:
        # Each pair with the byte before it, all in one piece: cut from it they cost less than joined one by one.
        pairs = np.ones((len(level) // _PAIR, 1 + _PAIR), np.uint8)
        pairs[:, 1:] = np.frombuffer(level, np.uint8).reshape(-1, _PAIR)
        data = pairs.tobytes()
        level = b"".join([sha(data[at : at + 1 + _PAIR]).digest() for at in range(0, len(data), 1 + _PAIR)])
    return level


def slots(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[at : at + _HASH] for at in range(0, len(data), _HASH)]


# ---------------------------------------------------------------- slow: what exactly is wrong with this tile?


def entry_place(index: int, column: str = "") -> Text:
    """An entry as a place, or one of its columns."""
    more = Text(f", column {column}", f"，{column} 列") if column else Text("", "")
    return Text(f"entry {index:,}{more.en}", f"条目 {index:,}{more.zh}")


def tile_place(level: int, number: int, slot: int | None = None) -> Text:
    """A tile as a place, or one hash of it."""
    name = tiles.path(level, number)
    more = Text("", "") if slot is None else Text(f", hash {slot}", f"，第 {slot} 个哈希")
    return Text(f"{name}{more.en}", f"{name}{more.zh}")


def check_tile(one: TileRows, rows: Mapping[int, LeafRow], size: int, node_id: str) -> tuple[list[Fault], list[bytes]]:
    """Every fault of a tile, and the hashes that its leaves should have: those that most of what is stored agrees on."""
    first, width = one.number * tiles.WIDTH, tiles.width_at(0, one.number, size)
    stored = slots(one.tile or b"")[:width]
    faults: list[Fault] = []
    if len(stored) < width:
        what = Text("the stored tile is missing or too short", "存储的瓦片缺失或过短")
        faults.append(Fault("log-tile", tile_place(0, one.number), None, what, str(len(stored)), str(width)))
    made: list[bytes | None] = []
    for index in range(first, first + width):
        row = rows.get(index)
        made.append(None if row is None or row.envelope is None else merkle.leaf_hash(row.envelope))
        faults += _missing(index, row) if row is None or row.envelope is None else row_faults(row, node_id)
    full = width == tiles.WIDTH == len(stored)
    # The hash above the tile decides between the tile and its entries, where there is one.
    tile_holds = full and one.above is not None and root_of(stored) == one.above
    right: list[bytes] = []
    for inner, mine in enumerate(made):
        row, index = rows.get(first + inner), first + inner
        leaf = None if row is None else row.leaf_hash
        slot = stored[inner] if inner < len(stored) else None
        seen = [value for value in (mine, leaf, slot) if value is not None]
        fact = slot if tile_holds and slot else max(seen, key=seen.count, default=merkle.EMPTY_ROOT)
        right.append(fact)
        faults += _differing(one.number, index, inner, (mine, leaf, slot), fact)
    return faults, right


def _missing(index: int, row: LeafRow | None) -> Iterator[Fault]:
    if row is None:
        what = Text("the leaf is missing", "缺少该叶子")
        yield Fault("log-is-whole", Text(f"leaf {index:,}", f"叶子 {index:,}"), index, what, "none", "one")
    else:
        what = Text(f"the leaf's entry (seq {row.seq}) is missing", f"该叶子所指的条目（seq {row.seq}）缺失")
        yield Fault("log-is-whole", entry_place(index), index, what, "none", "one")


def _differing(
    number: int, index: int, inner: int, values: tuple[bytes | None, bytes | None, bytes | None], fact: bytes
) -> Iterator[Fault]:
    mine, leaf, slot = values
    if mine is not None and mine != fact:
        what = Text("the envelope was changed after it was logged", "信封在入日志后被改动")
        yield Fault("log-entry", entry_place(index), index, what, mine.hex(), fact.hex())
    if leaf is not None and leaf != fact:
        what = Text("the leaf's hash was changed", "叶子的哈希被改动")
        yield Fault("log-leaf", Text(f"leaf {index:,}", f"叶子 {index:,}"), index, what, leaf.hex(), fact.hex())
    if slot is not None and slot != fact:
        what = Text("the tile was changed", "瓦片被改动")
        yield Fault("log-tile", tile_place(0, number, inner), index, what, slot.hex(), fact.hex())


def row_faults(row: LeafRow, node_id: str) -> list[Fault]:
    """Where the columns beside an envelope say something else than it, or it is not canonical."""
    place = entry_place(row.index) if row.index is not None else Text(f"entry seq {row.seq}", f"条目 seq {row.seq}")
    envelope = row.envelope or b""
    try:
        wire = msgspec.json.decode(envelope)
        right = _expected(wire)
        same = canonical(wire) == envelope and wire["type"] == TYPE and wire["v"] in VERSIONS
        same = same and wire.keys() & NEW_IN_2 == (NEW_IN_2 if wire["v"] != 1 else set())
    except (ValueError, KeyError, TypeError, msgspec.DecodeError):
        same, right = False, {}
    if not same:
        what = Text("not a canonical envelope of a known version", "不是已知版本的规范信封")
        return [Fault("log-canonical", place, row.index, what)]
    stored: dict[str, Any] = {
        "action": row.action,
        "created_at": None if row.created_at is None else moment(row.created_at),
        "id": row.id,
        "node_id": row.node_id,
        "object_id": row.object_id,
        "organisation_ids": row.organisation_ids,
    }
    right["node_id"] = (right["node_id"], node_id)
    stored["node_id"] = (row.node_id, row.node_id)
    what = Text("the column says something else than the envelope", "该列与信封内容不符")
    return [
        Fault(
            "log-column",
            Text(f"{place.en}, column {name}", f"{place.zh}，{name} 列"),
            row.index,
            what,
            str(stored[name]),
            str(right[name]),
        )
        for name in sorted(stored)
        if stored[name] != right[name]
    ]


def _expected(wire: Any) -> dict[str, Any]:
    return {
        "action": wire["action"],
        "created_at": wire["at"],
        "id": ids.parse("aud", wire["id"]),
        "node_id": wire["node"],
        "object_id": wire["object"]["id"],
        "organisation_ids": [ids.parse("org", one) for one in wire["organisations"]],
    }


# ---------------------------------------------------------------- what stands above the leaves


def tile_faults(place: tiles.Place, stored: bytes | None, right: bytes) -> list[Fault]:
    """Where an upper tile differs from what the tiles below it make; `stored` may have grown further."""
    found = slots((stored or b"")[: len(right)])
    wanted = slots(right)
    if len(found) != len(wanted):
        what = Text("the stored tile is missing or too short", "存储的瓦片缺失或过短")
        return [Fault("log-tile", tile_place(*place), None, what, str(len(found)), str(len(wanted)))]
    what = Text("the tile does not follow from the tiles below it", "瓦片与其下层瓦片不符")
    return [
        Fault("log-tile", tile_place(*place, n), None, what, mine.hex(), fact.hex())
        for n, (mine, fact) in enumerate(zip(found, wanted, strict=True))
        if mine != fact
    ]


def checkpoint_place(size: int) -> Text:
    """A checkpoint as a place."""
    return Text(f"checkpoint of {size:,} entries", f"{size:,} 条的检查点")


def checkpoint_faults(
    row: StoredCheckpoint, root: bytes | None, origin: str, keys: Sequence[Verifier]
) -> Iterator[Fault]:
    """Where a stored checkpoint is not signed, or says something else than its columns or than the entries make."""
    place = checkpoint_place(row.size)
    try:
        signed = notes.open_checkpoint(row.note, origin, keys)
    except ValueError as error:
        yield Fault("log-checkpoint", place, None, Text(f"the note: {error}", f"签名文本：{error}"))
        return
    columns = Text("the columns say something else than the signed note", "各列与已签名文本不符")
    if (row.size, row.root) != (signed.size, signed.root):
        said = f"size {row.size:,}, root {row.root.hex()}"
        yield Fault("log-checkpoint", place, None, columns, said, f"size {signed.size:,}, root {signed.root.hex()}")
    elif root is not None and root != signed.root:
        what = Text("the entries make another root than the one that was signed", "条目得出的根哈希与已签署的不同")
        yield Fault("log-root", place, None, what, signed.root.hex(), root.hex())


def order_faults(rows: Sequence[StoredCheckpoint], now: datetime | None) -> Iterator[Fault]:
    """Where a checkpoint's time goes back against the one before it; given a `now`, where the last lies in the future."""
    for before, one in pairwise(rows):
        if one.created_at < before.created_at - CLOCK:
            what = Text(
                "its time and that of the checkpoint before it are not in order", "其时间与前一个检查点的时间次序颠倒"
            )
            said, fact = one.created_at.isoformat(), f">= {before.created_at.isoformat()}"
            yield Fault("log-checkpoint", checkpoint_place(one.size), None, what, said, fact)
    if now is not None and rows and rows[-1].created_at > now + CLOCK:
        what, said = Text("is dated in the future", "时间在未来"), rows[-1].created_at.isoformat()
        yield Fault("log-checkpoint", checkpoint_place(rows[-1].size), None, what, said, f"<= {now.isoformat()}")


def known_faults(known: Known, size: int, roots: Mapping[int, bytes]) -> Iterator[Fault]:
    """Where the log is not the one of a checkpoint that was written down elsewhere."""
    if known.checkpoint is None:
        return
    told, root = checkpoint_place(known.checkpoint.size), roots.get(known.checkpoint.size)
    place = Text(f"{known.where}, {told.en}", f"{known.where}，{told.zh}")
    if known.checkpoint.size > size:
        what = Text(
            "a longer log was signed before: what came after is missing", "此前签署过更长的日志：其后的内容缺失"
        )
        yield Fault("log-behind", place, None, what, f"{size:,}", f"{known.checkpoint.size:,}")
    elif known.checkpoint.root and root is not None and root != known.checkpoint.root:
        what = Text("another history was signed before", "此前签署过另一份历史")
        yield Fault("log-behind", place, None, what, root.hex(), known.checkpoint.root.hex())


def mark_faults(marks: Sequence[str], found: Sequence[Known], node_id: str) -> Iterator[Fault]:
    """Where the places that must know the newest checkpoint are others than those that know one."""
    there = {one.where for one in found if one.checkpoint is not None}
    place = state_place(node_id, "marks")
    for where in sorted(set(marks) - there):
        what = Text("the mark that must be in this place is missing", "该处应有的标记缺失")
        yield Fault("log-mark", place, None, what, "none", where)
    for where in sorted(there - set(marks)):
        what = Text("a place that holds a mark would not be asked for it", "存有标记的位置不会再被查问")
        yield Fault("log-state", place, None, what, ", ".join(marks) or "none", where)


def slot_fault(level: int, number: int) -> Fault:
    """The tile `number` below `level` is not the one that the tile above it holds."""
    what = Text("the tile does not follow from the tile below it", "瓦片与其下层瓦片不符")
    return Fault("log-tile", tile_place(level, number // tiles.WIDTH, number % tiles.WIDTH), None, what)


# ---------------------------------------------------------------- the sequencer's state, and what lies beside the log


def state_place(node_id: str, column: str) -> Text:
    """What the sequencer remembers, as a place."""
    return Text(f"state of {node_id}, {column}", f"{node_id} 的状态，{column}")


class Reached(NamedTuple):
    """How far the sequencer says that it has come, and the last leaf's entry.

    shapes   `under_way`: its cursor may stand at the last leaf; else it stands at nothing, as after a rebase
             `astray`: it says that it has come further than any transaction, or goes back
    """

    xid: int
    seq: int
    floor: int
    last_xid: int | None
    last_seq: int | None
    under_way: bool
    newest: int | None
    astray: bool


def reached_faults(reached: Reached, node_id: str) -> Iterator[Fault]:
    """Where the sequencer's state would let entries be passed over."""
    cursor, last = (reached.xid, reached.seq), (reached.last_xid, reached.last_seq)
    what = Text("entries to come would be passed over", "后续条目会被跳过")
    allowed = {(0, 0), last if reached.under_way else (0, 0)}
    if reached.astray or (last[0] is not None and cursor not in allowed):
        yield Fault(
            "log-state",
            state_place(node_id, "cursor"),
            None,
            what,
            str(cursor),
            str(last if reached.under_way else (0, 0)),
        )
    if reached.floor > (reached.newest or 0):
        yield Fault(
            "log-state", state_place(node_id, "floor_seq"), None, what, str(reached.floor), str(reached.newest or 0)
        )


def stray_fault(seq: int, index: int | None) -> Fault:
    """An entry that the sequencer has passed without logging it, or one in the log that it would log again."""
    if index is None:
        what = Text("the sequencer has passed the entry, and it has no leaf", "定序已越过该条目，但其没有叶子")
        return Fault("log-is-whole", Text(f"entry seq {seq}", f"条目 seq {seq}"), None, what, "none", "one leaf")
    what = Text("by its state, the sequencer would log the entry again", "按其状态，该条目会被再次写入日志")
    return Fault("log-state", entry_place(index, "xid"), index, what)


def beyond_fault(table: str, node_id: str, number: int, level: int, *, known: bool) -> Fault:
    """A row beyond the log's end, or of a node that has no log."""
    names = {
        "audit_leaf": Text(f"leaf {number:,}", f"叶子 {number:,}"),
        "tile": tile_place(level, number),
        "checkpoint": checkpoint_place(number),
    }
    place = Text(f"{names[table].en} of {node_id}", f"{node_id} 的{names[table].zh}")
    beyond = Text("lies beyond the end of the log", "超出日志末尾")
    what = beyond if known else Text("belongs to a node that has no log", "所属节点没有日志")
    return Fault("log-beyond", place, None, what)


def rewritten_fault(place: Text, index: int | None, count: int) -> Fault:
    """Rows that were written after the transaction that logged them."""
    if count > 1:
        what = Text(
            "every row was written by another transaction than it says; after a restore from a dump, rebase the log",
            "每一行都由其所述之外的事务写入；若系从转储恢复，请对日志执行 rebase",
        )
    else:
        what = Text("the row was changed after it was written (xid)", "该行在写入之后被改动（xid）")
    return Fault("log-rewritten", place, index, what, str(count), "0")

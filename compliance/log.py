"""The log's next step: entries become leaves, tiles grow, a root comes out, and whether it may be signed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from compliance import tiles
from compliance.notes import Checkpoint, parse_checkpoint, parse_note
from exchange.kernel import merkle

BATCH_MAX = 16_384


class LogBehind(RuntimeError):
    """Somebody knows a checkpoint that this database does not continue, so nothing more may be signed on it."""


class MarkMissing(RuntimeError):
    """A place that held the newest checkpoint holds nothing: without it, a log that was set back cannot be noticed."""


class CounterBehind(RuntimeError):
    """The server's transaction counter is older than the log, as after a restore from a dump: see `store.rebase`."""


class Known(NamedTuple):
    """A checkpoint that somebody outside the database knows; None where there is nothing, no root where only a size is known.

    shapes   a `checkpoint` with an empty root stands for any log of that size
    """

    where: str
    checkpoint: Checkpoint | None


class Head(NamedTuple):
    """How far the tree has grown, signed or not."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions had ended at a moment: all below `xmax` but the `running` ones.

    source   PostgreSQL's pg_snapshot: xmin:xmax:xip,...
    """

    xmin: int
    xmax: int
    running: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Read the server's text."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), tuple(int(one) for one in running.split(",") if one))

    def __str__(self) -> str:
        """The server's text."""
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.running))}"

    def sees(self, xid: int) -> bool:
        """Whether the transaction had ended."""
        return xid < self.xmax and xid not in self.running


# Before this snapshot nothing had happened: no transaction has a number below 3.
NOTHING = Snapshot(1, 1)


@dataclass(frozen=True, slots=True)
class LogState:
    """All that is remembered of the log between two steps.

    shapes   `frontier` is the compact range of `size` leaves. In the log are: entries up to `floor_seq`; of the later ones those
             that `base` sees; and while there is a `target`, those that it sees up to (`cursor_xid`, `cursor_seq`).
             `marks` are the places outside the database that must know the newest checkpoint
    """

    node_id: str
    size: int
    frontier: tuple[bytes, ...]
    base: Snapshot
    target: Snapshot | None
    cursor_xid: int
    cursor_seq: int
    floor_seq: int
    marks: tuple[str, ...]

    @property
    def head(self) -> Head:
        """The tree as it is."""
        return Head(self.size, merkle.fold(self.frontier))


@dataclass(frozen=True, slots=True)
class Placed:
    """Entries that got their leaves in the database, and what the tree needs of them."""

    hashes: tuple[bytes, ...]
    cursor_xid: int
    cursor_seq: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Growth:
    """What one step adds to the log."""

    before: LogState
    after: LogState
    pieces: tuple[tiles.Piece, ...]


@dataclass(frozen=True, slots=True)
class Integrated:
    """What a step put into the tree; `more` where further entries wait already."""

    new_leaves: int
    head: Head
    more: bool


def grow(state: LogState, placed: Placed, target: Snapshot, *, drained: bool) -> Growth:
    """Put leaves behind the log; once all that `target` sees is in, the next step begins from it."""
    frontier = merkle.Range(state.size, list(state.frontier))
    pieces = tiles.grow(frontier, placed.hashes)
    after = LogState(
        node_id=state.node_id,
        size=frontier.size,
        frontier=tuple(frontier.hashes),
        base=target if drained else state.base,
        target=None if drained else target,
        cursor_xid=0 if drained else placed.cursor_xid,
        cursor_seq=0 if drained else placed.cursor_seq,
        floor_seq=state.floor_seq,
        marks=state.marks,
    )
    return Growth(state, after, tuple(pieces))


def check_continues(state: LogState, signed: Checkpoint | None) -> None:
    """Refuse to let a log grow that is shorter than its own newest checkpoint, or another one of the same size.

    errors   LogBehind
    """
    if signed is None:
        return
    if signed.size > state.size or (signed.size == state.size and signed.root != state.head.root):
        raise LogBehind(f"the log has {state.size} leaves, and its newest checkpoint of {signed.size} is not on it")


def check_may_sign(
    head: Head, signed: Checkpoint | None, known: Sequence[Known], required: Sequence[str], roots: Mapping[int, bytes]
) -> None:
    """Refuse to sign where anybody knows that this log was longer, or other, before, or where one who must know does not.

    `roots` gives this tree's root at each size that is asked about, as far as the tree goes.

    errors   LogBehind, MarkMissing; both name the place
    """
    claims = [*known, Known("the database", signed)]
    for where, checkpoint in claims:
        if checkpoint is None:
            continue
        if checkpoint.size > head.size:
            raise LogBehind(f"{where} knows a checkpoint of {checkpoint.size} leaves, and this log has {head.size}")
        if checkpoint.root and roots.get(checkpoint.size) != checkpoint.root:
            raise LogBehind(f"{where} knows another log of {checkpoint.size} leaves than this one")
    there = {where for where, checkpoint in known if checkpoint is not None}
    # Nothing was ever signed on a log that is empty and has no checkpoint: its first marks are made now.
    missing = [where for where in required if where not in there]
    if missing and (head.size or signed is not None):
        raise MarkMissing(
            f"the mark is missing in: {', '.join(missing)}. Bring it back, or, where it is certain that no backup "
            "was restored, run `exchange sequencer adopt`"
        )


def check_counter(state: LogState, now: Snapshot) -> None:
    """Refuse to go on where the server counts transactions from an earlier number than the log has seen.

    errors   CounterBehind
    """
    if now.xmax < max(state.base.xmax, state.target.xmax if state.target else 0):
        raise CounterBehind("the transaction counter is behind the log; run `exchange sequencer rebase`")


def root_in(note: bytes) -> bytes:
    """The root that a checkpoint of ours states."""
    return parse_checkpoint(parse_note(note).text).root

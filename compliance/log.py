"""The log's next step: entries become leaves, tiles grow, a root comes out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compliance import tiles
from compliance.notes import Checkpoint, parse_checkpoint, parse_note
from exchange.kernel import merkle

BATCH_MAX = 4096


class LogBehind(RuntimeError):
    """The database is older than a checkpoint that was already signed, so nothing more may be signed on it."""


class CounterBehind(RuntimeError):
    """The server's transaction counter is older than the log, as after a restore from a dump: see `store.rebase`."""


@dataclass(frozen=True, slots=True)
class LogState:
    """All that is remembered of the log between two steps.

    shapes   `frontier` is the compact range of `size` leaves; entries up to `floor_seq` are in the log
    """

    node_id: str
    size: int
    frontier: tuple[bytes, ...]
    cursor_xid: int
    cursor_seq: int
    floor_seq: int


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest checkpoint that the database knows, and the end of the server's transaction counter."""

    checkpoint: Checkpoint | None
    horizon_xid: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that has no place in the log yet."""

    seq: int
    xid: int
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """What one step adds to the log."""

    before: LogState
    after: LogState
    root: bytes
    leaf_hashes: tuple[bytes, ...]
    pieces: tuple[tiles.Piece, ...]


@dataclass(frozen=True, slots=True)
class SequenceReport:
    """What a step did; `checkpoint` is the newest signed note, None where another sequencer was at work."""

    new_leaves: int
    size: int
    root: bytes
    checkpoint: bytes | None = None


def grow(state: LogState, waiting: Sequence[Waiting]) -> Growth:
    """Put entries behind the log, in the order given."""
    frontier = merkle.Range(state.size, list(state.frontier))
    hashes = [merkle.leaf_hash(one.envelope) for one in waiting]
    pieces = tiles.grow(frontier, hashes)
    last = waiting[-1] if waiting else None
    after = LogState(
        node_id=state.node_id,
        size=frontier.size,
        frontier=tuple(frontier.hashes),
        cursor_xid=last.xid if last else state.cursor_xid,
        cursor_seq=last.seq if last else state.cursor_seq,
        floor_seq=state.floor_seq,
    )
    return Growth(state, after, frontier.root(), tuple(hashes), tuple(pieces))


def check_may_sign(state: LogState, signed: Signed, mark: Checkpoint | None, at_mark: bytes | None) -> None:
    """Refuse to go on where a signed checkpoint says that this log was longer, or other, before.

    `mark` is the newest checkpoint known outside the database; `at_mark` the root that the database signed at its size.

    errors   LogBehind
    """
    root = merkle.fold(state.frontier)
    if signed.checkpoint is not None and (state.size, root) != (signed.checkpoint.size, signed.checkpoint.root):
        raise LogBehind(f"the log has {state.size} leaves, but its newest checkpoint says {signed.checkpoint.size}")
    if mark is not None and (mark.size > state.size or at_mark != mark.root):
        raise LogBehind(f"a checkpoint of {mark.size} leaves was signed before, and this log does not continue it")


def check_counter(state: LogState, signed: Signed) -> None:
    """Refuse to go on where new entries would come before ones that are in the log already.

    errors   CounterBehind
    """
    if signed.horizon_xid <= state.cursor_xid:
        raise CounterBehind("the transaction counter is behind the log; run `exchange log rebase` with writes stopped")


def root_in(note: bytes) -> bytes:
    """The root that a checkpoint of ours states."""
    return parse_checkpoint(parse_note(note).text).root

"""Whether all is well with whole tiles of the log, 256 entries at a time, and the tree above them. Pure.

It only says yes or no for a tile: what is wrong is named by `auditing`, from single rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain

import numpy as np
from msgspec import UNSET

from compliance import tile_columns, tiles
from compliance.auditing import VERSIONS, TileRows, root_of
from compliance.entries import TYPE
from compliance.moulds import Moulds, Rows
from compliance.tile_columns import ID, TIME, Envelope
from exchange.kernel import merkle

_HASH = merkle.HASH_BYTES
_VERSIONS = frozenset(VERSIONS)
_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000
_FUTURE_US = 253_402_300_800_000_000  # the year 10000


# ---------------------------------------------------------------- quick: is all well with these tiles?


def hashes(one: TileRows, size: int) -> list[bytes] | None:
    """The hashes of a tile's entries, None where they are not all there and the same in leaves and tile."""
    width = tiles.width_at(0, one.number, size)
    if one.count != width or not one.here or one.hashes is None or one.envelopes is None or one.tile is None:
        return None
    if None in one.envelopes:
        return None
    sha = sha256
    made = [sha(b"\0" + envelope).digest() for envelope in one.envelopes]
    joined = b"".join(made)
    stored = np.frombuffer(one.hashes, np.uint8).reshape(-1, 8 + _HASH)
    first = one.number * tiles.WIDTH
    right = np.arange(first, first + width, dtype=">i8").tobytes()
    same = (
        one.tile[: len(joined)] == joined
        and len(stored) == width
        and stored[:, :8].tobytes() == right
        and stored[:, 8:].tobytes() == joined
    )
    return made if same else None


class Columns:
    """Whether columns say what the envelopes beside them say, and those are canonical; for many tiles at once."""

    def __init__(self, node_id: str) -> None:
        """Begin with what the log's node is called."""
        self._node_id = node_id
        self._moulds = Moulds(lambda one: self._sound([one]))

    def unfit(self, some: Sequence[TileRows]) -> set[int]:
        """The numbers of the tiles in which something is wrong, of those whose entries are all there."""
        if self._fit(some):
            return set()
        # Every entry is read: what a mould cannot say, this can.
        return {one.number for one in some if not self._read_fit(rows_of([one]))}

    def _fit(self, some: Sequence[TileRows]) -> bool:
        rows = rows_of(some)
        if any(len(column) != len(rows.envelopes) for column in (rows.actions, rows.objects, rows.organisations)):
            return False
        strange = self._moulds.strangers(rows)
        return strange is not None and (not strange or self._read_fit(_of(rows, strange)))

    def _read_fit(self, rows: Rows) -> bool:
        read, count = tile_columns.read(rows.envelopes), len(rows.envelopes)
        ids, times = tile_columns.ids_of(rows.ids, count), tile_columns.moments_of(rows.times, count)
        return (
            read is not None
            and ids is not None
            and times is not None
            and [entry.action for entry in read] == rows.actions
            and [entry.object.id for entry in read] == rows.objects
            and [entry.organisations for entry in read] == list(map(tile_columns.organisations_of, rows.organisations))
            and self._sound(read)
            and "".join([entry.id for entry in read]) == ids
            and "".join([entry.at for entry in read]) == times.tobytes().decode()
        )

    def _sound(self, read: Sequence[Envelope]) -> bool:
        """Whether entries are this node's, of a known version, and each has the fields of its version and no other's."""
        new = [entry.v != 1 for entry in read]
        return (
            [entry.node for entry in read].count(self._node_id) == len(read)
            and [entry.type for entry in read].count(TYPE) == len(read)
            and {entry.v for entry in read} <= _VERSIONS
            and [entry.where is not UNSET for entry in read] == new
            and [entry.sealed is not UNSET for entry in read] == new
            and [entry.member is not UNSET for entry in read] == new
        )


def rows_of(some: Sequence[TileRows]) -> Rows:
    """The entries of tiles, one tile after another."""
    return Rows(
        list(chain.from_iterable(one.envelopes or () for one in some)),
        b"".join([one.ids or b"" for one in some]),
        b"".join([one.times or b"" for one in some]),
        list(chain.from_iterable(one.actions or () for one in some)),
        list(chain.from_iterable(one.objects or () for one in some)),
        list(chain.from_iterable(one.organisations or () for one in some)),
    )


def _of(rows: Rows, places: Sequence[int]) -> Rows:
    """Some of these entries."""
    return Rows(
        [rows.envelopes[n] for n in places],
        b"".join([rows.ids[ID * n : ID * n + ID] for n in places]),
        b"".join([rows.times[TIME * n : TIME * n + TIME] for n in places]),
        [rows.actions[n] for n in places],
        [rows.objects[n] for n in places],
        [rows.organisations[n] for n in places],
    )


def last_time(one: TileRows) -> datetime:
    """When the last entry of a tile was written, as its column says; the beginning of time where it says nothing."""
    raw = (one.times or b"")[-8:]
    micros = int.from_bytes(raw, "big", signed=True) + _EPOCH_US if len(raw) == 8 else 0
    # Infinity and the years that Python does not know are no time of an entry: its column is named as a fault.
    known = 0 <= micros < _FUTURE_US
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros if known else 0)


# ---------------------------------------------------------------- the tree, from the leaves up


class Climb:
    """The tree above whole tiles: grows by one tile at a time, and gives what the upper tiles have to hold."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._above = merkle.Range(0, [])
        self._open: dict[tiles.Place, bytearray] = {}
        self._last: Sequence[bytes] = ()

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._above.size * tiles.WIDTH + len(self._last)

    def roots(self, hashes: Sequence[bytes], sizes: Sequence[int]) -> dict[int, bytes]:
        """The roots of the tree at sizes that lie in or at the end of the next tile, which holds these leaves."""
        first, inner, found = self._above.size * tiles.WIDTH, merkle.Range(0, []), dict[int, bytes]()
        for size in sorted(sizes):
            for one in hashes[inner.size : size - first]:
                inner.append(one)
            found[size] = merkle.fold([*self._above.hashes, *inner.hashes])
        return found

    def add(self, hashes: Sequence[bytes]) -> Iterator[tuple[tiles.Place, bytes]]:
        """Take the next tile's leaves; give every upper tile that is full by that."""
        if len(hashes) < tiles.WIDTH:
            self._last = hashes
            return
        yield from self.add_root(root_of(hashes))

    def add_root(self, root: bytes) -> Iterator[tuple[tiles.Place, bytes]]:
        """Take the next tile by the hash over it, where that is known."""
        for level, index, value in self._above.append(root):
            if level % tiles.HEIGHT == 0:
                place = (level // tiles.HEIGHT + 1, index // tiles.WIDTH)
                data = self._open.setdefault(place, bytearray())
                data += value
                if len(data) == tiles.WIDTH * _HASH:
                    yield place, bytes(self._open.pop(place))

    def rest(self) -> dict[tiles.Place, bytes]:
        """The upper tiles that are not full."""
        return {place: bytes(data) for place, data in self._open.items()}

    def frontier(self) -> bytes:
        """The compact range of all leaves, as the sequencer keeps it."""
        inner = merkle.Range(0, [])
        for one in self._last:
            inner.append(one)
        return b"".join([*self._above.hashes, *inner.hashes])

"""Whether all is well with whole tiles of the log, 256 entries at a time, and the tree above them. Pure.

It only says yes or no for a tile: what is wrong is named by `auditing`, from single rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from compliance import tiles
from compliance.auditing import VERSIONS, TileRows, root_of
from compliance.entries import TYPE
from exchange.kernel import ids, merkle

_HASH = merkle.HASH_BYTES
_VERSIONS = frozenset(VERSIONS)
_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000
_DAY_US = 86_400_000_000
# The digits of a time: where they stand in the text, what one is worth in microseconds, and how far it counts.
_PLACES = np.array([11, 12, 14, 15, 17, 18, 20, 21, 22, 23, 24, 25])
_UNITS = np.array(
    [36_000_000_000, 3_600_000_000, 600_000_000, 60_000_000, 10_000_000, *(10**n for n in range(6, -1, -1))]
)
_BASES = np.array([10, 10, 6, 10, 6, 10, 10, 10, 10, 10, 10, 10])
_LETTERS = np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", np.uint8)
_PREFIX = np.frombuffer(b"aud_", np.uint8)
# 26 digits of five bits out of 130: thirteen in the upper word, one across, twelve in the lower one.
_FIVE = np.uint64(31)
_HIGH = np.arange(61, -1, -5, dtype=np.uint64)
_LOW = np.arange(55, -1, -5, dtype=np.uint64)


# Fields stand in alphabetical order, as in the envelope itself: written again it is the same, or it was not canonical.
class _Actor(msgspec.Struct, gc=False):
    client: str | None
    organisation: str | None


class _Object(msgspec.Struct, gc=False):
    id: str | None
    version: str | None


class _Envelope(msgspec.Struct, gc=False, kw_only=True):
    action: str
    actor: _Actor
    agreement: str | None
    at: str
    digests: dict[str, str]
    id: str
    # Version 2 brought these three; what is unset is not written, so that both versions are read and written back.
    member: str | UnsetType | None = UNSET
    node: str
    object: _Object
    organisations: tuple[str, ...]
    outcome: str
    problem: str | None
    rule_set: str | None
    sealed: tuple[str, ...] | UnsetType = UNSET
    type: str
    v: int
    where: str | UnsetType = UNSET


_DECODE = msgspec.json.Decoder(list[_Envelope]).decode
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


# ---------------------------------------------------------------- quick: is all well with these tiles?


def look(one: TileRows, size: int, node_id: str) -> list[bytes] | None:
    """The hashes of a tile's leaves, None where something is wrong with it.

    What is compared: entry with leaf, leaf with tile, columns with envelope, envelope with its canonical form.
    """
    found = _hashes(one, tiles.width_at(0, one.number, size))
    return found if found is not None and _columns_fit(one, node_id) else None


def _hashes(one: TileRows, width: int) -> list[bytes] | None:
    """The hashes of the entries, if they are all there and the same in leaves and tile."""
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


def _columns_fit(one: TileRows, node_id: str) -> bool:
    """Whether the columns beside the envelopes say what the envelopes say, and those are canonical."""
    read = _read(one.envelopes or [])
    return (
        read is not None
        and [entry.action for entry in read] == one.actions
        and [entry.object.id for entry in read] == one.objects
        and [entry.organisations for entry in read] == list(map(_organisations, one.organisations or ()))
        and [entry.node for entry in read].count(node_id) == len(read)
        and [entry.type for entry in read].count(TYPE) == len(read)
        and {entry.v for entry in read} <= _VERSIONS
        and _as_of_its_version(read)
        and "".join([entry.id for entry in read]) == _ids(one.ids or b"")
        and "".join([entry.at for entry in read]) == _moments(one.times or b"")
    )


def last_time(one: TileRows) -> datetime:
    """When the last entry of a tile was written, as its column says; the beginning of time where it says nothing."""
    raw = (one.times or b"")[-8:]
    micros = int.from_bytes(raw, "big", signed=True) + _EPOCH_US if len(raw) == 8 else 0
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def _as_of_its_version(read: Sequence[_Envelope]) -> bool:
    """Whether each entry has the fields of its version, and no other's."""
    new = [entry.v != 1 for entry in read]
    return (
        [entry.where is not UNSET for entry in read] == new
        and [entry.sealed is not UNSET for entry in read] == new
        and [entry.member is not UNSET for entry in read] == new
    )


def _read(envelopes: Sequence[bytes]) -> list[_Envelope] | None:
    """Envelopes, read together; None where one of them is not canonical."""
    data = b"[" + b",".join(envelopes) + b"]"
    try:
        read = _DECODE(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return read if len(read) == len(envelopes) and _ENCODE(read) == data else None


@lru_cache(maxsize=65_536)
def _organisations(array: str) -> tuple[str, ...]:
    return tuple(ids.text("org", UUID(one)) for one in array[1:-1].split(",")) if array != "{}" else ()


def _ids(raw: bytes) -> str:
    """A tile's ids as one text, five bits at a time over all of them at once."""
    words = np.frombuffer(raw, ">u8").reshape(-1, 2).astype(np.uint64)
    high, low = words[:, :1], words[:, 1:]
    digits = np.empty((len(words), 26), np.uint8)
    digits[:, :13] = high >> _HIGH & _FIVE
    digits[:, 13:14] = (high << np.uint64(4) | low >> np.uint64(60)) & _FIVE
    digits[:, 14:] = low >> _LOW & _FIVE
    letters = np.empty((len(words), 30), np.uint8)
    letters[:, :4] = _PREFIX
    letters[:, 4:] = _LETTERS[digits]
    return letters.tobytes().decode("ascii")


def _moments(raw: bytes) -> str:
    """A tile's times, as they stand in envelopes, as one text."""
    since = np.frombuffer(raw, ">i8").astype(np.int64) + _EPOCH_US
    days, inside = np.divmod(since, _DAY_US)
    if not len(days) or days.min() != days.max():
        made: list[str] = np.datetime_as_string(since.view("M8[us]"), unit="us", timezone="UTC").tolist()
        return "".join(made)
    # Mostly one day: its date is written once, and the digits of the time by division over all of them.
    date = np.datetime_as_string(np.datetime64(int(days[0]), "D"))
    letters = np.empty((len(since), 27), np.uint8)
    letters[:] = np.frombuffer(f"{date}T00:00:00.000000Z".encode(), np.uint8)
    letters[:, _PLACES] += (inside[:, None] // _UNITS % _BASES).astype(np.uint8)
    return letters.tobytes().decode("ascii")


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
        for level, index, value in self._above.append(root_of(hashes)):
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

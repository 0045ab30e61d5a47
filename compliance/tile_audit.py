"""Whether all is well with whole tiles of the log, thousands of entries at a time, and the tree above them. Pure.

It only says yes or no for a tile: what is wrong is named by `auditing`, from single rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import msgspec
import numpy as np

from compliance import tiles
from compliance.auditing import VERSIONS, TileRows, root_of
from compliance.entries import TYPE
from exchange.kernel import ids, merkle

_HASH = merkle.HASH_BYTES
_VERSIONS = frozenset(VERSIONS)
_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000
_LETTERS = np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", np.uint8)


# Fields stand in alphabetical order, as in the envelope itself: written again it is the same, or it was not canonical.
class _Actor(msgspec.Struct, gc=False):
    client: str | None
    organisation: str | None


class _Object(msgspec.Struct, gc=False):
    id: str | None
    version: str | None


class _Envelope(msgspec.Struct, gc=False):
    action: str
    actor: _Actor
    agreement: str | None
    at: str
    digests: dict[str, str]
    id: str
    node: str
    object: _Object
    organisations: tuple[str, ...]
    outcome: str
    problem: str | None
    rule_set: str | None
    type: str
    v: int


_DECODE = msgspec.json.Decoder(list[_Envelope]).decode
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


# ---------------------------------------------------------------- quick: is all well with these tiles?


def look(part: Sequence[TileRows], size: int, node_id: str) -> list[list[bytes] | None]:
    """The leaf hashes of each tile, None for one with which something is wrong.

    What is compared: entry with leaf, leaf with tile, columns with envelope, envelope with its canonical form.
    """
    found = [_hashes(one, tiles.width_at(0, one.number, size)) for one in part]
    if None not in found and _columns_fit(part, node_id):
        return found
    if len(part) == 1:
        return [None]
    return [seen for one in part for seen in look([one], size, node_id)]


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


def _columns_fit(part: Sequence[TileRows], node_id: str) -> bool:
    """Whether the columns beside the envelopes say what the envelopes say, and those are canonical."""
    names: list[str] = []
    times: list[str] = []
    # One tile at a time stays in the processor's cache; ids and times go better all at once.
    for one in part:
        read = _read(one.envelopes or [])
        if read is None or not _tile_fits(one, read, node_id):
            return False
        names += [entry.id for entry in read]
        times += [entry.at for entry in read]
    return "".join(names) == _ids(b"".join([one.ids or b"" for one in part])) and times == _moments(
        b"".join([one.times or b"" for one in part])
    )


def _read(envelopes: Sequence[bytes]) -> list[_Envelope] | None:
    """Envelopes, read together; None where one of them is not canonical."""
    data = b"[" + b",".join(envelopes) + b"]"
    try:
        read = _DECODE(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return read if len(read) == len(envelopes) and _ENCODE(read) == data else None


def _tile_fits(one: TileRows, read: Sequence[_Envelope], node_id: str) -> bool:
    return (
        [entry.action for entry in read] == one.actions
        and [entry.object.id for entry in read] == one.objects
        and [entry.organisations for entry in read] == list(map(_organisations, one.organisations or ()))
        and [entry.node for entry in read].count(node_id) == len(read)
        and [entry.type for entry in read].count(TYPE) == len(read)
        and {entry.v for entry in read} <= _VERSIONS
    )


@lru_cache(maxsize=65_536)
def _organisations(array: str) -> tuple[str, ...]:
    return tuple(ids.text("org", UUID(one)) for one in array[1:-1].split(",")) if array != "{}" else ()


def _ids(raw: bytes) -> str:
    """Thousands of ids as one text, five bits at a time over all of them at once."""
    words = np.frombuffer(raw, ">u8").reshape(-1, 2).astype(np.uint64)
    high, low = words[:, 0].copy(), words[:, 1].copy()
    letters = np.empty((len(words), 30), np.uint8)
    letters[:, :4] = np.frombuffer(b"aud_", np.uint8)
    five = np.uint64(31)
    for place in range(26):
        shift = 5 * (25 - place)
        if shift >= 64:
            digit = high >> np.uint64(shift - 64)
        elif shift > 59:
            digit = (low >> np.uint64(shift)) | (high << np.uint64(64 - shift))
        else:
            digit = low >> np.uint64(shift)
        letters[:, 4 + place] = _LETTERS[(digit & five).astype(np.intp)]
    return letters.tobytes().decode("ascii")


def _moments(raw: bytes) -> list[str]:
    """Thousands of times as they stand in envelopes."""
    made = (np.frombuffer(raw, ">i8").astype(np.int64) + _EPOCH_US).view("M8[us]")
    found: list[str] = np.datetime_as_string(made, unit="us", timezone="UTC").tolist()
    return found


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

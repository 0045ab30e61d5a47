"""The tree cut into tiles of 256 hashes, as c2sp.org/tlog-tiles serves it. Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exchange.kernel.merkle import HASH_BYTES, Range, consistency_ranges, inclusion_ranges, node_hash, perfect

WIDTH = 256
HEIGHT = 8
LEVEL_MAX = 63
LEAF_BYTES_MAX = 65_535
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z")

# The place of a tile: (level, number).
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Address:
    """What a tile's path names; `level` None means a bundle of entries."""

    level: int | None
    number: int
    width: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Hashes to put behind what a tile already holds.

    shapes   0 <= start; start + number of hashes in data <= 256
    """

    level: int
    number: int
    start: int
    data: bytes


def path(level: int | None, number: int, width: int = WIDTH) -> str:
    """The path of a tile or, for level None, of an entry bundle."""
    rest, last = divmod(number, 1000)
    parts = [f"{last:03d}"]
    while rest:
        rest, last = divmod(rest, 1000)
        parts.append(f"x{last:03d}")
    name = "entries" if level is None else str(level)
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{name}/{'/'.join(reversed(parts))}{partial}"


def parse_path(value: str) -> Address | None:
    """Read a path; None for one that no tile can have."""
    match = _PATH.match(value)
    if match is None or len(value) > 100:
        return None
    name, number, width = match.groups()
    level = None if name == "entries" else int(name)
    address = Address(level, int(re.sub(r"[x/]", "", number)), int(width) if width else WIDTH)
    if (level or 0) > LEVEL_MAX or (width and address.width >= WIDTH):
        return None
    # One tile has one path: leading groups of zeros are another spelling.
    return address if path(level, address.number, address.width) == value else None


def width_at(level: int, number: int, size: int) -> int:
    """How many hashes the tile holds in a tree of `size`, 0 if it does not exist."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - number * WIDTH))


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each behind its length as a big-endian uint16.

    errors   ValueError for an entry above 65,535 bytes
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LEAF_BYTES_MAX:
            raise ValueError("an entry is at most 65,535 bytes")
        parts += (struct.pack(">H", len(entry)), entry)
    return b"".join(parts)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle.

    errors   ValueError for a cut bundle
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("the bundle is cut")
        (length,) = struct.unpack_from(">H", data, at)
        at += 2
        if at + length > len(data):
            raise ValueError("the bundle is cut")
        entries.append(data[at : at + length])
        at += length
    return entries


def grow(frontier: Range, leaves: Sequence[bytes]) -> list[Piece]:
    """Append leaf hashes to the frontier and give the pieces that the tiles grow by.

    shapes   pieces by level, then number; no more than leaves / 256 + 1 per level
    """
    grown: dict[Place, tuple[int, bytearray]] = {}
    for leaf in leaves:
        for level, index, value in frontier.append(leaf):
            if level % HEIGHT == 0:
                place = (level // HEIGHT, index // WIDTH)
                if place not in grown:
                    grown[place] = (index % WIDTH, bytearray())
                grown[place][1].extend(value)
    return [Piece(level, number, start, bytes(data)) for (level, number), (start, data) in sorted(grown.items())]


def places(ranges: Iterable[tuple[int, int]]) -> set[Place]:
    """The tiles needed to hash ranges of leaves."""
    return {_place(level, index) for low, high in ranges for level, index in perfect(low, high)}


def places_for_inclusion(indexes: Iterable[int], size: int) -> set[Place]:
    """The tiles needed to prove leaves in the tree of `size`."""
    ranges: set[tuple[int, int]] = set()
    for index in indexes:
        ranges.update(inclusion_ranges(index, size))
    return places(ranges)


def places_for_consistency(old: int, new: int) -> set[Place]:
    """The tiles needed to prove that a tree grew from `old` to `new`."""
    return places(consistency_ranges(old, new))


def _place(level: int, index: int) -> Place:
    tile_level, inner = divmod(level, HEIGHT)
    return tile_level, (index << inner) // WIDTH


class Tiles:
    """Some tiles of a tree, asked for the hashes of perfect subtrees."""

    def __init__(self, data: Mapping[Place, bytes]) -> None:
        """Take tiles by place, each the hashes it holds."""
        self._data = data
        self._known: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree.

        errors   KeyError for a hash that is not in these tiles
        """
        if level % HEIGHT == 0:
            at = index % WIDTH * HASH_BYTES
            value = self._data[_place(level, index)][at : at + HASH_BYTES]
            if len(value) != HASH_BYTES:
                raise KeyError((level, index))
            return value
        known = self._known.get((level, index))
        if known is None:
            known = node_hash(self.node(level - 1, index * 2), self.node(level - 1, index * 2 + 1))
            self._known[level, index] = known
        return known

"""A part of an export: 65,536 places of the log made into packed pieces of the bundle's members. Pure, and all CPU.

A part depends on its entries, on the tree at the checkpoint, and on where it begins in each member; so it is made once, in a
process of its own, and kept: an export that was interrupted goes on after the last part. Each piece ends byte-aligned
(Z_FULL_FLUSH), so that a member is its pieces one after the other.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import NamedTuple

import msgspec

from compliance.formats.known import FORMATS
from compliance.formats.shape import row
from compliance.tiles import WIDTH, Place, Tiles, places, width_at
from compliance.verify_evidence import (
    BLOCKS,
    EVENTS,
    HASHES,
    PROOFS,
    TABLE,
    TILES,
    block_digests,
    levels_of,
    way_up,
)
from exchange.kernel.canonical import canonical
from exchange.kernel.merkle import HASH_BYTES, inclusion_ranges, leaf_hash, subtree

PART = 65_536
# What is in memory at once; a whole number of tiles, and of slices a part.
SLICE = 4_096
# Three times as fast as the usual level, for a tenth more bytes.
LEVEL = 3
_RAW = -15
_SPOOL_BYTES = 1 << 16
# An empty last block: what a packed member ends with.
LAST_BLOCK = b"\x03\x00"


class BadLeaf(ValueError):
    """An entry in the database that is not the one in the log."""

    def __init__(self, index: int) -> None:
        """Name the entry."""
        super().__init__(f"entry {index} is not what the log holds")
        self.index = index


class PartWish(msgspec.Struct, frozen=True):
    """What a part is made of besides its entries.

    shapes   leaves [first, end); `at`: for each member the bytes before this part
    """

    first: int
    end: int
    size: int
    complete: bool
    formats: tuple[str, ...]
    at: dict[str, int]


class Piece(NamedTuple):
    """What a part adds to a member: packed bytes, what they are unpacked, and the format's notes."""

    member: str
    packed: bytes
    crc32: int
    size: int
    notes: tuple[bytes, ...]


class Leaf(NamedTuple):
    """An entry with its place in the log."""

    index: int  # type: ignore[assignment]  # the field is meant, not the method of tuples
    envelope: bytes


class Packer:
    """Bytes going into a piece; what is packed waits in a file, since a part has many pieces."""

    def __init__(self, member: str) -> None:
        """Begin a piece of a member."""
        self.member, self.size, self._crc = member, 0, 0
        self._out = SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115  # closed by `end`
        self._pack = None if stored(member) else zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW)
        self.notes: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Put bytes behind the others."""
        self.size += len(data)
        self._crc = zlib.crc32(data, self._crc)
        self._out.write(data if self._pack is None else self._pack.compress(data))

    def end(self) -> Piece:
        """The piece, byte-aligned; one of nothing is empty."""
        if self._pack is not None and self.size:
            self._out.write(self._pack.flush(zlib.Z_FULL_FLUSH))
        self._out.seek(0)
        with self._out as out:
            return Piece(self.member, out.read() if self.size else b"", self._crc, self.size, tuple(self.notes))


class PartMaker:
    """Makes one part, slice by slice."""

    def __init__(self, wish: PartWish) -> None:
        """Begin the part."""
        self._wish, self.entries = wish, 0
        self._formats = [FORMATS[name] for name in wish.formats]
        self._packers = {name: Packer(name) for name in members(wish.complete, wish.formats)}

    def add(self, leaves: Sequence[Leaf], numbers: Sequence[int], found: Mapping[Place, bytes]) -> None:
        """Take the next slice in order of the log, and the tiles of entries that it touches.

        shapes   `found` holds what `tiles_of_slice` names for `numbers`
        errors   BadLeaf
        """
        self.entries += len(leaves)
        self._prove(leaves, numbers, found)
        if not leaves:
            return
        self._packers[EVENTS].add(b"".join([one.envelope + b"\n" for one in leaves]))
        rows = [row(index, envelope) for index, envelope in leaves]
        for form in self._formats:
            packer = self._packers[form.member]
            at = self._wish.at[form.member] + packer.size
            data, note = form.part(rows, at)
            packer.add(data)
            packer.notes.append(note)
            if form.member != TABLE:
                self._packers[BLOCKS].add(blocks_line(form.member, at, data))

    def end(self) -> Iterator[Piece]:
        """The part's pieces, one for each member."""
        return (one.end() for one in self._packers.values())

    def _prove(self, leaves: Sequence[Leaf], numbers: Sequence[int], found: Mapping[Place, bytes]) -> None:
        """Write the way from each tile to the root, and from each entry to its tile."""
        wish, tree = self._wish, Tiles(found)
        by_tile: dict[int, list[Leaf]] = {}
        for one in leaves:
            by_tile.setdefault(one.index // WIDTH, []).append(one)
        for number in numbers:
            inside = by_tile.get(number, [])
            hashes = found[0, number][: width_at(0, number, wish.size) * HASH_BYTES]
            for index, envelope in inside:
                at = index % WIDTH * HASH_BYTES
                if leaf_hash(envelope) != hashes[at : at + HASH_BYTES]:
                    raise BadLeaf(index)
            first, end = number * WIDTH, min(number * WIDTH + WIDTH, wish.size)
            way = [_text(subtree(low, high, tree.node)) for low, high in _above(number, wish.size)]
            line = {"hash": _text(subtree(first, end, tree.node)), "hashes": way, "tile": number}
            self._packers[TILES].add(canonical(line) + b"\n")
            if wish.complete:
                self._packers[HASHES].add(hashes)
            else:
                levels = levels_of(hashes)
                for index, _ in inside:
                    proof = {"hashes": [_text(one) for one in way_up(levels, index % WIDTH)], "index": index}
                    self._packers[PROOFS].add(canonical(proof) + b"\n")


def stored(member: str) -> bool:
    """Whether a member is not packed: hashes have no pattern."""
    return member == HASHES


def members(complete: bool, formats: Sequence[str]) -> list[str]:
    """The members that are made in parts."""
    made = [FORMATS[name].member for name in formats]
    blocks = [BLOCKS] if any(name != TABLE for name in made) else []
    return [EVENTS, TILES, HASHES if complete else PROOFS, *made, *blocks]


def blocks_line(member: str, at: int, data: bytes) -> bytes:
    """The digests of some bytes of a derived member, block by block."""
    said = {"at": at, "digests": _text(block_digests(data)), "member": member, "size": len(data)}
    return canonical(said) + b"\n"


def tiles_of_slice(numbers: Sequence[int], size: int) -> set[Place]:
    """The tiles that prove some tiles of entries, and those themselves."""
    wanted: set[tuple[int, int]] = set()
    for number in numbers:
        wanted |= {(number * WIDTH, min(number * WIDTH + WIDTH, size)), *_above(number, size)}
    return places(wanted) | {(0, number) for number in numbers}


def _above(number: int, size: int) -> list[tuple[int, int]]:
    """The ranges whose hashes lead from a tile of entries to the root, from its neighbour up."""
    first, end = number * WIDTH, min(number * WIDTH + WIDTH, size)
    return [(low, high) for low, high in inclusion_ranges(first, size) if low < first or high > end]


def _text(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode()

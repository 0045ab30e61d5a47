"""The process that makes the parts of an export: bytes in on standard input, bytes out, nothing else of the world.

Run with `python -m exchange.worker.export_child`. It ends when its standard input does, so it never outlives its worker.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import BinaryIO

import msgspec

from compliance.exports.parts import BadLeaf, Leaf, PartMaker, PartWish

LENGTH = struct.Struct(">Q")
# Who buys comes first.
NICE = 5


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """A part is wanted."""

    wish: PartWish


class Slice(msgspec.Struct, frozen=True, tag="slice"):
    """Some of its entries, with the tiles that prove them."""

    leaves: list[tuple[int, bytes]]
    numbers: list[int]
    tiles: list[tuple[int, int, bytes]]


class End(msgspec.Struct, frozen=True, tag="end"):
    """There are no more."""


class Told(msgspec.Struct, frozen=True, tag="piece"):
    """A piece of the part; so many packed bytes follow, as they are."""

    member: str
    packed_bytes: int
    crc32: int
    size: int
    notes: tuple[bytes, ...]


class Made(msgspec.Struct, frozen=True, tag="made"):
    """A part is whole; its pieces came before."""

    entries: int


class Bad(msgspec.Struct, frozen=True, tag="bad"):
    """An entry is not what the log holds."""

    index: int


Question = Begin | Slice | End
Answer = Told | Made | Bad


def framed(message: msgspec.Struct) -> bytes:
    """A message with its length in front."""
    data = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(data)) + data


def run(questions: BinaryIO, answers: BinaryIO) -> None:
    """Make parts until there are no more questions."""
    decode = msgspec.msgpack.Decoder(Question).decode
    maker: PartMaker | None = None
    bad: Bad | None = None
    while head := questions.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        message = questions.read(length)
        if len(message) < length:
            # Its worker was killed while it spoke.
            return
        said = decode(message)
        if isinstance(said, Begin):
            maker, bad = PartMaker(said.wish), None
        elif maker is None:
            raise ValueError("a part begins with what it is made of")
        elif isinstance(said, Slice):
            if bad is not None:
                continue
            try:
                found = {(level, number): data for level, number, data in said.tiles}
                maker.add([Leaf(*one) for one in said.leaves], said.numbers, found)
            except BadLeaf as error:
                bad = Bad(error.index)
        elif bad is not None:
            answers.write(framed(bad))
            answers.flush()
        else:
            for piece in maker.end():
                answers.write(framed(Told(piece.member, len(piece.packed), piece.crc32, piece.size, piece.notes)))
                answers.write(piece.packed)
            answers.write(framed(Made(maker.entries)))
            answers.flush()
            maker = None


if __name__ == "__main__":
    os.nice(NICE)
    run(sys.stdin.buffer, sys.stdout.buffer)

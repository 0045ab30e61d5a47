"""The table as Parquet, for analysts: `events.parquet`. A writer of our own, because the bytes shall not depend on a library. Pure.

One row group for each part, pages of 8,192 rows, PLAIN and uncompressed (the bundle is compressed as a whole), each page with
its CRC. What is a list in an envelope is a list here, and digests are a map.

source   https://github.com/apache/parquet-format: README, Encodings.md, LogicalTypes.md, src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compliance.formats import thrift
from compliance.formats.moments import micros
from compliance.formats.shape import Decoded, Row

MAGIC = b"PAR1"
PAGE_ROWS = 8192
_CREATED_BY = b"corpus-exchange version 1"
_INT64, _BYTE_ARRAY = 2, 6
_REQUIRED, _OPTIONAL, _REPEATED = 0, 1, 2
_PLAIN, _RLE = 0, 3
_UTF8, _MAP, _LIST, _MICROS = 0, 1, 3, 10
_COUNT = struct.Struct("<q")
_LENGTH = struct.Struct("<I")
_LENGTHS = [_LENGTH.pack(n) for n in range(256)]

Bits = npt.NDArray[np.uint8]


class _Said(NamedTuple):
    """A column of some rows: its values, and where there is none or the next list begins."""

    values: bytes
    levels: bytes
    places: int
    nulls: int
    least: bytes | None = None
    most: bytes | None = None


class _Leaf(NamedTuple):
    """A column that holds values."""

    path: tuple[str, ...]
    kind: int
    repetition: int
    read: Callable[[Sequence[Row]], _Said]


def _numbers(values: list[int]) -> _Said:
    pack = _COUNT.pack
    return _Said(np.array(values, "<i8").tobytes(), b"", len(values), 0, pack(min(values)), pack(max(values)))


def _plain(texts: Sequence[str]) -> bytes:
    data = [text.encode() for text in texts]
    pieces: list[bytes] = [b""] * (2 * len(data))
    pieces[0::2] = [_LENGTHS[n] if n < 256 else _LENGTH.pack(n) for n in map(len, data)]
    pieces[1::2] = data
    return b"".join(pieces)


def _texts(texts: Sequence[str]) -> _Said:
    return _Said(_plain(texts), b"", len(texts), 0)


def _maybe(texts: Sequence[str | None]) -> _Said:
    there = [text for text in texts if text is not None]
    bits = np.fromiter((text is not None for text in texts), np.uint8, len(texts))
    return _Said(_plain(there), _level(bits), len(texts), len(texts) - len(there))


def _lists(counts: Sequence[int], texts: Sequence[str]) -> _Said:
    """Lists one behind the other; an empty one has one place without a value."""
    sizes = np.fromiter(counts, np.int64, len(counts))
    places = np.maximum(sizes, 1)
    starts = np.cumsum(places) - places
    begun = np.ones(int(places.sum()), np.uint8)
    begun[starts] = 0
    there = np.ones(len(begun), np.uint8)
    there[starts[sizes == 0]] = 0
    return _Said(_plain(texts), _level(begun) + _level(there), len(begun), len(begun) - len(texts))


def _level(bits: Bits) -> bytes:
    """Levels of one bit each: one run where they are all the same, else packed."""
    count = len(bits)
    if (first := int(bits[0])) == int(bits.min()) == int(bits.max()):
        data = thrift.varint(count << 1) + bytes([first])
    else:
        data = thrift.varint((count + 7 >> 3) << 1 | 1) + np.packbits(bits, bitorder="little").tobytes()
    return _LENGTH.pack(len(data)) + data


def _list(name: str, take: Callable[[Decoded], Collection[str]], path: tuple[str, str] = ("list", "element")) -> _Leaf:
    def read(rows: Sequence[Row]) -> _Said:
        lists = [take(one.entry) for one in rows]
        return _lists([len(one) for one in lists], list(chain.from_iterable(lists)))

    return _Leaf((name, *path), _BYTE_ARRAY, _REPEATED, read)


def _text(name: str, take: Callable[[Decoded], str]) -> _Leaf:
    return _Leaf((name,), _BYTE_ARRAY, _REQUIRED, lambda rows: _texts([take(one.entry) for one in rows]))


def _may(name: str, take: Callable[[Decoded], str | None]) -> _Leaf:
    return _Leaf((name,), _BYTE_ARRAY, _OPTIONAL, lambda rows: _maybe([take(one.entry) for one in rows]))


_LEAVES = (
    _Leaf(("leaf_index",), _INT64, _REQUIRED, lambda rows: _numbers([one.index for one in rows])),
    _Leaf(("at",), _INT64, _REQUIRED, lambda rows: _numbers([micros(one.entry.at) for one in rows])),
    _text("action", lambda entry: entry.action),
    _text("outcome", lambda entry: entry.outcome),
    _may("problem", lambda entry: entry.problem),
    _may("organisation", lambda entry: entry.actor.organisation),
    _may("client", lambda entry: entry.actor.client),
    _may("member", lambda entry: entry.member),
    _may("object", lambda entry: entry.object.id),
    _may("object_version", lambda entry: entry.object.version),
    _may("agreement", lambda entry: entry.agreement),
    _may("rule_set", lambda entry: entry.rule_set),
    _list("organisations", lambda entry: entry.organisations),
    _list("digests", lambda entry: entry.digests, ("key_value", "key")),
    _list("digests", lambda entry: entry.digests.values(), ("key_value", "value")),
    _text("node", lambda entry: entry.node),
    _may("where", lambda entry: entry.where),
    _list("sealed", lambda entry: entry.sealed),
    _text("id", lambda entry: entry.id),
)


class Parquet:
    """`events.parquet`."""

    member = "events.parquet"

    def head(self) -> bytes:
        """The magic."""
        return MAGIC

    def part(self, rows: Sequence[Row], at: int) -> tuple[bytes, bytes]:
        """A row group, and its metadata behind the number of its rows."""
        if not rows:
            return b"", b""
        pages, columns = [], []
        place = at
        for leaf in _LEAVES:
            made = [_page(leaf.read(rows[n : n + PAGE_ROWS])) for n in range(0, len(rows), PAGE_ROWS)]
            chunk = b"".join(data for data, _ in made)
            columns.append(_chunk(leaf, place, len(chunk), [said for _, said in made]))
            pages.append(chunk)
            place += len(chunk)
        group = thrift.struct(
            [
                (1, thrift.many(columns)),
                (2, thrift.i64(place - at)),
                (3, thrift.i64(len(rows))),
                (5, thrift.i64(at)),
                (6, thrift.i64(place - at)),
            ]
        )
        return b"".join(pages), _COUNT.pack(len(rows)) + group.data

    def tail(self, notes: Sequence[bytes], at: int) -> bytes:
        """The footer: what the columns are, and where the row groups lie."""
        groups = [note for note in notes if note]
        footer = thrift.struct(
            [
                (1, thrift.i32(1)),
                (2, thrift.many(_schema())),
                (3, thrift.i64(sum(_COUNT.unpack_from(note)[0] for note in groups))),
                (4, thrift.structs([note[_COUNT.size :] for note in groups])),
                (6, thrift.binary(_CREATED_BY)),
                # Every column is ordered as its type says; without this nobody may use least and most.
                (7, thrift.many([thrift.struct([(1, thrift.struct([]))])] * len(_LEAVES))),
            ]
        ).data
        return footer + _LENGTH.pack(len(footer)) + MAGIC


def _page(said: _Said) -> tuple[bytes, _Said]:
    body = said.levels + said.values
    crc = zlib.crc32(body)
    header = thrift.struct(
        [
            (1, thrift.i32(0)),
            (2, thrift.i32(len(body))),
            (3, thrift.i32(len(body))),
            (4, thrift.i32(crc - (crc >> 31 << 32))),
            (
                5,
                thrift.struct(
                    [
                        (1, thrift.i32(said.places)),
                        (2, thrift.i32(_PLAIN)),
                        (3, thrift.i32(_RLE)),
                        (4, thrift.i32(_RLE)),
                    ]
                ),
            ),
        ]
    )
    return header.data + body, said._replace(values=b"", levels=b"")


def _chunk(leaf: _Leaf, at: int, size: int, said: Sequence[_Said]) -> thrift.Field:
    least = [_COUNT.unpack(one.least)[0] for one in said if one.least is not None]
    most = [_COUNT.unpack(one.most)[0] for one in said if one.most is not None]
    statistics = thrift.struct(
        [
            (3, thrift.i64(sum(one.nulls for one in said))),
            (5, thrift.binary(_COUNT.pack(max(most))) if most else None),
            (6, thrift.binary(_COUNT.pack(min(least))) if least else None),
        ]
    )
    facts = thrift.struct(
        [
            (1, thrift.i32(leaf.kind)),
            (2, thrift.many([thrift.i32(_PLAIN), thrift.i32(_RLE)])),
            (3, thrift.many([thrift.binary(name.encode()) for name in leaf.path])),
            (4, thrift.i32(0)),
            (5, thrift.i64(sum(one.places for one in said))),
            (6, thrift.i64(size)),
            (7, thrift.i64(size)),
            (9, thrift.i64(at)),
            (12, statistics),
        ]
    )
    return thrift.struct([(2, thrift.i64(0)), (3, facts)])


def _schema() -> list[thrift.Field]:
    """The tree of columns, parents first."""
    string = thrift.struct([(1, thrift.struct([]))])
    moment = thrift.struct([(8, thrift.struct([(1, thrift.flag(True)), (2, thrift.struct([(2, thrift.struct([]))]))]))])
    tops = list(dict.fromkeys(leaf.path[0] for leaf in _LEAVES))
    elements = [_element("entry", children=len(tops))]
    for name in tops:
        leaves = [leaf for leaf in _LEAVES if leaf.path[0] == name]
        if name == "leaf_index":
            elements.append(_element(name, _REQUIRED, kind=_INT64))
        elif name == "at":
            elements.append(_element(name, _REQUIRED, kind=_INT64, converted=_MICROS, logical=moment))
        elif len(leaves[0].path) == 1:
            elements.append(_element(name, leaves[0].repetition, kind=_BYTE_ARRAY, converted=_UTF8, logical=string))
        else:
            # The union's MAP is its second, LIST its third.
            converted, number = (_MAP, 2) if len(leaves) == 2 else (_LIST, 3)
            logical = thrift.struct([(number, thrift.struct([]))])
            elements.append(_element(name, _REQUIRED, children=1, converted=converted, logical=logical))
            elements.append(_element(leaves[0].path[1], _REPEATED, children=len(leaves)))
            elements += [
                _element(leaf.path[2], _REQUIRED, kind=_BYTE_ARRAY, converted=_UTF8, logical=string) for leaf in leaves
            ]
    return elements


def _element(
    name: str,
    repetition: int | None = None,
    *,
    kind: int | None = None,
    children: int | None = None,
    converted: int | None = None,
    logical: thrift.Field | None = None,
) -> thrift.Field:
    def number(value: int | None) -> thrift.Field | None:
        return None if value is None else thrift.i32(value)

    return thrift.struct(
        [
            (1, number(kind)),
            (3, number(repetition)),
            (4, thrift.binary(name.encode())),
            (5, number(children)),
            (6, number(converted)),
            (10, logical),
        ]
    )

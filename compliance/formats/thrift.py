"""Thrift's compact protocol, as far as the metadata of a Parquet file needs it: writing only. Pure.

source   https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
_SHORT = 15


class Field(NamedTuple):
    """A value as it stands in a struct: its type and its bytes."""

    kind: int
    data: bytes


def varint(value: int) -> bytes:
    """A number from 0 up, seven bits a byte."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def i32(value: int) -> Field:
    """A number, or one of an enumeration."""
    return Field(_I32, varint(value << 1 ^ value >> 31))


def i64(value: int) -> Field:
    """A long number."""
    return Field(_I64, varint(value << 1 ^ value >> 63))


def flag(value: bool) -> Field:
    """Yes or no; as a field its type says which."""
    return Field(_TRUE if value else _FALSE, b"")


def binary(value: bytes) -> Field:
    """Bytes, or a text's bytes."""
    return Field(_BINARY, varint(len(value)) + value)


def struct(fields: Iterable[tuple[int, Field | None]]) -> Field:
    """A struct out of its fields by ascending number; None is left out."""
    out, last = [], 0
    for number, field in fields:
        if field is not None:
            out += [bytes([number - last << 4 | field.kind]), field.data]
            last = number
    return Field(_STRUCT, b"".join(out) + b"\0")


def many(items: Sequence[Field]) -> Field:
    """A list of values of one type."""
    return structs([item.data for item in items], items[0].kind if items else _STRUCT)


def structs(items: Sequence[bytes], kind: int = _STRUCT) -> Field:
    """A list out of the bytes of its values."""
    count = len(items)
    head = bytes([count << 4 | kind]) if count < _SHORT else bytes([0xF0 | kind]) + varint(count)
    return Field(_LIST, head + b"".join(items))

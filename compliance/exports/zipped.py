"""The zip of an export, put together from packed pieces: copied, never packed again. Pure."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

from compliance.exports.parts import stored
from compliance.verify_bundle import line_digests
from compliance.verify_evidence import BLOCKS
from compliance.verify_zip import DEFLATED, STORED, Member, directory, local_head

_RAW = -15
_POLYNOMIAL = 0xEDB8_8320
_ONE = 1 << 31


def crc32_combine(first: int, second: int, second_bytes: int) -> int:
    """The CRC-32 of two texts one after the other, from theirs.

    source   zlib, crc32_combine_
    """
    return _times(_power(second_bytes), first) ^ second


def _times(a: int, b: int) -> int:
    """Multiply two polynomials modulo the CRC's, bits reflected."""
    product, bit = 0, _ONE
    while bit:
        if a & bit:
            product ^= b
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _power(count: int) -> int:
    """The polynomial x to the power of eight times `count`."""
    result, factor = _ONE, 1 << 23
    while count:
        if count & 1:
            result = _times(factor, result)
        factor, count = _times(factor, factor), count >> 1
    return result


class Zipper:
    """Says which bytes stand around the files, one after the other."""

    def __init__(self) -> None:
        """Begin an empty zip."""
        self._members: list[Member] = []
        self.at = 0

    def head(self, name: str, crc: int, packed: int, size: int, *, method: int = DEFLATED) -> bytes:
        """What stands before a member of so many packed bytes, which come next."""
        made = Member(name, method, crc, packed, size, self.at)
        self._members.append(made)
        head = local_head(made)
        self.at += len(head) + packed
        return head

    def small(self, name: str, data: bytes) -> bytes:
        """A small member, whole and not packed."""
        return self.head(name, zlib.crc32(data), len(data), len(data), method=STORED) + data

    def end(self) -> bytes:
        """What ends the zip."""
        return directory(self._members, self.at)


class Measured:
    """A member's packed bytes on their way into the zip: what the manifest says of them."""

    def __init__(self, name: str) -> None:
        """Begin a member."""
        self._unpack = None if stored(name) else zlib.decompressobj(_RAW)
        self._packed, self._content = hashlib.sha256(), hashlib.sha256()
        self._packed_bytes = self._size = 0
        # Only the digests of blocks have no other place by which a change in them is named.
        self._lines: list[str] | None = [] if name == BLOCKS else None
        self._rest = b""

    def add(self, chunk: bytes) -> None:
        """Look at the next packed bytes."""
        self._packed_bytes += len(chunk)
        if self._unpack is None:
            self._size += len(chunk)
            self._content.update(chunk)
            return
        self._packed.update(chunk)
        data = self._unpack.decompress(chunk)
        self._size += len(data)
        self._content.update(data)
        if self._lines is not None:
            whole, end, self._rest = (self._rest + data).rpartition(b"\n")
            self._lines += line_digests(whole + end)

    def facts(self, crc: int) -> dict[str, Any]:
        """What the manifest says."""
        said: dict[str, Any] = {"sha256": self._content.hexdigest(), "size_bytes": self._size}
        if self._unpack is not None:
            packed = {"crc32": crc, "sha256": self._packed.hexdigest(), "size_bytes": self._packed_bytes}
            said["packed"] = packed
        if self._lines is not None:
            said["lines"] = self._lines
        return said

"""How the zip of an export is spelled, to its last byte: written once, for who makes it and for who checks it.

A part of the script in each export; the standard library is all it needs.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from compliance.verify_notes import Failed, Fault

STORED, DEFLATED = 0, 8
LIMIT, COUNT_LIMIT = 0xFFFF_FFFF, 0xFFFF
ENDING = struct.Struct("<4s4H2LH")
WIDE_ENDING = struct.Struct("<4sQ2H2L4Q")
WIDE_PLACE = struct.Struct("<4sLQL")
CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
LOCAL = struct.Struct("<4s2B4HL2L2H")
WIDE = struct.Struct("<2H2Q")
# 1 January 1980, and a plain file that its owner may write: nothing of a machine or moment.
DAY, MODE = 33, 0o100644 << 16
READ_BYTES = 1 << 20


class Member(NamedTuple):
    """A file in the zip: how it is packed, what it is made of, and where its head begins."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    at: int


# ---------------------------------------------------------------- the one spelling


def local_head(one: Member) -> bytes:
    """What stands before a file's bytes; sizes always in their wide form, since 4 GiB change nothing then."""
    name, extra = one.name.encode(), WIDE.pack(1, 16, one.size, one.packed)
    return (
        LOCAL.pack(b"PK\3\4", 45, 0, 0, one.method, 0, DAY, one.crc, LIMIT, LIMIT, len(name), len(extra)) + name + extra
    )


def central_line(one: Member) -> bytes:
    """A file's line in the directory."""
    name, numbers = one.name.encode(), (one.size, one.packed, one.at)
    wide = [number for number in numbers if number >= LIMIT]
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    size, packed, at = (min(number, LIMIT) for number in numbers)
    sizes = one.crc, packed, size, len(name), len(extra), 0, 0, 0, MODE, at
    return CENTRAL.pack(b"PK\1\2", 45, 3, 45, 0, 0, one.method, 0, DAY, *sizes) + name + extra


def directory(members: list[Member], start: int) -> bytes:
    """Everything behind the files: the directory, which begins at `start`, and the end of the zip."""
    lines = b"".join(central_line(one) for one in members)
    count, size = len(members), len(lines)
    if count < COUNT_LIMIT and size < LIMIT and start < LIMIT:
        return lines + ENDING.pack(b"PK\5\6", 0, 0, count, count, size, start, 0)
    wide = WIDE_ENDING.pack(b"PK\6\6", WIDE_ENDING.size - 12, 45, 45, 0, 0, count, count, size, start)
    place = WIDE_PLACE.pack(b"PK\6\7", 0, start + size, 1)
    few = min(count, COUNT_LIMIT)
    last = ENDING.pack(b"PK\5\6", 0, 0, few, few, min(size, LIMIT), min(start, LIMIT), 0)
    return lines + wide + place + last


# ---------------------------------------------------------------- checking it


def zip_faults(archive: zipfile.ZipFile, data: BinaryIO, packed: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """Where a zip holds anything that no export holds; `packed` says of each packed file what its packed bytes are."""
    members, at = [], 0
    for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
        one = Member(info.orig_filename, info.compress_type, info.CRC, info.compress_size, info.file_size, at)
        members.append(one)
        if info.filename != one.name:
            # What reads names up to a NUL would find another file than the one that was checked.
            yield misspelt(one.name, at)
        yield from member_faults(one, data, packed.get(one.name))
        at += len(local_head(one)) + one.packed
    right = directory(members, at)
    data.seek(at)
    found = data.read(len(right) + 1)
    if found != right:
        yield misspelt("the directory of the zip", at + first_difference(found, right))


def member_faults(one: Member, data: BinaryIO, packed: Mapping[str, Any] | None) -> Iterator[Fault]:
    """Where the head of a file, or its packed bytes, are not as they were written."""
    data.seek(one.at)
    right = local_head(one)
    found = data.read(len(right))
    if found != right:
        yield misspelt(one.name, one.at + first_difference(found, right))
        return
    digest, crc, left = hashlib.sha256(), 0, one.packed
    while left > 0:
        chunk = data.read(min(left, READ_BYTES))
        if not chunk:
            break
        left -= len(chunk)
        digest.update(chunk)
        if one.method == STORED:
            crc = zlib.crc32(chunk, crc)
    if packed is None:
        good = one.method == STORED and one.size == one.packed and crc == one.crc
    else:
        stated = (packed["sha256"], packed["size_bytes"], packed["crc32"])
        good = one.method == DEFLATED and stated == (digest.hexdigest(), one.packed, one.crc)
    if left or not good:
        yield misspelt(one.name, one.at + len(right))


def first_difference(found: bytes, right: bytes) -> int:
    """The first place where two texts differ, or where the shorter ends."""
    return next((n for n, byte in enumerate(right) if found[n : n + 1] != bytes([byte])), len(right))


def misspelt(name: str, at: int) -> Fault:
    """Bytes of the zip that belong to no file's content and are not as they were written."""
    en = f"from byte {at} on the zip is not as an export writes it, though no file's content depends on it"
    return Fault(name, None, None, en, f"zip 自第 {at} 字节起与导出的写法不符，尽管不影响文件内容")


def check_zip(archive: zipfile.ZipFile, data: BinaryIO, packed: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a zip with anything in it that no export holds."""
    found = list(zip_faults(archive, data, packed))
    if found:
        raise Failed(*found)

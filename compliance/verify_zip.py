"""Whether every byte of a zip is one that an export has: what no file in it depends on is checked here.

A part of the script in each export; the standard library is all it needs.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from compliance.verify_notes import Failed, Fault

LIMIT = 0xFFFF_FFFF
ENDING = struct.Struct("<4s4H2LH")
CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
LOCAL = struct.Struct("<4s2B4HL2L2H")
WIDE = struct.Struct("<2H2Q")
# 1 January 1980, and a plain file that its owner may write: nothing of a machine or moment.
DAY, MODE = 33, 0o100644 << 16


def zip_faults(archive: zipfile.ZipFile, data: BinaryIO) -> Iterator[Fault]:
    """Where a zip holds anything that no export holds; sizes from 4 GiB on are left to the reader of zips."""
    members = sorted(archive.infolist(), key=lambda one: one.header_offset)
    start, at, directory = archive.start_dir, 0, b""
    if start >= LIMIT or len(members) >= 0xFFFF or any(one.file_size >= LIMIT for one in members):
        return
    for one in members:
        yield from member_faults(one, data, at)
        head = LOCAL.size + len(one.orig_filename.encode()) + WIDE.size
        at = one.header_offset + head + one.compress_size
    for one in archive.infolist():
        directory += central(one)
    directory += ENDING.pack(b"PK\5\6", 0, 0, len(members), len(members), len(directory), start, 0)
    data.seek(start)
    found = data.read(len(directory) + 1)
    if at != start or found != directory:
        place = next((n for n, byte in enumerate(directory) if found[n : n + 1] != bytes([byte])), len(directory))
        yield fault("the directory of the zip", start + place)


def member_faults(one: zipfile.ZipInfo, data: BinaryIO, at: int) -> Iterator[Fault]:
    """Where the head of a member differs from the directory, or its packed bytes from their one spelling."""
    name = one.orig_filename.encode()
    extra = WIDE.pack(1, 16, one.file_size, one.compress_size)
    head = LOCAL.pack(
        b"PK\3\4", 45, 0, one.flag_bits, one.compress_type, 0, DAY, one.CRC, LIMIT, LIMIT, len(name), len(extra)
    )
    data.seek(at)
    found, right = data.read(len(head + name + extra)), head + name + extra
    if one.header_offset != at or found != right:
        place = next((n for n, byte in enumerate(right) if found[n : n + 1] != bytes([byte])), 0)
        yield fault(one.filename, at + place)
        return
    packed, sum_ = zlib.decompressobj(-15), 0
    left = one.compress_size - 1
    while left > 0:
        chunk = data.read(min(left, 1 << 16))
        left -= len(chunk)
        sum_ = zlib.crc32(packed.decompress(chunk), sum_) if chunk else sum_
        if not chunk or packed.eof:
            yield fault(one.filename, data.tell())
            return
    last = data.read(1)[0]
    whole = packed.copy().decompress(bytes([last]))
    # Bits behind the end of the packed data mean nothing, and are zero.
    for bit in range(7, -1, -1):
        other = packed.copy()
        try:
            same = other.decompress(bytes([last ^ 1 << bit])) == whole and other.eof
        except zlib.error:
            same = False
        if not same:
            break
        if last >> bit & 1:
            yield fault(one.filename, data.tell() - 1)
            return
    if zlib.crc32(whole, sum_) != one.CRC:
        yield fault(one.filename, at)


def central(one: zipfile.ZipInfo) -> bytes:
    """A member's line in the directory, as an export writes it."""
    name = one.orig_filename.encode()
    sizes = one.CRC, one.compress_size, one.file_size, len(name), 0, 0, 0, 0, MODE, one.header_offset
    return CENTRAL.pack(b"PK\1\2", 45, 3, 45, 0, one.flag_bits, one.compress_type, 0, DAY, *sizes) + name


def fault(name: str, at: int) -> Fault:
    """A byte of the zip that belongs to no file and is not as it was written."""
    en = f"byte {at} of the zip is not as an export writes it, though no file depends on it"
    return Fault(name, None, None, en, f"zip 的第 {at} 字节与导出的写法不符，尽管不影响文件内容")


def check_zip(archive: zipfile.ZipFile, data: BinaryIO) -> None:
    """Refuse a zip with anything in it that no export holds."""
    found = list(zip_faults(archive, data))
    if found:
        raise Failed(*found)

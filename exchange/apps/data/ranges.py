"""Byte ranges of one file (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*\Z")


class BadRange(ValueError):
    """A range that the file does not have."""


def byte_range(header: str | None, size: int, if_range: str | None, etag: str) -> tuple[int, int] | None:
    """The [start, end) that a Range header asks for; None means the whole file.

    What is no single byte range is ignored, as the standard allows, and so is one for another version of the file.

    errors   BadRange
    source   RFC 9110, sections 13.1.5 and 14.1.2
    """
    if header is None or (if_range is not None and if_range != etag):
        return None
    found = _ONE.match(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if start >= end:
        raise BadRange(header)
    return start, end

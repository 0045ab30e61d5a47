"""What part of a file is asked for: byte ranges (RFC 9110, section 14)."""

from __future__ import annotations

import re

from exchange.apps.http.answers import Asked
from exchange.kernel.errors import Kind, Refused, problem_type
from exchange.kernel.text import Text

_ONE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*\Z")
RANGE_REFUSED = problem_type(
    "range-not-satisfiable",
    Kind.RANGE,
    title=Text("Range not satisfiable", "范围无效"),
    detail=Text("The file has {size} bytes.", "文件共 {size} 字节。"),
    remedy=Text("Ask for a range inside it, such as bytes=0-1023.", "请请求有效范围，例如 bytes=0-1023。"),
)


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


def asked_range(request: Asked, size: int, etag: str) -> tuple[int, int] | None:
    """The [start, end) of a file of `size` bytes that a request asks for; None means the whole.

    errors   raises Refused(range-not-satisfiable)
    """
    try:
        return byte_range(request.headers.get("range"), size, request.headers.get("if-range"), etag)
    except BadRange as error:
        raise Refused(RANGE_REFUSED(size=size)) from error

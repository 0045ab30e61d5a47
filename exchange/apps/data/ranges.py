"""What part of a file is asked for: byte ranges (RFC 9110, section 14), and rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from exchange.kernel.errors import INVALID_REQUEST, Refused

ROWS_MAX = 1_000
ROWS_USUAL = 100
_ROW_MAX = 2**53 - 1
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


@dataclass
class RowsCall(Operation):
    """An operation that takes `from` and `limit`; it reads them itself, because it is called for every few rows."""

    def __post_init__(self) -> None:
        """Say what they are."""
        first = Schema(type=OpenAPIType.INTEGER, minimum=0, default=0, examples=[0])
        limit = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=ROWS_MAX, default=ROWS_USUAL, examples=[10])
        self.parameters = [
            *(self.parameters or []),
            Parameter(
                name="from", param_in="query", schema=first, description="Number of the first row, from 0. 起始行号。"
            ),
            Parameter(
                name="limit", param_in="query", schema=limit, description="How many rows at most. 最多返回的行数。"
            ),
        ]


def row_range(query: bytes) -> tuple[int, int]:
    """The first row and the number of rows that a query string asks for.

    errors   raises Refused(invalid-request) for what is no number in its range, and for other parameters
    """
    found = {"from": 0, "limit": ROWS_USUAL}
    # Whole numbers need no decoding of escapes, so the pairs are cut by hand.
    for pair in query.decode("latin-1").split("&") if query else ():
        name, _, text = pair.partition("=")
        if name not in found or not text.isascii() or not text.isdigit() or len(text) > 16:
            raise Refused(INVALID_REQUEST(reason=f"from and limit are whole numbers; {name[:40]} is not one of them"))
        found[name] = int(text)
    if found["from"] > _ROW_MAX or not 1 <= found["limit"] <= ROWS_MAX:
        raise Refused(INVALID_REQUEST(reason=f"limit is from 1 to {ROWS_MAX}, and from is 0 or more"))
    return found["from"], found["limit"]

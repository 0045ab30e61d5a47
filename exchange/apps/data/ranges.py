"""Which rows of a file are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from exchange.kernel.errors import INVALID_REQUEST, Refused

ROWS_MAX = 1_000
ROWS_USUAL = 100
_ROW_MAX = 2**53 - 1


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

"""The operator's table of tax classification codes: which code what is sold has on a Chinese invoice. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

COLUMNS = ("category", "code", "short_name", "unit", "specification")
# What the exchange's own fee is, beside the kinds of data.
FEE = "platform_fee"
ROWS_MAX = 200
CELL_MAX = 40
# 商品和服务税收分类编码 have 19 digits.
_CODE = re.compile(r"[0-9]{19}")
_FORMULA = ("=", "+", "-", "@")


class BadCodes(ValueError):
    """A file that is no table of codes."""


@dataclass(frozen=True, slots=True)
class Classified:
    """How one category of data stands on an invoice: its code, the short name between stars, a unit and a specification."""

    code: str
    short_name: str
    unit: str
    specification: str


@dataclass(frozen=True, slots=True)
class Codes:
    """A version of the table; a category without a line has no code, and nothing is guessed for it."""

    version: int
    entries: Mapping[str, Classified]

    def of(self, category: str) -> Classified | None:
        """How a category is classified, if the operator said so."""
        return self.entries.get(category)


def read_codes(content: bytes, categories: Collection[str] | None, version: int = 0) -> Codes:
    """Read a table: CSV in UTF-8 with the columns `category,code,short_name,unit,specification`.

    shapes   categories: the words that may stand in the first column, None where that was looked at; unit and specification may be empty
    errors   BadCodes
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadCodes(f"the columns are {', '.join(COLUMNS)}")
        found: dict[str, Classified] = {}
        for number, row in enumerate(reader, 2):
            category, classified = _row(number, row, categories)
            if category in found:
                raise BadCodes(f"line {number}: {category} stands twice")
            found[category] = classified
            if number > ROWS_MAX:
                raise BadCodes(f"more than {ROWS_MAX} lines")
    except UnicodeDecodeError as error:
        raise BadCodes("the file is not UTF-8") from error
    except csv.Error as error:
        raise BadCodes(str(error)) from error
    if not found:
        raise BadCodes("no line")
    return Codes(version, found)


def _row(number: int, row: Mapping[str | None, object], categories: Collection[str] | None) -> tuple[str, Classified]:
    if None in row or any(value is None for value in row.values()):
        raise BadCodes(f"line {number}: {len(COLUMNS)} cells are wanted")
    cells = {str(name): str(value).strip() for name, value in row.items()}
    if any(len(cell) > CELL_MAX or not cell.isprintable() for cell in cells.values()):
        raise BadCodes(f"line {number}: a cell is longer than {CELL_MAX} signs, or has one that cannot be printed")
    if categories is not None and cells["category"] not in categories:
        raise BadCodes(f"line {number}: {cells['category']!r} is none of {', '.join(sorted(categories))}")
    if not _CODE.fullmatch(cells["code"]):
        raise BadCodes(f"line {number}: a code has 19 digits")
    if not cells["short_name"] or "*" in cells["short_name"]:
        raise BadCodes(f"line {number}: a short name is wanted, without stars")
    if any(cell.startswith(_FORMULA) for cell in cells.values()):
        raise BadCodes(f"line {number}: a cell begins as a formula does")
    return cells["category"], Classified(cells["code"], cells["short_name"], cells["unit"], cells["specification"])

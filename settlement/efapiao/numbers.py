"""Numbers that the tax office gave, as they are entered or read back from a file. Pure."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from exchange.kernel import ids

COLUMNS = ("document", "number", "issued_on")
ROWS_MAX = 2_000
# Two digits of the year, two of the place, one of the way of issuing, fifteen in order.
_NUMBER = re.compile(r"[0-9]{20}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CENTURY = 2000


class State(StrEnum):
    """How far an invoice is."""

    DRAFT = "draft"
    EXPORTED = "exported"
    ISSUED = "issued"


class BadNumbers(ValueError):
    """A number, a day or a file that cannot be right."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The number and the day of an invoice that the tax office issued."""

    document_id: UUID
    number: str
    issued_on: date


def numbered(document: str, number: str, issued_on: str) -> Numbered:
    """One number as it is entered.

    errors   BadNumbers: no such id, not 20 digits, no day, or a year that is not the number's
    source   the tax office's rule for numbers of fully digitalised invoices: digits 1 and 2 are the year's last two
    """
    try:
        found = Numbered(ids.parse("doc", document), number, date.fromisoformat(issued_on))
    except ValueError as error:
        raise BadNumbers(f"{document} {issued_on}: {error}") from error
    if not _NUMBER.fullmatch(number):
        raise BadNumbers(f"{document}: a number has 20 digits")
    if not _DAY.fullmatch(issued_on):
        raise BadNumbers(f"{document}: a day is written 2026-11-05, not {issued_on}")
    if _CENTURY + int(number[:2]) != found.issued_on.year:
        raise BadNumbers(f"{document}: the number is of another year than {issued_on}")
    return found


def read_numbers(content: bytes) -> list[Numbered]:
    """Numbers from a file: CSV in UTF-8 with the columns `document,number,issued_on`.

    errors   BadNumbers, also where a document or a number stands twice
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadNumbers(f"the columns are {', '.join(COLUMNS)}")
        found = []
        for line, row in enumerate(reader, 2):
            if None in row or any(value is None for value in row.values()):
                raise BadNumbers(f"line {line}: {len(COLUMNS)} cells are wanted")
            if line > ROWS_MAX:
                raise BadNumbers(f"more than {ROWS_MAX} lines")
            found.append(numbered(row["document"].strip(), row["number"].strip(), row["issued_on"].strip()))
    except UnicodeDecodeError as error:
        raise BadNumbers("the file is not UTF-8") from error
    except csv.Error as error:
        raise BadNumbers(str(error)) from error
    if not found:
        raise BadNumbers("no line")
    for what, values in (("document", [one.document_id for one in found]), ("number", [one.number for one in found])):
        if len(set(values)) != len(values):
            raise BadNumbers(f"a {what} stands twice")
    return found

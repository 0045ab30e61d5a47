"""What a report is made of: columns that say what they mean and what they are for, and rows that have just those. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compliance.reports.findings import FINDINGS
from compliance.verify_report import cell_of
from exchange.kernel.canonical import canonical
from exchange.kernel.text import Text

Cell = str | int | bool | None
Row = Mapping[str, Cell]
FOUND = "findings"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it means, and what in the law asks for it ("" where it only helps to read).

    shapes   `amount`: its texts are decimals that a spreadsheet may count with
    """

    name: str
    title: Text
    meaning: Text
    serves: str = ""
    amount: bool = False

    def wire(self) -> dict[str, Any]:
        """As it stands in the head of a report."""
        said = {"title": self.title.map(), "meaning": self.meaning.map(), "serves": self.serves}
        return {"name": self.name, **said, "amount": self.amount}


@dataclass(frozen=True, slots=True)
class Kind:
    """One report: what it is called, which article it serves, what it says, and its columns in order."""

    name: str
    title: Text
    article: str
    about: Text
    columns: tuple[Column, ...]

    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [one.name for one in self.columns]

    def row(self, cells: Mapping[str, Cell], findings: Sequence[str] = ()) -> dict[str, Cell]:
        """A row with every column and no other; what was found stands in it as words, sorted.

        errors   KeyError for a finding that nobody explains, or for a column that is missing or too much
        """
        found = {**cells, FOUND: " ".join(sorted(dict.fromkeys(findings)))}
        unknown = [one for one in findings if one not in FINDINGS]
        if unknown or set(found) != set(self.names()):
            raise KeyError(f"{self.name}: {sorted(set(found) ^ set(self.names()))} {unknown}")
        return {name: found[name] for name in self.names()}


FINDINGS_COLUMN = Column(
    FOUND,
    Text("Findings", "发现的问题"),
    Text(
        "Words for what is missing or does not fit, space between; the head explains each.",
        "缺失或不符之处的代码，以空格分隔；报告头中逐一解释。",
    ),
)


def found_in(row: Row) -> list[str]:
    """The findings of a row."""
    return str(row[FOUND]).split()


def json_line(row: Row) -> bytes:
    """A row as one line of JSON, in its one spelling (RFC 8785)."""
    return canonical(dict(row)) + b"\n"


def csv_line(kind: Kind, row: Row) -> bytes:
    """A row for a spreadsheet: every cell in quotes, none taken for a formula."""
    return _line([cell_of(row[one.name], amount=one.amount) for one in kind.columns])


def csv_head(kind: Kind) -> bytes:
    """The first line of the table."""
    return _line(kind.names())


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()

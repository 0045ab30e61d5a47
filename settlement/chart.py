"""The operator's own chart of accounts: which of its accounts each of ours is, and journals as its books take them. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from exchange.kernel.money import decimal_text
from settlement.accounts import AccountKey, AccountKind
from settlement.plain_text import PlainJournal

COLUMNS = ("account", "currency", "code", "name", "tax_code")
EXPORT_COLUMNS = (
    "date",
    "journal",
    "kind",
    "source",
    "line",
    "code",
    "name",
    "tax_code",
    "debit",
    "credit",
    "currency",
)
ROWS_MAX = 2_000
CELL_MAX = 120
# Cells that spreadsheets would take for formulas.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Entry:
    """One account of the operator's."""

    code: str
    name: str
    tax_code: str


class BadChart(ValueError):
    """A file that is no chart."""


class Chart:
    """Our kinds of accounts as the operator's accounts; one per currency where it says so."""

    def __init__(self, entries: Mapping[tuple[AccountKind, str | None], Entry]) -> None:
        """Take the rows as they are; `read_chart` checks them."""
        self._entries = dict(entries)

    def of(self, key: AccountKey) -> Entry:
        """The operator's account for one of ours."""
        return self._entries.get((key.kind, key.currency)) or self._entries[key.kind, None]


def read_chart(content: bytes) -> Chart:
    """Read a chart: CSV in UTF-8 with the columns `account,currency,code,name,tax_code`.

    shapes   currency empty: every currency without a row of its own; each kind of account has such a row
    errors   BadChart
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadChart("the file is not UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: dict[tuple[AccountKind, str | None], Entry] = {}
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadChart(f"the columns are {', '.join(COLUMNS)}")
        for number, row in enumerate(reader, 2):
            key, entry = _row(number, row)
            if key in found:
                raise BadChart(f"line {number}: {key[0].value} {key[1] or ''} stands twice".replace("  ", " "))
            found[key] = entry
            if number > ROWS_MAX:
                raise BadChart(f"more than {ROWS_MAX} lines")
    except csv.Error as error:
        raise BadChart(str(error)) from error
    missing = [kind.value for kind in AccountKind if (kind, None) not in found]
    if missing:
        raise BadChart(f"no line for {', '.join(missing)}")
    return Chart(found)


def _row(number: int, row: Mapping[str | None, object]) -> tuple[tuple[AccountKind, str | None], Entry]:
    cells = {str(name): str(value or "").strip() for name, value in row.items() if name is not None}
    if None in row or any(row[name] is None for name in row):
        raise BadChart(f"line {number}: {len(COLUMNS)} cells are wanted")
    if any(len(cell) > CELL_MAX or not cell.isprintable() for cell in cells.values()):
        raise BadChart(f"line {number}: a cell is longer than {CELL_MAX} signs, or has one that cannot be printed")
    try:
        kind = AccountKind(cells["account"])
    except ValueError as error:
        raise BadChart(f"line {number}: {cells['account']!r} is no kind of account") from error
    currency = cells["currency"] or None
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise BadChart(f"line {number}: {currency!r} is no currency")
    if not cells["code"]:
        raise BadChart(f"line {number}: no code")
    if any(cells[name].startswith(_FORMULA) for name in ("code", "name", "tax_code")):
        raise BadChart(f"line {number}: a cell begins as a formula does")
    return (kind, currency), Entry(cells["code"], cells["name"], cells["tax_code"])


def head() -> str:
    """The first line of an export."""
    return _line(EXPORT_COLUMNS)


def lines(chart: Chart, day: date, journal: PlainJournal) -> Iterator[str]:
    """A journal in the operator's accounts: one line for each of them and currency, debit or credit; nothing where both meet.

    units    debits of a journal are its credits, in each currency
    """
    sums: dict[tuple[Entry, str], int] = {}
    for one in journal.lines:
        name = (chart.of(one.account), one.account.currency)
        sums[name] = sums.get(name, 0) + one.amount
    number = 0
    for (entry, currency), units in sums.items():
        if units:
            number += 1
            debit, credit = (decimal_text(-units), "") if units < 0 else ("", decimal_text(units))
            yield _line(
                (
                    day.isoformat(),
                    str(journal.id),
                    journal.kind,
                    journal.source,
                    str(number),
                    entry.code,
                    entry.name,
                    entry.tax_code,
                    debit,
                    credit,
                    currency,
                )
            )


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()

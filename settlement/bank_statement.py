"""Bank statements: they come as files and are read here, line by line. Pure.

One CSV file per account statement, UTF-8 (a byte order mark is fine), first line exactly
`booking_date,amount,currency,payer_name,payer_account_digest,reference,entry_id`.
The payer's account number never enters the house: the file carries its SHA-256 digest.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date

from exchange.kernel.money import BadMoney, Money, units_of

COLUMNS = ("booking_date", "amount", "currency", "payer_name", "payer_account_digest", "reference", "entry_id")
FILE_BYTES_MAX = 20_000_000
TEXT_CHARACTERS_MAX = 400
# A thousand million of a currency in one line is a mistake of the file; the ledger's own limit lies above it.
LINE_MOST_UNITS = 10**9 * 10**6
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_ENTRY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
# What a person reads beside the line, in both languages.
REASONS: dict[str, dict[str, str]] = {
    "encoding": {"en": "The file is not UTF-8 text.", "zh": "文件不是 UTF-8 文本。"},
    "too_large": {"en": "The file is larger than 20 MB.", "zh": "文件超过 20 MB。"},
    "header": {
        "en": "The first line must name the columns: " + ",".join(COLUMNS),
        "zh": "首行必须是列名：" + ",".join(COLUMNS),
    },
    "columns": {"en": "The line does not have seven columns.", "zh": "该行不是七列。"},
    "date": {"en": "The date must be written YYYY-MM-DD.", "zh": "日期必须写成 YYYY-MM-DD。"},
    "amount": {
        "en": "The amount must be a decimal number such as 12.34 and not zero.",
        "zh": "金额必须是非零的十进制数，例如 12.34。",
    },
    "currency": {"en": "The currency must be three capital letters.", "zh": "币种必须是三个大写字母。"},
    "digest": {
        "en": "The account digest must be 64 lower-case hexadecimal digits.",
        "zh": "账户摘要必须是 64 位小写十六进制数字。",
    },
    "too_long": {"en": "The text is longer than 400 characters.", "zh": "文本超过 400 个字符。"},
    "characters": {"en": "The text has a zero byte.", "zh": "文本含有空字节。"},
    "entry_id": {"en": "The bank's entry id is missing or has odd characters.", "zh": "银行流水号缺失或含有非法字符。"},
    "duplicate": {"en": "The bank's entry id appears twice in this file.", "zh": "银行流水号在本文件中重复。"},
    "quoting": {"en": "The file's quotation marks do not match from here on.", "zh": "从此处起文件的引号不匹配。"},
}


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One booked line. A positive amount came in, a negative one went out."""

    booked_on: date
    amount: Money
    payer_name: str
    payer_account_digest: str
    reference: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class LineError:
    """Why one line could not be read.

    shapes   line counts from 1 (the header); column is None when the whole line is meant; reason is a key of REASONS
    """

    line: int
    column: str | None
    reason: str

    @property
    def text(self) -> dict[str, str]:
        """The reason in English and Chinese."""
        return REASONS[self.reason]


@dataclass(frozen=True, slots=True)
class BankStatement:
    """The good lines and the bad ones; a file with errors may still be taken in part."""

    entries: tuple[BankEntry, ...]
    errors: tuple[LineError, ...]


class _BadCell(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


def read_statement(content: bytes) -> BankStatement:
    """Read a statement file; every line is either an entry or an error, never both, never dropped.

    shapes   empty lines are passed over
    """
    if len(content) > FILE_BYTES_MAX:
        return BankStatement((), (LineError(1, None, "too_large"),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return BankStatement((), (LineError(1, None, "encoding"),))
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    entries: list[BankEntry] = []
    errors: list[LineError] = []
    seen: set[str] = set()
    line = 1
    try:
        if tuple(next(rows, [])) != COLUMNS:
            return BankStatement((), (LineError(1, None, "header"),))
        for row in rows:
            line, previous = rows.line_num, line
            if not row:
                continue
            try:
                entries.append(_entry(row, seen))
            except _BadCell as bad:
                errors.append(LineError(previous + 1, bad.column or None, bad.reason))
    except csv.Error:
        errors.append(LineError(line + 1, None, "quoting"))
    return BankStatement(tuple(entries), tuple(errors))


def _entry(row: list[str], seen: set[str]) -> BankEntry:
    if len(row) != len(COLUMNS):
        raise _BadCell("", "columns")
    booked, amount, currency, name, digest, reference, entry_id = (cell.strip() for cell in row)
    if not _ENTRY_ID.match(entry_id):
        raise _BadCell("entry_id", "entry_id")
    if entry_id in seen:
        raise _BadCell("entry_id", "duplicate")
    entry = BankEntry(
        booked_on=_date(booked),
        amount=_money(amount, currency),
        payer_name=_text("payer_name", name),
        payer_account_digest=_digest(digest),
        reference=_text("reference", reference),
        entry_id=entry_id,
    )
    seen.add(entry_id)
    return entry


def _date(cell: str) -> date:
    try:
        if len(cell) != 10:
            raise ValueError(cell)
        booked = date.fromisoformat(cell)
        if not 1970 <= booked.year < 2200:
            raise ValueError(cell)
        return booked
    except ValueError as error:
        raise _BadCell("booking_date", "date") from error


def _money(amount: str, currency: str) -> Money:
    if not _CURRENCY.match(currency):
        raise _BadCell("currency", "currency")
    try:
        units = units_of(amount)
    except BadMoney as error:
        raise _BadCell("amount", "amount") from error
    if units == 0 or abs(units) > LINE_MOST_UNITS:
        raise _BadCell("amount", "amount")
    try:
        return Money(units, currency)
    except BadMoney as error:
        raise _BadCell("amount", "amount") from error


def _text(column: str, cell: str) -> str:
    if len(cell) > TEXT_CHARACTERS_MAX:
        raise _BadCell(column, "too_long")
    if "\x00" in cell:
        raise _BadCell(column, "characters")
    return cell


def _digest(cell: str) -> str:
    if not _DIGEST.match(cell):
        raise _BadCell("payer_account_digest", "digest")
    return cell

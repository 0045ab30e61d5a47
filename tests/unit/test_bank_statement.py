"""Reading a bank's statement file."""

from __future__ import annotations

from datetime import date

import pytest

from exchange.kernel.money import Money
from settlement.bank_statement import COLUMNS, REASONS, LineError, read_statement

HEAD = ",".join(COLUMNS)
DIGEST = "ab" * 32
GOOD = f'2026-03-02,1250.50,EUR,"Lab, Ltd.",{DIGEST},TOPUP org_01,BK-1'


def lines(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows, ""]).encode()


def test_a_good_line_is_an_entry() -> None:
    statement = read_statement(b"\xef\xbb\xbf" + lines(GOOD, "", f"2026-03-03,-3,CNY,某公司,{DIGEST},,BK-2"))
    assert statement.errors == ()
    first, second = statement.entries
    assert (first.booked_on, first.amount, first.payer_name) == (
        date(2026, 3, 2),
        Money(1_250_500_000, "EUR"),
        "Lab, Ltd.",
    )
    assert (first.reference, first.entry_id, first.payer_account_digest) == ("TOPUP org_01", "BK-1", DIGEST)
    assert (second.amount, second.payer_name) == (Money(-3_000_000, "CNY"), "某公司")


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (GOOD.replace("2026-03-02", "02.03.2026"), "booking_date", "date"),
        (GOOD.replace("2026-03-02", "20260302"), "booking_date", "date"),
        (GOOD.replace("1250.50", '"1.250,50"'), "amount", "amount"),
        (GOOD.replace("1250.50", "0.00"), "amount", "amount"),
        (GOOD.replace("1250.50", "9999999999999"), "amount", "amount"),
        (GOOD.replace("EUR", "eur"), "currency", "currency"),
        (GOOD.replace(DIGEST, "DE89370400440532013000"), "payer_account_digest", "digest"),
        (GOOD.replace("TOPUP", "T" * 401), "reference", "too_long"),
        (GOOD.replace("BK-1", ""), "entry_id", "entry_id"),
        (GOOD + ",more", None, "columns"),
    ],
)
def test_a_bad_line_is_told_with_its_column_and_the_others_stay(row: str, column: str | None, reason: str) -> None:
    statement = read_statement(lines(row, GOOD.replace("BK-1", "BK-9")))
    assert statement.errors == (LineError(2, column, reason),)
    assert [entry.entry_id for entry in statement.entries] == ["BK-9"]
    assert set(statement.errors[0].text) == {"en", "zh"}


def test_an_entry_id_counts_once_and_a_line_may_span_two() -> None:
    long = GOOD.replace("TOPUP org_01", '"two\nlines"')
    statement = read_statement(lines(long, GOOD))
    assert [entry.reference for entry in statement.entries] == ["two\nlines"]
    assert statement.errors == (LineError(4, "entry_id", "duplicate"),)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "header"),
        (b"date,amount\n", "header"),
        ("ä".encode("latin-1"), "encoding"),
        (b"x" * 20_000_001, "too_large"),
    ],
)
def test_a_file_that_is_no_statement(content: bytes, reason: str) -> None:
    statement = read_statement(content)
    assert statement.entries == ()
    assert [error.reason for error in statement.errors] == [reason]


def test_open_quotes_end_the_reading() -> None:
    statement = read_statement(lines(GOOD, '2026-03-02,"1'))
    assert len(statement.entries) == 1
    assert [error.reason for error in statement.errors] == ["quoting"]


def test_every_reason_is_in_both_languages() -> None:
    assert all(set(texts) == {"en", "zh"} and all(texts.values()) for texts in REASONS.values())


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("0001-01-01,5.00,CNY,x,{d},r,E1", "booking_date"),
        ("9999-12-31,5.00,CNY,x,{d},r,E1", "booking_date"),
        ("2026-01-01,9223372036854.775807,CNY,x,{d},r,E1", "amount"),
        ("2026-01-01,5.00,CNY,x,{d},\x00r,E1", "reference"),
    ],
)
def test_what_no_account_or_calendar_holds_is_an_error_of_its_line(line: str, column: str) -> None:
    content = f"{','.join(COLUMNS)}\n{line.format(d='a' * 64)}\n".encode()
    found = read_statement(content)
    assert found.entries == ()
    assert [one.column for one in found.errors] == [column]

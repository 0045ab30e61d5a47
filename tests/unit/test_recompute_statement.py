"""The stand-alone check of statements: what each kind of line must add up to, and what it names when it does not."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from exchange.flows.export_statement import script
from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import AccountKind
from settlement.conversion import CONVERSION, Conversion
from settlement.documents import Divided, make_statement
from settlement.recompute_statement import Report, check, main, said_of
from settlement.runs import Run
from settlement.statement_lines import conversion_line, credit_line
from settlement.statement_totals import Entry
from tests.support.tampered import document_of, number_places, tampered

AT = datetime(2026, 2, 2, tzinfo=UTC)
ME = UUID(int=1)
TOLD = {"en": "a promise was not kept", "zh": "未达到承诺"}


def export(document: bytes) -> bytes:
    text = document.decode()
    digest = hashlib.sha256(document).hexdigest()
    return json.dumps({"type": "statement-export", "v": 1, "sha256": digest, "document": text}).encode()


def statement(opening: int = 0, number: int = 1, **amounts: int) -> bytes:
    """A statement of a conversion, a credit, a payout and one that came back, by which is wanted."""
    run = Run(UUID(int=9), AT - timedelta(days=31), AT, "CNY", 1, "running", AT)
    conversion = Conversion(
        UUID(int=21), ME, AccountKind.PAYABLE, UUID(int=5), Decimal("7.8123"), "the bank of somewhere",
        Money(10_000_001, "EUR"), Money(78_123_007, "CNY"), 812_300_000_000, AT,
    )  # fmt: skip
    credit = UUID(int=22)
    kinds = {
        "bought": (CONVERSION, conversion.id, 78_123_007),
        "credited": (postings.SERVICE_CREDIT, credit, -4_000_000),
        "paid": (postings.PAYOUT, UUID(int=23), -5_000_000),
        "returned": (postings.PAYOUT_FAILED, UUID(int=23), 5_000_000),
    }
    entries = [
        Entry(UUID(int=100 + n), 1, kind, source, amounts.get(name, units), AT)
        for n, (name, (kind, source, units)) in enumerate(kinds.items())
    ]
    shown = {
        (CONVERSION, conversion.id): conversion_line(conversion),
        (postings.SERVICE_CREDIT, credit): credit_line(credit, Money(6_000_000, "CNY"), TOLD, -2_000_000),
    }
    made = make_statement(UUID(int=7), run, ME, (opening, number), entries, Divided({}, {}), AT, shown=shown)
    return export(made.document)


def test_conversions_credits_and_payouts_hold_and_say_what_was_taken_as_it_stood() -> None:
    report = check(statement())
    assert (report.lines, report.differences) == (4, [])
    assert [kind for _, kind in report.as_they_stand] == ["payout", "payout_failed"]
    assert said_of(report, zh=False)[-1].startswith("OK: 2 of 4 lines")
    assert said_of(report, zh=True)[0].endswith("付款，按所列金额计入合计")


def test_each_number_of_conversions_and_credits_counts_and_its_line_is_named() -> None:
    data = statement()
    places = number_places(data)
    assert len(places) >= 14
    for place in places:
        found = check(tampered(data, place)).differences
        assert found, place
        # A payout was ordered, not worked out: only the sums show that it is another.
        if place[0] == "lines" and place[1] < 2:
            assert found[0].at.startswith(f"line {place[1] + 1} "), place


@pytest.mark.parametrize("name", ["bought", "credited"])
def test_a_booking_that_is_off_by_a_millionth_is_named(name: str) -> None:
    off = {"bought": 78_123_006, "credited": -4_000_001}[name]
    (found,) = check(statement(**{name: off})).differences
    assert found.said in {"78.123006", "-4.000001"}
    assert found.should_be in {"78.123007", "-4.00"}


def test_a_digest_that_is_not_of_these_bytes_is_a_difference() -> None:
    said = json.loads(statement())
    said["document"] = said["document"].replace("a promise", "one promise")
    assert [one.at for one in check(json.dumps(said).encode()).differences] == ["sha256"]


def test_a_statement_begins_where_the_one_before_it_ended() -> None:
    first = statement()
    closing = 74_123_007
    assert check(statement(closing, 2), first).differences == []
    assert [one.at for one in check(statement(closing - 1, 2), first).differences] == ["totals: opening"]
    assert [one.at for one in check(statement(closing, 3), first).differences] == ["number"]


def test_a_bare_document_is_read_too_and_what_is_none_is_refused(tmp_path: Any, capsys: Any) -> None:
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(document_of(statement())))
    assert main([str(bare)]) == 0
    wrong = tmp_path / "wrong.json"
    for text in ("", "[]", "{}", '{"type": "statement", "v": 1}', '{"type": "invoice", "v": 1}'):
        wrong.write_text(text)
        assert main([str(wrong)]) == 2
    capsys.readouterr()
    bare.write_text(json.dumps(document_of(tampered(statement(), ("lines", 0, "amount", "amount")))))
    assert main([str(bare), "--lang", "zh"]) == 1
    assert "应为 78.123007" in capsys.readouterr().out


def test_a_statement_of_before_the_arithmetic_was_shown_still_adds_up() -> None:
    line = {
        "journal": "jnl_x",
        "kind": "release",
        "source": "ord_x",
        "at": "2026-02-02T00:00:00Z",
        "amount": {"amount": "264.00", "currency": "CNY"},
        "gross": {"amount": "300.00", "currency": "CNY"},
        "shares": [{"role": "supplier", "weight": 88}, {"role": "platform", "weight": 12}],
        "explain": [],
    }
    totals = {"opening": "0.00", "sales": "300.00", "fees": "-36.00", "shares": "0.00", "payouts": "0.00"}
    totals |= {"adjustments": "0.00", "closing": "264.00"}
    document = {
        "type": "statement",
        "v": 1,
        "organisation": ids.text("org", ME),
        "currency": "CNY",
        "totals": {name: {"amount": value, "currency": "CNY"} for name, value in totals.items()},
        "lines": [line],
    }
    assert check(json.dumps(document).encode()) == Report(1, [], [])
    document["totals"]["closing"]["amount"] = "264.01"
    assert [one.at for one in check(json.dumps(document).encode()).differences] == ["totals: closing"]


def test_the_script_is_one_file_that_imports_nothing_of_ours() -> None:
    text = script().decode()
    compile(text, "recompute_statement.py", "exec")
    assert text.startswith("#!/usr/bin/env python3")
    assert "from settlement" not in text
    assert "from exchange" not in text

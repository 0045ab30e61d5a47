"""Whatever text an entry holds: each format says it, runs none of it, and has the same bytes however it was cut in parts."""

from __future__ import annotations

import csv
import io
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from compliance.formats.csv import Csv
from compliance.formats.shape import Format, Row
from compliance.verify_table import COLUMNS, safe_cell, table_cells, table_row
from tests.support.entries import any_rows, made

FORMATS: tuple[Format, ...] = (Csv(),)
# Any program's idea of where the next cell begins, and what it skips before it looks whether that is a formula.
_CUT = re.compile("[,;|\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_SKIPPED = ' \0\x1f\x7f\xa0\xad\u200b\u2060\u3000\ufeff"“”'
_SIGNS = ("=", "+", "-", "@", "%", "＝", "＋", "－", "＠")


@given(any_rows)
def test_the_table_is_the_one_that_the_verifier_makes(rows: list[Row]) -> None:
    lines = [table_row(COLUMNS.split(","))]
    lines += [table_row(table_cells(one.index, json.loads(one.envelope))) for one in rows]
    assert made(Csv(), rows) == b"".join(lines)


@given(any_rows)
def test_a_table_read_back_holds_every_text_and_no_formula(rows: list[Row]) -> None:
    _, *found = csv.reader(io.StringIO(made(Csv(), rows).decode(), newline=""), strict=True)
    assert len(found) == len(rows)
    for line, one in zip(found, rows, strict=True):
        wanted = table_cells(one.index, json.loads(one.envelope))
        for cell, text in zip(line, wanted, strict=True):
            assert cell.replace("'", "") == text.replace("'", "")
            assert not cell.lstrip(_SKIPPED).startswith(_SIGNS)


@given(any_rows)
def test_no_formula_begins_wherever_another_program_cuts_a_line(rows: list[Row]) -> None:
    for cell in _CUT.split(made(Csv(), rows).decode()):
        assert not cell.lstrip(_SKIPPED).startswith(_SIGNS)


@given(st.text(max_size=30))
def test_a_cell_is_made_harmless_once_and_for_all(text: str) -> None:
    safe = safe_cell(text)
    assert safe.replace("'", "") == text.replace("'", "")
    assert len(safe) >= len(text)


@given(any_rows, st.integers(0, 5), st.integers(0, 5))
def test_parts_can_be_cut_anywhere(rows: list[Row], first: int, second: int) -> None:
    first, second = sorted((first, second))
    for form in FORMATS:
        whole = made(form, rows)
        assert made(form, rows) == whole
        if form.member != "events.parquet":
            assert made(form, rows[:first], rows[first:second], rows[second:]) == whole

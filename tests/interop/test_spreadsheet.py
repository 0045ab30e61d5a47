"""The table of an export, opened by a spreadsheet program: it runs nothing, and every text is the text that it was."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from compliance.formats.csv import Csv, cells
from compliance.formats.moments import micros
from compliance.formats.shape import Row, row
from compliance.verify_report import AMOUNT
from compliance.verify_table import COLUMNS
from tests.support.entries import made, usual, wire, written
from tests.support.reported import SOLD, report_of, sale, table_of
from tests.support.spreadsheet import Cell, formulas_saved, opened
from tests.unit.compliance.test_format_csv import PLAIN, TRICKS
from tests.unit.compliance.test_report_table import AMOUNTS, MOMENT, NO_AMOUNTS, NO_MOMENTS

# Days from 1899-12-30, as spreadsheets count, to 1970.
_EPOCH_DAYS, _DAY = 25_569, 86_400_000_000
_MILLISECOND = 1 / 86_400_000
# What no file of Gnumeric's can hold, or what it holds in one form only.
_FOLDED = str.maketrans({"\0": " ", "\v": None})


def tricky() -> list[Row]:
    """Every trick in every column that holds a text."""
    return [row(n, written(wire(**_everywhere(text)))) for n, text in enumerate([*TRICKS, *PLAIN])]


def _everywhere(text: str) -> dict[str, Any]:
    names = ("action", "agreement", "id", "member", "node", "outcome", "problem", "rule_set", "where")
    return {
        **dict.fromkeys(names, text),
        "actor": {"client": text, "organisation": text},
        "digests": {text: text},
        "object": {"id": text, "version": text},
        "organisations": [text, text],
        "sealed": [text],
        "v": 2,
    }


def folded(text: str) -> str:
    """A text but for the quotes that were put in, and for what the program itself does not keep."""
    return re.sub("[\r\n]+", "\n", text.replace("'", "")).translate(_FOLDED)


@pytest.mark.parametrize("rows", [usual(200), tricky()], ids=["usual", "tricky"])
def test_a_spreadsheet_runs_nothing_and_shows_every_text(tmp_path: Path, rows: list[Row]) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(made(Csv(), rows))
    found = opened(file)
    assert not [where for where, one in found.items() if one.kind == "formula"]
    assert [found[0, n].value for n in range(COLUMNS.count(",") + 1)] == COLUMNS.split(",")
    for line, one in enumerate(rows, 1):
        number, moment, *texts = cells(one.index, one.entry)
        assert found[line, 0] == Cell("number", number)
        at = found[line, 1]
        assert at.kind == "number"
        assert abs(float(at.value) - _EPOCH_DAYS - micros(moment) / _DAY) < _MILLISECOND
        for column, text in enumerate(texts, 2):
            shown = found.get((line, column), Cell("text", ""))
            assert (shown.kind, folded(shown.value)) == ("text", folded(text))
    assert formulas_saved(file) == 0


async def test_a_report_runs_nothing_and_its_amounts_and_moments_can_be_counted_with(tmp_path: Path) -> None:
    """Numbers below zero are numbers; what only begins like one, like a date or like a formula is a text."""
    # A trick that is an amount is a number where amounts stand.
    texts = [one for one in (*TRICKS, *PLAIN, *NO_AMOUNTS, *NO_MOMENTS) if not AMOUNT.match(one)]
    rows = [sale(leaf_index=-n, price=text, paid_at=MOMENT, rule_set=text) for n, text in enumerate(AMOUNTS)]
    rows += [sale(leaf_index=n, price=text, paid_at=text, rule_set=text) for n, text in enumerate(texts)]
    file = tmp_path / "rows.csv"
    file.write_bytes(table_of(await report_of(rows)))
    found, at = opened(file), {name: n for n, name in enumerate(SOLD.names())}
    assert not [where for where, one in found.items() if one.kind == "formula"]
    for line, said in enumerate(rows, 1):
        assert found[line, at["leaf_index"]] == Cell("number", str(said["leaf_index"]))
        price, paid, rule = (found.get((line, at[name]), Cell("text", "")) for name in ("price", "paid_at", "rule_set"))
        assert (rule.kind, folded(rule.value)) == ("text", folded(str(said["rule_set"])))
        if line > len(AMOUNTS):
            for cell, name in ((price, "price"), (paid, "paid_at")):
                assert (cell.kind, folded(cell.value)) == ("text", folded(str(said[name])))
            continue
        assert (price.kind, float(price.value)) == ("number", float(str(said["price"])))
        assert paid.kind == "number"
        assert abs(float(paid.value) - _EPOCH_DAYS - micros(MOMENT) / _DAY) < _MILLISECOND
    assert formulas_saved(file) == 0


def test_without_our_quotes_the_program_would_run_them(tmp_path: Path) -> None:
    """Otherwise the test above would show nothing."""
    file, out = tmp_path / "events.csv", io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([[text] for text in ("=1+1", "'=1+1", "x", "1e5", "2026-1")])
    file.write_text(out.getvalue(), encoding="utf-8")
    kinds = [one.kind for one in opened(file).values()]
    assert kinds == ["formula", "text", "text", "number", "number"]
    assert formulas_saved(file) == 1

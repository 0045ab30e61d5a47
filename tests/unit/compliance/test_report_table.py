"""The table of a report: amounts and moments stay what they are, every other text is a text, and the verifier knows which."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from compliance.reports.shape import csv_line
from compliance.verify_notes import Failed
from compliance.verify_report import cell_of, verify
from tests.support.reported import SOLD, VKEY, report_of, sale, signed_with, table_of
from tests.unit.compliance.test_format_csv import PLAIN, TRICKS

MOMENT = "2026-01-15T08:00:00.000000Z"
AMOUNTS = ("0", "12.34", "-12.34", "-0.50", "300.00", "123456789.123456")
NO_AMOUNTS = (
    "0012", "-", "+1", "1e5", "1,5", "1.", ".5", "-1-1", "--1", "=1", "1\n", "١", "１", "−1", "- 1", "1 ", "-A1", "-1|1"
)  # fmt: skip
NO_MOMENTS = (f"{MOMENT}\n", f"-{MOMENT}", f"+{MOMENT}", MOMENT[:-1], "2026-01-15", "-2026-01-15", "２" + MOMENT[1:])


def test_a_number_and_a_moment_stay_what_they_are() -> None:
    assert [cell_of(one) for one in (-5, 10**20, None, True, MOMENT)] == ["-5", str(10**20), "", "true", MOMENT]
    for text in AMOUNTS:
        assert cell_of(text, amount=True) == text
        # Elsewhere it is a name that looks like a number.
        assert cell_of(text) == f"'{text}"


@pytest.mark.parametrize("text", [*NO_AMOUNTS, *NO_MOMENTS], ids=ascii)
def test_what_only_looks_like_one_is_a_text(text: str) -> None:
    assert cell_of(text, amount=True).startswith("'")


def test_an_amount_is_one_in_its_own_column_alone() -> None:
    line = csv_line(SOLD, sale(price="-1.10", licence="1.10", order="-1", paid_at=MOMENT)).decode()
    (cells,) = csv.DictReader([",".join(SOLD.names()), line])
    assert (cells["price"], cells["licence"], cells["order"], cells["paid_at"]) == ("-1.10", "'1.10", "'-1", MOMENT)


async def test_the_verifier_makes_every_cell_again(tmp_path: Path) -> None:
    texts = [*TRICKS, *PLAIN, *AMOUNTS, *NO_AMOUNTS, *NO_MOMENTS, MOMENT]
    rows = [sale(leaf_index=-n, price=text, source_en=text, licence=text) for n, text in enumerate(texts)]
    data = await report_of(rows)
    file = tmp_path / "report.zip"
    file.write_bytes(data)
    assert f"{len(texts)} rows" in verify(file, [VKEY])[0]
    assert texts[0] == "=1"
    # The same rows, and a table with a cell that is none of ours: whoever holds the log's key could sign it.
    table = table_of(data)
    assert b'"\'=1"' in table
    for wrong in (b'"=1"', b"\"''=1\"", b'"1"', b'""'):
        file.write_bytes(signed_with(data, table.replace(b'"\'=1"', wrong, 1)))
        with pytest.raises(Failed, match=r"rows.csv, line 2: says something else"):
            verify(file, [VKEY])
    file.write_bytes(signed_with(data, table))
    verify(file, [VKEY])

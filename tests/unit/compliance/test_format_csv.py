"""The table: every trick that spreadsheets fall for, and what stands in it."""

from __future__ import annotations

import csv
import io

import pytest

from compliance.formats.csv import Csv
from compliance.formats.shape import row
from compliance.verify_table import COLUMNS, safe_cell
from tests.support.entries import made, usual, wire, written

# Where a quote is put, the text is led by it or has one behind a separator; nothing is taken away.
TRICKS = {
    "=1": "'=1",
    "+1": "'+1",
    "-1": "'-1",
    "-": "'-",
    "@x": "'@x",
    "%x": "'%x",
    "\t=1": "'\t'=1",
    "\r=1": "'\r'=1",
    "\n=1": "'\n'=1",
    "\r\n=1": "'\r'\n'=1",
    " =1": "' =1",
    "\0=1": "'\0=1",
    "\v=1": "'\v'=1",
    "\ufeff=1": "'\ufeff=1",
    "\u200b=1": "'\u200b=1",
    "\u2066=1": "'\u2066=1",
    "\u3000=1": "'\u3000=1",
    "\xa0=1": "'\xa0=1",
    "\xad=1": "'\xad=1",
    "＝1": "'＝1",
    "＋1": "'＋1",
    "－1": "'－1",
    "＠x": "'＠x",
    "﹦1": "'﹦1",
    "⁼1": "'⁼1",
    "−1": "'−1",
    '"=1': "'\"=1",
    "'=1": "''=1",
    "“=1": "'“=1",
    ";=1": "';'=1",
    "x;=1": "x;'=1",
    "x; =1": "x;' =1",
    "x,＝1": "x,'＝1",
    "x\t=1": "x\t'=1",
    "x\r\n@SUM(1)": "x\r'\n'@SUM(1)",
    "x\u2028=1": "x\u2028'=1",
    'a","=1': 'a",\'"=1',
    "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
    "cmd|' /C calc'!A0": "'cmd|' /C calc'!A0",
    "x|=1": "'x|'=1",
    "DDE(1;2;3)": "'DDE(1;2;3)",
    'DDE ("cmd";"/C calc";"x")': '\'DDE ("cmd";"/C calc";"x")',
    'HYPERLINK("http://x.example";"y")': '\'HYPERLINK("http://x.example";"y")',
    "WEBSERVICE（1）": "'WEBSERVICE（1）",
    "#REF!": "'#REF!",
    "$5": "'$5",
    "(5)": "'(5)",
    ".5": "'.5",
    "1e5": "'1e5",
    "0123": "'0123",
    "2026-1": "'2026-1",
    "５": "'５",
    "٥": "'٥",
    "TRUE": "'TRUE",
    "false ": "'false ",
    "MAR-1": "'MAR-1",
    "Sept. 2": "'Sept. 2",
}
PLAIN = ["", "ord_1", "a=1", "a-b", "deed", "语料", "a:b/c.d", "x - y", "market", "march", "truest", "_1"]


@pytest.mark.parametrize("value", TRICKS, ids=ascii)
def test_a_trick_becomes_a_text(value: str) -> None:
    assert safe_cell(value) == TRICKS[value]


@pytest.mark.parametrize("value", PLAIN)
def test_what_is_no_trick_stays(value: str) -> None:
    assert safe_cell(value) == value


def test_a_line_says_what_the_entry_says() -> None:
    fields = wire(problem="x", where="supplier", member="mem_1", sealed=["ab", "cd"], organisations=["org_1", "org_2"])
    found = list(csv.reader(io.StringIO(made(Csv(), [row(7, written(fields))]).decode(), newline=""), strict=True))
    assert found[0] == COLUMNS.split(",")
    said = dict(zip(*found, strict=True))
    digests = " ".join(f"{name}:{digest}" for name, digest in fields["digests"].items())
    assert said == {
        "leaf_index": "7",
        "at": fields["at"],
        "action": fields["action"],
        "outcome": "done",
        "problem": "x",
        "organisation": fields["actor"]["organisation"],
        "client": fields["actor"]["client"],
        "member": "mem_1",
        "object": fields["object"]["id"],
        "object_version": "v1.2",
        "agreement": "agr_01k8",
        "rule_set": "'2026-1",
        "organisations": "org_1 org_2",
        "digests": digests,
        "node": "centre",
        "where": "supplier",
        "sealed": "sha256:ab sha256:cd",
        "id": fields["id"],
    }
    assert digests.count(":") == 2


def test_lines_end_as_the_rfc_says_and_every_cell_is_quoted() -> None:
    lines = made(Csv(), usual(30)).split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == 31
    assert all(line.startswith(b'"') and line.endswith(b'"') and line.count(b'","') == 17 for line in lines)
    assert b"\n" not in b"".join(lines)

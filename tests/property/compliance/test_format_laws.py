"""Whatever text an entry holds: each format says it, runs none of it, and has the same bytes however it was cut in parts."""

from __future__ import annotations

import csv
import io
import json
import re
from urllib.parse import unquote

import pyarrow.parquet as parquet
from hypothesis import given
from hypothesis import strategies as st
from prov.model import ProvDocument

from compliance.formats.csv import Csv
from compliance.formats.known import FORMATS
from compliance.formats.moments import micros
from compliance.formats.ocsf import Ocsf
from compliance.formats.parquet import Parquet
from compliance.formats.prov import Prov
from compliance.formats.shape import Row
from compliance.verify_table import COLUMNS, safe_cell, table_cells, table_row
from tests.support.entries import any_rows, made

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


@given(any_rows)
def test_parquet_holds_every_text(rows: list[Row]) -> None:
    found = parquet.ParquetFile(io.BytesIO(made(Parquet(), rows)), page_checksum_verification=True).read().to_pylist()
    assert len(found) == len(rows)
    for said, one in zip(found, rows, strict=True):
        wire = json.loads(one.envelope)
        assert (said.pop("leaf_index"), dict(said.pop("digests"))) == (one.index, wire["digests"])
        assert said.pop("at").isoformat(timespec="microseconds") == wire["at"].replace("Z", "+00:00")
        assert (said.pop("organisation"), said.pop("client")) == (
            wire["actor"]["organisation"],
            wire["actor"]["client"],
        )
        assert (said.pop("object"), said.pop("object_version")) == (wire["object"]["id"], wire["object"]["version"])
        assert said == {name: wire.get(name, [] if name == "sealed" else None) for name in said}


@given(any_rows)
def test_each_event_is_a_line_and_holds_every_text(rows: list[Row]) -> None:
    data = made(Ocsf(), rows)
    assert data.count(b"\n") == len(rows)
    for line, one in zip(data.splitlines(), rows, strict=True):
        event, entry = json.loads(line), one.entry
        assert (event["metadata"]["sequence"], event["metadata"]["uid"]) == (one.index, entry.id)
        assert (event["metadata"]["event_code"], event.get("status_code")) == (entry.action, entry.problem)
        more = event["unmapped"]
        assert (more.get("digests", {}), more.get("organisations", [])) == (entry.digests, entry.organisations)
        assert event["time"] * 1000 <= micros(entry.at) < event["time"] * 1000 + 1000


@given(any_rows)
def test_provenance_can_be_read_whatever_stands_in_it(rows: list[Row]) -> None:
    text = made(Prov(), rows).decode()
    assert text.count("\n") == max(len(rows), 1) + 2
    said = json.loads(text)["bundle"]
    assert list(said) == [f"cx:leaf/{one.index}" for one in rows]
    for bundle, one in zip(said.values(), rows, strict=True):
        ((name, facts),) = bundle["activity"].items()
        assert unquote(name) == f"cx:{one.entry.id}"
        assert (facts["cx:action"], facts.get("cx:problem")) == (one.entry.action, one.entry.problem)
        assert [unquote(at["$"]) for at in facts.get("cx:concerns", [])] == [
            f"cx:{at}" for at in one.entry.organisations
        ]
    assert len(list(ProvDocument.deserialize(content=text, format="json").bundles)) == len(rows)


@given(any_rows, st.integers(0, 5), st.integers(0, 5))
def test_parts_can_be_cut_anywhere(rows: list[Row], first: int, second: int) -> None:
    first, second = sorted((first, second))
    for form in FORMATS.values():
        whole = made(form, rows)
        assert made(form, rows) == whole
        # A part of a Parquet file is a row group of its own: other parts, other bytes.
        if not isinstance(form, Parquet):
            assert made(form, rows[:first], rows[first:second], rows[second:]) == whole

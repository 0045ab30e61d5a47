"""Laws of records, signals and certificates."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.keys import Keyring
from exchange.kernel.records import (
    Cut,
    Cutter,
    Form,
    IndexBuilder,
    RowIndex,
    build_index,
    count_tokens,
    cut_span,
    fields_of,
)
from exchange.quality import scorecards
from exchange.quality.certificates import CertificateDraft, Subject, document_of, verify
from exchange.quality.profile import Profiler

ID = UUID("01890000-0000-7000-8000-000000000001")
NOW = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
FORMS = st.sampled_from(list(Form))
# Mostly the bytes that decide something.
BYTES = st.lists(
    st.sampled_from([b"\n", b"\r\n", b'"', b",", b" ", b"{}", b'{"text":"ab"}', b"1", "诗".encode(), b"\xff", b"\n\n"])
    | st.binary(max_size=4),
    max_size=40,
).map(b"".join)


def chunks_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(edges)]


@given(FORMS, BYTES, st.lists(st.integers(0, 10_000), max_size=8))
def test_records_do_not_depend_on_the_chunks(form: Form, data: bytes, cuts: list[int]) -> None:
    whole, pieces = Cutter(form), Cutter(form)
    at_once: list[Cut] = [*whole.feed(data), *whole.finish()]
    by_piece: list[Cut] = [cut for chunk in chunks_of(data, cuts) for cut in pieces.feed(chunk)]
    by_piece += pieces.finish()
    assert by_piece == at_once
    assert pieces.header == whole.header


@given(FORMS, BYTES, st.integers(0, 30), st.integers(0, 30))
def test_a_span_holds_exactly_its_records(form: Form, data: bytes, first: int, more: int) -> None:
    builder = IndexBuilder(form)
    cuts = builder.feed(data)
    last_cuts, built = builder.finish()
    everything = [cut.data for cut in (*cuts, *last_cuts)]
    index = RowIndex.from_bytes(built.to_bytes())
    assert (list(index.starts), index.form, index.size_bytes) == (list(built.starts), form, len(data))
    start, end = index.span(first, first + more)
    assert list(cut_span(form, data[start:end])) == everything[first : first + more]


@given(
    st.lists(st.dictionaries(st.text(min_size=1), st.text() | st.integers(-9, 9) | st.none(), min_size=1), max_size=8)
)
def test_json_lines_come_back(rows: list[dict[str, object]]) -> None:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert [fields_of(Form.JSONL, cut) for cut in cut_span(Form.JSONL, data)] == rows


TEXT_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(TEXT_CELL.map(lambda s: "x" + s), TEXT_CELL), max_size=8))
def test_csv_rows_come_back_as_the_standard_library_wrote_them(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    data = out.getvalue().encode()
    index = build_index(Form.CSV, [data])
    start, end = index.span(0, len(rows))
    found = [fields_of(Form.CSV, cut, ["a", "b"]) for cut in cut_span(Form.CSV, data[start:end])]
    assert [tuple(row.values()) for row in found] == rows


@given(st.sampled_from(["a.jsonl", "a.csv", "a.txt", "a.bin"]), BYTES, st.lists(st.integers(0, 10_000), max_size=5))
def test_a_scorecard_does_not_depend_on_the_chunks_and_its_counts_add_up(
    path: str, data: bytes, cuts: list[int]
) -> None:
    cards = []
    for chunks in ([data], chunks_of(data, cuts)):
        profiler = Profiler()
        profiler.begin(path, "")
        for chunk in chunks:
            profiler.feed(chunk)
        profiler.end()
        signals = profiler.signals()
        assert signals.size_bytes == len(data)
        assert signals.well_formed >= signals.compared_records >= signals.duplicate_records >= 0
        assert signals.well_formed == signals.compared_records + signals.empty_records
        assert all(sum(f.types.values()) + f.null_count == signals.structured_records for f in signals.fields)
        cards.append(scorecards.make(ID, b"r" * 32, signals))
    assert cards[0] == cards[1]


@given(st.text(), st.text())
def test_tokens_of_two_texts_apart_are_the_sum(left: str, right: str) -> None:
    assert count_tokens(f"{left} {right}") == count_tokens(left) + count_tokens(right)


@given(st.text(st.characters(codec="ascii")))
def test_the_short_way_for_ascii_counts_the_same(text: str) -> None:
    assert count_tokens(text) == count_tokens(text + "\u2603") == count_tokens("。" + text)


@given(st.data())
def test_every_one_bit_change_breaks_a_certificate(keyring: Keyring, data: st.DataObject) -> None:
    subject = Subject(ID, b"r" * 32, ID, b"s" * 32, ID, ID)
    document = document_of(ID, subject, CertificateDraft({"en": "Good.", "zh": "良好。"}, "full", 30), NOW)
    made = keyring.sign("certificate", document)
    assert verify(document, made.kid, made.value, keys=keyring.verify, now=NOW) == []
    for which, value in (("document", document), ("signature", made.value)):
        bit = data.draw(st.integers(0, len(value) * 8 - 1), label=which)
        changed = bytearray(value)
        changed[bit // 8] ^= 1 << bit % 8
        parts = (bytes(changed), made.value) if which == "document" else (document, bytes(changed))
        assert verify(parts[0], made.kid, parts[1], keys=keyring.verify, now=NOW)

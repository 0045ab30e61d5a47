"""Records of small files, told apart by hand."""

from __future__ import annotations

import pytest

from exchange.kernel import records
from exchange.kernel.records import BadRecord, Cutter, Form, RowIndex, build_index, count_tokens, cut_span, fields_of


@pytest.mark.parametrize(
    ("path", "media_type", "form"),
    [
        ("a.jsonl", "application/octet-stream", Form.JSONL),
        ("a.CSV", "text/plain", Form.CSV),
        ("b/notes.md", "text/markdown", Form.TEXT),
        ("data", "text/csv; charset=utf-8", Form.CSV),
        ("x.png", "image/png", Form.OPAQUE),
    ],
)
def test_the_form_of_a_file(path: str, media_type: str, form: Form) -> None:
    assert records.form_of(path, media_type) is form


def test_jsonl_counts_lines_that_are_not_blank() -> None:
    data = b'{"a":1}\n\n  \r\n{"a":2}\r\nnot json'
    index = build_index(Form.JSONL, [data])
    assert list(index.starts) == [0, 13, 22]
    start, end = index.span(1, 3)
    assert list(cut_span(Form.JSONL, data[start:end])) == [b'{"a":2}', b"not json"]


def test_a_csv_row_may_hold_line_ends_in_quotes() -> None:
    data = b'name,note\r\nann,"two\nlines, ""quoted"""\r\nbob,one\n'
    index = build_index(Form.CSV, [data])
    assert index.header_bytes == 11
    start, end = index.span(0, 2)
    rows = [fields_of(Form.CSV, row, ["name", "note"]) for row in cut_span(Form.CSV, data[start:end])]
    assert rows == [{"name": "ann", "note": 'two\nlines, "quoted"'}, {"name": "bob", "note": "one"}]


def test_a_text_record_is_a_paragraph() -> None:
    data = "第一段\n第二行\n\n\n  second\n".encode()
    index = build_index(Form.TEXT, [data])
    assert len(index) == 2
    assert [cut.decode() for cut in cut_span(Form.TEXT, data)] == ["第一段\n第二行", "  second"]


def test_a_byte_order_mark_is_no_part_of_the_first_record() -> None:
    assert Cutter(Form.JSONL).feed(b'\xef\xbb\xbf{"a":1}\n') == [(3, b'{"a":1}')]


def test_an_oversized_record_is_found_but_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORD_BYTES_MAX", 10)
    cutter = Cutter(Form.JSONL)
    cuts = [
        cut for piece in (b'{"a":1}\n', b'{"long":', b'"xxxxxxx"}', b"\n", b'{"b":2}\n') for cut in cutter.feed(piece)
    ]
    assert cuts == [(0, b'{"a":1}'), (8, None), (27, b'{"b":2}')]


def test_spans_past_the_end_are_cut_and_backward_ones_refused() -> None:
    index = build_index(Form.JSONL, [b"1\n2\n3\n"])
    assert index.span(2, 99) == (4, 6)
    assert index.span(7, 9) == (6, 6)
    with pytest.raises(ValueError, match="0 <= first"):
        index.span(2, 1)


@pytest.mark.parametrize("broken", [b"", b"CXRI", b"X" * 40, build_index(Form.CSV, [b"a\n1\n"]).to_bytes()[:-1]])
def test_a_broken_index_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="row index"):
        RowIndex.from_bytes(broken)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        (Form.JSONL, b"[1]"),
        (Form.JSONL, b"{"),
        (Form.JSONL, b'{"a":"\xff"}'),
        (Form.TEXT, b"\xff"),
        (Form.CSV, b"1,2,3"),
    ],
)
def test_bad_records_say_why(form: Form, data: bytes) -> None:
    with pytest.raises(BadRecord):
        fields_of(form, data, ["a", "b"])


def test_column_names_are_never_empty_and_never_twice() -> None:
    assert records.header_names(b"a,,a") == ["a", "column_2", "a_3"]


def test_the_text_of_a_record() -> None:
    assert records.text_of(Form.JSONL, {"id": "1", "text": "t"}) == "t"
    chat = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], "n": 3}
    assert records.text_of(Form.JSONL, chat) == "user\nhi\nassistant\nhello"
    assert records.text_of(Form.CSV, {"a": "1", "b": "x"}) == "1\tx"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("床前明月光，疑是地上霜。", 10),
        ("It's a dog-eared book, isn’t it?", 7),
        ("GPT4模型 costs 3.5 元", 1 + 2 + 1 + 2 + 1),
        ("カタカナ 한국어", 7),
        ("naïve_café", 2),
        ("— … !", 0),
    ],
)
def test_tokens_by_cx_words_1(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens

"""What the profiler counts, against files made by hand and the demo's data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.kernel.records import NESTING_MAX
from exchange.quality import measuring
from exchange.quality.distinct import DIGEST_BYTES, Distinct
from exchange.quality.languages import language_of
from exchange.quality.lengths import Lengths
from exchange.quality.measuring import MeasuredFile, measure
from exchange.quality.personal import hints_in
from exchange.quality.profile import FIELDS_MAX, Field, Profiler, Signals, cell_kind, normalised

DATA = Path(__file__).resolve().parents[2] / "sandbox" / "data"


def profile(*files: tuple[str, bytes]) -> Signals:
    profiler = Profiler()
    for path, data in files:
        profiler.begin(path, "application/octet-stream")
        profiler.feed(data)
        profiler.end()
    return profiler.signals()


def folder(name: str) -> Signals:
    wanted = sorted(path for path in (DATA / name).iterdir() if path.suffix in {".jsonl", ".csv"})
    return profile(*((path.name, path.read_bytes()) for path in wanted))


def test_every_kind_of_bad_record_is_counted_and_none_is_fatal() -> None:
    signals = profile(("a.jsonl", b'{"text":"a"}\n{"text":\n[1]\n{"text":"\xff\xfe"}\n{"text":" "}\n{"text":null}\n'))
    assert (signals.records, signals.malformed_records, signals.encoding_errors) == (6, 2, 1)
    assert (signals.well_formed, signals.empty_records, signals.compared_records) == (3, 2, 1)


def test_duplicates_are_found_across_files_spaces_and_composition() -> None:
    one = '{"id":1,"text":"caf\u00e9  au lait"}\n{"id":2,"text":"other"}\n'
    two = '{"id":3,"text":" cafe\u0301\\nau lait "}\n'
    signals = profile(("1.jsonl", one.encode()), ("2.jsonl", two.encode()))
    assert (signals.compared_records, signals.duplicate_records) == (3, 1)


def test_fields_have_types_and_nulls() -> None:
    signals = profile(("t.csv", "标题,n,day\nx,1,2020-01-02\ny,2.5,NA\n,3,\n".encode()))
    assert signals.fields == [
        Field("标题", {"text": 2}, 1),
        Field("n", {"decimal": 1, "integer": 2}, 0),
        Field("day", {"date": 1}, 2),
    ]
    signals = profile(("t.jsonl", b'{"a":1,"b":[],"c":{"d":1}}\n{"a":true,"b":null,"c":1.5}\n{}\n'))
    assert signals.fields == [
        Field("a", {"boolean": 1, "integer": 1}, 1),
        Field("b", {"list": 1}, 2),
        Field("c", {"decimal": 1, "object": 1}, 1),
    ]


def test_the_number_of_fields_is_bounded() -> None:
    line = ("{" + ",".join(f'"f{n}":1' for n in range(FIELDS_MAX + 7)) + "}\n").encode()
    signals = profile(("t.jsonl", line * 3))
    assert (len(signals.fields), signals.fields_left_out) == (FIELDS_MAX, 7)


def test_long_names_stay_apart_and_deep_records_are_read() -> None:
    long = "n" * 300
    signals = profile(("t.jsonl", f'{{"{long}1":1,"{long}2":2}}\n'.encode()))
    assert [len(field.name) for field in signals.fields] == [200, 200]
    assert all(field.null_count == 0 for field in signals.fields)
    for depth, good in ((NESTING_MAX, 1), (NESTING_MAX + 1, 0), (5_000, 0)):
        deep = profile(("t.jsonl", b'{"a":' * depth + b'"x"' + b"}" * depth))
        assert (deep.well_formed, deep.malformed_records) == (good, 1 - good)
    wide = b'{"a":[' + b"[]," * 500 + b"{}]}"
    assert profile(("t.jsonl", wide)).well_formed == 1


def test_a_tower_of_combining_marks_is_not_slow() -> None:
    tower = "a" + "\u0301\u0316" * 20_000
    # 26 seconds for a tower four times as high before it was composed in pieces; the test's own limit would end it.
    assert len(normalised(tower)) >= 40_000
    assert normalised(" cafe\u0301 \n au") == "café au"
    assert normalised("é" * 600) == "é" * 600


def test_other_files_are_bytes_only() -> None:
    signals = profile(("x.png", b"\x89PNG\n\n"), ("a.txt", b"one\n\ntwo\n"))
    assert (signals.files, signals.size_bytes, signals.records) == ({"opaque": 1, "text": 1}, 15, 2)
    assert signals.structured_records == 0


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (" 12 ", "integer"),
        ("-1.5e3", "decimal"),
        ("1e9", "decimal"),
        ("NA", None),
        ("", None),
        ("True", "boolean"),
        ("2020-02-03T04:05:06Z", "date"),
        ("2020", "integer"),
        ("x1", "text"),
        ("1" * 65, "text"),
    ],
)
def test_the_type_of_a_cell(cell: str, kind: str | None) -> None:
    assert cell_kind(cell) == kind


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("电话13812345678联系", ["cn_mobile"]),
        ("电话＋86１３８１２３４５６７８联系", ["cn_mobile"]),
        ("+86 138 1234 5678", ["cn_mobile"]),
        ("邮箱zhang.san@example.com。", ["email"]),
        ("身份证11010519491231002X，", ["cn_id"]),
        ("身份证110105194912310021，", []),
        ("我的卡号4012888888881881，请查收", ["bank_card"]),
        ("4012 8888 8888 1881", ["bank_card"]),
        ("4012888888881882", []),
        ("order 12345678901234567, 1990 1991 1992 1993", []),
        ("a@b", []),
        ("138123456789", []),
    ],
)
def test_hints_of_personal_data(text: str, kinds: list[str]) -> None:
    assert hints_in(text) == kinds


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("关关雎鸠，在河之洲。窈窕淑女，君子好逑。这个问题很难说。", "zh-Hans"),
        ("寥落古行宮，宮花寂寞紅。這個問題很難說。", "zh-Hant"),
        ("山水", "zh"),
        ("これは日本語の文章です。漢字も少しあります。", "ja"),
        ("이것은 한국어 문장입니다", "ko"),
        ("We hold these truths to be self-evident, that all men are created equal.", "en"),
        ("Tous les êtres humains naissent libres et égaux en dignité et en droits.", "fr"),
        ("Alle Menschen sind frei und gleich an Würde und Rechten geboren.", "de"),
        ("Все люди рождаются свободными", "und"),
        ("12345 !!", None),
    ],
)
def test_languages(text: str, tag: str | None) -> None:
    assert language_of(text) == tag


def test_the_distinct_count_is_the_same_in_memory_and_in_files() -> None:
    digests = [bytes([n % 251, n % 7]) * (DIGEST_BYTES // 2) for n in range(5_000)]
    small, large = Distinct(in_memory_max=100), Distinct()
    for digest in digests:
        small.add(digest)
        large.add(digest)
    assert small.count() == large.count() == len(set(digests))


def test_quantiles_are_nearest_ranks() -> None:
    lengths = Lengths()
    for length in range(1, 101):
        lengths.add(length)
    lengths.add(1_000_003)
    assert lengths.summary() == {"min": 1, "p5": 6, "p25": 26, "p50": 51, "p75": 76, "p95": 96, "max": 1_000_003}
    assert Lengths().summary() == {}


def test_the_demo_poems() -> None:
    signals = folder("zh_poems")
    assert (signals.records, signals.well_formed, signals.empty_records) == (4_422, 4_422, 0)
    assert (signals.characters, signals.tokens, signals.duplicate_records) == (352_913, 280_601, 56)
    chinese = sum(count for tag, (count, _) in signals.languages.items() if tag.startswith("zh"))
    assert chinese >= 4_420
    assert signals.personal_records == 0


def test_the_demo_speeches_and_the_table() -> None:
    speeches = folder("en_speeches")
    assert (speeches.records, speeches.duplicate_records, list(speeches.languages)) == (1_153, 0, ["en"])
    table = folder("penguins")
    assert table.records == 344
    assert [field.name for field in table.fields][:3] == ["species", "island", "bill_length_mm"]
    assert table.fields[6] == Field("sex", {"text": 333}, 11)
    assert table.languages == {}


class _Blobs:
    def __init__(self, blobs: dict[bytes, list[bytes]]) -> None:
        self._blobs = blobs

    async def open_range(self, sha256: bytes, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        for chunk in self._blobs[sha256]:
            yield chunk


async def test_measuring_reports_progress_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "REPORT_EVERY_BYTES", 4)
    blobs = _Blobs({b"1": [b"one\n", b"\ntwo\n"], b"2": [b"x" * 9]})
    files = [MeasuredFile("a.txt", "text/plain", b"1", 9), MeasuredFile("b.bin", "image/png", b"2", 9)]
    seen: list[tuple[int, int]] = []

    async def watch(done: int, total: int) -> None:
        seen.append((done, total))

    signals = await measure(files, blobs, watch)
    assert (signals.records, signals.size_bytes) == (2, 18)
    assert seen == [(4, 18), (9, 18), (18, 18), (18, 18)]

    async def stop(_done: int, _total: int) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await measure(files, blobs, stop)

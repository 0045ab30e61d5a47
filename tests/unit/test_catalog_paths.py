"""Which paths a file of a revision may have."""

from __future__ import annotations

import pytest

from exchange.catalog.paths import collision, fold, media_type, refuse_path


@pytest.mark.parametrize(
    "path",
    ["a", "train/part-0001.jsonl", "数据/唐诗.jsonl", "a b/c.d", "_SUCCESS", "x" * 255, "한국어/자료.txt", ".hidden"],
)
def test_good_paths_pass(path: str) -> None:
    assert refuse_path(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "..",
        "a/../b",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "C:/x",
        "a\x00b",
        "a\nb",
        "a\u202eb",
        "e\u0301",
        "x" * 256,
        "字" * 86,
        "a/" * 600 + "a",
        "/".join("a" * 33),
        "CON",
        "nul.txt",
        "a.",
        " a",
        "a ",
        "a?b",
        "a/\ud800",
    ],
)
def test_bad_paths_are_refused_in_both_languages(path: str) -> None:
    reason = refuse_path(path)
    assert reason is not None
    assert reason.en
    assert reason.zh


@pytest.mark.parametrize(
    "paths",
    [("A.txt", "a.TXT"), ("straße", "STRASSE"), ("ﬁle", "file"), ("a", "a/b"), ("a/b/c", "A/B"), ("x", "x")],
)
def test_paths_that_would_meet_on_some_disk_collide(paths: tuple[str, str]) -> None:
    assert collision(paths) == paths[1]
    assert collision(reversed(paths)) == paths[0]


def test_neighbours_do_not_collide() -> None:
    assert collision(["a/b", "a/c", "ab", "a.b"]) is None
    assert fold("Ａ") == "a"


def test_media_types_do_not_depend_on_the_machine() -> None:
    assert media_type("a/b.JSONL") == "application/x-ndjson"
    assert media_type("a.b/c") == "application/octet-stream"
    assert media_type("t.parquet") == "application/vnd.apache.parquet"

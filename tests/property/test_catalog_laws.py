"""Laws of paths and search words."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from exchange.catalog.paths import collision, fold, refuse_path
from exchange.catalog.search import query, tokens, vector

LETTERS = st.characters(codec="utf-8")
TOKEN = re.compile(r"'(?:[^'\\]|''|\\\\)+'")
HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=12)


@given(st.text(st.one_of(st.sampled_from("/.\\ ab:"), LETTERS), max_size=40))
def test_an_accepted_path_stays_inside_its_folder(path: str) -> None:
    if refuse_path(path) is None:
        segments = path.split("/")
        assert not path.startswith(("/", "~/..", "\\"))
        assert all(segment not in ("", ".", "..") for segment in segments)
        assert "\x00" not in path
        assert all(len(segment.encode()) <= 255 for segment in segments)


@given(st.text(LETTERS, max_size=20))
def test_folding_twice_is_folding_once_and_ignores_case(path: str) -> None:
    assert fold(fold(path)) == fold(path)
    assert collision([path, path]) == path


@given(st.lists(st.text("abAB/", min_size=1, max_size=4), max_size=6))
def test_a_collision_does_not_depend_on_order(paths: list[str]) -> None:
    assert (collision(paths) is None) == (collision(sorted(paths, reverse=True)) is None)


@given(st.text(LETTERS, max_size=60))
def test_tokens_are_safe_in_a_literal(text: str) -> None:
    for token in tokens(text):
        assert token
        assert not set(token) & set("'\\&|!()<>:* \t\n")
    left = TOKEN.sub("", vector([(text, "A")]))
    assert re.fullmatch(r"[0-9A:, ]*", left)


@given(st.text(LETTERS, max_size=60))
def test_a_question_is_well_formed(text: str) -> None:
    asked = query(text)
    if asked is None:
        assert tokens(text) == []
    else:
        for part in (asked.must, asked.should):
            assert re.fullmatch(r"[()&|:* ]*", TOKEN.sub("", part))
            assert TOKEN.search(part)


@given(HAN, HAN, HAN)
def test_a_part_of_a_chinese_text_has_its_tokens_in_it(before: str, part: str, after: str) -> None:
    assert set(tokens(part)) <= set(tokens(before + part + after))


@given(st.text(LETTERS, max_size=30), st.text(LETTERS, max_size=30))
def test_texts_side_by_side_keep_their_tokens(left: str, right: str) -> None:
    assert tokens(f"{left} | {right}") == tokens(left) + tokens(right)

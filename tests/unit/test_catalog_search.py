"""Words of the index and of the question."""

from __future__ import annotations

from exchange.catalog.search import query, tokens, vector


def test_chinese_becomes_characters_and_pairs_and_latin_becomes_words() -> None:
    assert tokens("唐诗 Tang-poems, Café 2024") == ["唐", "唐诗", "诗", "tang", "poems", "cafe", "2024"]


def test_traditional_and_full_width_letters_meet_their_plain_forms() -> None:
    assert tokens("語料庫ＡＢ") == tokens("语料库ab")


def test_the_vector_has_positions_and_weights() -> None:
    assert vector([("唐诗", "A"), ("poems", "B")]) == "'poems':5B '唐':1A '唐诗':1A '诗':2A"


def test_a_question_without_words_is_none() -> None:
    assert query("") is None
    assert query(" ,.!？。 ") is None


def test_a_question_asks_for_every_word_and_ranks_by_pairs() -> None:
    asked = query("tang 诗")
    assert asked is not None
    assert asked.must == "'tang':* & '诗'"
    asked = query("唐诗")
    assert asked is not None
    assert asked.must == "'唐诗'"
    asked = query("唐诗集")
    assert asked is not None
    assert asked.must == "'唐' & '诗' & '集' & ('唐诗' | '诗集')"
    assert asked.should == "'唐诗' | '诗集'"


def test_quotes_and_operators_are_no_syntax() -> None:
    asked = query("a' | !b & (c) \\ <-> :*")
    assert asked is not None
    assert asked.must == "'a' & 'b' & 'c'"


def test_a_very_long_text_is_cut() -> None:
    assert len(vector([("a " * 100_000, "A")])) < 2_000
    asked = query("字" * 10_000 + " word" * 10_000)
    assert asked is not None
    assert len(asked.must) < 2_000

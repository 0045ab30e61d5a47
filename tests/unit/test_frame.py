"""The legal frame: what it says in words, what it does not say, and what is wrong with one."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.frame import FRAME_SCHEMA, MISSING, TITLES, BadFrame, Frame, fits, load, parse, words

WHOLE: dict[str, Any] = {
    "governing_law": "CN",
    "forum": {"kind": "arbitration", "name": {"en": "CIETAC, Beijing", "zh": "中国国际经济贸易仲裁委员会（北京）"}},
    "prevailing_language": "zh",
    "warranties": ["right_to_license", "as_described"],
    "indemnity": {"by": "seller", "covers": ["third_party_rights"], "capped": True},
    "liability_cap": {"multiple_of_price": "1.5"},
    "voice_and_likeness": "consented",
    "voice_and_likeness_uses": ["recognise"],
    "acceptance": {"days": 14, "silence": "accepts"},
}


def english(frame: Frame | None, key: str) -> list[str]:
    (section,) = [section for section in words(frame) if section.key == key]
    return [sentence.en for sentence in section.sentences]


def frame_of(document: dict[str, Any]) -> Frame:
    found = parse(document)
    assert isinstance(found, Frame), [problem.detail("en") for problem in found]
    return found


def test_a_whole_frame_in_words() -> None:
    frame = frame_of(WHOLE)
    assert frame.missing == ()
    assert not any(section.missing for section in words(frame))
    assert english(frame, "governing_law") == ["The law of China governs the agreement."]
    assert english(frame, "forum") == ["CIETAC, Beijing (arbitration)."]
    assert english(frame, "liability_cap") == ["At most 1.5 times the price paid."]
    assert english(frame, "warranties") == [
        "The seller warrants: it may grant these rights.",
        "The seller warrants: the data are as the listing describes them.",
    ]
    assert english(frame, "indemnity") == [
        "The seller holds the buyer harmless from claims that the data infringe rights of others.",
        "The liability cap holds for this too.",
    ]
    assert (
        english(frame, "voice_and_likeness")[1]
        == "They consented to training models that recognise speech or pictures."
    )
    assert english(frame, "acceptance")[1] == "Whoever says nothing in that time has accepted."


def test_without_a_frame_every_part_is_missing_and_nothing_is_assumed() -> None:
    sections = words(None)
    assert [section.key for section in sections] == list(TITLES)
    assert all(section.missing and section.sentences == (MISSING,) for section in sections)


@pytest.mark.parametrize("left_out", list(TITLES))
def test_a_part_that_is_left_out_is_shown_as_missing_and_no_other(left_out: str) -> None:
    rest = {key: value for key, value in WHOLE.items() if not key.startswith(left_out)}
    if left_out == "liability_cap":
        rest["indemnity"] = {"by": "none"}
    frame = frame_of(rest)
    assert frame.missing == (left_out,)
    assert [section.key for section in words(frame) if section.missing] == [left_out]


def test_likeness_that_is_not_stated_is_missing_even_when_the_document_says_so() -> None:
    assert frame_of({"voice_and_likeness": "not_stated"}).missing == tuple(TITLES)


def test_the_languages_of_terms_and_frame_agree() -> None:
    frame = frame_of(WHOLE)
    assert fits(frame, "zh") is None
    problem = fits(frame, "en")
    assert problem is not None
    assert problem.fields["field"] == "/prevailing_language"
    (section,) = [one for one in words(frame_of({"governing_law": "DE"}), "en") if one.key == "prevailing_language"]
    assert (section.missing, section.sentences[0].en) == (False, "Where the two texts differ, the English text counts.")


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"liability_cap": None}, "Liability has no cap; the parties say so."),
        ({"liability_cap": {"multiple_of_price": "1"}}, "At most the price paid."),
        ({"liability_cap": {"amount": {"amount": "10000.00", "currency": "EUR"}}}, "At most 10000.00 EUR."),
        ({"indemnity": {"by": "none"}}, "Neither side holds the other harmless."),
        ({"indemnity": {"by": "both", "covers": ["misuse"], "capped": False}, "liability_cap": {"multiple_of_price": "2"}},
         "The liability cap does not hold for this."),
        ({"warranties": ["as_is"]}, "The seller warrants: it warrants nothing: the data come as they are."),
        ({"voice_and_likeness": "none"}, "No person can be heard or recognised in the data."),
        ({"voice_and_likeness": "consented"}, "To which uses they consented is not stated."),
        ({"acceptance": {"days": 1}}, "The buyer has 1 day from the first delivery to accept or refuse."),
        ({"acceptance": {"days": 2}}, "What silence means is not stated."),
        ({"acceptance": {"days": 2, "silence": "refuses"}}, "Whoever says nothing in that time has refused."),
        ({"forum": {"kind": "court", "name": {"en": "Courts of Berlin", "zh": "柏林法院"}}}, "Courts of Berlin (a court)."),
    ],
)  # fmt: skip
def test_each_part_has_its_sentence(part: dict[str, Any], sentence: str) -> None:
    assert sentence in [text.en for section in words(frame_of(part)) for text in section.sentences]


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        ({}, "/", "at least 1"),
        ({"law": "CN"}, "/law", "not known here"),
        ({"governing_law": "China"}, "/governing_law", "ISO 3166"),
        ({"governing_law": "CN\n"}, "/governing_law", "ISO 3166"),
        ({"forum": {"kind": "court", "name": {"en": "Berlin"}}}, "/forum/name/zh", "is missing"),
        ({"warranties": []}, "/warranties", "at least 1"),
        ({"warranties": ["as_is", "as_described"]}, "/warranties", "excludes every other"),
        ({"indemnity": {"by": "seller"}}, "/indemnity/covers", "is missing"),
        ({"indemnity": {"by": "none", "covers": ["misuse"]}}, "/indemnity", "covers nothing"),
        (
            {"indemnity": {"by": "seller", "covers": ["misuse"], "capped": True}},
            "/indemnity/capped",
            "no liability cap",
        ),
        ({"liability_cap": {"multiple_of_price": "0.00"}}, "/liability_cap/multiple_of_price", "exclusion of all"),
        ({"liability_cap": {"multiple_of_price": "1e3"}}, "/liability_cap/multiple_of_price", "decimal text"),
        ({"liability_cap": {"multiple_of_price": "1", "amount": None}}, "/liability_cap", "at most 1"),
        ({"voice_and_likeness_uses": ["imitate"]}, "/voice_and_likeness_uses", "not consented"),
        ({"acceptance": {"days": 0}}, "/acceptance/days", "at least 1"),
    ],
)
def test_a_wrong_frame_says_where_and_why(document: dict[str, Any], field: str, said: str) -> None:
    problems = parse(document)
    assert isinstance(problems, list)
    told = {problem.fields["field"]: problem for problem in problems}
    assert field in told, list(told)
    assert said in told[field].detail("en")
    assert any("一" <= letter <= "鿿" for letter in told[field].detail("zh"))
    with pytest.raises(BadFrame):
        load(document)


def test_the_published_schema_of_frames_is_a_schema() -> None:
    Draft202012Validator.check_schema(FRAME_SCHEMA)

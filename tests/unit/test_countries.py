"""Countries and areas by name, in both languages."""

from __future__ import annotations

import pytest

from contracts.countries import COUNTRIES, named, places
from exchange.kernel.text import Text


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("CN", "China", "中国"),
        ("US", "the United States", "美国"),
        ("HK", "Hong Kong SAR (China)", "中国香港"),
        ("US-NY", "the United States (US-NY)", "美国（US-NY）"),
        ("ZZ", "ZZ", "ZZ"),
    ],
)
def test_a_code_has_its_name(code: str, english: str, chinese: str) -> None:
    assert named(code) == Text(english, chinese)


def test_every_country_has_a_name_of_its_own_in_both_languages() -> None:
    names = [named(code) for code in COUNTRIES]
    assert not {text for name in names for text in (name.en, name.zh)} & COUNTRIES
    assert len({name.en for name in names}) == len({name.zh for name in names}) == len(COUNTRIES)


def test_several_are_one_line_in_the_order_of_their_codes() -> None:
    assert places(["SG", "CN"]) == Text("China and Singapore", "中国、新加坡")
    assert places(["US", "SG", "CN"]).en == "China, Singapore and the United States"

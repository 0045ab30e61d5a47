"""Official numbers: real ones pass, slips of the pen do not."""

from __future__ import annotations

import pytest

from exchange.kernel.errors import Problem
from exchange.parties.identifiers import Identifier, Scheme, identifier


@pytest.mark.parametrize(
    ("scheme", "written", "kept"),
    [
        ("uscc", "91110000600037341L", "91110000600037341L"),
        ("uscc", "91 110000 600037341L", "91110000600037341L"),
        ("lei", "213800KUD8LAJWSQ9D15", "213800KUD8LAJWSQ9D15"),
        ("lei", "2138-00KU-D8LA-JWSQ-9D15", "213800KUD8LAJWSQ9D15"),
        ("eu_vat", "DE136695976", "DE136695976"),
        ("eu_vat", "fr 40 303 265 045", "FR40303265045"),
    ],
)
def test_a_number_is_kept_in_its_compact_form(scheme: str, written: str, kept: str) -> None:
    assert identifier(scheme, written) == Identifier(Scheme(scheme), kept)


@pytest.mark.parametrize(
    ("scheme", "written"),
    [
        ("uscc", "91110000600037341M"),
        ("uscc", "9111000060003734"),
        ("uscc", ""),
        ("lei", "213800KUD8LAJWSQ9D16"),
        ("lei", "1"),
        ("lei", ""),
        ("lei", "21380０KUD8LAJWSQ9D15"),
        ("eu_vat", "136695976"),
        ("eu_vat", "US136695976"),
        ("eu_vat", "DE" + "1" * 10_000),
        ("duns", "150483782"),
    ],
)
def test_a_wrong_number_is_refused_in_both_languages(scheme: str, written: str) -> None:
    answer = identifier(scheme, written)
    assert isinstance(answer, Problem)
    assert answer.slug == "identifier-invalid"
    assert scheme in answer.detail("en")
    assert "代码" in answer.detail("zh")

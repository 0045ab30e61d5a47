"""Terms, decisions and agreements in cases that a person can read."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from contracts.agreements import Deal, Frame, Template, verify
from contracts.evaluation import permits, permitted_purposes
from contracts.terms import TERMS_SCHEMA, BadTerms, Terms, load, parse, plain_words
from exchange.kernel.canonical import sha256
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money

AT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
OWN: dict[str, Any] = {
    "purposes": ["pretrain", "fine_tune", "evaluate"],
    "prohibits": ["redistribute"],
    "commercial": True,
    "territory": ["CN", "HK"],
    "duration": {"months": 1},
    "users": 50,
    "attribution": True,
    "no_reidentification": True,
    "delete_at_end": True,
    "report_use": True,
}


def terms_of(**rest: Any) -> Terms:
    return load({"type": "terms", "v": 1, "prevailing_language": "zh", **rest})


@pytest.mark.parametrize(
    ("expression", "purpose", "commercial", "verdict"),
    [
        ("CC0-1.0", "redistribute", True, "permit"),
        ("CC-BY-4.0", "pretrain", True, "permit"),
        ("CC-BY-4.0", "sell", True, "unknown"),
        ("CC-BY-NC-4.0", "pretrain", True, "deny"),
        ("CC-BY-NC-4.0", "pretrain", False, "permit"),
        ("CC-BY-ND-4.0", "evaluate", True, "permit"),
        ("CC-BY-ND-4.0", "fine_tune", True, "unknown"),
        ("CC-BY-NC-ND-4.0", "fine_tune", True, "deny"),
        ("GPL-2.0-only", "pretrain", True, "unknown"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "pretrain", True, "unknown"),
        ("CC-BY-4.0 AND CC-BY-NC-4.0", "pretrain", True, "deny"),
        ("CC-BY-4.0 OR CC-BY-NC-4.0", "pretrain", True, "permit"),
        ("CC-BY-NC-4.0 OR GPL-2.0-only", "pretrain", True, "unknown"),
        ("(MIT OR CC-BY-NC-4.0) AND CC-BY-4.0", "align", True, "permit"),
    ],
)
def test_what_licences_allow(expression: str, purpose: str, commercial: bool, verdict: str) -> None:
    decision = permits(terms_of(spdx=expression), purpose, None, AT, commercial=commercial)
    assert decision.verdict.value == verdict
    assert decision.allowed == (verdict == "permit")


@pytest.mark.parametrize(
    ("purpose", "place", "at", "verdict", "rule"),
    [
        ("pretrain", "CN", AT, "permit", "purpose"),
        ("redistribute", "CN", AT, "deny", "purpose"),
        ("research", "CN", AT, "unknown", "purpose"),
        ("pretrain", "DE", AT, "deny", "territory"),
        ("pretrain", None, AT, "unknown", "territory"),
        ("pretrain", "CN", AT - timedelta(microseconds=1), "deny", "duration"),
        ("pretrain", "CN", datetime(2026, 2, 28, 7, 59, 59, tzinfo=UTC), "permit", "duration"),
        ("pretrain", "CN", datetime(2026, 2, 28, 8, 0, tzinfo=UTC), "deny", "duration"),
    ],
)
def test_what_own_terms_allow(purpose: str, place: str | None, at: datetime, verdict: str, rule: str) -> None:
    decision = permits(terms_of(own=OWN), purpose, place, at, starts_at=AT, zone=SHANGHAI)
    assert decision.verdict.value == verdict
    assert rule in [reason.rule for reason in decision.reasons]
    problem = decision.problem()
    if problem is not None:
        assert problem.slug == "terms-forbid"
        assert problem.detail("zh")


def test_terms_that_end_are_unknown_before_they_begin() -> None:
    assert permits(terms_of(own=OWN), "pretrain", "CN", AT).verdict.value == "unknown"


def test_the_end_of_terms() -> None:
    assert terms_of(own=OWN).ends_at(AT, SHANGHAI) == datetime(2026, 2, 28, 8, 0, tzinfo=UTC)
    assert terms_of(own={**OWN, "duration": {"days": 30}}).ends_at(AT, SHANGHAI) == AT + timedelta(days=30)
    assert terms_of(spdx="CC-BY-4.0").ends_at(AT, SHANGHAI) is None


def test_a_grant_carries_only_permitted_purposes() -> None:
    found = permitted_purposes(terms_of(own=OWN), "CN", AT, starts_at=AT, zone=SHANGHAI)
    assert found == ("pretrain", "fine_tune", "evaluate")


def test_the_same_in_plain_words() -> None:
    words = plain_words(terms_of(own=OWN)).document()
    assert {"en": "pretrain models", "zh": "预训练模型"} in words["you_may"]
    may_not = [sentence["en"] for sentence in words["you_may_not"]]
    assert may_not == [
        "pass it on to others",
        "try to find out who a person in the data is",
        "use it outside China and Hong Kong SAR (China)",
        "use it for longer than 1 months",
        "let more than 50 people use it",
    ]
    assert [sentence["zh"] for sentence in words["you_must"]] == [
        "注明来源及其许可",
        "合约终止时删除全部副本",
        "报告使用情况",
    ]
    assert {"en": "use it for scientific research", "zh": "用于科学研究"} in words["unclear"]
    assert len(plain_words(terms_of(spdx="MIT OR CC-BY-4.0")).instead) == 1


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "/", "either spdx"),
    ({"spdx": "MIT", "own": OWN}, "/", "either spdx"),
    ({"spdx": "NOPE-1.0"}, "/spdx", "no SPDX licence expression"),
    ({"spdx": "MIT AND"}, "/spdx", "no SPDX licence expression"),
    ({"spdx": " "}, "/spdx", "no SPDX licence expression"),
    ({"spdx": "(" * 400}, "/spdx", "no SPDX licence expression"),
    ({"spdx": " AND ".join(["(MIT OR ISC OR 0BSD)"] * 6)}, "/spdx", "at most 64 alternatives"),
    ({"own": {**OWN, "purposes": ["train"]}}, "/own/purposes/0", "must be one of"),
    ({"own": {**OWN, "purposes": []}}, "/own/purposes", "at least 1"),
    ({"own": {**OWN, "prohibits": ["pretrain"]}}, "/own/prohibits", "both allows and forbids pretrain"),
    ({"own": {**OWN, "territory": "CN"}}, "/own/territory", 'must be one of "*"'),
    ({"own": {**OWN, "territory": ["China"]}}, "/own/territory/0", "ISO 3166"),
    ({"own": {**OWN, "duration": {"days": 1, "months": 1}}}, "/own/duration", "at most 1 fields"),
    ({"own": {**OWN, "duration": None}}, "/own/delete_at_end", "there is no end"),
    ({"own": {**OWN, "commercial": "yes"}}, "/own/commercial", "true or false"),
    ({"own": {**OWN, "exclusive": True}}, "/own/exclusive", "not known here"),
    ({"spdx": "MIT", "prevailing_language": "fr"}, "/prevailing_language", "en or zh"),
]


@pytest.mark.parametrize(("rest", "field", "words"), WRONG)
def test_wrong_terms_say_where_and_what_would_be_right(rest: dict[str, Any], field: str, words: str) -> None:
    document = {"type": "terms", "v": 1, "prevailing_language": "zh", **rest}
    problems = parse(document)
    assert isinstance(problems, list)
    (problem,) = [p for p in problems if p.fields["field"] == field]
    assert words in problem.detail("en")
    assert any("一" <= letter <= "鿿" for letter in problem.detail("zh"))
    with pytest.raises(BadTerms):
        load(document)


def test_the_published_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(TERMS_SCHEMA)


FRAME = Frame(UUID(int=1), b"\1" * 32, b"\2" * 32, b"\3" * 32, UUID(int=2), "CNY", "zh", "2026-01")
DEAL = Deal(UUID(int=3), UUID(int=4), UUID(int=5), Money(1_200_000_000, "CNY"), ("pretrain", "evaluate"), AT, None, AT)


def test_an_agreement_as_bytes(keyring: Keyring) -> None:
    document = Template(FRAME).render(DEAL)
    assert document.startswith(
        b'{"concluded_at":"2026-01-31T08:00:00Z","id":"agr_00000000000000000000000003","node_id":'
    )
    signed = keyring.sign("agreement", document)
    key = keyring.public_key(signed.kid)
    assert key is not None
    assert verify(document, signed.value, key) is None


def test_a_changed_agreement_says_what_is_wrong(keyring: Keyring) -> None:
    document = Template(FRAME).render(DEAL)
    signed = keyring.sign("agreement", document)
    public = keyring.signer("agreement").public
    cheaper = document.replace(b'"1200.00"', b'"1000.00"')
    problem = verify(cheaper, signed.value, public)
    assert problem is not None
    assert sha256(cheaper).hex() in problem.detail("en")
    spaced = document.replace(b'"v":1', b'"v": 1')
    problem = verify(spaced, signed.value, public)
    assert problem is not None
    assert f"from byte {spaced.index(b': 1') + 1} on" in problem.detail("en")
    quote = b'{"type":"quote","v":1}'
    problem = verify(quote, keyring.sign("agreement", quote).value, public)
    assert problem is not None
    assert "not an agreement" in problem.detail("en")
    for strange in (b"", b"[" * 100_000, b"\xff", b"1.5", b"x" * 70_000):
        assert verify(strange, signed.value, public) is not None


def test_a_price_of_another_currency_is_refused() -> None:
    deal = Deal(UUID(int=3), UUID(int=4), UUID(int=5), Money(1, "EUR"), (), AT, None, AT)
    with pytest.raises(ValueError, match="currency"):
        Template(FRAME).render(deal)


def test_agreements_and_decisions_are_fast() -> None:
    template, terms = Template(FRAME), terms_of(own=OWN)
    started = time.perf_counter()
    for _ in range(2_000):
        sha256(template.render(DEAL))
    agreement_s = (time.perf_counter() - started) / 2_000
    started = time.perf_counter()
    for _ in range(2_000):
        permits(terms, "pretrain", "CN", AT, starts_at=AT, zone=SHANGHAI)
    decision_s = (time.perf_counter() - started) / 2_000
    # Ten times the measured cost: this guards against an accident, `make bench` measures.
    assert agreement_s < 150e-6
    assert decision_s < 500e-6

"""Laws of contracts: bytes, signatures, decisions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements import Deal, Frame, Template, build, verify
from contracts.evaluation import Verdict, permits
from contracts.rights import PURPOSES
from contracts.spdx import LICENCES
from contracts.terms import PlainWords, Terms, load, parse, plain_words
from exchange.kernel.canonical import canonical, sha256_hex
from exchange.kernel.keys import new_key
from exchange.kernel.money import Money

AT = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
KEY = new_key("agreement", AT, b"\7" * 32)
OTHER = new_key("agreement", AT, b"\10" * 32)
MOMENTS = st.datetimes(
    datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.sampled_from([UTC, ZoneInfo("Asia/Shanghai")])
)
DIGESTS = st.binary(min_size=32, max_size=32)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FRAMES = st.builds(
    Frame,
    offer_id=st.uuids(),
    offer_sha256=DIGESTS,
    plan_sha256=DIGESTS,
    terms_sha256=DIGESTS,
    seller_id=st.uuids(),
    currency=st.just("CNY"),
    prevailing_language=st.sampled_from(["en", "zh"]),
    rule_set=TEXTS,
    node_id=TEXTS,
    time_zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]),
    basis=st.sampled_from([b"", canonical({"currency": "CNY", "amounts": {"licence": "12.5"}})]),
)
DEALS = st.builds(
    Deal,
    agreement_id=st.uuids(),
    order_id=st.uuids(),
    buyer_id=st.uuids(),
    price=st.integers(-(10**15), 10**15).map(lambda units: Money(units, "CNY")),
    purposes=st.lists(st.sampled_from([*PURPOSES, '"\\\n私']), max_size=9).map(tuple),
    starts_at=MOMENTS,
    ends_at=st.one_of(st.none(), MOMENTS),
    concluded_at=MOMENTS,
)
PLACES = st.sampled_from(["CN", "HK", "DE", "US"])
OWN = st.fixed_dictionaries(
    {
        "purposes": st.lists(st.sampled_from(list(PURPOSES)), min_size=1, unique=True),
        "commercial": st.booleans(),
        "territory": st.one_of(st.just("*"), st.lists(PLACES, min_size=1, unique=True)),
        "duration": st.one_of(
            st.none(),
            st.fixed_dictionaries({"days": st.integers(1, 400)}),
            st.fixed_dictionaries({"months": st.integers(1, 40)}),
        ),
    },
    optional={
        "prohibits": st.lists(st.sampled_from(list(PURPOSES)), unique=True),
        "users": st.one_of(st.none(), st.integers(1, 100)),
        **{flag: st.booleans() for flag in ("attribution", "share_alike", "no_reidentification", "report_use")},
    },
)
EXPRESSIONS = st.recursive(
    st.sampled_from([*LICENCES, "GPL-3.0-only"]),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=4,
)


def own_terms(own: dict[str, Any]) -> Terms:
    own = {**own, "prohibits": [p for p in own.get("prohibits", []) if p not in own["purposes"]]}
    return load({"type": "terms", "v": 1, "prevailing_language": "zh", "own": own})


def spdx_terms(expression: str) -> Terms:
    return load({"type": "terms", "v": 1, "prevailing_language": "en", "spdx": expression})


@given(FRAMES, DEALS)
def test_the_template_writes_what_the_plain_way_writes(frame: Frame, deal: Deal) -> None:
    written = Template(frame).render(deal)
    assert written == canonical(build(frame, deal))
    assert verify(written, KEY.private.sign(written), KEY.public) is None


@given(FRAMES, DEALS, st.data())
def test_one_changed_bit_anywhere_breaks_the_proof(frame: Frame, deal: Deal, data: st.DataObject) -> None:
    document = Template(frame).render(deal)
    signature = KEY.private.sign(document)
    bit = data.draw(st.integers(0, (len(document) + len(signature)) * 8 - 1))
    changed = bytearray(document + signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert verify(bytes(changed[: len(document)]), bytes(changed[len(document) :]), KEY.public) is not None
    assert verify(document, signature, OTHER.public) is not None


@given(st.binary(max_size=200))
def test_verify_answers_to_any_bytes(document: bytes) -> None:
    problem = verify(document, KEY.private.sign(document), KEY.public)
    assert problem is not None
    assert problem.slug == "agreement-not-canonical"
    assert problem.detail("en")
    assert problem.detail("zh")


@given(OWN, st.sampled_from([*PURPOSES, "sell"]), st.one_of(st.none(), PLACES), st.integers(-1, 1500), st.booleans())
def test_own_terms_permit_exactly_what_they_say(
    own: dict[str, Any], purpose: str, place: str | None, day: int, commercial: bool
) -> None:
    terms = own_terms(own)
    zone = ZoneInfo("Asia/Shanghai")
    at = AT + timedelta(days=day)
    found = permits(terms, purpose, place, at, starts_at=AT, zone=zone, commercial=commercial)
    end = terms.ends_at(AT, zone)
    expected = (
        purpose in own["purposes"]
        and (own["commercial"] or not commercial)
        and (own["territory"] == "*" or place in own["territory"])
        and day >= 0
        and (end is None or at < end)
    )
    assert found.allowed == expected
    assert found.reasons
    assert (found.problem() is None) == expected
    json.dumps(found.document())


@given(OWN)
def test_a_prohibition_overrides(own: dict[str, Any]) -> None:
    terms = own_terms(own)
    for purpose in terms.alternatives[0][0].prohibits:
        assert permits(terms, purpose, "CN", AT, starts_at=AT).verdict is Verdict.DENY


@given(EXPRESSIONS, EXPRESSIONS, st.sampled_from([*PURPOSES]), st.booleans())
def test_and_is_never_wider_and_or_is_never_narrower(one: str, two: str, purpose: str, commercial: bool) -> None:
    def allowed(expression: str) -> bool:
        return permits(spdx_terms(expression), purpose, None, AT, commercial=commercial).allowed

    assert allowed(f"{one} AND {two}") == (allowed(one) and allowed(two))
    assert allowed(f"{one} OR {two}") == (allowed(one) or allowed(two))


@given(st.one_of(OWN.map(own_terms), EXPRESSIONS.map(spdx_terms)))
def test_plain_words_and_decisions_agree(terms: Terms) -> None:
    words = plain_words(terms)
    for alternative, rights in zip([words, *words.instead], terms.alternatives, strict=True):
        single = Terms(terms.prevailing_language, (rights,), terms.sha256, None)
        for purpose, text in PURPOSES.items():
            places = [
                place
                for place in (text in alternative.may, text in alternative.may_not, text in alternative.unclear)
                if place
            ]
            assert len(places) == 1
            where = next(iter(rights[0].territory or ["CN"]))
            verdict = permits(single, purpose, where, AT, starts_at=AT, commercial=False).verdict
            said = {
                Verdict.PERMIT: alternative.may,
                Verdict.DENY: alternative.may_not,
                Verdict.UNKNOWN: alternative.unclear,
            }
            assert text in said[verdict]
        _complete(alternative)


def _complete(words: PlainWords) -> None:
    document = words.document()
    for sentences in (document["you_may"], document["you_may_not"], document["you_must"], document["unclear"]):
        assert all(sentence["en"] and sentence["zh"] for sentence in sentences)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_parse_answers_to_anything(document: object) -> None:
    assert isinstance(parse(document), list)
    assert isinstance(parse({"type": "terms", "v": 1, "prevailing_language": "en", "own": document}), list)


@given(st.text(max_size=60))
def test_any_text_as_a_licence_is_read_or_refused(expression: str) -> None:
    found = parse({"type": "terms", "v": 1, "prevailing_language": "en", "spdx": expression})
    assert isinstance(found, Terms | list)


def test_a_digest_names_the_document() -> None:
    document = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "CC-BY-4.0"}
    assert load(document).sha256 == sha256_hex(canonical(document))

"""Laws of decisions: what is not known never helps, and a no stays a no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.evaluation import Facts, Question, Verdict, decide, permits
from contracts.questions import document, parse
from contracts.rights import BREAKS, PURPOSES
from contracts.terms import Terms, load
from contracts.terms import parse as parse_terms
from tests.support.policies import OWN_TERMS

START = datetime(2026, 1, 31, 8, tzinfo=UTC)
PATHS = ["attribution", "share_alike", "report_use", "allow_audit", "notify", "report_use/notify", "notify/compensate"]
PLACES = st.sampled_from(["CN", "HK", "DE", "US", None])
QUESTIONS = st.builds(
    Question,
    purpose=st.sampled_from([*PURPOSES, "sell"]),
    at=st.integers(-2, 900).map(lambda day: START + timedelta(days=day)),
    place=PLACES,
    facts=st.builds(
        Facts,
        country=PLACES,
        commercial=st.sampled_from([True, False, None]),
        users=st.one_of(st.none(), st.integers(1, 120)),
        sites=st.one_of(st.none(), st.integers(1, 120)),
    ),
    outputs=st.one_of(st.none(), st.frozensets(st.sampled_from(sorted(BREAKS.values())), max_size=2)),
    duties=st.one_of(
        st.none(), st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["kept", "waived", "pending", "broken"]))
    ),
    others=st.sampled_from([True, False, None]),
    starts_at=st.sampled_from([START, None]),
    zone=st.sampled_from([ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")]),
)
LOOSE = settings(suppress_health_check=[HealthCheck.filter_too_much])


def terms_of(own: dict[str, Any]) -> Terms | None:
    own = {**own, "prohibits": [p for p in own.get("prohibits", []) if p not in own["purposes"]]}
    for field, flag in {"delete_within_days": "delete_at_end", "report_every": "report_use"}.items():
        if field in own:
            own.pop(flag, None)
    found = parse_terms({"type": "terms", "v": 1, "prevailing_language": "en", "own": own})
    return found if isinstance(found, Terms) else None


TERMS = OWN_TERMS.map(terms_of)


@LOOSE
@given(TERMS, QUESTIONS)
def test_a_fact_that_is_taken_away_never_helps(terms: Terms | None, question: Question) -> None:
    assume(terms is not None)
    assert terms is not None
    before = decide(terms, question)
    assume(not before.allowed)
    less = [
        msgspec.structs.replace(question, place=None),
        msgspec.structs.replace(question, outputs=None),
        msgspec.structs.replace(question, others=None),
        *(
            msgspec.structs.replace(question, facts=msgspec.structs.replace(question.facts, **{name: None}))
            for name in ("country", "commercial", "users", "sites")
        ),
    ]
    assert not any(decide(terms, one).allowed for one in less)


@LOOSE
@given(TERMS, QUESTIONS)
def test_the_verdict_is_that_of_its_worst_rule(terms: Terms | None, question: Question) -> None:
    assume(terms is not None)
    assert terms is not None
    found = decide(terms, question)
    said = {reason.verdict for reason in found.reasons}
    if Verdict.DENY in said:
        assert found.verdict is Verdict.DENY
    else:
        assert said == {found.verdict}
    assert bool(found.must) <= found.allowed


@LOOSE
@given(TERMS, QUESTIONS, st.data())
def test_a_whole_permit_is_a_permit_at_the_counter(
    terms: Terms | None, question: Question, data: st.DataObject
) -> None:
    assume(terms is not None)
    assert terms is not None
    ((rights,),) = terms.alternatives
    place = min(rights.territory) if rights.territory else None
    fitting = Question(
        purpose=data.draw(st.sampled_from(sorted(rights.purposes))),
        at=START + data.draw(st.sampled_from([timedelta(0), timedelta(hours=1)])),
        place=place,
        facts=Facts(place, rights.commercial, 1, 1),
        outputs=frozenset(),
        duties={path: "kept" for duty in rights.conditions for path, _ in duty.paths()},
        others=False,
        starts_at=START,
        zone=question.zone,
    )
    assert decide(terms, fitting).allowed
    for one in (fitting, question):
        short = permits(
            terms,
            one.purpose,
            one.place,
            one.at,
            starts_at=one.starts_at,
            zone=one.zone,
            commercial=one.facts.commercial is True,
        )
        assert decide(terms, one).allowed <= short.allowed


@LOOSE
@given(OWN_TERMS, QUESTIONS, st.sampled_from(list(PURPOSES)))
def test_a_further_prohibition_never_widens(own: dict[str, Any], question: Question, purpose: str) -> None:
    narrower = {**own, "purposes": [p for p in own["purposes"] if p != purpose], "prohibits": [purpose]}
    one, other = terms_of({**own, "prohibits": []}), terms_of(narrower) if narrower["purposes"] else None
    assume(one is not None and other is not None)
    assert one is not None
    assert other is not None
    assert decide(one, question).allowed >= decide(other, question).allowed


@given(QUESTIONS)
def test_a_question_is_written_and_read_back(question: Question) -> None:
    found = parse(document(question), START)
    assert isinstance(found, Question)
    assert found == question


def test_terms_are_the_same_terms_after_a_round_of_questions() -> None:
    """Deciding changes nothing: terms are kept and shared between purchases."""
    own = {"purposes": ["pretrain"], "commercial": True, "territory": "*", "duration": None, "attribution": True}
    terms = load({"type": "terms", "v": 1, "prevailing_language": "en", "own": own})
    again = load({"type": "terms", "v": 1, "prevailing_language": "en", "own": own})
    decide(terms, Question("pretrain", START))
    assert terms == again

"""Measurements: what a draft may say, who may still answer, and what the signed conclusion proves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from contracts.measurements import (
    PER_COMPONENT_MAX,
    Answer,
    Draft,
    Measurement,
    MeasurementState,
    Said,
    Subject,
    conclusion,
    hear,
    propose,
    refuse_another,
    refuse_draft,
    value_of,
    verify,
    with_answer,
)
from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem

NOW = datetime(2026, 3, 31, 16, tzinfo=UTC)
BUYER, SELLER, EVALUATOR, STRANGER = (UUID(int=n) for n in range(1, 5))
METHOD = {"en": "F1 on 5,000 held-out questions.", "zh": "5000 题留出集上的 F1 值。"}
DRAFT = Draft("uplift", "0.78", NOW - timedelta(days=1), "a" * 64, METHOD)
SUBJECT = Subject(
    grant_id=UUID(int=11),
    order_id=UUID(int=12),
    agreement_id=UUID(int=13),
    offer_id=UUID(int=14),
    offer_sha256=bytes(32),
    plan_sha256="b" * 64,
    buyer_id=BUYER,
    seller_id=SELLER,
    evaluator_id=EVALUATOR,
    starts_at=NOW - timedelta(days=30),
    metric={"en": "F1", "zh": "F1 值"},
    unit="point",
    baseline="0.71",
    direction="up",
)
PROPOSED = propose(UUID(int=5), SUBJECT, DRAFT, UUID(int=6), NOW)


def says(who: UUID, answer: Answer, one: Measurement = PROPOSED) -> Said:
    return Said(who, UUID(int=99), answer, one.sha256, NOW)


def agreed() -> Measurement:
    return with_answer(with_answer(PROPOSED, says(SELLER, Answer.ACCEPT)), says(BUYER, Answer.ACCEPT))


def test_a_document_names_everything_that_is_measured():
    document = msgspec.json.decode(PROPOSED.document)
    assert canonical(document) == PROPOSED.document
    assert (document["type"], document["v"], document["component"]) == ("measurement", 1, "uplift")
    assert (document["baseline"], document["measured"], document["direction"]) == ("0.71", "0.78", "up")
    assert document["measured_at"] == "2026-03-30T16:00:00Z"
    assert document["parties"].keys() == {"buyer", "seller"}
    assert value_of(PROPOSED) == Decimal("0.78")
    assert PROPOSED.state is MeasurementState.PROPOSED


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"measured": "0.7800001"}, "measured"),
        ({"measured": "-0"}, "measured"),
        ({"measured": "-0.000"}, "measured"),
        ({"measured": "1e3"}, "measured"),
        ({"measured": "01"}, "measured"),
        ({"measured": " 1"}, "measured"),
        ({"measured": "1\n"}, "measured"),
        ({"measured": "1" * 16}, "measured"),
        ({"measured_at": NOW + timedelta(seconds=1)}, "measured_at"),
        ({"measured_at": NOW - timedelta(days=31)}, "measured_at"),
        ({"measured_at": datetime(2026, 3, 30)}, "measured_at"),  # that is what is refused
        ({"evidence_sha256": "A" * 64}, "evidence_sha256"),
        ({"evidence_sha256": "a" * 63}, "evidence_sha256"),
        ({"method": {"en": "x"}}, "method"),
        ({"method": {"en": "x", "zh": " "}}, "method"),
        ({"method": {"en": "x", "zh": "x" * 4_001}}, "method"),
        ({"method": {"en": "\ud800", "zh": "x"}}, "method"),
    ],
)
def test_a_wrong_draft_is_told_by_its_field(changes, field):
    problem = refuse_draft(replace(DRAFT, **changes), SUBJECT, NOW)
    assert problem is not None
    assert (problem.slug, problem.fields["field"]) == ("measurement-invalid", field)


@pytest.mark.parametrize("value", ["0", "-3.5", "0.000001", "9" * 15, "-0.1", "10.250000"])
def test_these_values_can_be_measured(value):
    assert refuse_draft(replace(DRAFT, measured=value), SUBJECT, NOW) is None


def test_both_sides_must_accept():
    one = with_answer(PROPOSED, says(BUYER, Answer.ACCEPT))
    assert one.state is MeasurementState.PROPOSED
    with pytest.raises(ValueError, match="no conclusion"):
        conclusion(one, NOW)
    assert hear(one, says(SELLER, Answer.ACCEPT)) is MeasurementState.AGREED
    # The evaluator's word is not a party's.
    assert with_answer(one, says(EVALUATOR, Answer.ACCEPT)).state is MeasurementState.PROPOSED


def test_whoever_accepted_is_bound():
    one = with_answer(PROPOSED, says(BUYER, Answer.ACCEPT))
    assert slug(hear(one, says(BUYER, Answer.ACCEPT))) == "measurement-answered"
    assert slug(hear(one, says(BUYER, Answer.DISPUTE))) == "measurement-answered"
    assert hear(one, says(SELLER, Answer.DISPUTE)) is MeasurementState.DISPUTED


def test_an_evaluator_that_is_a_party_may_withdraw_what_it_accepted():
    own = propose(UUID(int=5), replace(SUBJECT, evaluator_id=SELLER), DRAFT, UUID(int=6), NOW)
    one = with_answer(own, says(SELLER, Answer.ACCEPT, own))
    assert hear(one, says(SELLER, Answer.WITHDRAW, own)) is MeasurementState.WITHDRAWN


def test_only_the_very_document_is_accepted():
    said = replace(says(BUYER, Answer.ACCEPT), sha256=bytes(32))
    assert slug(hear(PROPOSED, said)) == "measurement-differs"


@pytest.mark.parametrize("last", [Answer.DISPUTE, Answer.WITHDRAW])
def test_what_has_ended_takes_no_answer(last):
    ended = with_answer(PROPOSED, says(EVALUATOR if last is Answer.WITHDRAW else SELLER, last))
    for one in (ended, agreed()):
        for answer in Answer:
            assert slug(hear(one, says(BUYER, answer))) == "measurement-closed"


def test_one_at_a_time_and_one_for_good():
    disputed = with_answer(PROPOSED, says(BUYER, Answer.DISPUTE))
    assert refuse_another("uplift", []) is None
    assert refuse_another("uplift", [disputed]) is None
    assert slug(refuse_another("uplift", [disputed, PROPOSED])) == "measurement-open"
    assert slug(refuse_another("uplift", [disputed, agreed()])) == "measurement-agreed"
    assert slug(refuse_another("uplift", [disputed] * PER_COMPONENT_MAX)) == "measurements-too-many"


def test_a_conclusion_is_verified_offline(keyring):
    document = conclusion(agreed(), NOW)
    signature = keyring.sign("agreement", document)
    key = keyring.public_key(signature.kid)
    assert verify(document, signature.value, key) is None
    assert slug(verify(document, bytes(64), key)) == "measurement-signature-wrong"
    assert slug(verify(PROPOSED.document, signature.value, key)) == "measurement-not-canonical"
    assert slug(verify(b"[]", signature.value, key)) == "measurement-not-canonical"
    assert slug(verify(document + b" ", signature.value, key)) == "measurement-not-canonical"


@pytest.mark.parametrize(
    "path", [("acceptances", 0, "organisation"), ("acceptances", 1, "sha256"), ("measurement_sha256",)]
)
def test_a_conclusion_without_both_acceptances_proves_nothing(path, keyring):
    found = msgspec.json.decode(conclusion(agreed(), NOW))
    at = found
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = "0" * 64
    document = canonical(found)
    signature = keyring.sign("agreement", document)
    # Even under a true signature: the form itself is refused.
    assert slug(verify(document, signature.value, keyring.public_key(signature.kid))) == "measurement-not-canonical"


def slug(answered: object) -> str:
    assert isinstance(answered, Problem), answered
    return answered.slug

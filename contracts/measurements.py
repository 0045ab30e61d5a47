"""Measurements of an agreed outcome: what was measured, against which baseline, and both sides' word on it. Pure.

An evaluator proposes a measurement as a document. Buyer and seller each accept exactly that document, by its digest and
through a client of their own; the exchange then signs the document together with both acceptances. Only such a
measurement is charged for. A dispute by either side ends it; the evaluator may then propose another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.measurements_problems import (
    MEASUREMENT_AGREED,
    MEASUREMENT_ANSWERED,
    MEASUREMENT_CLOSED,
    MEASUREMENT_DIFFERS,
    MEASUREMENT_FORM,
    MEASUREMENT_INVALID,
    MEASUREMENT_OPEN,
    MEASUREMENT_SIGNATURE,
    MEASUREMENTS_TOO_MANY,
)
from exchange.kernel import ids
from exchange.kernel.canonical import NotCanonical, canonical, digest, sha256_hex
from exchange.kernel.errors import Problem
from exchange.kernel.keys import verifies
from exchange.kernel.text import LANGUAGES, Text

PURPOSE = "agreement"
BYTES_MAX = 65_536
METHOD_CHARS_MAX = 4_000
REASON_CHARS_MAX = 1_000
PER_COMPONENT_MAX = 50
# Minus zero is not a second way to write zero.
_VALUE = re.compile(r"(?!-0(\.0+)?\Z)-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class MeasurementState(StrEnum):
    """Where a measurement stands."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


_S = MeasurementState
TRANSITIONS: Mapping[MeasurementState, frozenset[MeasurementState]] = {
    _S.PROPOSED: frozenset({_S.AGREED, _S.DISPUTED, _S.WITHDRAWN}),
    _S.AGREED: frozenset(),
    _S.DISPUTED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}


class Answer(StrEnum):
    """What an organisation says to a proposed measurement."""

    ACCEPT = "accept"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the evaluator says.

    shapes   measured: decimal text with at most 6 decimals; evidence_sha256: lower-case hex of what the result was
             worked out from, which the evaluator keeps; method: how, in English and Chinese
    """

    component: str
    measured: str
    measured_at: datetime
    evidence_sha256: str
    method: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """The deal that is measured: its parties, and what its price plan says of the component.

    shapes   baseline: decimal text; direction: up or down
    """

    grant_id: UUID
    order_id: UUID
    agreement_id: UUID
    offer_id: UUID
    offer_sha256: bytes
    plan_sha256: str
    buyer_id: UUID
    seller_id: UUID
    evaluator_id: UUID
    starts_at: datetime
    metric: Mapping[str, str]
    unit: str
    baseline: str
    direction: str


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, as it was given: by which client of which organisation, when, and to which document."""

    organisation_id: UUID
    client_id: UUID
    answer: Answer
    sha256: bytes
    at: datetime
    reason: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A proposed measurement with everything that was said to it.

    shapes   document: canonical JSON; sha256: 32 raw bytes over it
    """

    id: UUID
    grant_id: UUID
    component: str
    buyer_id: UUID
    seller_id: UUID
    evaluator_id: UUID
    document: bytes
    sha256: bytes
    created_at: datetime
    said: tuple[Said, ...] = ()
    agreed: Agreed | None = None

    @property
    def state(self) -> MeasurementState:
        """Where it stands, which the answers alone decide."""
        answers = {one.answer for one in self.said}
        if Answer.WITHDRAW in answers:
            return _S.WITHDRAWN
        if Answer.DISPUTE in answers:
            return _S.DISPUTED
        accepted = {one.organisation_id for one in self.said if one.answer is Answer.ACCEPT}
        return _S.AGREED if {self.buyer_id, self.seller_id} <= accepted else _S.PROPOSED


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the exchange signed when both sides had accepted.

    shapes   document: canonical JSON naming both acceptances; signature: 64 bytes by the key `kid`
    """

    document: bytes
    sha256: bytes
    kid: str
    signature: bytes
    value: Decimal
    created_at: datetime


def refuse_draft(draft: Draft, subject: Subject, now: datetime) -> Problem | None:
    """Say what is wrong with what the evaluator says, or None."""
    field, reason = "", _NO_REASON
    if not _VALUE.match(draft.measured):
        field, reason = "measured", _NO_VALUE
    elif draft.measured_at.tzinfo is None:
        field, reason = "measured_at", _NO_ZONE
    elif not subject.starts_at <= draft.measured_at <= now:
        field, reason = "measured_at", _OUT_OF_TIME
    elif not _SHA256.match(draft.evidence_sha256):
        field, reason = "evidence_sha256", _NO_DIGEST
    else:
        return refuse_words("method", draft.method, METHOD_CHARS_MAX)
    return MEASUREMENT_INVALID(field=field, reason=reason)


def refuse_words(field: str, words: Mapping[str, str], chars_max: int) -> Problem | None:
    """Refuse a text that is not in both languages, or None."""
    reason = fault_of_words(words, chars_max)
    return None if reason is None else MEASUREMENT_INVALID(field=field, reason=reason)


def fault_of_words(words: Mapping[str, str], chars_max: int) -> Text | None:
    """What is wrong with a text that one party writes to another, or None."""
    if set(words) != set(LANGUAGES):
        return _TWO_LANGUAGES
    if not all(1 <= len(one.strip()) <= chars_max for one in words.values()):
        return Text(f"each language has 1 to {chars_max} characters", f"每种语言须为 1 至 {chars_max} 个字符")
    try:
        canonical(dict(words))
    except NotCanonical:
        return _NO_UNICODE
    return None


def refuse_another(component: str, others: Sequence[Measurement]) -> Problem | None:
    """Why there is no room for one more measurement beside `others` of the same grant and component, or None."""
    for one in others:
        if one.state is _S.AGREED:
            return MEASUREMENT_AGREED(component=component)
        if one.state is _S.PROPOSED:
            return MEASUREMENT_OPEN(measurement=ids.text("mea", one.id))
    return MEASUREMENTS_TOO_MANY(limit=PER_COMPONENT_MAX) if len(others) >= PER_COMPONENT_MAX else None


def propose(measurement_id: UUID, subject: Subject, draft: Draft, client_id: UUID, now: datetime) -> Measurement:
    """The measurement that a checked draft makes."""
    document = {
        "type": "measurement",
        "v": 1,
        "id": ids.text("mea", measurement_id),
        "grant": ids.text("grt", subject.grant_id),
        "order": ids.text("ord", subject.order_id),
        "agreement": ids.text("agr", subject.agreement_id),
        "offer": {"id": ids.text("ofr", subject.offer_id), "sha256": subject.offer_sha256.hex()},
        "plan_sha256": subject.plan_sha256,
        "component": draft.component,
        "parties": {"buyer": ids.text("org", subject.buyer_id), "seller": ids.text("org", subject.seller_id)},
        "evaluator": {"organisation": ids.text("org", subject.evaluator_id), "client": ids.text("cli", client_id)},
        "metric": dict(subject.metric),
        "unit": subject.unit,
        "direction": subject.direction,
        "baseline": subject.baseline,
        "measured": draft.measured,
        "measured_at": _instant(draft.measured_at),
        "evidence_sha256": draft.evidence_sha256,
        "method": dict(draft.method),
        "proposed_at": _instant(now),
    }
    return Measurement(
        measurement_id,
        subject.grant_id,
        draft.component,
        subject.buyer_id,
        subject.seller_id,
        subject.evaluator_id,
        canonical(document),
        digest(document),
        now,
    )


def hear(measurement: Measurement, said: Said) -> MeasurementState | Problem:
    """The state after an answer, or why it is not taken. The one who speaks must have been let in before.

    errors   answers MEASUREMENT_CLOSED, MEASUREMENT_ANSWERED, MEASUREMENT_DIFFERS
    """
    if measurement.state is not _S.PROPOSED:
        return MEASUREMENT_CLOSED(state=measurement.state.value)
    if said.sha256 != measurement.sha256:
        return MEASUREMENT_DIFFERS(sha256=measurement.sha256.hex())
    # Whoever accepted is bound and disputes no more; an evaluator who is also a party may still withdraw what it said.
    if said.answer is not Answer.WITHDRAW and any(
        one.organisation_id == said.organisation_id for one in measurement.said
    ):
        return MEASUREMENT_ANSWERED()
    state = with_answer(measurement, said).state
    assert state is measurement.state or state in TRANSITIONS[measurement.state]
    return state


def with_answer(measurement: Measurement, said: Said) -> Measurement:
    """The measurement with one more answer."""
    return Measurement(
        measurement.id,
        measurement.grant_id,
        measurement.component,
        measurement.buyer_id,
        measurement.seller_id,
        measurement.evaluator_id,
        measurement.document,
        measurement.sha256,
        measurement.created_at,
        (*measurement.said, said),
    )


def conclusion(measurement: Measurement, now: datetime) -> bytes:
    """The canonical bytes that the exchange signs once both sides have accepted.

    errors   ValueError before that
    """
    if measurement.state is not _S.AGREED:
        raise ValueError(f"a measurement that is {measurement.state} has no conclusion")
    sides = (("buyer", measurement.buyer_id), ("seller", measurement.seller_id))
    accepted = {one.organisation_id: one for one in measurement.said if one.answer is Answer.ACCEPT}
    return canonical(
        {
            "type": "measurement-agreed",
            "v": 1,
            "measurement": msgspec.json.decode(measurement.document),
            "measurement_sha256": measurement.sha256.hex(),
            "acceptances": [_acceptance(side, accepted[one]) for side, one in sides],
            "agreed_at": _instant(now),
        }
    )


def value_of(measurement: Measurement) -> Decimal:
    """What was measured, exactly."""
    return Decimal(msgspec.json.decode(measurement.document)["measured"])


def verify(document: bytes, signature: bytes, public_key: Ed25519PublicKey | bytes) -> Problem | None:
    """Check an agreed measurement offline: its form, that both parties accepted just this measurement, the signature.

    shapes   document: the bytes as delivered; signature: 64 bytes; public_key: the key, or its 32 raw bytes
    errors   ValueError for bytes that are no Ed25519 public key
    source   RFC 8032; RFC 8785
    """
    if (why := _fault(document)) is not None:
        return MEASUREMENT_FORM(why=why)
    key = Ed25519PublicKey.from_public_bytes(public_key) if isinstance(public_key, bytes) else public_key
    return None if verifies(key, document, signature) else MEASUREMENT_SIGNATURE(sha256=sha256_hex(document))


def _fault(document: bytes) -> Text | None:
    if len(document) > BYTES_MAX:
        return _TOO_LONG
    try:
        found = msgspec.json.decode(document)
        if canonical(found) != document:
            return _NOT_CANONICAL
        if (found["type"], found["v"]) != ("measurement-agreed", 1):
            return _OTHER
        inner = found["measurement"]
        hashed, parties = digest(inner).hex(), inner["parties"]
        if (inner["type"], inner["v"], found["measurement_sha256"]) != ("measurement", 1, hashed):
            return _OTHER
        said = [(one["side"], one["organisation"], one["sha256"]) for one in found["acceptances"]]
    except (msgspec.DecodeError, NotCanonical, UnicodeDecodeError, RecursionError):
        return _NOT_CANONICAL
    except (KeyError, TypeError, IndexError, AttributeError):
        return _OTHER
    return None if said == [(side, parties.get(side), hashed) for side in ("buyer", "seller")] else _NOT_ACCEPTED


def _acceptance(side: str, said: Said) -> dict[str, Any]:
    return {
        "side": side,
        "organisation": ids.text("org", said.organisation_id),
        "client": ids.text("cli", said.client_id),
        "sha256": said.sha256.hex(),
        "accepted_at": _instant(said.at),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_NO_REASON = Text("", "")
_NO_VALUE = Text(
    "a number as text, such as 0.78, with at most 15 digits before and 6 after the point",
    "应为文本形式的数字，例如 0.78，小数点前最多 15 位、后最多 6 位",
)
_NO_ZONE = Text("a time has a zone", "时间须带时区")
_OUT_OF_TIME = Text("it lies between the grant's beginning and now", "须在使用权生效之后且不晚于当前时间")
_NO_DIGEST = Text("64 lower-case hex digits (SHA-256)", "应为 64 位小写十六进制（SHA-256）")
_TWO_LANGUAGES = Text("it needs the two languages en and zh", "需要同时提供 en 和 zh 两种语言")
_NO_UNICODE = Text("it is not valid Unicode text", "文本不是有效的 Unicode")
_TOO_LONG = Text(f"is longer than {BYTES_MAX} bytes", f"超过 {BYTES_MAX} 字节")
_NOT_CANONICAL = Text("is not in canonical form (RFC 8785)", "不符合规范形式（RFC 8785）")
_OTHER = Text("is not an agreed measurement of version 1", "不是第 1 版测量结果")
_NOT_ACCEPTED = Text("does not hold both sides' acceptance of this measurement", "未包含双方对该测量结果的确认")

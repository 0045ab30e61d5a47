"""Negotiations between a buyer and a supplier: the Dataspace Protocol's state machine, its messages, their chain. Pure.

The buyer is the protocol's consumer and the supplier its provider. Who may say what in which state is written down in
`TRANSITIONS`, as the protocol's own figure has it: whoever has just bound itself waits for the other side or the clock.

source   Dataspace Protocol 2025-1, section "Contract Negotiation Protocol"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from contracts.negotiation_problems import (
    NEGOTIATION_EXPIRED,
    NEGOTIATION_INVALID,
    NEGOTIATION_ROUNDS,
    NEGOTIATION_STATE,
)
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, digest, sha256
from exchange.kernel.errors import Problem
from exchange.kernel.text import LANGUAGES, Text, readable

ROUNDS_MAX = 40
OPEN_PER_PAIR_MAX = 20
NOTE_CHARS_MAX = 4_000
VALID_FOR = timedelta(days=14)
DAYS_MAX = 90


class NegotiationState(StrEnum):
    """Where a negotiation stands, in the protocol's words."""

    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"


class Side(StrEnum):
    """Who speaks: the buyer, the supplier, or the exchange for the clock."""

    CONSUMER = "consumer"
    PROVIDER = "provider"
    EXCHANGE = "exchange"


class Verb(StrEnum):
    """What a message says."""

    REQUEST = "request"
    OFFER = "offer"
    ACCEPT = "accept"
    AGREE = "agree"
    VERIFY = "verify"
    FINALIZE = "finalize"
    TERMINATE = "terminate"
    EXPIRE = "expire"


_S, _V, _C, _P, _X = NegotiationState, Verb, Side.CONSUMER, Side.PROVIDER, Side.EXCHANGE
ENDS = frozenset({_S.FINALIZED, _S.TERMINATED})
OPEN = tuple(state for state in _S if state not in ENDS)
# None: before the first message.
TRANSITIONS: Mapping[tuple[NegotiationState | None, Side, Verb], NegotiationState] = {
    (None, _C, _V.REQUEST): _S.REQUESTED,
    (None, _P, _V.OFFER): _S.OFFERED,
    (_S.REQUESTED, _P, _V.OFFER): _S.OFFERED,
    (_S.REQUESTED, _P, _V.AGREE): _S.AGREED,
    (_S.REQUESTED, _C, _V.TERMINATE): _S.TERMINATED,
    (_S.REQUESTED, _P, _V.TERMINATE): _S.TERMINATED,
    (_S.OFFERED, _C, _V.REQUEST): _S.REQUESTED,
    (_S.OFFERED, _C, _V.ACCEPT): _S.ACCEPTED,
    (_S.OFFERED, _C, _V.TERMINATE): _S.TERMINATED,
    (_S.OFFERED, _P, _V.TERMINATE): _S.TERMINATED,
    (_S.ACCEPTED, _P, _V.AGREE): _S.AGREED,
    (_S.ACCEPTED, _P, _V.TERMINATE): _S.TERMINATED,
    (_S.AGREED, _C, _V.VERIFY): _S.VERIFIED,
    (_S.AGREED, _C, _V.TERMINATE): _S.TERMINATED,
    (_S.VERIFIED, _P, _V.FINALIZE): _S.FINALIZED,
    (_S.VERIFIED, _P, _V.TERMINATE): _S.TERMINATED,
    **{(state, _X, _V.EXPIRE): _S.TERMINATED for state in OPEN},
}
_PROPOSALS = frozenset({_V.REQUEST, _V.OFFER})


@dataclass(frozen=True, slots=True)
class Proposal:
    """The terms on the table: a whole offer document, agreed amounts of negotiated components, and the purposes.

    shapes   amounts: decimal text by component id; changed: which fields differ from what was on the table before
    """

    document: Mapping[str, Any]
    amounts: Mapping[str, str]
    purposes: tuple[str, ...]
    changed: tuple[str, ...] = ()

    @property
    def sha256(self) -> bytes:
        """Of the offer document, as a private offer of these terms would have it."""
        return digest(dict(self.document))

    def wire(self) -> dict[str, Any]:
        """As it stands in a message."""
        return {
            "document": dict(self.document),
            "document_sha256": self.sha256.hex(),
            "amounts": dict(self.amounts),
            "purposes": list(self.purposes),
            "changed": list(self.changed),
        }

    @classmethod
    def of(cls, wire: Mapping[str, Any]) -> Proposal:
        """Read what `wire` wrote."""
        return cls(wire["document"], wire["amounts"], tuple(wire["purposes"]), tuple(wire["changed"]))


@dataclass(frozen=True, slots=True)
class Negotiation:
    """Where a negotiation stands.

    shapes   based_on: the offer it began from; renews: the agreement that it would follow; tip: digest of the last
             message; offer_id and quote_id from AGREED on; order_id and agreement_id from FINALIZED on
    """

    id: UUID
    buyer_id: UUID
    seller_id: UUID
    listing_id: UUID
    based_on: UUID | None
    renews: UUID | None
    state: NegotiationState
    rounds: int
    messages: int
    tip: bytes
    expires_at: datetime
    created_at: datetime
    changed_at: datetime
    offer_id: UUID | None = None
    quote_id: UUID | None = None
    order_id: UUID | None = None
    agreement_id: UUID | None = None

    def other(self, organisation_id: UUID) -> UUID:
        """The organisation across the table."""
        return self.seller_id if organisation_id == self.buyer_id else self.buyer_id


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is kept: canonical bytes that name the digest of the message before."""

    id: UUID
    negotiation_id: UUID
    number: int
    sender: Side
    organisation_id: UUID | None
    client_id: UUID | None
    verb: Verb
    state: NegotiationState
    document: bytes
    sha256: bytes
    previous: bytes | None
    created_at: datetime

    @property
    def content(self) -> dict[str, Any]:
        """The document as a value."""
        found: dict[str, Any] = msgspec.json.decode(self.document)
        return found

    @property
    def proposal(self) -> Proposal | None:
        """The terms it proposes; None for a message without terms."""
        wire = self.content.get("proposal")
        return None if wire is None else Proposal.of(wire)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who sends a message; the exchange speaks without organisation and client."""

    side: Side
    organisation_id: UUID | None = None
    client_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says beside its verb.

    shapes   content: further fields of the document, such as what was agreed; note: free text in English, Chinese or both
    """

    verb: Verb
    proposal: Proposal | None = None
    note: Mapping[str, str] | None = None
    expires_at: datetime | None = None
    content: Mapping[str, Any] = field(default_factory=dict)


def after(state: NegotiationState | None, side: Side, verb: Verb) -> NegotiationState | Problem:
    """The state that a message leads to, or that it cannot be sent by this side now.

    errors   answers negotiation-state
    """
    target = TRANSITIONS.get((state, side, verb))
    if target is not None:
        return target
    possible = Text(", ".join(possible_for(state, side)) or "nothing", "、".join(possible_for(state, side)) or "无")
    return NEGOTIATION_STATE(state="new" if state is None else state.value, side=side, message=verb, possible=possible)


def possible_for(state: NegotiationState | None, side: Side) -> tuple[str, ...]:
    """What a side may say in a state."""
    return tuple(verb.value for at, who, verb in TRANSITIONS if at is state and who is side)


def refuse(one: Negotiation, side: Side, verb: Verb, now: datetime) -> Problem | None:
    """Why a side cannot send this message now, or None.

    errors   answers negotiation-state, negotiation-expired, negotiation-rounds
    """
    target = after(one.state, side, verb)
    if isinstance(target, Problem):
        return target
    if verb is _V.EXPIRE:
        return None
    # Whoever wants to leave an expired negotiation may: the clock would say the same.
    if now >= one.expires_at and verb is not _V.TERMINATE:
        return NEGOTIATION_EXPIRED(expired_at=_instant(one.expires_at))
    return NEGOTIATION_ROUNDS(limit=ROUNDS_MAX) if verb in _PROPOSALS and one.rounds >= ROUNDS_MAX else None


def refuse_said(said: Said, now: datetime) -> Problem | None:
    """What is wrong with a message's note or expiry, or None."""
    until = said.expires_at
    if until is not None and not now < until <= now + timedelta(days=DAYS_MAX):
        return NEGOTIATION_INVALID(field="expires_at", reason=_TOO_LONG)
    note = said.note
    if note is None:
        return None
    if not note or not set(note) <= set(LANGUAGES):
        return NEGOTIATION_INVALID(field="note", reason=_LANGUAGES)
    if not all(one.strip() and len(one) <= NOTE_CHARS_MAX for one in note.values()):
        return NEGOTIATION_INVALID(field="note", reason=_LENGTH)
    return None if all(map(readable, note.values())) else NEGOTIATION_INVALID(field="note", reason=_UNREADABLE)


def begin(one: Negotiation, message_id: UUID, speaker: Speaker, said: Said) -> tuple[Negotiation, Message] | Problem:
    """The first message of a negotiation; `one` says who and about what, its state and tip are filled in here."""
    target = after(None, speaker.side, said.verb)
    if isinstance(target, Problem):
        return target
    expires_at = said.expires_at or one.created_at + VALID_FOR
    fresh = replace(one, state=target, rounds=1, messages=1, expires_at=expires_at)
    about = {
        "parties": {"buyer": ids.text("org", one.buyer_id), "seller": ids.text("org", one.seller_id)},
        "listing": ids.text("lst", one.listing_id),
        "based_on": None if one.based_on is None else ids.text("ofr", one.based_on),
        "renews": None if one.renews is None else ids.text("agr", one.renews),
    }
    message = _message(fresh, message_id, speaker, said, None, one.created_at, about)
    return replace(fresh, tip=message.sha256), message


def speak(
    one: Negotiation, message_id: UUID, speaker: Speaker, said: Said, now: datetime
) -> tuple[Negotiation, Message] | Problem:
    """The negotiation after one more message, and the message.

    errors   answers negotiation-state, negotiation-expired, negotiation-rounds
    """
    if problem := refuse(one, speaker.side, said.verb, now):
        return problem
    target = TRANSITIONS[one.state, speaker.side, said.verb]
    # A signed quote says until when; nothing after it can move that.
    keeps = target in ENDS or said.verb is _V.VERIFY
    expires_at = one.expires_at if keeps else said.expires_at or now + VALID_FOR
    moved = replace(
        one,
        state=target,
        rounds=one.rounds + (said.verb in _PROPOSALS),
        messages=one.messages + 1,
        expires_at=expires_at,
        changed_at=now,
    )
    message = _message(moved, message_id, speaker, said, one.tip, now, {})
    return replace(moved, tip=message.sha256), message


def broken_at(messages: Sequence[Message]) -> int | None:
    """The number of the first message that is not what its chain says, None where the history is whole."""
    before: bytes | None = None
    state: NegotiationState | None = None
    for number, one in enumerate(messages, 1):
        if sha256(one.document) != one.sha256:
            return number
        content = one.content
        said = (content["number"], content["message"], content["by"], content["state"], content["previous"])
        named = (number, one.verb.value, one.sender.value, one.state.value, None if before is None else before.hex())
        if said != named or one.number != number:
            return number
        if TRANSITIONS.get((state, one.sender, one.verb)) is not one.state:
            return number
        before, state = one.sha256, one.state
    return None


def _message(
    one: Negotiation,
    message_id: UUID,
    speaker: Speaker,
    said: Said,
    previous: bytes | None,
    now: datetime,
    about: Mapping[str, Any],
) -> Message:
    document: dict[str, Any] = {
        **about,
        **said.content,
        "type": "negotiation-message",
        "v": 1,
        "negotiation": ids.text("neg", one.id),
        "number": one.messages,
        "message": said.verb.value,
        "by": speaker.side.value,
        "organisation": None if speaker.organisation_id is None else ids.text("org", speaker.organisation_id),
        "client": None if speaker.client_id is None else ids.text("cli", speaker.client_id),
        "at": _instant(now),
        "state": one.state.value,
        "previous": None if previous is None else previous.hex(),
        "expires_at": _instant(one.expires_at),
        "note": None if said.note is None else dict(said.note),
    }
    if said.proposal is not None:
        document["proposal"] = said.proposal.wire()
    data = canonical(document)
    return Message(
        id=message_id,
        negotiation_id=one.id,
        number=one.messages,
        sender=speaker.side,
        organisation_id=speaker.organisation_id,
        client_id=speaker.client_id,
        verb=said.verb,
        state=one.state,
        document=data,
        sha256=sha256(data),
        previous=previous,
        created_at=now,
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_TOO_LONG = Text(f"must lie ahead of now, by at most {DAYS_MAX} days", f"须晚于当前时间，且不超过 {DAYS_MAX} 天")
_LANGUAGES = Text("must be a text in en, in zh or in both, and in no other language", "须为 en、zh 或两种语言的文本")
_LENGTH = Text(f"must have 1 to {NOTE_CHARS_MAX} characters", f"须为 1 至 {NOTE_CHARS_MAX} 个字符")
_UNREADABLE = Text("must be readable Unicode text without control characters", "须为不含控制字符的有效 Unicode 文本")

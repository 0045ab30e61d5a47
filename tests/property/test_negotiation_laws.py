"""Laws of the negotiation machine: whatever is said in whatever order, the table holds and the history proves itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts import negotiation as rules
from contracts.negotiation import (
    ENDS,
    ROUNDS_MAX,
    TRANSITIONS,
    Message,
    Negotiation,
    NegotiationState,
    Proposal,
    Said,
    Side,
    Speaker,
    Verb,
)
from contracts.negotiation_dsp import message_documents, negotiation_document
from exchange.kernel.canonical import sha256
from exchange.kernel.errors import Problem

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
BUYER, SELLER, LISTING, CLIENT = (UUID(int=n) for n in range(1, 5))
TERMS = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "MIT"}
DOCUMENT = {"type": "offer", "terms": TERMS, "plan": {"amount": "1"}}
SPEAKERS = {
    Side.CONSUMER: Speaker(Side.CONSUMER, BUYER, CLIENT),
    Side.PROVIDER: Speaker(Side.PROVIDER, SELLER, CLIENT),
    Side.EXCHANGE: Speaker(Side.EXCHANGE),
}
# The protocol's own figure, written down once more by hand.
FIGURE = """
- consumer request REQUESTED
- provider offer OFFERED
REQUESTED provider offer OFFERED
REQUESTED provider agree AGREED
REQUESTED consumer terminate TERMINATED
REQUESTED provider terminate TERMINATED
OFFERED consumer request REQUESTED
OFFERED consumer accept ACCEPTED
OFFERED consumer terminate TERMINATED
OFFERED provider terminate TERMINATED
ACCEPTED provider agree AGREED
ACCEPTED provider terminate TERMINATED
AGREED consumer verify VERIFIED
AGREED consumer terminate TERMINATED
VERIFIED provider finalize FINALIZED
VERIFIED provider terminate TERMINATED
"""
said = st.tuples(st.sampled_from(list(Side)), st.sampled_from(list(Verb)), st.integers(0, 9))


def proposal(amount: int) -> Proposal:
    return Proposal({**DOCUMENT, "plan": {"amount": str(amount)}}, {}, ("pretrain",), ("plan",))


def content(verb: Verb, amount: int) -> Said:
    extra: dict[Verb, dict[str, Any]] = {
        Verb.AGREE: {"binding": {"quote": {"id": "qte_0000000000000000000000000a"}}},
        Verb.TERMINATE: {"reason": {"code": "left"}},
        Verb.EXPIRE: {"reason": {"code": "expired"}},
    }
    terms = proposal(amount) if verb in (Verb.REQUEST, Verb.OFFER) else None
    return Said(verb, terms, {"en": "Said so."} if amount % 2 else None, None, extra.get(verb, {}))


def _is_json(document: bytes) -> bool:
    try:
        return set(msgspec.json.decode(document)) >= {"number", "message", "by", "state", "previous"}
    except (ValueError, TypeError):
        return False


def blank() -> Negotiation:
    first = NegotiationState.REQUESTED
    return Negotiation(UUID(int=9), BUYER, SELLER, LISTING, None, None, first, 1, 1, b"", START, START, START)


def walk(steps: list[tuple[Side, Verb, int]]) -> tuple[Negotiation, list[Message]]:
    """Say all that may be said of `steps`, after a first request."""
    begun = rules.begin(blank(), UUID(int=100), SPEAKERS[Side.CONSUMER], content(Verb.REQUEST, 1))
    assert not isinstance(begun, Problem)
    one, messages = begun[0], [begun[1]]
    for n, (side, verb, amount) in enumerate(steps):
        spoken = rules.speak(one, UUID(int=200 + n), SPEAKERS[side], content(verb, amount), START + timedelta(hours=n))
        legal = (one.state, side, verb) in TRANSITIONS
        if isinstance(spoken, Problem):
            assert not legal or (one.rounds >= ROUNDS_MAX and spoken.slug == "negotiation-rounds")
            assert legal or (spoken.slug, int(spoken.type.kind)) == ("negotiation-state", 409)
            continue
        assert legal
        assert spoken[0].state is TRANSITIONS[one.state, side, verb]
        one = spoken[0]
        messages.append(spoken[1])
    return one, messages


def test_the_table_is_the_figure_of_the_protocol_and_the_clock() -> None:
    figure = {
        (None if at == "-" else NegotiationState(at), Side(side), Verb(verb)): NegotiationState(to)
        for at, side, verb, to in (line.split() for line in FIGURE.strip().splitlines())
    }
    clock = {
        (state, Side.EXCHANGE, Verb.EXPIRE): NegotiationState.TERMINATED
        for state in NegotiationState
        if state not in ENDS
    }
    assert figure | clock == TRANSITIONS


def test_every_state_can_be_reached_and_left_or_is_an_end() -> None:
    reached = set(TRANSITIONS.values())
    left = {state for state, _, _ in TRANSITIONS if state is not None}
    assert reached == set(NegotiationState)
    assert set(NegotiationState) - left == ENDS


@given(st.lists(said, max_size=60))
def test_any_talk_leaves_a_whole_history_and_a_state_of_the_table(steps: list[tuple[Side, Verb, int]]) -> None:
    one, messages = walk(steps)
    assert rules.broken_at(messages) is None
    assert one.messages == len(messages) == messages[-1].number
    assert one.tip == messages[-1].sha256
    assert one.rounds == sum(1 for message in messages if message.proposal is not None) <= ROUNDS_MAX
    assert [message.state for message in messages][-1] is one.state
    assert all(message.state not in ENDS for message in messages[:-1])
    assert negotiation_document(one)["state"] == one.state.value
    assert len(message_documents(one, messages)) == len(messages)


@given(st.lists(said, min_size=5, max_size=30), st.data())
def test_a_changed_missing_or_moved_message_is_found_where_it_is(
    steps: list[tuple[Side, Verb, int]], data: st.DataObject
) -> None:
    _, messages = walk([(Side.PROVIDER, Verb.OFFER, 3), (Side.CONSUMER, Verb.REQUEST, 4), *steps])
    at = data.draw(st.integers(0, len(messages) - 1))
    bit = data.draw(st.integers(0, len(messages[at].document) * 8 - 1))
    changed = bytearray(messages[at].document)
    changed[bit // 8] ^= 1 << bit % 8
    forged = [*messages[:at], replace(messages[at], document=bytes(changed)), *messages[at + 1 :]]
    assert rules.broken_at(forged) == at + 1
    signed = replace(messages[at], document=bytes(changed), sha256=sha256(bytes(changed)))
    if at < len(messages) - 1 and _is_json(signed.document):
        assert rules.broken_at([*messages[:at], signed, *messages[at + 1 :]]) in (at + 1, at + 2)
    if at < len(messages) - 1:
        assert rules.broken_at([*messages[:at], *messages[at + 1 :]]) == at + 1


@given(st.integers(-3, 3))
def test_nobody_but_who_leaves_speaks_after_the_end_of_time(seconds: int) -> None:
    one, _ = walk([(Side.PROVIDER, Verb.OFFER, 3)])
    now = one.expires_at + timedelta(seconds=seconds)
    refused = rules.refuse(one, Side.CONSUMER, Verb.ACCEPT, now)
    assert (refused is None) == (seconds < 0)
    assert refused is None or refused.slug == "negotiation-expired"
    assert rules.refuse(one, Side.CONSUMER, Verb.TERMINATE, now) is None


def test_a_negotiation_takes_a_bounded_number_of_rounds() -> None:
    one, _ = walk([(Side.PROVIDER, Verb.OFFER, 2), (Side.CONSUMER, Verb.REQUEST, 3)] * ROUNDS_MAX)
    assert one.rounds == ROUNDS_MAX
    assert one.state is NegotiationState.OFFERED
    refused = rules.refuse(one, Side.CONSUMER, Verb.REQUEST, START)
    assert refused is not None
    assert refused.slug == "negotiation-rounds"
    assert rules.refuse(one, Side.CONSUMER, Verb.ACCEPT, START) is None


@given(
    st.dictionaries(
        st.sampled_from(["en", "zh", "fr"]), st.sampled_from(["", "  ", "好", "x" * 4001, "\ud800"]), max_size=3
    )
)
def test_a_note_is_text_in_our_languages(note: dict[str, str]) -> None:
    fine = bool(note) and set(note) <= {"en", "zh"} and set(note.values()) == {"好"}
    problem = rules.refuse_said(Said(Verb.ACCEPT, None, note), START)
    assert (problem is None) == fine

"""Disputes: what they are about, where each stands, who may do what next, and what a decision may say. Pure.

Two sides: the `giver`, from whom money may go, and the `taker`, to whom it may go. Of an order, a delivery, its quality, its
use or a chargeback these are seller and buyer; of a split, two of its payees. Either may have opened it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.kernel.money import Money
from exchange.kernel.text import LocaleMap, readable
from settlement.dispute_settings import DisputeSettings

WORDS_CHARS_MAX = 4_000
REWORK_DAYS_MAX = 90
EVIDENCE_MAX = 50
PROPOSALS_MAX = 50


class Kind(StrEnum):
    """What a dispute is about."""

    ORDER = "order"
    DELIVERY = "delivery"
    QUALITY = "quality"
    USAGE = "usage"
    SPLIT = "split"
    CHARGEBACK = "chargeback"


KINDS: Mapping[Kind, LocaleMap] = {
    Kind.ORDER: {"en": "the order as a whole", "zh": "订单整体"},
    Kind.DELIVERY: {"en": "the delivery", "zh": "交付"},
    Kind.QUALITY: {"en": "the quality of the data", "zh": "数据质量"},
    Kind.USAGE: {"en": "use that was charged", "zh": "已计费的用量"},
    Kind.SPLIT: {"en": "a payee's share", "zh": "收款方分成"},
    Kind.CHARGEBACK: {"en": "a card payment taken back", "zh": "银行卡拒付"},
}


class State(StrEnum):
    """Where a dispute stands. Its money is held in all but the last."""

    OPEN = "open"
    ANSWERED = "answered"
    ARBITRATION = "arbitration"
    HEARING = "hearing"
    DECIDED = "decided"
    REWORK = "rework"
    EXTERNAL = "external"
    CLOSED = "closed"


class Side(StrEnum):
    """As what somebody takes part."""

    CLAIMANT = "claimant"
    RESPONDENT = "respondent"
    ARBITRATOR = "arbitrator"
    OPERATOR = "operator"
    CLOCK = "clock"
    PROVIDER = "provider"


class Move(StrEnum):
    """What may be done; each one that was is a fact."""

    OPEN = "open"
    ANSWER = "answer"
    PROVE = "prove"
    PROPOSE = "propose"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"
    ESCALATE = "escalate"
    ASSIGN = "assign"
    TAKE_UP = "take_up"
    DECLINE = "decline"
    ASK = "ask"
    DECIDE = "decide"
    APPEAL = "appeal"
    WAIVE = "waive"
    REDELIVER = "redeliver"
    CONFIRM = "confirm"
    OBJECT = "object"
    LAPSE = "lapse"
    CLOSE = "close"


_SIDES = frozenset({Side.CLAIMANT, Side.RESPONDENT})
_ARBITRATOR, _CLOCK = frozenset({Side.ARBITRATOR}), frozenset({Side.CLOCK})
_TALK = {
    Move.PROVE: _SIDES,
    Move.PROPOSE: _SIDES,
    Move.ACCEPT: _SIDES,
    Move.WITHDRAW: frozenset({Side.CLAIMANT}),
}
# Who may do what where a dispute stands; what is not written here is refused.
TABLE: Mapping[State, Mapping[Move, frozenset[Side]]] = {
    State.OPEN: {**_TALK, Move.ANSWER: frozenset({Side.RESPONDENT}), Move.ESCALATE: _SIDES, Move.LAPSE: _CLOCK},
    State.ANSWERED: {**_TALK, Move.ESCALATE: _SIDES, Move.LAPSE: _CLOCK},
    State.ARBITRATION: {
        **_TALK,
        Move.ASSIGN: frozenset({Side.OPERATOR}),
        Move.TAKE_UP: _ARBITRATOR,
        Move.DECLINE: _ARBITRATOR,
        Move.LAPSE: _CLOCK,
    },
    State.HEARING: {
        **_TALK,
        Move.ASK: _ARBITRATOR,
        Move.DECIDE: _ARBITRATOR,
        Move.DECLINE: _ARBITRATOR,
        Move.LAPSE: _CLOCK,
    },
    State.DECIDED: {Move.APPEAL: _SIDES, Move.WAIVE: _SIDES, Move.LAPSE: _CLOCK},
    State.REWORK: {
        Move.PROVE: _SIDES,
        Move.REDELIVER: _SIDES,
        Move.CONFIRM: _SIDES,
        Move.OBJECT: _SIDES,
        Move.LAPSE: _CLOCK,
    },
    State.EXTERNAL: {Move.PROVE: _SIDES, Move.CLOSE: frozenset({Side.PROVIDER})},
    State.CLOSED: {},
}


class Outcome(StrEnum):
    """How a dispute ended."""

    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    DECIDED = "decided"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Award:
    """What a proposal offers or a decision says, in parts; all of them nothing: dismissed, the money stays where it is.

    shapes   refund: of the sale, from everybody who got a part of it; credit: from the seller alone; share: from one payee
             to another; rework_days: the seller delivers again within so many days, and what is left stays held till then
    units    millionths of the dispute's currency
    """

    refund: int = 0
    credit: int = 0
    share: int = 0
    rework_days: int = 0

    @property
    def money(self) -> int:
        """All that goes to the taker now."""
        return self.refund + self.credit + self.share

    @property
    def dismissed(self) -> bool:
        """Whether the taker gets nothing."""
        return not self.money and not self.rework_days

    def document(self, currency: str) -> dict[str, Any]:
        """The same in a canonical document."""
        return {
            "refund": Money(self.refund, currency).to_wire(),
            "credit": Money(self.credit, currency).to_wire(),
            "share": Money(self.share, currency).to_wire(),
            "rework_days": str(self.rework_days),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Award:
        """What `document` wrote."""
        refund, credit, share = (Money.from_wire(document[name]).units for name in ("refund", "credit", "share"))
        return cls(refund, credit, share, int(document["rework_days"]))


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as it stands.

    shapes   source_kind order | charge; claimant_id is giver_id or taker_id; round 2 after an appeal
             arbitrator_id: whom the operator asked last; earlier_id: who decided the first round; due_at None: no deadline
             waived_by: who gave up an appeal; redelivered: said by the seller since the rework was ordered
             reworked: a rework was ordered once, so it cannot be ordered again
    units    `amount` is what is in dispute
    """

    id: UUID
    kind: Kind
    source_kind: str
    source_id: UUID
    order_id: UUID
    giver_id: UUID
    taker_id: UUID
    claimant_id: UUID
    amount: Money
    state: State
    created_at: datetime
    due_at: datetime | None = None
    round: int = 1
    arbitrator_id: UUID | None = None
    earlier_id: UUID | None = None
    waived_by: UUID | None = None
    reworked: bool = False
    redelivered: bool = False
    outcome: Outcome | None = None
    closed_at: datetime | None = None

    @property
    def respondent_id(self) -> UUID:
        """Who has to answer."""
        return self.taker_id if self.claimant_id == self.giver_id else self.giver_id

    @property
    def parties(self) -> tuple[UUID, UUID]:
        """Both sides."""
        return self.giver_id, self.taker_id

    def side_of(self, organisation_id: UUID) -> Side | None:
        """As what an organisation takes part; None for strangers."""
        if organisation_id == self.claimant_id:
            return Side.CLAIMANT
        if organisation_id == self.respondent_id:
            return Side.RESPONDENT
        return Side.ARBITRATOR if organisation_id == self.arbitrator_id else None

    def other(self, organisation_id: UUID) -> UUID:
        """The other side."""
        return self.taker_id if organisation_id == self.giver_id else self.giver_id


def may(one: Dispute, move: Move, side: Side) -> bool:
    """Whether a side may do this now; who has been asked to arbitrate and who has taken it up are told apart by the state."""
    if side not in TABLE[one.state].get(move, frozenset()):
        return False
    # The clock ends a state only where that has a deadline, and a case that waits for the operator has none.
    return move is not Move.LAPSE or one.due_at is not None


def may_here(one: Dispute, move: Move, organisation_id: UUID) -> bool:
    """Whether a party may do this now, also where the giver and the taker have moves of their own."""
    side = one.side_of(organisation_id)
    if side is None or not may(one, move, side):
        return False
    if move is Move.REDELIVER:
        return organisation_id == one.giver_id and not one.redelivered
    if move in (Move.CONFIRM, Move.OBJECT):
        return organisation_id == one.taker_id and (one.redelivered or move is Move.CONFIRM)
    # Who gave up an appeal can neither give it up again nor make it.
    return move not in (Move.WAIVE, Move.APPEAL) or one.waived_by != organisation_id


def fault_of_award(one: Dispute, award: Award, left: int) -> str | None:
    """Why an award does not fit its dispute, as a word: amount, kind, rework; None where it fits.

    units    `left`: what is in dispute less what an earlier award moved already
    """
    if min(award.refund, award.credit, award.share, award.rework_days) < 0 or award.money > left:
        return "amount"
    if (award.share and one.kind is not Kind.SPLIT) or (award.money != award.share and one.kind is Kind.SPLIT):
        return "kind"
    if not award.rework_days:
        return None
    fits = (
        one.kind is not Kind.SPLIT and award.money < left and not one.reworked and award.rework_days <= REWORK_DAYS_MAX
    )
    return None if fits else "rework"


def fault_of_words(words: Mapping[str, str]) -> str | None:
    """Why these are no words that both sides can be shown: language, length, characters; None where they are."""
    if not words or not set(words) <= {"en", "zh"}:
        return "language"
    if any(not text.strip() or len(text) > WORDS_CHARS_MAX for text in words.values()):
        return "length"
    return None if all(readable(text) for text in words.values()) else "characters"


def due_after(state: State, settings: DisputeSettings, now: datetime, *, assigned: bool = False) -> datetime | None:
    """When the clock ends a state that is entered now; None where nobody has to do anything by then."""
    days = {
        State.OPEN: settings.answer_days,
        State.ANSWERED: settings.negotiation_days,
        State.ARBITRATION: settings.assignment_days if assigned else None,
        State.HEARING: settings.decision_days,
        State.DECIDED: settings.appeal_days,
    }.get(state)
    return None if days is None else now + timedelta(days=days)


def after_lapse(one: Dispute) -> State:
    """Where the clock leads a dispute whose deadline has passed.

    Silence before the arbitration leads there; an arbitrator who is silent loses the case; a decision that nobody appealed
    against, and a rework that nobody confirmed or made, end it.
    """
    if one.state in (State.OPEN, State.ANSWERED, State.ARBITRATION, State.HEARING):
        return State.ARBITRATION
    return State.CLOSED


def after_award(award: Award) -> State:
    """Where a dispute stands once its award is carried out."""
    return State.REWORK if award.rework_days else State.CLOSED


def fees(one: Dispute, award: Award, fee: int) -> tuple[int, int]:
    """What giver and taker bear of one arbitrator's fee: each as far as it lost. Who has to deliver again has lost.

    units    both above or at nothing, of the sum `fee`
    """
    lost = one.amount.units if award.rework_days else award.money
    of_giver = fee * lost // one.amount.units
    return of_giver, fee - of_giver


@dataclass(frozen=True, slots=True)
class Done:
    """One fact of a dispute: what was done, by whom, and where it left the dispute."""

    number: int
    move: Move
    state: State


def faults_of(facts: Iterable[Done]) -> list[str]:
    """What is wrong with a dispute's facts: each follows from the one before by the table, and the numbers count on."""
    found, before = [], None
    for n, one in enumerate(facts, start=1):
        if one.number != n:
            found.append(f"fact {one.number} is the {n}th")
        if (one.move is Move.OPEN) != (n == 1) or (before is not None and one.move not in TABLE[before]):
            found.append(f"{one.move} in {before}")
        before = one.state
    return found

"""Whose money a bank's line is: decided from its words and what is known, for many lines at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.payments import Method, Payment, PaymentState
from settlement.payouts import Payout, PayoutState, Rail

# Banks change the case, turn the underscore into what they like, and break lines wherever one is full.
_NAME = re.compile(r"(org|pay|pot|inv|ord)[_\-./: ]?([0-7][0-9a-hjkmnp-tv-z]{25})", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a statement, to be matched.

    units    above zero it came in
    """

    id: UUID
    entry_ref: str
    amount: Money
    words: tuple[str, ...]
    counterparty: bytes | None = None
    return_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What lines may be about.

    shapes   buyers: of invoices and of orders on account; holders: whose account a digest was, where it was always the same; awaited: of each
             buyer and amount the one announced transfer; ours: our own accounts' digests, and the operator's organisation
    """

    payouts: Mapping[UUID, Payout] = field(default_factory=dict)
    payments: Mapping[UUID, Payment] = field(default_factory=dict)
    organisations: frozenset[UUID] = frozenset()
    buyers: Mapping[UUID, UUID] = field(default_factory=dict)
    holders: Mapping[bytes, UUID] = field(default_factory=dict)
    awaited: Mapping[tuple[UUID, Money], UUID] = field(default_factory=dict)
    ours: Mapping[bytes, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaidOut:
    """The bank paid a payout."""

    payout: Payout


@dataclass(frozen=True, slots=True)
class CameBack:
    """The payee's bank sent a payout back."""

    payout: Payout
    reason: str


@dataclass(frozen=True, slots=True)
class CameIn:
    """An organisation's money, of an announced payment where its amount is right, or for an order on account."""

    organisation_id: UUID
    payment_id: UUID | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """Nobody is named: a person decides, helped by whom it may be."""

    maybe: UUID | None = None
    maybe_payment: UUID | None = None


@dataclass(frozen=True, slots=True)
class BetweenOurs:
    """Money that went from one account of ours to another: each tells of it once, and both together are nothing."""

    organisation_id: UUID


Decision = PaidOut | CameBack | CameIn | BetweenOurs | Open


def named(words: Iterable[str]) -> list[tuple[str, UUID]]:
    """Everything of ours that a line's words name, in their order, also where the bank broke an id in two."""
    said = list(words)
    found: dict[tuple[str, UUID], None] = {}
    for text in (" ".join(said), _SPACE.sub("", "".join(said))):
        for prefix, body in _NAME.findall(text):
            try:
                name = prefix.lower()
                found[name, ids.parse(name, f"{name}_{body.lower()}")] = None
            except ids.BadId:
                continue
    return list(found)


def match(entries: Sequence[Entry], known: Known) -> list[Decision]:
    """What each line is, in their order: one that tells of a payout changes how the next one about it is read."""
    paid: dict[UUID, PayoutState] = {}
    taken: set[UUID] = set()
    return [_one(entry, known, paid, taken) for entry in entries]


def _one(entry: Entry, known: Known, states: dict[UUID, PayoutState], taken: set[UUID]) -> Decision:
    names = named(entry.words)
    for prefix, id_ in names:
        payout = known.payouts.get(id_) if prefix == "pot" else None
        if payout is None or payout.rail is not Rail.BANK or abs(entry.amount.units) != payout.amount.units:
            continue
        state = states.get(id_, payout.state)
        if entry.amount.units < 0 and state is PayoutState.EXPORTED:
            states[id_] = PayoutState.PAID
            return PaidOut(payout)
        if entry.amount.units > 0 and state is PayoutState.PAID:
            states[id_] = PayoutState.REVERSED
            return CameBack(payout, entry.return_reason or "returned")
    if entry.counterparty is not None and entry.counterparty in known.ours:
        return BetweenOurs(known.ours[entry.counterparty])
    # What went out or came back and is no payout of ours is nobody's wallet.
    if entry.amount.units < 0 or entry.return_reason is not None:
        return Open()
    for prefix, id_ in names:
        if (found := _came_in(prefix, id_, entry, known, taken)) is not None:
            return found
    return _guessed(entry, known)


def _came_in(prefix: str, id_: UUID, entry: Entry, known: Known, taken: set[UUID]) -> CameIn | None:
    if prefix == "pay" and (payment := known.payments.get(id_)) is not None and payment.method is Method.BANK:
        exact = payment.amount == entry.amount and payment.state is not PaymentState.SUCCEEDED and id_ not in taken
        if exact:
            taken.add(id_)
        return CameIn(payment.organisation_id, id_ if exact else None)
    if prefix == "org" and id_ in known.organisations:
        return CameIn(id_)
    if prefix in ("inv", "ord") and id_ in known.buyers:
        return CameIn(known.buyers[id_], None, id_ if prefix == "ord" else None)
    return None


def _guessed(entry: Entry, known: Known) -> Open:
    """An amount that was announced by whoever's account paid it: likely, and never booked without a person."""
    holder = known.holders.get(entry.counterparty) if entry.counterparty is not None else None
    if holder is None:
        return Open()
    payment = known.awaited.get((holder, entry.amount))
    return Open(holder, payment) if payment is not None else Open()

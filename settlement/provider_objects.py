"""What stands at the payment provider, as it was seen there: payments, what goes back of them, transfers, payouts, accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exchange.kernel.money import Money
from settlement.kept_methods import CardFacts


@dataclass(frozen=True, slots=True)
class Booked:
    """What a movement did to our balance there: its amount in the currency that it was settled in, and the fee taken of it.

    shapes   rate: from the currency that was presented, as the provider says it; None where that is the same
    units    `amount` above zero came in, below zero went out; `fee` not below zero
    """

    id: str
    amount: Money
    fee: Money
    rate: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment intent as Stripe has it now; `payment` is our payment as its metadata name it.

    shapes   redirect_url, qr_code: where the payer has to agree, and what their wallet can scan
             booked: None until the money counts there
             state succeeded | processing | requires_action | requires_payment_method | requires_confirmation |
             requires_capture | canceled
    """

    id: str
    state: str
    amount: Money
    charge_id: str | None
    client_secret: str | None
    redirect_url: str | None
    payment: str | None = None
    received: Money | None = None
    failure: str | None = None
    qr_code: str | None = None
    booked: Booked | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A Checkout page; `payment` is our payment as its metadata name it.

    shapes   state open | complete | expired
    """

    id: str
    state: str
    amount: Money
    url: str | None
    payment: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund to whoever paid; `refund` is ours as its metadata name it.

    shapes   state pending | requires_action | succeeded | failed | canceled; booked: None until our balance was debited;
             returned: what brought the money back to it, None while nothing did
    """

    id: str
    state: str
    amount: Money
    payment_id: str | None
    refund: str | None = None
    failure: str | None = None
    booked: Booked | None = None
    returned: Booked | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payer's bank takes a payment back, or asks about it.

    shapes   state as Stripe names it; taken, given: what left our balance for it and came back, each a movement
             answer: our name of the evidence that was handed in, as its metadata name it
    """

    id: str
    state: str
    amount: Money
    reason: str
    payment_id: str | None
    made_at: datetime
    due_at: datetime | None = None
    taken: tuple[Booked, ...] = ()
    given: tuple[Booked, ...] = ()
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file; it has no other name of ours than its own."""

    id: str
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Reversal:
    """A part of a transfer that was taken back; `recovery` is ours as its metadata name it."""

    id: str
    amount: Money
    transfer_id: str
    recovery: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account and what it may do; `organisation` is ours as its metadata name it.

    shapes   due: what Stripe wants to know of its owner now; disabled: why it can do less than it was opened for
    """

    id: str
    transfers_active: bool
    payouts_enabled: bool
    details_submitted: bool
    organisation: str | None = None
    country: str | None = None
    due: tuple[str, ...] = ()
    disabled: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moved to a connected account, and how much of it came back; `source` is the charge that it is tied to."""

    id: str
    amount: Money
    amount_reversed: Money
    destination: str
    payout: str | None = None
    reversals: tuple[Reversal, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class BankPayout:
    """Money on its way from a connected account to its bank.

    shapes   state pending | in_transit | paid | failed | canceled
    """

    id: str
    state: str
    amount: Money
    payout: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """A method that is being kept; `method` is ours as its metadata name it.

    shapes   state succeeded | processing | requires_action | requires_payment_method | requires_confirmation | canceled
             payment_method, kind: the provider's name of what is kept, and "card" or another kind
    """

    id: str
    state: str
    method: str | None
    payment_method: str | None
    kind: str | None
    card: CardFacts | None = None
    redirect_url: str | None = None
    failure: str | None = None


Seen = Payment | Session | Refund | Dispute | File | Transfer | Reversal | BankPayout | Account | Setup

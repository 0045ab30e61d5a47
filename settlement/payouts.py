"""Payouts: settled money on its way to its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.money import Money, Rounding, round_to_minor
from settlement.accounts import AccountKind


class PayoutState(StrEnum):
    """Where a payout stands.

    On the rail stripe it is sent once the money lies at the payee's account there, and paid once it reached the payee's
    bank; returned when that bank gave it back to the payee's account, reversed when it came back to the exchange.
    On the rail bank it is approved with its batch, exported once it stands in the file that the bank gets, and paid or
    reversed when the bank's statement says so.
    """

    CREATED = "created"
    APPROVED = "approved"
    EXPORTED = "exported"
    SENT = "sent"
    PAID = "paid"
    RETURNED = "returned"
    REVERSED = "reversed"
    FAILED = "failed"


TRANSITIONS: Mapping[PayoutState, frozenset[PayoutState]] = {
    PayoutState.CREATED: frozenset({PayoutState.SENT, PayoutState.APPROVED, PayoutState.PAID, PayoutState.FAILED}),
    # Its batch is a draft again, or was given up.
    PayoutState.APPROVED: frozenset({PayoutState.EXPORTED, PayoutState.CREATED, PayoutState.FAILED}),
    PayoutState.EXPORTED: frozenset({PayoutState.PAID, PayoutState.FAILED}),
    PayoutState.SENT: frozenset({PayoutState.PAID, PayoutState.RETURNED, PayoutState.REVERSED, PayoutState.FAILED}),
    PayoutState.PAID: frozenset({PayoutState.RETURNED, PayoutState.REVERSED}),
    # Sent again to another bank account of the payee.
    PayoutState.RETURNED: frozenset({PayoutState.SENT, PayoutState.REVERSED}),
    PayoutState.REVERSED: frozenset(),
    PayoutState.FAILED: frozenset(),
}


class Rail(StrEnum):
    """The way the money goes."""

    STRIPE = "stripe"
    BANK = "bank"

    @property
    def account(self) -> AccountKind:
        """The exchange's own account that the money leaves."""
        return AccountKind(self.value)


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout as it stands."""

    id: UUID
    organisation_id: UUID
    account_id: int
    period: str
    rail: Rail
    destination: str
    amount: Money
    state: PayoutState
    created_at: datetime
    provider_ref: str | None = None
    failure: str | None = None
    finished_at: datetime | None = None
    bank_ref: str | None = None

    @property
    def gone(self) -> bool:
        """Whether the money has left the exchange's own accounts."""
        left = {PayoutState.PAID, PayoutState.RETURNED}
        return self.state in (left | {PayoutState.SENT} if self.rail is Rail.STRIPE else left)

    def may_become(self, target: PayoutState) -> bool:
        """Whether a rail may say this of it now: what has left is never failed, and what has not left never comes back."""
        if target not in TRANSITIONS[self.state]:
            return False
        if target is PayoutState.FAILED:
            return not self.gone
        return self.gone if target in (PayoutState.RETURNED, PayoutState.REVERSED) else True


@dataclass(frozen=True, slots=True)
class Net:
    """What a payee can be paid: whole coins of what is payable once its debt is taken off.

    units    `netted` goes from payable to debt, `amount` leaves; neither is below zero, nothing is netted where nothing leaves
    """

    there: Money
    netted: Money
    amount: Money


def net(payable: int, debt: int, currency: str) -> Net:
    """Take what a payee owes (`debt`, not above zero) off what is payable to it.

    units    millionths; rounded down to whole coins, the rest stays payable
    """
    there = Money(payable + debt, currency)
    amount = round_to_minor(there, Rounding.DOWN)
    if amount.units <= 0:
        return Net(there, Money.zero(currency), Money.zero(currency))
    return Net(there, Money(-debt, currency), amount)

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
    """Where a payout stands."""

    CREATED = "created"
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"


TRANSITIONS: Mapping[PayoutState, frozenset[PayoutState]] = {
    PayoutState.CREATED: frozenset({PayoutState.SENT, PayoutState.PAID, PayoutState.FAILED}),
    PayoutState.SENT: frozenset({PayoutState.PAID, PayoutState.FAILED}),
    PayoutState.PAID: frozenset(),
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

"""Payouts: settled money on its way to its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.money import Money
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

"""Chargebacks: a payer's bank takes back what was paid; what we say to it, and what follows when we are not believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.money import Money

HOLD_REASON = "chargeback"


class ChargebackState(StrEnum):
    """Where a chargeback stands. An inquiry takes no money, and may become a chargeback or end as nothing."""

    INQUIRY = "inquiry"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


OVER = frozenset({ChargebackState.WON, ChargebackState.LOST, ChargebackState.CLOSED})
# What the provider's words mean here.
# source: https://docs.stripe.com/api/disputes/object#dispute_object-status
_WORDS: Mapping[str, ChargebackState] = {
    "warning_needs_response": ChargebackState.INQUIRY,
    "warning_under_review": ChargebackState.INQUIRY,
    "warning_closed": ChargebackState.CLOSED,
    "needs_response": ChargebackState.NEEDS_RESPONSE,
    "under_review": ChargebackState.UNDER_REVIEW,
    "won": ChargebackState.WON,
    "lost": ChargebackState.LOST,
    "prevented": ChargebackState.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Chargeback:
    """A chargeback of one of our payments as it stands.

    shapes   withdrawn, reinstated: whether its money left our balance at the provider, and came back; answered_at: when our
             evidence was handed in; settled: whether what follows from its end was booked
    units    `covered` is what the payer's order and wallet gave for a lost one, never more than `amount`
    """

    id: UUID
    provider_ref: str
    payment_id: UUID
    organisation_id: UUID
    order_id: UUID | None
    amount: Money
    reason: str
    state: ChargebackState
    created_at: datetime
    fee: Money
    withdrawn: bool = False
    reinstated: bool = False
    due_at: datetime | None = None
    evidence_sha256: bytes | None = None
    note: str | None = None
    answered_at: datetime | None = None
    covered: int = 0
    closed_at: datetime | None = None

    @property
    def uncovered(self) -> Money:
        """What of a lost one the exchange bears."""
        return Money(self.amount.units - self.covered, self.amount.currency)


def state_there(status: str) -> ChargebackState | None:
    """Our state for the provider's word; None for a word that we do not know."""
    return _WORDS.get(status)

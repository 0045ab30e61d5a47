"""Refunds to a card: money of a buyer's wallet on its way back to what it once came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.money import Money

HOLD_REASON = "card_refund"


class CardRefundState(StrEnum):
    """Where a refund to a card stands; `pending` until the provider has taken the money from our balance there."""

    CREATED = "created"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


# A bank may send money back days after it took it.
TRANSITIONS: Mapping[CardRefundState, frozenset[CardRefundState]] = {
    CardRefundState.CREATED: frozenset({CardRefundState.PENDING, CardRefundState.SUCCEEDED, CardRefundState.FAILED}),
    CardRefundState.PENDING: frozenset({CardRefundState.SUCCEEDED, CardRefundState.FAILED}),
    CardRefundState.SUCCEEDED: frozenset({CardRefundState.FAILED}),
    CardRefundState.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class CardRefund:
    """A refund to a card as it stands; the hold on the wallet has its id."""

    id: UUID
    organisation_id: UUID
    payment_id: UUID
    amount: Money
    state: CardRefundState
    created_at: datetime
    provider_ref: str | None = None
    failure: str | None = None
    finished_at: datetime | None = None


def state_there(*, debited: bool, returned: bool, status: str) -> CardRefundState:
    """Our state for what stands at the provider: the money decides, and the word only where none has moved.

    shapes   debited: taken from our balance there; returned: given back to it
    """
    if returned:
        return CardRefundState.FAILED
    if debited:
        return CardRefundState.SUCCEEDED
    return CardRefundState.FAILED if status in ("failed", "canceled") else CardRefundState.PENDING

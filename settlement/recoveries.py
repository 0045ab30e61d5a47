"""Recoveries: what a payee owes after refunds, brought back from its account at the payment provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.money import Money


class RecoveryState(StrEnum):
    """Where a recovery stands; a refused one leaves the debt as it is."""

    CREATED = "created"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Recovery:
    """A part of one payout's transfer that is taken back.

    units    `wanted` is what was asked for; `brought` what the payee's account had of it and came back
    """

    id: UUID
    payout_id: UUID
    organisation_id: UUID
    wanted: Money
    state: RecoveryState
    created_at: datetime
    brought: Money | None = None
    provider_ref: str | None = None
    failure: str | None = None
    finished_at: datetime | None = None


def plan(debt: Money, sent: list[tuple[UUID, int]]) -> list[tuple[UUID, Money]]:
    """How a debt is asked back of transfers, the newest first; what they do not cover stays owed.

    shapes   sent: (payout, what of its transfer has not come back), newest first
    units    millionths, `debt` above zero
    """
    found: list[tuple[UUID, Money]] = []
    left = debt.units
    for payout_id, units in sent:
        part = min(left, units)
        if part > 0:
            found.append((payout_id, Money(part, debt.currency)))
            left -= part
    return found

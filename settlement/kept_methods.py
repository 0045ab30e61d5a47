"""Payment methods that a buyer keeps at the payment provider: what we know of each, and how one comes and goes. Pure.

Numbers of cards never come here: the provider has them, and we have its name of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# So many are kept at once.
KEPT_MAX = 20
# Why one was refused that is no card.
NO_CARD = "not_a_card"
# The same card of the same page again: it is kept once.
KEPT_ALREADY = "kept_already"


class KeptState(StrEnum):
    """Where a method stands; it pays while it is active."""

    ASKED = "asked"
    CONFIRMING = "confirming"
    ACTIVE = "active"
    FAILED = "failed"
    REMOVED = "removed"


# A card that failed is named anew; what is removed comes back as another one.
TRANSITIONS = {
    KeptState.ASKED: frozenset({KeptState.CONFIRMING, KeptState.ACTIVE, KeptState.FAILED, KeptState.REMOVED}),
    KeptState.CONFIRMING: frozenset({KeptState.ACTIVE, KeptState.FAILED, KeptState.REMOVED}),
    KeptState.ACTIVE: frozenset({KeptState.REMOVED}),
    KeptState.FAILED: frozenset({KeptState.REMOVED}),
    KeptState.REMOVED: frozenset[KeptState](),
}


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What is shown of a card: enough to tell it from another one, too little to pay with."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class KeptMethod:
    """A method as it stands.

    shapes   given: the provider's name as the buyer's page got it, "pm_..."; provider_ref: the one that is kept and charged
             redirect_url: where the holder has to agree, while it is confirming; failure: the provider's word
    """

    id: UUID
    organisation_id: UUID
    given: str
    state: KeptState
    created_at: datetime
    provider_ref: str | None = None
    setup_ref: str | None = None
    card: CardFacts | None = None
    redirect_url: str | None = None
    failure: str | None = None
    is_default: bool = False

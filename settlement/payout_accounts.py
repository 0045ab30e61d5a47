"""Payout accounts: where a payee's money goes on one rail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from settlement.payouts import Rail


class PayoutAccountState(StrEnum):
    """Where a payout account stands; only an active one is paid to."""

    OPENING = "opening"
    RESTRICTED = "restricted"
    ACTIVE = "active"
    REFUSED = "refused"


TRANSITIONS: Mapping[PayoutAccountState, frozenset[PayoutAccountState]] = {
    PayoutAccountState.OPENING: frozenset(
        {PayoutAccountState.RESTRICTED, PayoutAccountState.ACTIVE, PayoutAccountState.REFUSED}
    ),
    PayoutAccountState.RESTRICTED: frozenset({PayoutAccountState.ACTIVE}),
    PayoutAccountState.ACTIVE: frozenset({PayoutAccountState.RESTRICTED}),
    PayoutAccountState.REFUSED: frozenset({PayoutAccountState.OPENING}),
}


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """One payee's destination on one rail; `destination` is the rail's own name for it, `due` what the rail wants to know."""

    organisation_id: UUID
    rail: Rail
    country: str
    destination: str | None
    state: PayoutAccountState
    reason: str | None = None
    due: tuple[str, ...] = ()


def agreement_for(country: str, home: str) -> str:
    """Under which agreement of Stripe's a payee's account is opened.

    Transfers without card payments exist under the recipient agreement alone, and that is for other countries than the
    exchange's own, where the full one is asked for, together with card payments that nobody uses.

    shapes   home: the country of the exchange's own account, empty where it was not said
    source   https://docs.stripe.com/connect/service-agreement-types
    """
    return "full" if home and country == home else "recipient"

"""The lines that follow from a provider's own movement on our balance there: fees, own money, reserves, chargebacks."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.accounts import AccountKey, AccountKind, debt, platform
from settlement.journals import Journal, Line

SWEEP = "sweep"
SWEEP_BACK = "sweep_back"
OWN_SWEEP = "own_sweep"
RESERVE = "reserve"
TAKEN_BACK = "taken_back"
COVERED = "covered"
RESOLVED = "resolved"
_START = datetime(1970, 1, 1, tzinfo=UTC)


def named(provider_id: str) -> UUID:
    """What one of the provider's objects is called in our ledger, where it answers to none of ours: the same for everybody."""
    return ids.derived(_START, "provider", provider_id)


def moved(kind: str, source_id: UUID, amount: Money, against: AccountKey, at: datetime | None = None) -> Journal:
    """The balance at the provider changed by `amount`, and `against` with it.

    units    above zero: there is more at the provider, and the exchange owes `against` that much more
    """
    lines = (
        Line(platform(AccountKind.STRIPE, amount.currency), -amount.units, source_id),
        Line(against, amount.units, source_id),
    )
    return Journal(kind, source_id, lines, at)


def covered(source_id: UUID, organisation_id: UUID, amount: Money, at: datetime | None = None) -> Journal:
    """The provider took from us what a payee's account owed there: it is the payee's debt now."""
    return moved(COVERED, source_id, amount, debt(organisation_id, amount.currency), at)


def own_sweep(sweep_id: UUID, amount: Money) -> Journal:
    """The exchange takes money of its own out of where clients' money lies: revenue falls, and the sweep is explained."""
    lines = (
        Line(platform(AccountKind.REVENUE, amount.currency), -amount.units, sweep_id),
        Line(platform(AccountKind.SWEEP, amount.currency), amount.units, sweep_id),
    )
    return Journal(OWN_SWEEP, sweep_id, lines)

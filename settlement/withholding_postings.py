"""The journals of withheld tax: with a payout it leaves the payee, and with the payout it comes back."""

from __future__ import annotations

from uuid import UUID

from exchange.kernel.money import Money
from settlement.accounts import AccountKind, payable, platform
from settlement.journals import Journal, Line

WITHHOLDING = "withholding"
WITHHOLDING_BACK = "withholding_back"


def withholding(payout_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """Tax is kept of a payout for an office: payable -> withheld."""
    lines = (
        Line(payable(organisation_id, amount.currency), -amount.units, payout_id),
        Line(platform(AccountKind.WITHHELD, amount.currency), amount.units, payout_id),
    )
    return Journal(WITHHOLDING, payout_id, lines)


def withholding_back(payout_id: UUID, organisation_id: UUID, amount: Money) -> Journal:
    """The payout failed or came back, so no tax is due on it: withheld -> payable."""
    lines = (
        Line(platform(AccountKind.WITHHELD, amount.currency), -amount.units, payout_id),
        Line(payable(organisation_id, amount.currency), amount.units, payout_id),
    )
    return Journal(WITHHOLDING_BACK, payout_id, lines)

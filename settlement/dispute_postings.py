"""The journals of disputes: what an award moves besides refunds, and what an arbitrator is paid."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from settlement.accounts import AccountKey, debt, payable
from settlement.journals import Journal, Line

AWARD = "award"
ARBITRATION_FEE = "arbitration_fee"


def taken(purse: AccountKey, units: int, there: int) -> list[tuple[AccountKey, int]]:
    """From where an organisation gives: its purse as far as that goes, and the rest it owes.

    units    millionths; nothing is taken below nothing, and what is not there is debt
    """
    assert purse.organisation_id is not None
    part = min(units, max(there, 0))
    found = [(purse, part), (debt(purse.organisation_id, purse.currency), units - part)]
    return [(key, one) for key, one in found if one]


def award(move_id: UUID, dispute_id: UUID, given: Sequence[tuple[AccountKey, int]], to: AccountKey) -> Journal:
    """A dispute's money goes from one side to the other: payable, debt of the giver - · wallet or payable of the taker +."""
    return _moved(AWARD, move_id, dispute_id, given, to)


def arbitration_fee(
    move_id: UUID, dispute_id: UUID, given: Sequence[tuple[AccountKey, int]], arbitrator_id: UUID
) -> Journal:
    """Whoever lost pays an arbitrator: wallet or payable, and debt for what is not there - · payable of the arbitrator +."""
    return _moved(ARBITRATION_FEE, move_id, dispute_id, given, payable(arbitrator_id, given[0][0].currency))


def _moved(
    kind: str, move_id: UUID, dispute_id: UUID, given: Sequence[tuple[AccountKey, int]], to: AccountKey
) -> Journal:
    lines = [Line(key, -units, dispute_id) for key, units in given]
    return Journal(kind, move_id, (*lines, Line(to, sum(units for _, units in given), dispute_id)))

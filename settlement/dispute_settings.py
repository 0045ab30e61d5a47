"""What the operator may set about disputes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DisputeSettings:
    """How long each side of a dispute has, and what an arbitrator is paid."""

    answer_days: int = 7
    """Days in which the other side answers a dispute; silence leads to arbitration."""
    negotiation_days: int = 14
    """Days from the answer in which both sides may settle by themselves; then the arbitration begins."""
    assignment_days: int = 3
    """Days in which an arbitrator that was asked takes up the case or declines it."""
    decision_days: int = 14
    """Days from taking up the case in which an arbitrator decides."""
    appeal_days: int = 14
    """Days from a decision in which either side may appeal, once; money moves after them."""
    inspection_days: int = 7
    """Days in which the buyer looks at what was delivered anew; silence accepts it."""
    fee_bps: int = 300
    """Fee of an arbitrator for one decision, in hundredths of a percent of what is in dispute; whole coins, rounded down."""

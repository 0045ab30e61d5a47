"""Leaving a plan in the middle of a period: where that would give one allowance twice, the period stays whole."""

from __future__ import annotations

from datetime import datetime

from pricing.components import Cadence, Plan
from pricing.fixed import Credits
from pricing.models import Graduated, Included, Packs, Volume
from pricing.periods import Period, life, period_at

# What the first units of a period cost is not what the later ones cost, so a period begun anew is worth something.
_UNEVEN = (Included, Packs, Graduated, Volume)


def kept_whole(plan: Plan, starts_at: datetime, at: datetime) -> Period | None:
    """The longest period under way whose use is counted as one: included quantities, packs, tiers, caps and the like.

    shapes   None: nothing is counted so, or a trial still runs; a period with end None lasts as long as the agreement
    """
    begins = plan.begins(starts_at)
    units = [unit for unit, cadence in plan.by_cadence.items() if _counts(cadence)]
    if not units or at < begins:
        return None
    if None in units:
        return life(begins)
    found = [period_at(unit, begins, at, plan.time_zone, calendar=plan.calendar) for unit in units if unit is not None]
    return max(found, key=lambda one: one.end or at)


def _counts(cadence: Cadence) -> bool:
    """Whether a cadence counts use, or first periods, over the whole period. For life only use is counted."""
    if cadence.unit is None and not any(one.by_use for one in cadence.components):
        return False
    uneven = _UNEVEN if cadence.unit is None else (*_UNEVEN, Credits)
    if any(isinstance(one.model, uneven) for one in cadence.components) or cadence.maxima or cadence.minima:
        return True
    return any(one.kind == "volume" or one.periods is not None for one in cadence.discounts)

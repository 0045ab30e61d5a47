"""Prepaid credits: which charges they pay, in which order.

Drawing is worked out anew over the whole agreement each time, in the order of time, so that use that comes late ends in
the same sum as use that came at once.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pricing.components import Component, Plan
from pricing.exact import to_units
from pricing.fixed import Credits
from pricing.periods import Period


@dataclass(frozen=True, slots=True)
class Payable:
    """What a component costs in one period after discounts and caps, which credits may pay.

    units    millionths
    """

    component: Component
    period: Period
    units: int


@dataclass(frozen=True, slots=True)
class Draw:
    """Credit that pays a part of one component's price in one period.

    shapes   id: `<credit component>.<number of the grant>><component paid>`; number counts the credit's own periods
    """

    id: str
    source: Component
    number: int
    paid: Component
    period: Period
    units: int


@dataclass(slots=True)
class _Granted:
    """One grant of credit and what is left of it."""

    component: Component
    order: int
    period: Period
    model: Credits
    expires_at: datetime
    left: int

    @property
    def rank(self) -> tuple[int, datetime, int, int]:
        """Draw-down order: priority, then the earliest expiry, then the document's order, then the older grant."""
        return (self.model.priority, self.expires_at, self.order, self.period.index)


def draw(plan: Plan, periods: Sequence[Period], payables: Sequence[Payable]) -> list[Draw]:
    """Draw credits against what is payable, the oldest period first, within a period in the plan's order.

    shapes   periods: every period begun since the agreement began, the credits' own among them
    """
    purses: dict[str, _Purse] = {}
    for grant in sorted(_granted(plan, periods), key=lambda one: one.period.start):
        for name in dict.fromkeys(grant.model.draws_for):
            purses.setdefault(name, _Purse()).coming.append(grant)
    order = {component.id: number for number, component in enumerate(plan.components)}
    found: list[Draw] = []
    for one in sorted(payables, key=lambda one: (one.period.start, order[one.component.id], one.period.index)):
        if one.units > 0 and one.component.id in purses:
            found += purses[one.component.id].pay(one)
    return found


class _Purse:
    """The grants that may pay for one component, whose periods ask in the order of time.

    A grant that has begun for one period has begun for each later one; what is spent or has expired never pays again.
    Each grant is therefore put in once and thrown away once, however many periods there are.
    """

    def __init__(self) -> None:
        # Not yet begun, by their start; begun, by their rank.
        self.coming: deque[_Granted] = deque()
        self._held: list[_Granted] = []

    def pay(self, payable: Payable) -> Iterator[Draw]:
        """Draw what the grants hold, up to what the payable comes to."""
        period, open_units = payable.period, payable.units
        while self.coming and (period.end is None or self.coming[0].period.start < period.end):
            insort(self._held, self.coming.popleft(), key=lambda one: one.rank)
        looked_at = 0
        kept: list[_Granted] = []
        for grant in self._held:
            if not open_units:
                break
            looked_at += 1
            if period.start >= grant.expires_at:
                continue
            units = min(grant.left, open_units)
            if units:
                grant.left -= units
                open_units -= units
                name = f"{grant.component.id}.{grant.period.index}>{payable.component.id}"
                yield Draw(name, grant.component, grant.period.index, payable.component, period, units)
            if grant.left:
                kept.append(grant)
        self._held[:looked_at] = kept


def _granted(plan: Plan, periods: Sequence[Period]) -> list[_Granted]:
    found = []
    for order, component in enumerate(plan.credits):
        model = component.model
        if isinstance(model, Credits):
            units = to_units(model.credit)
            found += [
                _Granted(component, order, one, model, _expiry(plan, one, model), units)
                for one in periods
                if one.unit == component.period
            ]
    return found


def _expiry(plan: Plan, period: Period, model: Credits) -> datetime:
    wall = period.start.astimezone(plan.time_zone).replace(tzinfo=None) + timedelta(days=model.valid_days)
    return wall.replace(tzinfo=plan.time_zone)

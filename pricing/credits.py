"""Prepaid credits: which charges they pay, in which order.

Drawing is worked out anew over the whole agreement each time, in the order of time, so that use that comes late ends in
the same sum as use that came at once.
"""

from __future__ import annotations

from collections.abc import Sequence
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

    def pays(self, payable: Payable) -> bool:
        """Whether it is meant for the component, and alive in some part of the period."""
        period = payable.period
        begun = period.end is None or period.end > self.period.start
        return payable.component.id in self.model.draws_for and begun and period.start < self.expires_at


def draw(plan: Plan, periods: Sequence[Period], payables: Sequence[Payable]) -> list[Draw]:
    """Draw credits against what is payable, the oldest period first, within a period in the plan's order.

    shapes   periods: every period begun since the agreement began, the credits' own among them
    """
    grants = sorted(_granted(plan, periods), key=lambda one: one.rank)
    order = {component.id: number for number, component in enumerate(plan.components)}
    found = []
    for one in sorted(payables, key=lambda one: (one.period.start, order[one.component.id], one.period.index)):
        open_units = one.units
        for grant in grants:
            units = min(grant.left, open_units)
            if units > 0 and grant.pays(one):
                grant.left -= units
                open_units -= units
                name = f"{grant.component.id}.{grant.period.index}>{one.component.id}"
                found.append(Draw(name, grant.component, grant.period.index, one.component, one.period, units))
    return found


def _granted(plan: Plan, periods: Sequence[Period]) -> list[_Granted]:
    found = []
    for order, component in enumerate(plan.credits):
        model = component.model
        if isinstance(model, Credits):
            found += [
                _Granted(component, order, one, model, _expiry(plan, one, model), to_units(model.credit))
                for one in periods
                if one.unit == component.period
            ]
    return found


def _expiry(plan: Plan, period: Period, model: Credits) -> datetime:
    wall = period.start.astimezone(plan.time_zone).replace(tzinfo=None) + timedelta(days=model.valid_days)
    return wall.replace(tzinfo=plan.time_zone)

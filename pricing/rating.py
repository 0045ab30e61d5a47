"""Rating: from a plan and the use of a period to lines of money.

Rating is cumulative. `rate` says what everything up to a moment costs; what is due is that minus what was booked
before (`outstanding`). So late, corrected, split or reordered use all lead to the same sum, and each correction
keeps the period that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from exchange.kernel.money import Money
from pricing.exact import ONE, ZERO, Quantity, decimal, plain, to_units
from pricing.explain import explanation
from pricing.models import Flat, OneOff, Step
from pricing.periods import Period
from pricing.plans import Component, Plan

LineKey = tuple[str, int]


class BadUsage(ValueError):
    """A negative quantity: a defect in whoever added it up."""


class RatedLine(msgspec.Struct, frozen=True):
    """What one component costs in one period, up to the moment of rating.

    shapes   period is None on what is due at the order, which belongs to period 0
    units    quantity in the component's meter (1 for fixed amounts); amount is exact rounded once, half to even
    """

    component: Component
    period: Period | None
    quantity: Decimal
    exact: Decimal
    amount: Money

    @property
    def key(self) -> LineKey:
        """What to remember a booked amount by: the component's id and the period's number."""
        return (self.component.id, self.period.index if self.period else 0)

    def steps(self) -> list[Step]:
        """The arithmetic, worked out only when somebody asks."""
        return self.component.model.steps(self.quantity)

    def explain(self) -> dict[str, Any]:
        """The arithmetic as text and as steps; `pricing.explain.recompute` repeats it."""
        return explanation(self.steps(), self.component.meter, self.amount.currency)

    def document(self) -> dict[str, Any]:
        """The line as it stands in quotes, invoices and statements."""
        document: dict[str, Any] = {
            "component": self.component.id,
            "meter": self.component.meter,
            "quantity": plain(self.quantity),
            "amount": self.amount.to_wire(),
            "explain": self.explain(),
        }
        if self.component.title:
            document["title"] = dict(self.component.title)
        if self.period is not None:
            document["period"] = period_document(self.period)
        return document


class Due(msgspec.Struct, frozen=True):
    """A line, how much of it was booked before, and what is still to book (less than nothing: to give back)."""

    line: RatedLine
    booked: Money
    amount: Money


def price_now(plan: Plan) -> list[RatedLine]:
    """What is due when the order is placed: one-off amounts and the first period of what is paid in advance."""
    return [RatedLine(due.component, None, ONE, due.exact, due.amount) for due in plan.due_now]


def rate(
    plan: Plan,
    usage: Mapping[str, Quantity],
    period: Period,
    *,
    as_of: datetime | None = None,
    keep_zero: bool = False,
) -> list[RatedLine]:
    """What `usage` costs in `period`, for the components whose cadence the period has.

    shapes   usage: meter -> all use from the period's start to `as_of`; a meter without use may be absent
             as_of: the cut-off; None says that the period is over
             a line of nothing is left out unless `keep_zero`
    errors   BadUsage for a negative quantity; decimal.Inexact where 80 digits cannot hold a sum; BadMoney for a line of
             more than 9.2 * 10^12 of the currency, which no ledger account holds
    """
    lines: list[RatedLine] = []
    currency = plan.currency
    for component in plan.by_cadence.get(period.unit, ()):
        model, meter = component.model, component.meter
        if meter is None:
            quantity = ONE if _is_due(model, period, as_of) else ZERO
        else:
            quantity = decimal(usage.get(meter, ZERO))
            if quantity < 0:
                raise BadUsage(f"{meter} is {quantity}")
        if quantity or keep_zero:
            exact = model.cost(quantity)
            lines.append(RatedLine(component, period, quantity, exact, Money(to_units(exact), currency)))
    return lines


def outstanding(
    plan: Plan,
    usage: Mapping[str, Quantity],
    period: Period,
    booked: Mapping[LineKey, int],
    *,
    as_of: datetime | None = None,
) -> list[Due]:
    """What is still to book for `period`: what it costs up to `as_of` minus what was booked for it.

    shapes   booked: RatedLine.key -> millionths booked so far, corrections included; lines with nothing due are left out
    """
    found = []
    for line in rate(plan, usage, period, as_of=as_of, keep_zero=True):
        before = Money(booked.get(line.key, 0), plan.currency)
        if line.amount != before:
            found.append(Due(line, before, line.amount - before))
    return found


def total(plan: Plan, lines: Iterable[RatedLine]) -> Money:
    """The sum of lines of one plan."""
    return Money(sum(line.amount.units for line in lines), plan.currency)


def period_document(period: Period) -> dict[str, Any]:
    """A period as it stands in documents."""
    return {
        "unit": period.unit,
        "index": period.index,
        "starts_at": instant(period.start),
        "ends_at": None if period.end is None else instant(period.end),
    }


def instant(at: datetime) -> str:
    """A moment as RFC 3339 text in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_due(model: object, period: Period, as_of: datetime | None) -> bool:
    if isinstance(model, OneOff):
        return period.index == 0
    if isinstance(model, Flat) and not model.in_advance:
        return as_of is None or (period.end is not None and as_of >= period.end)
    return as_of is None or as_of >= period.start

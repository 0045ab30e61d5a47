"""Rating: from a plan and the use of its periods to lines of money.

Rating is cumulative. `rate` says what everything up to a moment costs; what is due is that minus what was booked
before (`bill`). So late, corrected, split or reordered use all lead to the same sum, and each correction keeps the
period that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from exchange.kernel.money import Money
from exchange.kernel.text import LocaleMap
from pricing.adjustments import adjust
from pricing.components import Cadence, Component, Plan
from pricing.credits import Draw, Payable, draw
from pricing.exact import EXACT, ONE, ZERO, Exact, Quantity, decimal, from_units, plain, to_units
from pricing.explain import explanation
from pricing.fixed import Milestone, Outcome
from pricing.periods import Period, life, period, quarter_hour
from pricing.steps import Step, summed

LineKey = tuple[str, int]
Use = tuple[Period, Mapping[str, Quantity]]
DRAWN = ">"


class BadUsage(ValueError):
    """A negative quantity: a defect in whoever added it up."""


class RatedLine(msgspec.Struct, frozen=True):
    """What one component costs in one period up to the moment of rating, or what a discount or limit changes.

    shapes   component: None on the lines of discounts, limits and drawn credits
             period: None on what is due at the order, which belongs to period 0
             known: the steps, where they are not those of the component's model for the quantity
    units    quantity in the component's meter (1 where nothing is measured); amount is exact rounded once, half to even
    """

    id: str
    component: Component | None
    period: Period | None
    quantity: Decimal
    exact: Exact
    amount: Money
    known: tuple[Step, ...] | None = None
    title: LocaleMap = {}

    @property
    def key(self) -> LineKey:
        """What to remember a booked amount by: the line's id and the period's number."""
        return (self.id, self.period.index if self.period else 0)

    @property
    def meter(self) -> str | None:
        """The usage key that the line measures."""
        return self.component.meter if self.component else None

    def steps(self) -> Sequence[Step]:
        """The arithmetic, worked out only when somebody asks."""
        if self.known is not None or self.component is None:
            return self.known or ()
        return self.component.model.steps(self.quantity)  # type: ignore[union-attr]

    def explain(self) -> dict[str, Any]:
        """The arithmetic as text and as steps; `pricing.explain.recompute` repeats it."""
        return explanation(self.steps(), self.meter, self.amount.currency)

    def document(self) -> dict[str, Any]:
        """The line as it stands in quotes, invoices and statements."""
        document: dict[str, Any] = {
            "component": self.id,
            "meter": self.meter,
            "quantity": plain(self.quantity),
            "amount": self.amount.to_wire(),
            "explain": self.explain(),
        }
        if self.title:
            document["title"] = dict(self.title)
        if self.period is not None:
            document["period"] = period_document(self.period)
        return document


class Due(msgspec.Struct, frozen=True):
    """A line, how much of it was booked before, and what is still to book (less than nothing: to give back)."""

    line: RatedLine
    booked: Money
    amount: Money


def price_now(plan: Plan, starts_at: datetime | None = None, ends_at: datetime | None = None) -> list[RatedLine]:
    """What is due when the order is placed: what the first periods cost before any use. Nothing during a trial.

    shapes   starts_at: when the agreement begins; None: at a moment when every first period is whole
    """
    if plan.trial_days:
        return []
    lines = []
    for unit in plan.cadences:
        first = _first(plan, unit, starts_at).until(None if ends_at is None else quarter_hour(ends_at))
        lines += [msgspec.structs.replace(line, period=None) for line in rate(plan, {}, first, as_of=first.start)]
    return lines


def rate(
    plan: Plan,
    usage: Mapping[str, Quantity],
    period: Period,
    *,
    as_of: datetime | None = None,
    keep_zero: bool = False,
) -> list[RatedLine]:
    """What `usage` costs in `period`, for the parts of the plan whose cadence the period has; drawn credits apart.

    shapes   usage: usage key -> all use from the period's start to `as_of`; a key without use may be absent
             as_of: the cut-off; None says that the period is over
             a line of nothing is left out unless `keep_zero`
    errors   BadUsage for a negative quantity; decimal.Inexact where 80 digits cannot hold a sum; BadMoney for a line of
             more than 9.2 * 10^12 of the currency, which no ledger account holds
    """
    return _rate(plan, usage, period, as_of, keep_zero)[0]


def outstanding(
    plan: Plan,
    usage: Mapping[str, Quantity],
    period: Period,
    booked: Mapping[LineKey, int],
    *,
    as_of: datetime | None = None,
) -> list[Due]:
    """What is still to book for `period`, drawn credits apart: what it costs up to `as_of` minus what was booked.

    shapes   booked: RatedLine.key -> millionths booked so far, corrections included; lines with nothing due are left out
    """
    return _due(plan, rate(plan, usage, period, as_of=as_of, keep_zero=True), booked)


def bill(plan: Plan, uses: Sequence[Use], booked: Mapping[LineKey, int], *, until: datetime) -> list[Due]:
    """What is still to book for an agreement up to `until`: everything, drawn credits included.

    shapes   uses: periods of the plan with all that was used in each up to `until`; every period since the beginning
             where the plan `needs_history`, else those that may have changed
             booked: RatedLine.key -> millionths booked so far, what the order paid included
    errors   as `rate`
    """
    lines: list[RatedLine] = []
    payables: list[Payable] = []
    for stretch, usage in uses:
        over = stretch.end is not None and stretch.end <= until
        found, left = _rate(plan, usage, stretch, None if over else until, True)
        lines += found
        if plan.credits:
            by_id = {one.id: one.component for one in found if one.component is not None}
            payables += [Payable(by_id[name], stretch, units) for name, units in left.items()]
    if plan.credits:
        lines += _drawn(plan, [stretch for stretch, _ in uses], payables, booked)
    return _due(plan, lines, booked)


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


def _rate(
    plan: Plan, usage: Mapping[str, Quantity], stretch: Period, as_of: datetime | None, keep_zero: bool
) -> tuple[list[RatedLine], dict[str, int]]:
    """The lines of one period, and what is left of each component after discounts and caps."""
    cadence = plan.by_cadence.get(stretch.unit)
    if cadence is None or (as_of is not None and as_of < stretch.start):
        return [], {}
    lines: list[RatedLine] = []
    over = as_of is None or (stretch.end is not None and as_of >= stretch.end)
    currency = plan.currency
    keep = keep_zero or cadence.adjusted
    for component in cadence.components:
        meter = component.meter
        if meter is None or not component.by_use:
            line = _fixed_line(plan, component, stretch, usage, over)
            if keep or line.quantity:
                lines.append(line)
            continue
        quantity = decimal(usage.get(meter, ZERO))
        if quantity < 0:
            raise BadUsage(f"{meter} is {quantity}")
        exact = component.model.cost(quantity)  # type: ignore[union-attr]
        if quantity or exact or keep:
            amount = Money(to_units(exact), currency)
            lines.append(RatedLine(component.id, component, stretch, quantity, exact, amount, None, component.title))
    if not cadence.adjusted:
        return lines, {line.id: line.amount.units for line in lines} if plan.credits else {}
    return _adjusted(plan, cadence, stretch, lines, over, keep_zero)


def _fixed_line(
    plan: Plan, component: Component, stretch: Period, usage: Mapping[str, Quantity], over: bool
) -> RatedLine:
    model = component.model
    if isinstance(model, Outcome | Milestone):
        value = usage.get(component.meter or "")
        quantity = ZERO if value is None else decimal(value)
        steps = () if value is None else model.measured(quantity)
    else:
        steps = model.due(stretch, over)  # type: ignore[union-attr]
        quantity = ONE if steps else ZERO
    exact = summed(steps)
    amount = Money(to_units(exact), plan.currency)
    return RatedLine(component.id, component, stretch, quantity, exact, amount, steps, component.title)


def _adjusted(
    plan: Plan, cadence: Cadence, stretch: Period, lines: list[RatedLine], over: bool, keep_zero: bool
) -> tuple[list[RatedLine], dict[str, int]]:
    changes, left = adjust(cadence, stretch, {line.id: line.amount.units for line in lines}, over)
    kept = [line for line in lines if keep_zero or line.quantity or line.amount.units]
    kept += [
        _change(plan, change.id, stretch, change.steps, change.units, change.title)
        for change in changes
        if keep_zero or change.units
    ]
    return kept, left


def _change(plan: Plan, name: str, stretch: Period, steps: tuple[Step, ...], units: int, title: LocaleMap) -> RatedLine:
    return RatedLine(name, None, stretch, ONE, summed(steps), Money(units, plan.currency), steps, title)


def _drawn(
    plan: Plan, periods: Sequence[Period], payables: Sequence[Payable], booked: Mapping[LineKey, int]
) -> list[RatedLine]:
    """The lines of drawn credits, and lines of nothing for draws that were booked and hold no more."""
    lines = [_draw_line(plan, one) for one in draw(plan, periods, payables)]
    gone = {key for key, units in booked.items() if DRAWN in key[0] and units} - {line.key for line in lines}
    cadence_of = {one.id: one.period for one in plan.components}
    where = {(one.unit, one.index): one for one in periods}
    for name, index in sorted(gone):
        stretch = where.get((cadence_of[name.split(DRAWN)[1]], index))
        # A period that an end set afterwards cut away is not looked at any more, nor what it drew.
        if stretch is not None:
            lines.append(_change(plan, name, stretch, (), 0, {}))
    return lines


def _draw_line(plan: Plan, one: Draw) -> RatedLine:
    step = Step("drawn", from_units(one.units), EXACT.minus(ONE), first=Decimal(one.number + 1))
    return _change(plan, one.id, one.period, (step,), -one.units, one.source.title)


def _due(plan: Plan, lines: Iterable[RatedLine], booked: Mapping[LineKey, int]) -> list[Due]:
    found = []
    for line in lines:
        before = booked.get(line.key, 0)
        if line.amount.units != before:
            money = Money(before, plan.currency)
            found.append(Due(line, money, line.amount - money))
    return found


def _first(plan: Plan, unit: str | None, starts_at: datetime | None) -> Period:
    """The first period of a cadence; without a start, one that is whole."""
    anchor = starts_at or _WHOLE
    if unit is None:
        return life(anchor)
    return period(unit, anchor, 0, plan.time_zone, calendar=plan.calendar and starts_at is not None)


_WHOLE = datetime(2024, 1, 1, tzinfo=UTC)

"""Discounts, caps and minimum commitments: what is taken off or added to the components of one period.

The order is fixed: discounts (volume, commitment, term, buyer class, coupon), then maxima, then minima. What an earlier
one took off counts against its components in proportion to what was left of each, by largest remainder, so that every
amount stays a whole number of millionths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from exchange.kernel.money import allocate_units
from exchange.kernel.text import LocaleMap
from pricing.components import Cadence, Discount, Limit
from pricing.exact import EXACT, ONE, from_units, to_units
from pricing.periods import Period
from pricing.steps import Step, summed


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One line that a discount, a maximum or a minimum makes; its exact amount is the sum of its steps.

    shapes   id: `<discount or limit>@<cadence>`
    units    units: millionths, less than nothing where it takes off
    """

    id: str
    title: LocaleMap
    steps: tuple[Step, ...]
    units: int


def adjust(
    cadence: Cadence, period: Period, amounts: Mapping[str, int], over: bool
) -> tuple[list[Adjustment], dict[str, int]]:
    """Work out the adjustments of one period.

    shapes   amounts: component id -> millionths, every component of the cadence
             answers the lines, those of nothing included, and what is left of each component before any minimum
    """
    left = dict(amounts)
    lines = []
    for discount in cadence.discounts:
        held = discount.periods is None or period.index < discount.periods
        lines += [_take(_line_id(discount, period), discount, left, _bands(discount) if held else _nothing)]
    lines += [_take(_line_id(limit, period), limit, left, _excess(limit, period)) for limit in cadence.maxima]
    added: list[tuple[Limit, int]] = []
    for limit in cadence.minima:
        lines.append(_missing(limit, period, left, added, over))
        added.append((limit, lines[-1].units))
    return lines, left


def _line_id(what: Discount | Limit, period: Period) -> str:
    return f"{what.id}@{period.unit or 'once'}"


def _take(
    name: str, what: Discount | Limit, left: dict[str, int], price: Callable[[Decimal], list[Step]]
) -> Adjustment:
    """Take off what `price` asks for the sum of the members that is left, and note whose part it was."""
    members = [one for one in left if one in what.components]
    whole = sum(left[one] for one in members)
    steps = tuple(price(from_units(whole))) if whole > 0 else ()
    units = to_units(summed(steps))
    if units:
        for one, part in zip(members, allocate_units(units, [left[one] for one in members]), strict=True):
            left[one] += part
    return Adjustment(name, what.title, steps, units)


def _nothing(whole: Decimal) -> list[Step]:
    return []


def _bands(discount: Discount) -> Callable[[Decimal], list[Step]]:
    """A percentage of each band of the sum: the price of one unit more never falls below nothing."""

    def price(whole: Decimal) -> list[Step]:
        ends = [start for start, _ in discount.bands[1:]]
        steps = []
        for (start, percent), end in zip(discount.bands, [*ends, None], strict=True):
            if whole <= start or not percent:
                continue
            inside = EXACT.subtract(whole if end is None else min(whole, end), start)
            rate = EXACT.scaleb(-percent, -2)
            what = "discount" if not start and end is None else "discount_band"
            steps.append(Step(what, inside, rate, first=start, last=end, size=percent))
        return steps

    return price


def _excess(limit: Limit, period: Period) -> Callable[[Decimal], list[Step]]:
    def price(whole: Decimal) -> list[Step]:
        cap = _share(limit, period, "maximum")
        steps = [Step("over", whole, -ONE), cap]
        return steps if summed(steps) < 0 else []

    return price


def _missing(
    limit: Limit, period: Period, left: Mapping[str, int], added: Sequence[tuple[Limit, int]], over: bool
) -> Adjustment:
    """Add what is missing to the minimum once the period is over.

    What an earlier minimum added counts for every later one that shares a component with it.
    """
    reached = sum(left[one] for one in left if one in limit.components)
    reached += sum(units for other, units in added if other.components & limit.components)
    steps = (_share(limit, period, "minimum"), Step("reached", from_units(reached), -ONE))
    if not over or summed(steps) <= 0:
        return Adjustment(_line_id(limit, period), limit.title, (), 0)
    return Adjustment(_line_id(limit, period), limit.title, steps, to_units(summed(steps)))


def _share(limit: Limit, period: Period, what: str) -> Step:
    """The limit's amount, or its part of a period that is not whole."""
    covered, whole = period.share if limit.prorate else (1, 1)
    if covered == whole:
        return Step(what, ONE, limit.amount)
    return Step(what, Decimal(covered), limit.amount, size=Decimal(whole), per=whole)

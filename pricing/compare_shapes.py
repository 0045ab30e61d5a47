"""The shape of a plan's cost as a function of a steady volume: where it bends or jumps, and how far it strays from lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pricing.components import Cadence, Component, Limit, Plan
from pricing.exact import EXACT, ONE, to_units
from pricing.fixed import Agreed, Credits, Instalments, OneOff
from pricing.models import CostRecovery, Free, Graduated, Included, Package, Packs, PerUnit, Volume

VOLUME_MAX = 10**15
BLOCKS_MAX = 24
_MILLIONTHS = 6
# How much of a month's use falls into one week or day, of months with 28, 30 and 31 days.
_ABOUT: Mapping[str | None, list[Decimal]] = {
    "week": [Decimal("0.25"), Decimal("0.233333"), Decimal("0.225806")],
    "day": [Decimal("0.035714"), Decimal("0.033333"), Decimal("0.032258")],
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a cost before it is rated.

    shapes   edges: the last volumes before the price of a unit changes or a new block begins, rising
             rounding: by how much roundings may move the cost off a straight line between two edges
             jumps: (volume, height): from there on the cost also steps, by so much in all, where no edge says so
             vague: edges cannot be told (use is spread over days or weeks, credits expire, the mix has fractions)
             least: what minima come to; below it the cost may still be flat
             bends: what caps, bands of discounts and credits come to; below it the cost may still bend
             index_matters: periods with this number or a later one cost the same for the same use
    units    millionths, over the whole time
    """

    edges: tuple[int, ...]
    rounding: int
    jumps: tuple[tuple[int, int], ...]
    vague: bool
    least: int
    bends: int
    index_matters: int

    def tolerance(self, volume: int) -> int:
        """How far the cost may stray from a straight line that ends at `volume`."""
        return self.rounding + sum(height for start, height in self.jumps if volume > start)


def shape_of(plan: Plan, lead: str, parts: Mapping[str, int], months: int) -> Shape:
    """Work out the shape of a plan's cost over `months` months of a use that is mixed of `parts`."""
    edges: set[int] = set()
    jumps: list[tuple[int, int]] = []
    vague = plan.needs_history or bool(plan.trial_days)
    for component in plan.components:
        if component.meter is None or not component.by_use or component.meter not in parts:
            continue
        part, whole = parts[component.meter], parts[lead]
        vague |= part % whole != 0
        if isinstance(component.model, PerUnit | Free | CostRecovery):
            # What is linear adds up to the same whatever the cut, so every cadence will do.
            continue
        counts = _counts(component.period, months)
        vague |= not counts or plan.calendar
        found, rest = _edges(component)
        here = [_volume(edge, whole, part, count) for count in counts or _ABOUT[component.period] for edge in found]
        edges.update(here)
        if rest:
            last = min((_volume(found[-1], whole, part, count) for count in counts), default=0)
            jumps.append((last, rest * _periods(component.period, months)))
    roundings = sum(_roundings(plan.by_cadence[unit], unit, months) for unit in plan.cadences)
    rising = tuple(sorted(edge for edge in edges if 0 < edge < VOLUME_MAX))
    least = sum(_amounts(cadence.minima) * _periods(unit, months) for unit, cadence in plan.by_cadence.items())
    bends = sum(_bends(plan, unit) * _periods(unit, months) for unit in plan.cadences)
    return Shape(rising, roundings, tuple(jumps), vague, least, bends, _index_matters(plan))


def _volume(edge: Decimal, whole: int, part: int, count: Decimal) -> int:
    """The last volume whose use in one period does not exceed `edge`."""
    return int(EXACT.divide_int(EXACT.multiply(edge, Decimal(whole)), EXACT.multiply(Decimal(part), count)))


def _counts(unit: str | None, months: int) -> list[Decimal]:
    """How many months' use one period of a cadence holds; empty where that is no whole number."""
    if unit is None:
        return [Decimal(months)]
    if unit == "month":
        return [ONE]
    if unit == "year":
        return [Decimal(count) for count in {min(12, months), months % 12} if count]
    return []


def _edges(component: Component) -> tuple[list[Decimal], int]:
    """The quantities of one period at which the model's price changes, and the height of jumps that are not among them."""
    model = component.model
    if isinstance(model, Graduated | Volume):
        return list(model.ends), 0
    if isinstance(model, Package):
        return _blocks(model, Decimal(0))
    if isinstance(model, Packs):
        found, rest = _blocks(model.increment, model.base_size)
        return [model.base_size, *found], rest
    if isinstance(model, Included):
        inner: tuple[list[Decimal], int] = ([], 0)
        if isinstance(model.overage, Graduated | Volume):
            inner = ([EXACT.add(model.quantity, end) for end in model.overage.ends], 0)
        elif isinstance(model.overage, Package):
            inner = _blocks(model.overage, model.quantity)
        return [model.quantity, *inner[0]], inner[1]
    return [], 0


def _blocks(model: Package, start: Decimal) -> tuple[list[Decimal], int]:
    """The ends of the first blocks; a later one jumps by its amount wherever it begins."""
    ends = [EXACT.add(start, EXACT.multiply(model.size, Decimal(number))) for number in range(1, BLOCKS_MAX + 1)]
    return ends, to_units(model.amount)


def _roundings(cadence: Cadence, unit: str | None, months: int) -> int:
    """How many millionths rounding may add up to over the time; 0 where every cost is a whole number of them."""
    places = max((_places(one) for one in cadence.components), default=0)
    for discount in cadence.discounts:
        places += max(_decimals(EXACT.subtract(ONE, EXACT.scaleb(percent, -2))) for _, percent in discount.bands)
    members = {one.id for one in cadence.components}
    changes = [one.components for one in cadence.discounts] + [one.components for one in cadence.maxima]
    # What an earlier change took off is shared out among components in whole millionths.
    shared = len(changes) > 1 and any(one != members for one in changes)
    if places <= _MILLIONTHS and not shared:
        return 0
    return 2 * _periods(unit, months) * (len(cadence.components) + len(changes) + 1)


def _periods(unit: str | None, months: int) -> int:
    """How many periods the time touches, at most."""
    return {None: 1, "day": 31 * months, "week": 5 * months, "month": months, "year": months // 12 + 1}[unit]


def _places(component: Component) -> int:
    """How many decimals the cost of a whole quantity may have."""
    model = component.model
    if isinstance(model, CostRecovery):
        return _MILLIONTHS + 1
    priced = model.overage if isinstance(model, Included) else model
    return max((_decimals(price) for price in _prices(priced)), default=0)


def _prices(model: object) -> Iterator[Decimal]:
    if isinstance(model, PerUnit):
        yield model.unit_price
    if isinstance(model, Graduated | Volume):
        yield from (tier.unit_price for tier in model.tiers)


def _decimals(value: Decimal) -> int:
    exponent = EXACT.normalize(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _bends(plan: Plan, unit: str | None) -> int:
    """The amounts of money at which a period's cost changes its course."""
    cadence = plan.by_cadence[unit]
    bands = sum(to_units(start) for discount in cadence.discounts for start, _ in discount.bands)
    models = [one.model for one in plan.credits if one.period == unit]
    return _amounts(cadence.maxima) + bands + sum(to_units(one.credit) for one in models if isinstance(one, Credits))


def _amounts(limits: Sequence[Limit]) -> int:
    return sum(to_units(limit.amount) for limit in limits)


def _index_matters(plan: Plan) -> int:
    found = [1 for one in plan.components if isinstance(one.model, OneOff | Agreed)]
    found += [len(one.model.parts) for one in plan.components if isinstance(one.model, Instalments)]
    for cadence in plan.by_cadence.values():
        found += [one.periods for one in cadence.discounts if one.periods is not None]
    return max(found, default=0)

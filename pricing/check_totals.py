"""What one order costs in one period as a curve over the use of one meter: fixed amounts, discounts and limits included."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from pricing.basis import Basis
from pricing.check_curves import Curve, Number, Stepped, added, constant, curve
from pricing.check_models import floor_of, shape_of
from pricing.components import Cadence, Component, Discount, Plan
from pricing.effort import spend
from pricing.exact import Exact, from_units
from pricing.meaning import tiers_in
from pricing.models import Metered
from pricing.periods import Period, life, period
from pricing.rating import rate
from pricing.steps import summed
from pricing.understanding import understand

# So many blocks of packages are looked at one by one where they are mixed with other prices.
BLOCKS = 128
# What rating one component and reading a plan anew take, in the units of `effort`.
_RATING, _BINDING = 8, 100
_AT = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Total:
    """The price of one period of one cadence by the use of `key`, all other use being nothing.

    shapes   exact: the shape equals `paid` at every quantity, but for the rounding of lines; otherwise it only proposes
    """

    plan: Plan
    cadence: Cadence
    key: str
    shape: Curve | Stepped
    exact: bool

    def cost(self, quantity: int) -> Fraction:
        """The price of a quantity by the shape."""
        return self.shape.cost(quantity)

    def paid(self, quantity: int) -> Fraction:
        """The price of a quantity as the plan rates it, every line rounded."""
        return paid(self.plan, self.cadence.unit, {self.key: quantity})


def first_period(unit: str | None, plan: Plan) -> Period:
    """A whole period of a cadence."""
    return life(_AT) if unit is None else period(unit, _AT, 0, plan.time_zone)


def bound(plan: Plan, basis: Basis) -> Plan:
    """The plan as offered, for another basis."""
    spend(_BINDING + tiers_in(plan.offered))
    return understand(plan.offered, basis)


def paid(plan: Plan, unit: str | None, usage: dict[str, int]) -> Fraction:
    """What the plan rates for one whole period that is over."""
    spend(_RATING * len(plan.by_cadence[unit].components))
    lines = rate(plan, usage, first_period(unit, plan))
    return Fraction(from_units(sum(line.amount.units for line in lines)))


def totals(plan: Plan) -> Iterator[Total]:
    """One total for each cadence and each meter it charges for, in the order of the plan."""
    for unit in plan.cadences:
        cadence = plan.by_cadence[unit]
        keys = dict.fromkeys(c.meter for c in cadence.components if c.by_use and c.meter is not None)
        for key in keys:
            yield total_of(plan, cadence, key)


def total_of(plan: Plan, cadence: Cadence, key: str) -> Total:
    """The price of one period by the use of one meter."""
    stretch = first_period(cadence.unit, plan)
    shapes = {one.id: _shape(one, key, stretch) for one in cadence.components}
    stepped = [shape for shape in shapes.values() if isinstance(shape, Stepped)]
    curves = {name: shape.unrolled(BLOCKS) if isinstance(shape, Stepped) else shape for name, shape in shapes.items()}
    moving = [shape for shape in curves.values() if len(shape.corners) > 1 or shape.slopes[0]]
    if not cadence.adjusted:
        rest = [shape for name, shape in curves.items() if not isinstance(shapes[name], Stepped)]
        if len(stepped) == 1 and len(moving) == 1:
            one, fixed = stepped[0], added(rest).cost(0)
            return Total(plan, cadence, key, Stepped(one.base + fixed, one.free, one.size, one.amount), exact=True)
        return Total(plan, cadence, key, added(list(curves.values())), exact=not stepped)
    groups = _groups(cadence)
    if groups is None:
        return Total(plan, cadence, key, added(list(curves.values())), exact=False)
    alone = [shape for name, shape in curves.items() if not any(name in group for group in groups)]
    joined = [_adjusted(cadence, group, [curves[name] for name in curves if name in group]) for group in groups]
    return Total(plan, cadence, key, added([*alone, *joined]), exact=not stepped)


def fixed_cost(component: Component, stretch: Period) -> Exact:
    """What a component costs in a period without any use or measurement."""
    model = component.model
    if isinstance(model, Metered):
        return floor_of(model)
    return summed(model.due(stretch, True))


def through(inner: Curve, edges: Sequence[tuple[Number, Number]], last_slope: Number) -> Curve:
    """The curve that a function of money makes of a price.

    shapes   edges: (money, what becomes of it), rising from 0, straight lines between; above the last with `last_slope`
    """
    # Each corner is held against all edges, and moved.
    spend(4 * len(inner.corners))
    at = [Fraction(start) for start, _ in edges]
    to = [Fraction(end) for _, end in edges]

    def become(money: Fraction) -> Fraction:
        index = max(bisect_right(at, money) - 1, 0)
        if index == len(at) - 1:
            return to[index] + (money - at[index]) * Fraction(last_slope)
        part = (money - at[index]) / (at[index + 1] - at[index])
        return to[index] + part * (to[index + 1] - to[index])

    xs = set(inner.corners)
    for number, start in enumerate(inner.corners):
        end = inner.corners[number + 1] if number + 1 < len(inner.corners) else None
        xs.update(_crossings(inner, start, end, at))
    last = Fraction(inner.slopes[-1], inner.scale)
    tail = last * Fraction(last_slope) if last else Fraction(0)
    return curve(((x, become(inner.cost(x))) for x in sorted(xs)), tail)


def _crossings(inner: Curve, start: int, end: int | None, edges: Sequence[Fraction]) -> Iterator[int]:
    """The whole quantities around which the price, between two corners, passes an edge of the function."""
    low = inner.cost(start)
    slope = inner.cost(start + 1) - low
    if not slope:
        return
    high = edges[-1] + 1 if end is None else inner.cost(end)
    first, last = bisect_right(edges, min(low, high)), bisect_left(edges, max(low, high))
    for edge in edges[first:last]:
        quantity = start + (edge - low) // slope
        yield int(quantity)
        yield int(quantity) + 1


def _shape(component: Component, key: str, stretch: Period) -> Curve | Stepped:
    if isinstance(component.model, Metered) and component.meter == key:
        return shape_of(component.model)
    return constant(fixed_cost(component, stretch))


def _groups(cadence: Cadence) -> list[frozenset[str]] | None:
    """The sets of components that adjustments work on; None where two of them overlap without being the same."""
    taken = [one.components for one in cadence.discounts]
    bounded = [one.components for one in (*cadence.maxima, *cadence.minima)]
    sets = list(dict.fromkeys([*taken, *bounded]))
    apart = all(not one & other for number, one in enumerate(sets) for other in sets[:number])
    return sets if apart else None


def _adjusted(cadence: Cadence, group: frozenset[str], members: Sequence[Curve]) -> Curve:
    """Discounts, maxima, then minima of one group of components."""
    found = added(members)
    for discount in cadence.discounts:
        if discount.components == group:
            edges, slope = after_discount(discount)
            found = through(found, edges, slope)
    for limit in cadence.maxima:
        if limit.components == group:
            found = through(
                found, [(Fraction(0), Fraction(0)), (limit.amount, limit.amount)] if limit.amount else [(0, 0)], 0
            )
    for limit in cadence.minima:
        if limit.components == group and limit.amount:
            found = through(found, [(Fraction(0), limit.amount), (limit.amount, limit.amount)], 1)
    return found


def after_discount(discount: Discount) -> tuple[list[tuple[Exact, Exact]], Fraction]:
    """What is left of a sum of money, as edges and the share that is left beyond the last."""
    edges: list[tuple[Exact, Exact]] = [(Fraction(0), Fraction(0))]
    kept = Fraction(1)
    for start, percent in discount.bands:
        money, left = Fraction(edges[-1][0]), Fraction(edges[-1][1])
        if start > money:
            edges.append((Fraction(start), left + (Fraction(start) - money) * kept))
        kept = 1 - Fraction(percent) / 100
    return edges, kept

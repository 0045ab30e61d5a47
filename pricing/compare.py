"""Comparing plans: what a steady monthly use costs under each over some months, and which is cheapest from where on.

Costs are the bill's own: every point is rated by `pricing.rating.bill`. Between neighbouring points costs are straight
lines, which is looked at and not assumed: where it does not hold an interval is halved. Crossovers are whole volumes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Inexact
from itertools import pairwise

from exchange.kernel.money import UNITS_MAX, BadMoney, Money
from pricing.compare_shapes import VOLUME_MAX, Shape, shape_of
from pricing.components import Plan
from pricing.periods import Period
from pricing.quotes import Foreseen
from pricing.rating import bill

POINTS_MAX = 120
# How much work one comparison is worth; where it runs out, what is left is marked as not exact. A rating counts 10 and
# one for each period that differs from the others (with credits: for each of its lines, too), so a price by the day is
# looked at in fewer places.
WORK_MAX = 60_000
POINTS_MIN, CROSSOVERS_MAX = 12, 60
_Kind = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Mix:
    """Use in fixed proportions: with `volume` of `lead` come parts[key] / parts[lead] as much of every other key.

    shapes   parts are above 0; parts of a unit are rounded down
    """

    lead: str
    parts: Mapping[str, int]

    def use(self, volume: int) -> dict[str, int]:
        """The use of a month that has `volume` of the lead."""
        whole = self.parts[self.lead]
        return {key: volume * part // whole for key, part in self.parts.items()}


@dataclass(frozen=True, slots=True)
class Cheapest:
    """From `volume` on `name` costs least, up to the next one; None where nothing on offer allows so much use.

    shapes   exact: proven to the unit, as far as an account can hold every offer's bill; else steps or roundings of less
             than a point's distance may move it a little
    """

    volume: int
    name: str | None
    amount: Money | None
    exact: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """What one offer costs at each volume of the comparison; None where it allows no such use."""

    name: str
    amounts: tuple[Money | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The offers of one currency over the same steady use."""

    currency: str
    mix: Mix
    months: int
    volumes: tuple[int, ...]
    curves: tuple[Curve, ...]
    cheapest: tuple[Cheapest, ...]


def unmeasured(plan: Plan, mix: Mix) -> list[str]:
    """The usage keys that a plan charges for and a mix says nothing about: such an offer would look free."""
    return [key for key in plan.meters if key not in mix.parts]


def compare(
    offers: Mapping[str, Plan], mix: Mix, months: int, starts_at: datetime, *, around: int = 0
) -> list[Comparison]:
    """Compare offers by what `months` months of a steady use cost, in each currency apart.

    shapes   offers: name -> a plan bound for this buyer, every price known and every meter in the mix; where two cost
             the same, the one named first counts as the cheaper
             around: a volume of interest, which the points reach beyond
    """
    by_currency: dict[str, dict[str, Plan]] = defaultdict(dict)
    for name, plan in offers.items():
        by_currency[plan.currency][name] = plan
    return [_table(plans, mix, months, starts_at, around).told() for _, plans in sorted(by_currency.items())]


@dataclass(slots=True)
class _Budget:
    """The work that is left; shared by the offers of one comparison."""

    left: int = WORK_MAX


class _Costs:
    """What one plan costs over the whole time, by the monthly volume; each volume is rated once."""

    def __init__(self, plan: Plan, mix: Mix, months: int, starts_at: datetime, budget: _Budget) -> None:
        steady = Foreseen([mix.parts] * months, starts_at, plan.time_zone)
        self.shape: Shape = shape_of(plan, mix.lead, mix.parts, months)
        self.known: dict[int, int | None] = {}
        self._plan, self._mix, self._until, self._budget = plan, mix, steady.ends[-1], budget
        self._stops = {(one.period, one.meter): one.quantity for one in plan.allowances() if one.stops}
        periods = plan.periods(starts_at, self._until)
        # Periods that cannot be told apart are rated once and counted.
        groups: Counter[tuple[_Kind, tuple[object, ...]]] = Counter()
        firsts: dict[tuple[_Kind, tuple[object, ...]], tuple[Period, tuple[int, int, int], tuple[int, int, int]]] = {}
        for one in periods:
            first, last = steady.at(one.start), steady.at(min(self._until, one.end or self._until))
            aligned = first[1] == last[1] == 0
            over = one.end is not None and one.end <= self._until
            index = one.index if plan.needs_history else min(one.index, self.shape.index_matters)
            place: tuple[object, ...] = (last[0] - first[0],) if aligned else (first, last)
            kind = (one.unit, index, one.share, over)
            groups[kind, place] += 1
            firsts.setdefault((kind, place), (one, first, last))
        self._groups = [(group[0], *firsts[group], count) for group, count in groups.items()]
        # With credits nothing is counted twice: each line of each period is rated, and each grant is looked at.
        each = [len(plan.by_cadence[group[1].unit].components) for group in self._groups] if plan.needs_history else []
        self.work = 10 + len(self._groups) + sum(each)

    def at(self, volume: int) -> int | None:
        """The cost in millionths; None where the plan stops such use, or no account holds so much."""
        if volume not in self.known:
            self._budget.left -= self.work
            try:
                cost = self._rate(volume)
            except (BadMoney, Inexact):
                cost = None
            self.known[volume] = cost if cost is None or abs(cost) <= UNITS_MAX else None
        return self.known[volume]

    def _rate(self, volume: int) -> int | None:
        month = self._mix.use(volume)
        uses: list[tuple[Period, dict[str, int]]] = []
        same: Counter[tuple[object, ...]] = Counter()
        for kind, period, first, last, count in self._groups:
            usage = {}
            for key, quantity in month.items():
                used = _until(quantity, last) - _until(quantity, first)
                if used > self._stops.get((period.unit, key), used):
                    return None
                if used:
                    usage[key] = used
            alike = (*kind, *usage.items())
            if self._plan.needs_history or alike not in same:
                uses.append((period, usage))
            same[alike] += count
        if self._plan.needs_history:
            return sum(due.amount.units for due in bill(self._plan, uses, {}, until=self._until))
        return sum(
            count * sum(due.amount.units for due in bill(self._plan, [use], {}, until=self._until))
            for use, count in zip(uses, same.values(), strict=True)
        )


def _table(plans: Mapping[str, Plan], mix: Mix, months: int, starts_at: datetime, around: int) -> _Table:
    budget = _Budget()
    costs = {name: _Costs(plan, mix, months, starts_at, budget) for name, plan in plans.items()}
    return _Table(costs, months, mix, around, budget)


class _Table:
    """The search for crossovers among the offers of one currency."""

    def __init__(self, costs: Mapping[str, _Costs], months: int, mix: Mix, around: int, budget: _Budget) -> None:
        self._costs, self._months, self._mix, self._budget = costs, months, mix, budget
        self._names = list(costs)
        self._most = VOLUME_MAX // months // -(-max(mix.parts.values()) // mix.parts[mix.lead])
        self._points, self._coarse = self._choose(around)

    def told(self) -> Comparison:
        """The curves and the crossovers."""
        currency = next(iter(self._costs.values()))._plan.currency  # noqa: SLF001  # of this file
        found = self._crossovers()
        volumes = tuple(sorted({*self._points, *(volume for volume, _, _ in found)}))
        return Comparison(
            currency=currency,
            mix=self._mix,
            months=self._months,
            volumes=volumes,
            curves=tuple(
                Curve(name, tuple(_money(costs.at(volume), currency) for volume in volumes))
                for name, costs in self._costs.items()
            ),
            cheapest=tuple(
                Cheapest(volume, name, _money(self._costs[name].at(volume) if name else None, currency), exact)
                for volume, name, exact in found
            ),
        )

    def _choose(self, around: int) -> tuple[list[int], bool]:
        """The points: what the plans themselves name, a 1-2-5 grid, and on until no later crossover is possible."""
        edges = {edge for one in self._costs.values() for edge in one.shape.edges if edge < self._most}
        top = min(self._most, max(1_000, around * 10, max(edges, default=0) * 2))
        while top < self._most and self._budget.left > WORK_MAX // 2 and self._may_cross_beyond(top):
            top = min(self._most, top * 10)
        points = sorted({0, 1, top} | edges | {edge + 1 for edge in edges} | set(_grid(top)))
        once = sum(one.work for one in self._costs.values())
        most = max(POINTS_MIN, min(POINTS_MAX, WORK_MAX // 2 // once))
        if len(points) <= most:
            return points, False
        return [points[(len(points) - 1) * number // (most - 1)] for number in range(most)], True

    def _may_cross_beyond(self, top: int) -> bool:
        """Whether some cost may still bend beyond `top`, or rises there more slowly than the one that is cheapest."""
        rises: dict[str, int] = {}
        whole: dict[str, int] = {}
        for name, one in self._costs.items():
            low, high = one.at(top // 2), one.at(top)
            if low is None or high is None:
                continue
            rises[name], whole[name] = high - low, high
            if (high <= one.shape.bends and rises[name] > 0) or high <= one.shape.least:
                return True
        best = min(whole, key=whole.__getitem__, default=None)
        return best is not None and any(rise < rises[best] for rise in rises.values())

    def _winner(self, volume: int) -> str | None:
        costs = [
            (cost, number) for number, one in enumerate(self._costs.values()) if (cost := one.at(volume)) is not None
        ]
        return self._names[min(costs)[1]] if costs else None

    def _crossovers(self) -> list[tuple[int, str | None, bool]]:
        """Where the winner changes: volume, the new winner, and whether that is proven up to the next change."""
        found: list[tuple[int, str | None, bool]] = [(0, self._winner(0), True)]
        for low, high in pairwise(self._points):
            for volume, sure in self._between(low, high):
                last_volume, last, proven = found[-1]
                winner = self._winner(volume)
                if winner != last:
                    found[-1] = (last_volume, last, proven and sure)
                    found.append((volume, winner, sure))
                    if len(found) >= CROSSOVERS_MAX:
                        # Offers that overtake each other all the time: from here on only the points are told.
                        self._budget.left = 0
                else:
                    found[-1] = (last_volume, last, proven and sure)
        return found

    def _between(self, low: int, high: int) -> Iterator[tuple[int, bool]]:
        """The ends of stretches in (low, high] within which the winner is one and the same, and whether that is sure."""
        if high - low <= 1:
            yield high, True
            return
        if self._budget.left <= 0:
            yield high, False
            return
        straight = self._straight(low, high)
        if not straight and self._budget.left > 0:
            middle = (low + high) // 2
            yield from self._between(low, middle)
            yield from self._between(middle, high)
            return
        while self._budget.left > 0 and self._winner(low) != self._winner(high):
            change = self._first_change(low, high)
            yield change, straight and self._sure(low, change)
            low = change
        yield high, straight and self._sure(low, high)

    def _first_change(self, low: int, high: int) -> int:
        """The least volume above `low` where another offer wins; along straight lines it is found by halving."""
        winner = self._winner(low)
        while high - low > 1 and self._budget.left > 0:
            middle = (low + high) // 2
            if self._winner(middle) == winner:
                low = middle
            else:
                high = middle
        return high

    def _straight(self, low: int, high: int) -> bool:
        """Whether every offer's cost is a straight line between two volumes, up to what it rounds."""
        for one in self._costs.values():
            begin, end = one.at(low), one.at(high)
            for probe in {low + 1, (low + high) // 2, high - 1}:
                cost = one.at(probe)
                if cost is None or begin is None or end is None:
                    if not cost is begin is end is None:
                        return False
                    continue
                off = cost * (high - low) - begin * (high - probe) - end * (probe - low)
                if abs(off) > one.shape.tolerance(high) * (high - low):
                    return False
        return True

    def _sure(self, low: int, high: int) -> bool:
        """Whether roundings and steps between the points cannot make another offer the cheapest in between."""
        if self._coarse or any(one.shape.vague for one in self._costs.values()):
            return False
        strays = {name: one.shape.tolerance(high) for name, one in self._costs.items()}
        winner = self._winner(low)
        # Whether any offer allows the use at all is told by volumes, not by costs.
        if winner is None or not any(strays.values()):
            return True
        best = self._costs[winner]
        for volume in (low, high - 1):
            least = best.at(volume)
            for name, one in self._costs.items():
                cost, slack = one.at(volume), strays[name] + strays[winner]
                if name != winner and slack and cost is not None and least is not None and cost - least <= slack:
                    return False
        return True


def steady(forecast: Sequence[Mapping[str, int]], lead: str | None = None) -> Mix | None:
    """The mix of a forecast: its sums in lowest terms, led by `lead` or else by the key it names first; None of no use."""
    sums: Counter[str] = Counter()
    for month in forecast:
        sums.update(month)
    parts = {key: quantity for key, quantity in sums.items() if quantity > 0}
    first = lead if lead in parts else next(iter(parts), None)
    return Mix(first, parts) if first is not None else None


def _until(quantity: int, place: tuple[int, int, int]) -> int:
    number, seconds, of = place
    return number * quantity + (quantity * seconds // of if seconds else 0)


def _grid(top: int) -> Iterator[int]:
    """1, 2, 5, 10, 20, 50 ... in the six decades below `top`."""
    step = 1
    while step <= top:
        if step * 1_000_000 >= top:
            yield from (number for number in (step, 2 * step, 5 * step) if number < top)
        step *= 10


def _money(units: int | None, currency: str) -> Money | None:
    return None if units is None else Money(units, currency)

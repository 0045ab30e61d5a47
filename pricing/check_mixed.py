"""Findings where discounts or caps overlap without being the same: more use of one kind may then lower the whole sum.

A volume discount or a cap is borne by its components in proportion to what each costs. Where another discount takes
more off one of them, use that moves the first one's weight there can lower the sum. No closed form is tried: a grid of
quantities is rated, and what is found is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise, permutations

from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney
from exchange.kernel.text import Text
from pricing.basis import Basis
from pricing.check_notes import note, people
from pricing.check_totals import bound, paid
from pricing.components import Cadence, Plan

_QUANTITIES = (0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 100_000_000)
_METERS_MAX = 4


def mixed_costs_less(plan: Plan) -> Iterator[Problem]:
    """For each cadence whose discounts or caps overlap, one use that costs less than a smaller one, if the grid has one.

    shapes   examples meter, smaller, larger, beside (`<meter> <quantity>`), cost_smaller, cost_larger of one whole period
    """
    classes = {name for one in plan.offered.get("discounts", ()) for name in one.get("classes", ())}
    for buyer_class in (None, *sorted(classes)):
        here = bound(plan, Basis(currency=plan.currency, buyer_class=buyer_class))
        for cadence in here.by_cadence.values():
            if _overlaps(cadence) and (found := _fall(here, cadence)):
                yield found
                return


def _overlaps(cadence: Cadence) -> bool:
    """Whether something whose share depends on the whole sum overlaps with something else, and is not the same set."""
    shared = [one.components for one in cadence.discounts if len(one.bands) > 1]
    shared += [one.components for one in cadence.maxima]
    every = [*(one.components for one in cadence.discounts), *(one.components for one in cadence.maxima)]
    return any(one & other and one != other for one in shared for other in every)


def _fall(plan: Plan, cadence: Cadence) -> Problem | None:
    keys = list(dict.fromkeys(one.meter for one in cadence.components if one.by_use and one.meter))[:_METERS_MAX]
    for moving, still in permutations(keys, 2):
        for beside in _QUANTITIES:
            costs = [(quantity, _paid(plan, cadence, {moving: quantity, still: beside})) for quantity in _QUANTITIES]
            for (smaller, less), (larger, more) in pairwise(costs):
                if less is not None and more is not None and more < less:
                    return _found(moving, still, beside, (smaller, less), (larger, more))
    return None


def _paid(plan: Plan, cadence: Cadence, usage: dict[str, int]) -> Fraction | None:
    try:
        return paid(plan, cadence.unit, usage)
    except BadMoney:
        # No account holds so much; nobody will buy it.
        return None


def _found(moving: str, still: str, beside: int, low: tuple[int, Fraction], high: tuple[int, Fraction]) -> Problem:
    why = Text(
        f"with {people(beside)} {still}, {people(low[0])} {moving} cost {people(low[1])} in all but {people(high[0])} "
        f"only {people(high[1])}; let discounts and caps hold for the same components",
        f"{still} 用量为 {people(beside)} 时，{moving} 用量 {people(low[0])} 合计收费 {people(low[1])}，"
        f"而 {people(high[0])} 仅收费 {people(high[1])}；请让折扣与封顶适用于相同的组成部分",
    )
    return note(
        "more-of-one-costs-less",
        ("discounts",),
        why,
        meter=moving,
        smaller=low[0],
        larger=high[0],
        beside=f"{still} {beside}",
        cost_smaller=low[1],
        cost_larger=high[1],
    )

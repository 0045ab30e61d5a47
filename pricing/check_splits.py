"""Findings about quantity: a larger use that costs less, and several orders that cost less than one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney
from exchange.kernel.text import Text
from pricing.check_curves import Curve, falls, split
from pricing.check_models import shape_of
from pricing.check_notes import PERIODS, note, people
from pricing.check_totals import Total, first_period, fixed_cost, totals
from pricing.components import Component, Plan
from pricing.fixed import Agreed, Instalments, OneOff
from pricing.models import Graduated, Included, Metered, Volume

Place = tuple[object, ...]
# Two orders are compared over at most three years, the longest that most plans of instalments run.
_HORIZON = {None: 1, "day": 1095, "week": 156, "month": 36, "year": 3}
_DAYS_MOST = {"day": 1, "week": 7, "month": 31, "year": 366}
_DAYS_LEAST = {"day": 1, "week": 7, "month": 28, "year": 365}


def larger_costs_less(plan: Plan) -> Iterator[Problem]:
    """Each tier's end where one unit more makes a component cheaper.

    shapes   examples smaller, larger, cost_smaller, cost_larger: the component's own price, before discounts and limits.
             Those never make a price fall by more use of one meter alone: they take off at most all of each further
             unit. Several meters under discounts that overlap are `mixed_costs_less`'s. Use is counted in whole units.
    """
    for number, component in enumerate(plan.components):
        if isinstance(component.model, Metered):
            yield from _falls(component, ("components", number, *_inside(component.model)))


def cheaper_in_parts(plan: Plan) -> Iterator[Problem]:
    """For each meter and cadence, two orders that cost less than one for the same use, fixed amounts paid twice.

    shapes   examples larger, parts, cost_larger, cost_parts: of one whole period with discounts and limits; where a second
             order also pays amounts outside that period, `once` over `periods` periods is what it must save first
    """
    for total in totals(plan):
        found = _split(plan, total)
        if found is not None:
            yield _parts(plan, total, *found)


def _falls(component: Component, at: Place) -> Iterator[Problem]:
    assert isinstance(component.model, Metered)
    shape = shape_of(component.model)
    if not isinstance(shape, Curve):
        # Blocks and base packs only add up.
        return
    ends = _ends(component.model)
    for smaller, larger in falls(shape):
        less, more = shape.cost(smaller), shape.cost(larger)
        why = Text(
            f"{people(smaller)} units cost {people(less)} but {people(larger)} cost only {people(more)}; "
            "graduated tiers never do this",
            f"{people(smaller)} 单位收费 {people(less)}，而 {people(larger)} 单位仅收费 {people(more)}；改用累进分档可避免",
        )
        place = (*at, "tiers", ends[smaller])
        yield note("larger-costs-less", place, why, smaller=smaller, larger=larger, cost_smaller=less, cost_larger=more)


def _ends(model: Metered) -> dict[int, int]:
    """The tier that ends at a quantity."""
    moved = int(model.quantity) if isinstance(model, Included) else 0
    tiered = model.overage if isinstance(model, Included) else model
    ends = tiered.ends if isinstance(tiered, Graduated | Volume) else ()
    return {moved + int(end): number for number, end in enumerate(ends)}


def _inside(model: object) -> Place:
    return ("model", "overage") if isinstance(model, Included) else ("model",)


def _split(plan: Plan, total: Total) -> tuple[int, int, int, Fraction] | None:
    """Two quantities that cost less apart, after how many periods, and what a second order pays elsewhere until then."""
    try:
        return _split_paid(plan, total)
    except BadMoney:
        # No ledger account holds what so much use costs; nobody will buy it.
        return None


def _split_paid(plan: Plan, total: Total) -> tuple[int, int, int, Fraction] | None:
    unit, longest = total.cadence.unit, _HORIZON[total.cadence.unit]
    elsewhere = _elsewhere(plan, unit, longest)
    found = split(total.shape, elsewhere / longest)
    if found is None:
        return None
    one, other = found
    # A shape that only proposes is asked for what the plan really rates.
    cost = total.cost if total.exact and not total.cadence.adjusted else total.paid
    saved = cost(one + other) - cost(one) - cost(other)
    if any(total.key == c.meter and c.period != unit for c in plan.components):
        # The same use is charged in another cadence, too, where parts may cost more: one period of each must decide.
        longest = 1
        saved += sum(
            (
                each.paid(one + other) - each.paid(one) - each.paid(other)
                for each in totals(plan)
                if each.key == total.key and each.cadence.unit != unit
            ),
            Fraction(0),
        )
    for periods in range(1, longest + 1):
        once = _elsewhere(plan, unit, periods)
        if saved * periods > once:
            return one, other, periods, once
    return None


def _elsewhere(plan: Plan, unit: str | None, periods: int) -> Fraction:
    """The most that an order pays without use, outside its charges per `unit`, in so many periods of it."""
    paid = Fraction(0)
    for component in plan.components:
        if component.period == unit:
            continue
        model = component.model
        if isinstance(model, OneOff | Agreed | Instalments):
            paid += Fraction(_once(model))
        else:
            times = _begun(component.period, unit, periods)
            paid += Fraction(fixed_cost(component, first_period(component.period, plan))) * times
    return paid


def _once(model: OneOff | Agreed | Instalments) -> Decimal:
    if isinstance(model, Instalments):
        return model.total
    if isinstance(model, OneOff):
        return model.amount
    return model.amount if model.amount is not None else model.floor


def _begun(of: str | None, unit: str | None, periods: int) -> int:
    """The most periods of one length that begin within so many of another."""
    if of is None or unit is None:
        return 1
    if (of, unit) == ("month", "year"):
        return 12 * periods
    if (of, unit) == ("year", "month"):
        return -(-periods // 12)
    return -(-_DAYS_MOST[unit] * periods // _DAYS_LEAST[of])


def _parts(plan: Plan, total: Total, one: int, other: int, periods: int, once: Fraction) -> Problem:
    cost = total.cost if total.exact and not total.cadence.adjusted else total.paid
    whole, apart = cost(one + other), cost(one) + cost(other)
    number, component = next(
        (n, c) for n, c in enumerate(plan.components) if c.meter == total.key and c.period == total.cadence.unit
    )
    each = PERIODS[total.cadence.unit]
    how_en, how_zh = ("", "") if total.cadence.unit is None else (f" {each.en}", f"{each.zh} ")
    english = (
        f"{people(one + other)} units{how_en} cost {people(whole)}, but as two orders only {people(apart)} "
        f"({people(one)} and {people(other)} units)"
    )
    chinese = (
        f"{how_zh}{people(one + other)} 单位在一份订单中收费 {people(whole)}，分为两份订单仅需 {people(apart)}"
        f"（{people(one)} 与 {people(other)} 单位）"
    )
    example: dict[str, Fraction | int | list[str]] = {
        "smaller": one,
        "larger": one + other,
        "cost_larger": whole,
        "cost_parts": apart,
        "parts": [str(one), str(other)],
    }
    if once:
        english += f"; in {periods} periods this saves more than the {people(once)} that a second order pays besides"
        chinese += f"；{periods} 个周期后节省的金额超过第二份订单另付的 {people(once)}"
        example |= {"once": once, "periods": periods}
    return note(
        "cheaper-in-parts", ("components", number, *_inside(component.model)), Text(english, chinese), **example
    )

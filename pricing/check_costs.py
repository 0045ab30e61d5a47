"""Findings about the supplier's own costs: a use, or the order itself, that brings in less than it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from pricing.basis import EMPTY, Basis
from pricing.check_compare import first_where, unrolled
from pricing.check_curves import Curve, added, curve
from pricing.check_notes import note, people
from pricing.check_totals import bound, paid, total_of
from pricing.components import Plan
from pricing.exact import decimal


@dataclass(frozen=True, slots=True)
class Costs:
    """What it costs the supplier to serve one order for one period of each cadence of its plan.

    shapes   per_unit: usage key -> cost of one unit
    units    major units of the plan's currency
    """

    fixed: Decimal = Decimal(0)
    per_unit: Mapping[str, Decimal] = field(default_factory=dict)


def below_cost(plan: Plan, costs: Costs) -> Iterator[Problem]:
    """The order itself, and for each meter the smallest use, where the plan brings in less than it costs to serve.

    shapes   examples quantity, meter, revenue, cost: one whole period of every cadence, discounts and limits included,
             all other use nothing; a price that nobody agreed on yet counts as nothing.
             Where only buyers with every discount at once bring a loss, `basis` says which ones
    """
    seen: set[object] = set()
    for basis in _bases(plan):
        for found in _losses(plan if basis == EMPTY else bound(plan, basis), costs, basis):
            place = found.fields.get("meter")
            if place not in seen:
                seen.add(place)
                yield found


def _bases(plan: Plan) -> Iterator[Basis]:
    """No choice at all; then, for every buyer class and for none, the longest term and the best coupon together."""
    yield EMPTY
    discounts: Any = plan.offered.get("discounts", ())
    lists: Any = plan.offered.get("price_lists", ())
    terms = [item["months"] for item in discounts if item["type"] == "term"]
    coupons = [item for item in discounts if item["type"] == "coupon"]
    best = max(coupons, key=lambda item: decimal(item["percent"]), default=None)
    classes = {name for item in discounts for name in item.get("classes", ())}
    classes |= {item["buyer_class"] for item in lists if "buyer_class" in item}
    for name in (None, *sorted(classes)):
        yield Basis(buyer_class=name, term_months=max(terms, default=None), coupon=best and best["code_sha256"])


def _losses(plan: Plan, costs: Costs, basis: Basis) -> Iterator[Problem]:
    bare = sum((paid(plan, unit, {}) for unit in plan.cadences), Fraction(0))
    if bare < costs.fixed and not plan.unpriced:
        why = Text(
            f"an order without any use brings in {people(bare)} and costs you {people(costs.fixed)}",
            f"没有任何用量的订单收入 {people(bare)}，而您的成本为 {people(costs.fixed)}",
        )
        yield _loss(("components",), why, basis, quantity=0, revenue=bare, cost=costs.fixed)
    for key in dict.fromkeys([*plan.meters, *costs.per_unit]):
        yield from _use(plan, key, costs, bare, basis)


def _use(plan: Plan, key: str, costs: Costs, bare: Fraction, basis: Basis) -> Iterator[Problem]:
    each = costs.per_unit.get(key, Decimal(0))
    # Where the bare order loses already, the question is whether its use loses more.
    start = min(Fraction(costs.fixed), bare)

    def loses(quantity: int) -> bool:
        return _paid(plan, key, quantity) < start + quantity * Fraction(each)

    quantity = first_where(_revenue(plan, key), curve([(0, start)], each), loses)
    stops = min((one.quantity for one in plan.allowances() if one.stops and one.meter == key), default=quantity)
    if quantity is not None and stops is not None and quantity <= stops:
        cost = Fraction(costs.fixed) + quantity * Fraction(each)
        yield _below(plan, key, quantity, _paid(plan, key, quantity), cost, basis)


def _paid(plan: Plan, key: str, quantity: int) -> Fraction:
    return sum((paid(plan, unit, {key: quantity}) for unit in plan.cadences), Fraction(0))


def _below(plan: Plan, key: str, quantity: int, revenue: Fraction, cost: Fraction, basis: Basis) -> Problem:
    number = next((n for n, component in enumerate(plan.components) if component.meter == key), None)
    why = Text(
        f"{people(quantity)} {key} bring in {people(revenue)} and cost you {people(cost)}",
        f"{people(quantity)} 单位（{key}）收入 {people(revenue)}，而您的成本为 {people(cost)}",
    )
    at: tuple[object, ...] = ("components",) if number is None else ("components", number, "model")
    return _loss(at, why, basis, meter=key, quantity=quantity, revenue=revenue, cost=cost)


def _loss(at: tuple[object, ...], why: Text, basis: Basis, **example: Fraction | Decimal | int | str) -> Problem:
    if basis != EMPTY:
        who = ", ".join(f"{name} {value}" for name, value in basis.document().items() if name != "coupon")
        who += (", " if who else "") + "coupon" if basis.coupon else ""
        why = Text(f"{why.en}, with {who}", f"{why.zh}（适用 {who}）")
        example["basis"] = who
    return note("below-cost", at, why, **example)


def _revenue(plan: Plan, key: str) -> Curve:
    """What one period of every cadence brings in, by the use of one meter."""
    return added([unrolled(total_of(plan, plan.by_cadence[unit], key).shape) for unit in plan.cadences])

"""Findings about price lists: a currency that is cheaper at given rates, and a buyer class that pays more than others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from exchange.kernel.errors import Problem
from exchange.kernel.money import BadMoney
from exchange.kernel.text import Text
from pricing.basis import Basis
from pricing.check_compare import first_where, times, unrolled
from pricing.check_models import shape_of
from pricing.check_notes import note, people
from pricing.check_totals import bound, paid
from pricing.components import Component, Plan
from pricing.exact import from_units
from pricing.fixed import Agreed, Credits, Flat, Instalments, Milestone, OneOff, Outcome
from pricing.models import Metered

# currency -> how many units of the plan's own currency buy one of it
Rates = Mapping[str, Decimal | str]
TOLERANCE = Decimal("0.02")


def cheaper_currencies(plan: Plan, rates: Rates, tolerance: Decimal = TOLERANCE) -> Iterator[Problem]:
    """For each list in another currency, each component, limit and the price at the order that are cheaper there.

    shapes   examples quantity (0 for fixed amounts), cost, cost_there (in that currency), converted (at the rate), rate
             a list whose currency has no rate is not looked at; cheaper by no more than `tolerance` is no finding
    """
    for number, item in _lists(plan):
        if "currency" not in item or item["currency"] == plan.currency or item["currency"] not in rates:
            continue
        rate, cls = Fraction(Decimal(rates[item["currency"]])), item.get("buyer_class")
        here = bound(plan, Basis(buyer_class=cls))
        there = bound(plan, Basis(currency=item["currency"], buyer_class=cls))
        at = ("price_lists", number)
        keep = 1 - Fraction(tolerance)
        for one, other in zip(here.components, there.components, strict=True):
            quantity = _cheaper(one, other, rate, keep)
            if quantity is not None:
                cost, cost_there = _price(one, quantity), _price(other, quantity)
                yield _currency((*at, "models", one.id), here, there, rate, quantity, cost, cost_there)
        entry, entry_there = (Fraction(from_units(p.due_now_total.units)) for p in (here, there))
        if len(here.components) > 1 and entry_there * rate < entry * keep:
            yield _currency(at, here, there, rate, 0, entry, entry_there)
        for name, amount, amount_there in _limits(here, there):
            if amount_there * rate < amount * keep:
                yield _currency((*at, "limits", name), here, there, rate, 0, amount, amount_there)


def dearer_classes(plan: Plan) -> Iterator[Problem]:
    """For each list of a buyer class, each component whose buyers pay more than others do, their discounts included.

    shapes   examples quantity, cost (of everybody), cost_there (of the class): of one whole period of the component
    """
    for number, item in _lists(plan):
        cls, currency = item.get("buyer_class"), item.get("currency", plan.currency)
        if cls is None or not _is_public(plan, currency):
            continue
        public = bound(plan, Basis(currency=currency))
        special = bound(plan, Basis(currency=currency, buyer_class=cls))
        for one, other in zip(public.components, special.components, strict=True):
            if one.id in item["models"]:
                yield from _dearer(public, special, one, other, ("price_lists", number, "models", one.id))


def _dearer(public: Plan, special: Plan, one: Component, other: Component, at: tuple[object, ...]) -> Iterator[Problem]:
    quantity: int | None = 0

    def pays_more(quantity: int) -> bool:
        return _period(special, other, quantity) > _period(public, one, quantity)

    if isinstance(one.model, Metered) and isinstance(other.model, Metered):
        quantity = first_where(unrolled(shape_of(one.model)), unrolled(shape_of(other.model)), pays_more)
    if quantity is None:
        return
    try:
        if not pays_more(quantity):
            return
    except BadMoney:
        return
    cost, cost_there = _period(public, one, quantity), _period(special, other, quantity)
    use_en, use_zh = (f" for {people(quantity)} units", f"（用量 {people(quantity)}）") if quantity else ("", "")
    why = Text(
        f"this class pays {people(cost_there)}{use_en} where everybody else pays {people(cost)}",
        f"该类买方需付 {people(cost_there)}{use_zh}，而其他买方仅付 {people(cost)}",
    )
    yield note("class-dearer", at, why, quantity=quantity, cost=cost, cost_there=cost_there)


def _period(plan: Plan, component: Component, quantity: int) -> Fraction:
    usage = {component.meter: quantity} if component.meter is not None and component.by_use else {}
    return paid(plan, component.period, usage)


def _lists(plan: Plan) -> Iterator[tuple[int, Mapping[str, Any]]]:
    lists: Any = plan.offered.get("price_lists", ())
    yield from enumerate(lists)


def _is_public(plan: Plan, currency: str) -> bool:
    """Whether buyers without a class can pay in this currency."""
    return currency == plan.currency or any(
        item.get("currency") == currency and "buyer_class" not in item for _, item in _lists(plan)
    )


def _cheaper(one: Component, other: Component, rate: Fraction, keep: Fraction) -> int | None:
    def cheaper(quantity: int) -> bool:
        return _price(other, quantity) * rate < _price(one, quantity) * keep

    if isinstance(one.model, Metered) and isinstance(other.model, Metered):
        there, here = unrolled(shape_of(other.model)), unrolled(shape_of(one.model))
        return first_where(times(there, rate), times(here, keep), cheaper)
    return 0 if cheaper(0) else None


def _price(component: Component, quantity: int) -> Fraction:
    """What a quantity costs; of what is not measured, the amount."""
    model = component.model
    if isinstance(model, Metered):
        return Fraction(model.cost(Decimal(quantity)))
    if isinstance(model, OneOff | Flat | Credits | Milestone):
        return Fraction(model.amount)
    if isinstance(model, Instalments):
        return Fraction(model.total)
    if isinstance(model, Outcome):
        return Fraction(model.unit_price)
    return _agreed(model)


def _agreed(model: Agreed) -> Fraction:
    """The least that a chosen price may be; nothing where it is negotiated."""
    return Fraction(model.floor)


def _limits(here: Plan, there: Plan) -> Iterator[tuple[str, Fraction, Fraction]]:
    amounts = {
        limit.id: Fraction(limit.amount)
        for cadence in there.by_cadence.values()
        for limit in (*cadence.maxima, *cadence.minima)
    }
    for cadence in here.by_cadence.values():
        for limit in (*cadence.maxima, *cadence.minima):
            yield limit.id, Fraction(limit.amount), amounts[limit.id]


def _currency(
    at: tuple[object, ...], here: Plan, there: Plan, rate: Fraction, quantity: int, cost: Fraction, cost_there: Fraction
) -> Problem:
    converted = cost_there * rate
    use_en, use_zh = (f" for {people(quantity)} units", f"（用量 {people(quantity)}）") if quantity else ("", "")
    why = Text(
        f"{people(cost_there)} {there.currency}{use_en} are {people(converted)} {here.currency} at {people(rate)}, "
        f"less than the {people(cost)} {here.currency} of the main list",
        f"{people(cost_there)} {there.currency}{use_zh}按汇率 {people(rate)} 折合 {people(converted)} {here.currency}，"
        f"低于主价格表的 {people(cost)} {here.currency}",
    )
    return note(
        "currency-cheaper",
        at,
        why,
        quantity=quantity,
        currency=there.currency,
        rate=rate,
        cost=cost,
        cost_there=cost_there,
        converted=converted,
    )

"""Laws of pricing, over random plans and uses, against exact fractions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.canonical import canonical
from pricing.checks import check
from pricing.explain import recompute
from pricing.periods import UNITS, Period, life, period, period_at
from pricing.plans import Plan, parse
from pricing.quotes import simulate
from pricing.rating import LineKey, outstanding, price_now, rate, total

START = datetime(2026, 1, 31, 16, 7, tzinfo=UTC)
METERS = ["bytes", "records", "tokens", "requests", "files"]
QUANTITIES = st.one_of(st.integers(0, 2_000), st.integers(0, 10**7))
PRICES = st.one_of(
    st.integers(0, 10**12 - 1).map(lambda pico: f"0.{pico:012d}"),
    st.integers(0, 99_999).map(str),
    st.decimals(0, 100, places=4).map(lambda value: format(abs(value), "f")),
)
AMOUNTS = st.integers(0, 10**10).map(lambda units: f"{units // 10**6}.{units % 10**6:06d}")


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, Any]]:
    ends = sorted(draw(st.sets(st.integers(1, 3_000), max_size=6)))
    return [*({"up_to": end, "unit_price": draw(PRICES)} for end in ends), {"unit_price": draw(PRICES)}]


def _metered(*, with_volume: bool) -> st.SearchStrategy[dict[str, Any]]:
    kinds: list[st.SearchStrategy[dict[str, Any]]] = [
        st.fixed_dictionaries({"type": st.just("per_unit"), "unit_price": PRICES}),
        st.fixed_dictionaries({"type": st.just("graduated"), "tiers": tiers()}),
        st.fixed_dictionaries({"type": st.just("package"), "size": st.integers(1, 5_000), "amount": AMOUNTS}),
    ]
    if with_volume:
        kinds.append(st.fixed_dictionaries({"type": st.just("volume"), "tiers": tiers()}))
    return st.one_of(kinds)


@st.composite
def plans(draw: st.DrawFn, *, with_volume: bool = True, unit: str | None = "any") -> dict[str, Any]:
    components = []
    for number in range(draw(st.integers(1, 4))):
        cadence = draw(st.sampled_from([None, *UNITS])) if unit == "any" else unit
        metered = _metered(with_volume=with_volume)
        included = st.fixed_dictionaries(
            {
                "type": st.just("included"),
                "quantity": st.integers(1, 3_000),
                "overage": st.one_of(st.none(), metered),
            }
        )
        fixed: dict[str, Any] = {"type": "one_off", "amount": draw(AMOUNTS)}
        if cadence is not None:
            fixed = {"type": "flat", "amount": draw(AMOUNTS), "in_advance": draw(st.booleans())}
        model = draw(st.one_of(st.just(fixed), metered, included))
        meter = None if model["type"] in ("flat", "one_off") else draw(st.sampled_from(METERS))
        components.append({"id": f"c{number}", "meter": meter, "period": cadence, "model": model})
    return {"type": "plan", "v": 1, "currency": "CNY", "time_zone": "Asia/Shanghai", "components": components}


def _plan(document: dict[str, Any]) -> Plan:
    plan = parse(document)
    assert isinstance(plan, Plan), [problem.detail("en") for problem in plan]
    return plan


def _stretch(plan: Plan, unit: str | None, index: int = 0) -> Period:
    return life(START) if unit is None else period(unit, START, index, plan.time_zone)


def oracle(model: dict[str, Any], quantity: Fraction) -> Fraction:
    """The same prices by exact fractions, unit by tier, written apart from the code under test."""
    kind = model["type"]
    if kind in ("one_off", "flat"):
        return Fraction(model["amount"])
    if kind == "per_unit":
        return quantity * Fraction(model["unit_price"])
    if kind == "package":
        return Fraction(model["amount"]) * int(-(-quantity // model["size"]))
    if kind == "included":
        over = max(Fraction(0), quantity - model["quantity"])
        return oracle(model["overage"], over) if model["overage"] else Fraction(0)
    if kind == "volume":
        tier = next(t for t in model["tiers"] if "up_to" not in t or quantity <= t["up_to"])
        return quantity * Fraction(tier["unit_price"])
    cost, below = Fraction(0), Fraction(0)
    for tier in model["tiers"]:
        top = Fraction(tier["up_to"]) if "up_to" in tier else quantity
        cost += max(Fraction(0), min(quantity, top) - below) * Fraction(tier["unit_price"])
        below = top
    return cost


@given(plans(), st.dictionaries(st.sampled_from(METERS), QUANTITIES))
def test_every_line_equals_the_exact_fraction_rounded_once(document: dict[str, Any], usage: dict[str, int]) -> None:
    plan = _plan(document)
    by_id = {component["id"]: component for component in document["components"]}
    for unit in plan.cadences:
        for line in rate(plan, usage, _stretch(plan, unit), keep_zero=True):
            component = by_id[line.component.id]
            exact = oracle(component["model"], Fraction(usage.get(component["meter"], 0)))
            assert line.amount.units == round(exact * 1_000_000)
            assert Fraction(line.exact) == exact


@given(plans(), st.dictionaries(st.sampled_from(METERS), st.decimals(0, 10**6, places=3)))
def test_fractions_of_a_unit_are_exact_too(document: dict[str, Any], usage: dict[str, Decimal]) -> None:
    plan = _plan(document)
    by_id = {component["id"]: component for component in document["components"]}
    for unit in plan.cadences:
        for line in rate(plan, usage, _stretch(plan, unit)):
            component = by_id[line.component.id]
            assert Fraction(line.exact) == oracle(component["model"], Fraction(usage.get(component["meter"], 0)))


@given(plans(), st.dictionaries(st.sampled_from(METERS), QUANTITIES))
def test_the_steps_add_up_and_a_program_can_repeat_them(document: dict[str, Any], usage: dict[str, int]) -> None:
    plan = _plan(document)
    for unit in plan.cadences:
        for line in rate(plan, usage, _stretch(plan, unit), keep_zero=True):
            assert sum(Fraction(step.amount) for step in line.steps()) == Fraction(line.exact)
            explanation = json.loads(canonical(line.explain()))
            assert recompute(explanation) == line.amount
            assert explanation["text"]["en"]
            assert explanation["text"]["zh"]


@given(plans(with_volume=False), st.sampled_from(METERS), QUANTITIES, QUANTITIES)
def test_more_use_never_costs_less(document: dict[str, Any], meter: str, one: int, other: int) -> None:
    plan = _plan(document)
    low, high = sorted((one, other))
    for unit in plan.cadences:
        stretch = _stretch(plan, unit)
        assert total(plan, rate(plan, {meter: low}, stretch)) <= total(plan, rate(plan, {meter: high}, stretch))


@given(plans())
def test_without_use_only_the_fixed_parts_cost(document: dict[str, Any]) -> None:
    plan = _plan(document)
    for unit in plan.cadences:
        stretch = _stretch(plan, unit)
        lines = rate(plan, {}, stretch)
        assert all(line.component.meter is None for line in lines)
        assert total(plan, rate(plan, dict.fromkeys(METERS, 0), stretch)) == total(plan, lines)


@given(plans(), st.lists(st.tuples(st.sampled_from(METERS), st.integers(0, 10**6)), max_size=8), st.randoms())
def test_any_cutting_and_order_of_use_books_the_same_sum(
    document: dict[str, Any], events: list[tuple[str, int]], random: Any
) -> None:
    plan = _plan(document)
    whole: dict[str, int] = {}
    for meter, quantity in events:
        whole[meter] = whole.get(meter, 0) + quantity
    shuffled = list(events)
    random.shuffle(shuffled)
    for unit in plan.cadences:
        stretch = _stretch(plan, unit)
        booked: dict[LineKey, int] = {line.key: line.amount.units for line in price_now(plan)}
        so_far: dict[str, int] = {}
        for meter, quantity in [*shuffled, ("bytes", 0)]:
            so_far[meter] = so_far.get(meter, 0) + quantity
            for due in outstanding(plan, so_far, stretch, booked):
                booked[due.line.key] = booked.get(due.line.key, 0) + due.amount.units
        for line in rate(plan, whole, stretch, keep_zero=True):
            assert booked.get(line.key, 0) == line.amount.units
        assert outstanding(plan, whole, stretch, booked) == []


@given(plans())
def test_the_price_at_the_order_is_part_of_the_first_period(document: dict[str, Any]) -> None:
    plan = _plan(document)
    first = {
        line.key: line.amount
        for unit in plan.cadences
        for line in rate(plan, {}, _stretch(plan, unit), as_of=_stretch(plan, unit).start)
    }
    assert {line.key: line.amount for line in price_now(plan)} == first
    assert total(plan, price_now(plan)) == plan.due_now_total


@given(plans(unit="month"), st.lists(st.dictionaries(st.sampled_from(METERS), st.integers(0, 10**6)), max_size=5))
def test_a_simulation_is_the_real_rating(document: dict[str, Any], forecast: list[dict[str, int]]) -> None:
    plan = _plan(document)
    months = simulate(plan, forecast, START)
    for month, usage in zip(months, forecast, strict=True):
        assert month.amount == total(plan, rate(plan, usage, _stretch(plan, "month", month.index)))
    assert not months or months[-1].running.units == sum(month.amount.units for month in months)


@given(plans(), st.lists(st.dictionaries(st.sampled_from(METERS), st.integers(0, 10**6)), max_size=4))
def test_a_simulation_loses_no_use(document: dict[str, Any], forecast: list[dict[str, int]]) -> None:
    plan = _plan(document)
    life_plan = [c for c in plan.components if c.period is None and c.meter is not None]
    months = simulate(plan, forecast, START)
    for component in life_plan:
        used = sum(usage.get(component.meter or "", 0) for usage in forecast)
        booked = sum(due.amount.units for m in months for due in m.lines if due.line.component is component)
        assert booked == round(Fraction(component.model.cost(Decimal(used))) * 1_000_000)


@given(plans())
def test_a_falling_volume_price_is_always_noted(document: dict[str, Any]) -> None:
    plan = _plan(document)
    falls = False
    for component in document["components"]:
        model = component["model"]
        model = model["overage"] if model["type"] == "included" and model["overage"] else model
        if model["type"] == "volume":
            falls |= any(
                oracle(model, Fraction(t["up_to"] + 1)) < oracle(model, Fraction(t["up_to"]))
                for t in model["tiers"][:-1]
            )
    noted = any("smaller" in p.fields and "/model" in str(p.fields["field"]) for p in check(plan) if _volume(plan, p))
    assert noted == falls


def _volume(plan: Plan, problem: Any) -> bool:
    why = problem.fields["why"].en
    return "cost only" in why


ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@given(st.sampled_from(UNITS), MOMENTS, ZONES.map(ZoneInfo), st.integers(0, 400))
def test_periods_touch_and_grow(unit: str, anchor: datetime, zone: ZoneInfo, index: int) -> None:
    one, two = period(unit, anchor, index, zone), period(unit, anchor, index + 1, zone)
    assert one.end == two.start
    assert one.start < two.start
    assert one.start.minute % 15 == 0
    assert (one.start.second, one.start.microsecond) == (0, 0)


@given(st.sampled_from(UNITS), MOMENTS, ZONES.map(ZoneInfo), st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_every_moment_is_in_exactly_one_period(unit: str, anchor: datetime, zone: ZoneInfo, after: timedelta) -> None:
    at = anchor + after
    found = period_at(unit, anchor, at, zone)
    assert found.end is not None
    assert found.start <= at < found.end
    assert found == period(unit, anchor, found.index, zone)

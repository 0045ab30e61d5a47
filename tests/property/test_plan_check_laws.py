"""The plan checks against brute force: what they find is true, and what they do not find is not there."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.kernel.errors import Problem
from exchange.kernel.schemas import pointer
from pricing.bundles import PricedSet, cheaper_covers
from pricing.check_costs import Costs
from pricing.check_curves import split
from pricing.check_models import shape_of
from pricing.check_totals import first_period, paid, totals
from pricing.checks import check, report
from pricing.components import Plan
from pricing.models import Metered
from pricing.plans import parse
from pricing.tiers import tier_faults

# Every corner of these little plans lies below 12 units, so that whatever happens, happens below 40.
FAR = 40
PRICES = st.sampled_from(["0", "0.25", "0.5", "1", "1.5", "2", "3", "7"])
MONEY = st.sampled_from(["0", "1", "2.5", "4", "9", "20"])
PERCENTS = st.sampled_from(["0", "10", "25", "50", "100"])


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, Any]]:
    ends = sorted(draw(st.sets(st.integers(1, 11), max_size=4)))
    return [*({"up_to": end, "unit_price": draw(PRICES)} for end in ends), {"unit_price": draw(PRICES)}]


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    """A model without blocks."""
    kind = draw(st.sampled_from(["per_unit", "graduated", "volume", "cost_recovery"]))
    if kind == "per_unit":
        return {"type": kind, "unit_price": draw(PRICES)}
    if kind == "cost_recovery":
        costs = [{"title": {"en": "cost", "zh": "成本"}, "amount": draw(MONEY)}]
        return {"type": kind, "costs": costs, "quantity": draw(st.sampled_from([1, 2, 4, 5]))}
    return {"type": kind, "tiers": draw(tiers())}


def blocks() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just("package"), "size": st.integers(1, 6), "amount": MONEY})


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["line", "block", "included", "base_pack"]))
    if kind == "line":
        return draw(lines())
    if kind == "block":
        return draw(blocks())
    if kind == "base_pack":
        packs = {name: {"size": draw(st.integers(1, 6)), "amount": draw(MONEY)} for name in ("base", "increment")}
        return {"type": kind, **packs}
    rest = draw(st.one_of(st.none(), lines().filter(lambda model: model["type"] != "cost_recovery"), blocks()))
    return {"type": kind, "quantity": draw(st.integers(1, 9)), "overage": rest}


def understood(components: list[dict[str, Any]], **more: Any) -> Plan:
    plan = parse({"type": "plan", "v": 1, "currency": "CNY", "components": components, **more})
    assert isinstance(plan, Plan), [problem.detail("en") for problem in plan]
    return plan


def metered(model: dict[str, Any], name: str = "use", unit: str | None = "month") -> dict[str, Any]:
    return {"id": name, "meter": "records", "period": unit, "model": model}


def flat(amount: str, unit: str | None = "month") -> dict[str, Any]:
    model = {"type": "flat", "amount": amount} if unit else {"type": "one_off", "amount": amount}
    return {"id": "fixed", "meter": None, "period": unit, "model": model}


def of(code: str, found: list[Problem]) -> list[Mapping[str, Any]]:
    return [one.fields for one in found if one.fields["code"] == code]


def prices(model: object, far: int = FAR) -> list[Fraction]:
    """The plan's own arithmetic, one quantity after another."""
    assert isinstance(model, Metered)
    return [Fraction(model.cost(Decimal(quantity))) for quantity in range(far)]


def worst(price: list[Fraction]) -> Fraction:
    """The most that two orders save."""
    far = len(price)
    return max(price[a + b] - price[a] - price[b] for a in range(1, far) for b in range(a, far - a))


@given(models())
def test_a_curve_is_the_model_at_every_whole_quantity(model: dict[str, Any]) -> None:
    found = understood([metered(model)]).components[0].model
    assert isinstance(found, Metered)
    shape = shape_of(found)
    assert [shape.cost(quantity) for quantity in range(FAR)] == prices(found)
    assert shape.cost(10**15) == Fraction(found.cost(Decimal(10**15)))


@given(models())
def test_a_fall_is_found_exactly_where_there_is_one(model: dict[str, Any]) -> None:
    plan = understood([metered(model)])
    price = prices(plan.components[0].model)
    found = of("larger-costs-less", check(plan))
    assert [int(one["smaller"]) for one in found] == [n for n in range(FAR - 1) if price[n + 1] < price[n]]
    for one in found:
        smaller, larger = int(one["smaller"]), int(one["larger"])
        assert smaller < larger
        assert Fraction(one["cost_smaller"]) == price[smaller] > price[larger] == Fraction(one["cost_larger"])
        assert str(one["field"]).endswith(pointer("tiers", str(one["field"]).rsplit("/", 1)[1]))


@given(models(), MONEY, st.sampled_from([None, "month", "year"]))
@settings(deadline=None)
def test_a_split_that_pays_is_found_exactly_where_there_is_one(model: dict[str, Any], fixed: str, unit: Any) -> None:
    plan = understood([metered(model, unit=unit), flat(fixed, unit)])
    price = [cost + Fraction(fixed) for cost in prices(plan.components[0].model)]
    found = of("cheaper-in-parts", check(plan))
    assert bool(found) == (worst(price) > 0)
    for one in found:
        first, second = (int(part) for part in one["parts"])
        assert int(one["larger"]) == first + second
        whole, apart = price[first + second], price[first] + price[second]
        assert Fraction(one["cost_larger"]) == whole > apart == Fraction(one["cost_parts"])


@given(lines(), st.sampled_from(["0", "1", "2.5", "10"]))
def test_the_split_that_is_shown_saves_most(model: dict[str, Any], again: str) -> None:
    found = understood([metered(model)]).components[0].model
    assert isinstance(found, Metered)
    pair, price = split(shape_of(found), Decimal(again)), prices(found)
    assert (pair is not None) == (worst(price) > Fraction(again))
    if pair is not None:
        assert price[sum(pair)] - price[pair[0]] - price[pair[1]] == worst(price)


@given(models(), st.sampled_from(["10", "40", "200"]))
def test_what_a_second_order_pays_once_is_saved_first(model: dict[str, Any], once: str) -> None:
    plan = understood([metered(model), flat(once, None)])
    gain = worst(prices(plan.components[0].model))
    found = of("cheaper-in-parts", check(plan))
    # Three years are looked at.
    assert bool(found) == (gain * 36 > Fraction(once))
    for one in found:
        saved = Fraction(one["cost_larger"]) - Fraction(one["cost_parts"])
        assert saved * int(one["periods"]) > Fraction(one["once"]) == Fraction(once)
        assert saved * (int(one["periods"]) - 1) <= Fraction(once)


@st.composite
def adjusted(draw: st.DrawFn) -> Plan:
    """A month with fixed amounts, two prices for the same use, a volume discount, a maximum and a minimum."""
    components = [metered(draw(lines()))]
    if draw(st.booleans()):
        components.append(metered(draw(lines()), name="more"))
    if draw(st.booleans()):
        components.append(flat(draw(MONEY)))
    more: dict[str, Any] = {"limits": [], "discounts": []}
    if draw(st.booleans()):
        starts = sorted(draw(st.sets(st.integers(0, 30), min_size=1, max_size=3)))
        bands = [{"from": str(start), "percent": draw(PERCENTS)} for start in starts]
        more["discounts"].append({"id": "more_less", "type": "volume", "bands": bands})
    at_cost = any(one["model"]["type"] == "cost_recovery" for one in components)
    # A minimum beside stated costs is refused.
    for kind in ("maximum",) if at_cost else ("maximum", "minimum"):
        if draw(st.booleans()):
            more["limits"].append({"id": kind, "type": kind, "period": "month", "amount": draw(MONEY)})
    return understood(components, **{name: value for name, value in more.items() if value})


@given(adjusted())
@settings(max_examples=60, deadline=None)
def test_a_whole_period_is_held_against_the_plan_itself(plan: Plan) -> None:
    far = 100
    price = [paid(plan, "month", {"records": quantity}) for quantity in range(far)]
    notes = check(plan)
    (total,) = totals(plan)
    assert [total.cost(quantity) for quantity in range(far)] == price
    if any(price[n + 1] < price[n] for n in range(far - 1)):
        assert of("larger-costs-less", notes)
    found = of("cheaper-in-parts", notes)
    if worst(price) > 0:
        assert found
    for one in found:
        first, second = (int(part) for part in one["parts"])
        whole = paid(plan, "month", {"records": first + second})
        apart = paid(plan, "month", {"records": first}) + paid(plan, "month", {"records": second})
        assert Fraction(one["cost_larger"]) == whole > apart == Fraction(one["cost_parts"])


@given(models(), MONEY, MONEY, PRICES)
@settings(deadline=None)
def test_a_use_below_cost_is_found(model: dict[str, Any], fee: str, fixed: str, each: str) -> None:
    plan = understood([metered(model), flat(fee)])
    found = of("below-cost", check(plan, costs=Costs(Decimal(fixed), {"records": Decimal(each)})))
    stops = next((one.quantity for one in plan.allowances() if one.stops), FAR)
    revenue = [paid(plan, "month", {"records": quantity}) for quantity in range(min(stops + 1, FAR))]
    margin = [got - Fraction(fixed) - quantity * Fraction(each) for quantity, got in enumerate(revenue)]
    for one in found:
        quantity = int(one["quantity"])
        got = paid(plan, "month", {"records": quantity} if quantity else {})
        assert Fraction(one["revenue"]) == got < Fraction(fixed) + quantity * Fraction(each) == Fraction(one["cost"])
    assert any(one["quantity"] == "0" for one in found) == (margin[0] < 0)
    assert any("meter" in one for one in found) >= (min(margin) < min(0, margin[0]))


@given(models(), models(), st.sampled_from(["0.5", "1", "7.1"]), st.sampled_from(["0", "0.02", "0.5"]))
@settings(deadline=None)
def test_a_currency_that_is_cheaper_is_found(
    model: dict[str, Any], other: dict[str, Any], rate: str, tolerance: str
) -> None:
    plan = understood([metered(model)], price_lists=[{"currency": "USD", "models": {"use": other}}])
    there_plan = understood([metered(other)])
    keep = 1 - Fraction(tolerance)
    here, there = prices(plan.components[0].model), prices(there_plan.components[0].model)
    found = of("currency-cheaper", check(plan, rates={"USD": rate}, tolerance=Decimal(tolerance)))
    if any(there[n] * Fraction(rate) < here[n] * keep for n in range(FAR)):
        assert found
    for one in found:
        quantity = Decimal(one["quantity"])
        model_here, model_there = plan.components[0].model, there_plan.components[0].model
        assert isinstance(model_here, Metered)
        assert isinstance(model_there, Metered)
        cost, cost_there = Fraction(model_here.cost(quantity)), Fraction(model_there.cost(quantity))
        assert Fraction(one["converted"]) == cost_there * Fraction(rate) < cost * keep


@given(models(), models())
def test_a_class_that_pays_more_is_found(model: dict[str, Any], other: dict[str, Any]) -> None:
    plan = understood([metered(model)], price_lists=[{"buyer_class": "academic", "models": {"use": other}}])
    everybody = prices(plan.components[0].model)
    academic = prices(understood([metered(other)]).components[0].model)
    found = of("class-dearer", check(plan))
    if any(theirs > ours for theirs, ours in zip(academic, everybody, strict=True)):
        assert found
    for one in found:
        assert Fraction(one["cost_there"]) > Fraction(one["cost"])


@given(models(), MONEY)
def test_every_finding_is_told_in_both_languages_and_as_json(model: dict[str, Any], fixed: str) -> None:
    notes = check(understood([metered(model), flat(fixed)]), costs=Costs(Decimal(9), {"records": Decimal(1)}))
    made = report(notes)
    assert made.ok == (not notes)
    assert len(made.findings) + made.more == len(notes)
    for one in made.findings:
        assert one.why["en"]
        assert any("一" <= letter <= "鿿" for letter in one.why["zh"])
        assert one.field.startswith("/")


@given(
    st.lists(
        st.fixed_dictionaries({"from": st.integers(0, 8)}, optional={"up_to": st.integers(1, 9)}),
        min_size=1,
        max_size=4,
    )
)
def test_a_tier_fault_shows_a_quantity_without_a_price_or_with_two(tiers_: list[dict[str, int]]) -> None:
    tiers_ = [{**tier, "up_to": tier.get("up_to", 9)} for tier in tiers_[:-1]] + [{"from": tiers_[-1]["from"]}]
    rising = all(tier["from"] < tier.get("up_to", 99) for tier in tiers_)

    def covering(quantity: int) -> list[int]:
        return [n for n, tier in enumerate(tiers_) if tier["from"] < quantity <= tier.get("up_to", 99)]

    faults = tier_faults(tiers_)
    for fault in faults:
        assert fault.prices == tuple(covering(fault.quantity))
        assert {"gap": 0, "order": 1}.get(fault.kind, len(fault.prices)) == len(fault.prices)
    if rising and any(len(covering(quantity)) != 1 for quantity in range(1, 12)):
        assert faults


@st.composite
def on_sale(draw: st.DrawFn) -> list[PricedSet]:
    number = draw(st.integers(1, 8))
    items = st.frozensets(st.integers(0, 5), max_size=6)
    return [PricedSet(f"s{n}", draw(items), draw(st.integers(0, 12))) for n in range(number)]


@given(on_sale())
@settings(deadline=None)
def test_the_cheapest_cover_is_found_exactly_where_there_is_one(sets: list[PricedSet]) -> None:
    found = {cover.name: cover for cover in cheaper_covers(sets)}
    by_name = {one.name: one for one in sets}
    for one in sets:
        others = [other for other in sets if other is not one]
        costs = [
            sum(part.price for part in parts)
            for size in range(1, len(others) + 1)
            for parts in combinations(others, size)
            if one.items <= frozenset().union(*(part.items for part in parts))
        ]
        cheapest = min((cost for cost in costs if cost < one.price), default=None) if one.items else None
        assert (one.name in found) == (cheapest is not None)
        if cheapest is not None:
            cover = [by_name[name] for name in found[one.name].cover]
            assert one.items <= frozenset().union(*(part.items for part in cover))
            assert sum(part.price for part in cover) == found[one.name].cost == cheapest < one.price
            assert found[one.name].exact


def test_a_thousand_tiers_are_checked() -> None:
    tiers_: list[dict[str, Any]] = [{"up_to": 10 * n, "unit_price": f"{n % 7}.{n:04d}"} for n in range(1, 1000)]
    for kind in ("graduated", "volume"):
        plan = understood([metered({"type": kind, "tiers": [*tiers_, {"unit_price": "3"}]}), flat("100000000")])
        notes = check(plan)
        assert bool(of("larger-costs-less", notes)) == (kind == "volume")
        assert not of("cheaper-in-parts", notes)
    assert first_period("month", plan).index == 0

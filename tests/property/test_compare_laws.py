"""Laws of comparing plans: against the plain way, which simulates every volume one by one."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.kernel.money import BadMoney
from pricing.compare import Comparison, Mix, compare, steady, unmeasured
from pricing.plans import Plan, parse
from pricing.quotes import Foreseen, simulate

START = datetime(2026, 1, 31, 16, 7, tzinfo=UTC)
FEW = settings(max_examples=max(15, int(os.environ.get("EXAMPLES", "100")) // 4))
WHOLE = st.sampled_from(["0", "0.01", "0.5", "1", "1.25", "3", "0.000001"])
FINE = st.sampled_from(["0.0000001", "0.00000333", "0.333333333333", "0.010000000001"])
AMOUNTS = st.integers(0, 400).map(str)


@st.composite
def tiers(draw: st.DrawFn, prices: st.SearchStrategy[str]) -> list[dict[str, Any]]:
    ends = sorted(draw(st.sets(st.integers(1, 300), min_size=1, max_size=3)))
    return [*({"up_to": end, "unit_price": draw(prices)} for end in ends), {"unit_price": draw(prices)}]


def metered(prices: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("per_unit"), "unit_price": prices}),
        st.fixed_dictionaries({"type": st.sampled_from(["graduated", "volume"]), "tiers": tiers(prices)}),
        st.fixed_dictionaries({"type": st.just("package"), "size": st.integers(1, 90), "amount": AMOUNTS}),
    )


@st.composite
def plans(draw: st.DrawFn, *, prices: st.SearchStrategy[str] = WHOLE, units: Any = (None, "month", "year")) -> Plan:
    components: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 2))):
        inner = metered(prices)
        included = st.fixed_dictionaries(
            {"type": st.just("included"), "quantity": st.integers(1, 200), "overage": st.none() | inner}
        )
        pack = st.fixed_dictionaries(
            {
                "type": st.just("base_pack"),
                "base": st.fixed_dictionaries({"size": st.integers(1, 200), "amount": AMOUNTS}),
                "increment": st.fixed_dictionaries({"size": st.integers(1, 90), "amount": AMOUNTS}),
            }
        )
        period = draw(st.sampled_from(units))
        meter = draw(st.sampled_from(["records", "records", "bytes"]))
        components.append(
            {"id": f"u{number}", "meter": meter, "period": period, "model": draw(inner | included | pack)}
        )
    if draw(st.booleans()):
        flat = {"type": "flat", "amount": draw(AMOUNTS), "in_advance": draw(st.booleans())}
        components.append({"id": "fee", "meter": None, "period": "month", "model": flat})
    if draw(st.booleans()):
        model = {"type": "one_off", "amount": draw(AMOUNTS)}
        components.append({"id": "once", "meter": None, "period": None, "model": model})
    document = {"type": "plan", "v": 1, "currency": draw(st.sampled_from(["CNY", "CNY", "USD"])), "time_zone": "UTC"}
    document["components"] = components
    unit = draw(st.sampled_from([one["period"] for one in components]))
    members = [one["id"] for one in components if one["period"] == unit]
    limits = []
    if draw(st.booleans()):
        limits.append({"id": "cap", "type": "maximum", "period": unit, "amount": draw(AMOUNTS), "components": members})
    if draw(st.booleans()):
        limits.append(
            {"id": "least", "type": "minimum", "period": unit, "amount": draw(AMOUNTS), "components": members}
        )
    if limits:
        document["limits"] = limits
    if draw(st.booleans()):
        bands = [{"from": draw(st.sampled_from(["0", "40"])), "percent": "5"}, {"from": "100", "percent": "12.5"}]
        document["discounts"] = [{"id": "many", "type": "volume", "bands": bands, "components": members}]
    plan = parse(document)
    assert isinstance(plan, Plan), [problem.detail("en") for problem in plan]
    return plan


def plain_cost(plan: Plan, mix: Mix, volume: int, months: int) -> int | None:
    """What the simulation of a forecast says, or None where use stops before, or no account holds so much."""
    use = mix.use(volume)
    for one in plan.allowances():
        held = {"month": 1, "year": min(12, months), None: months}[one.period]
        if one.stops and use.get(one.meter, 0) * held > one.quantity:
            return None
    try:
        return simulate(plan, [use] * months, START)[-1].running.units
    except BadMoney:
        return None


def winner(offers: dict[str, Plan], mix: Mix, volume: int, months: int) -> str | None:
    costs = [
        (cost, n)
        for n, plan in enumerate(offers.values())
        if (cost := plain_cost(plan, mix, volume, months)) is not None
    ]
    return list(offers)[min(costs)[1]] if costs else None


def beyond_money(comparison: Comparison, offers: dict[str, Plan], volume: int, months: int) -> bool:
    """Whether an offer that has a bill at the last volume compared has one here that no account can hold."""
    billed = [one.name for one in comparison.curves if one.amounts[-1] is not None]
    return volume > comparison.volumes[-1] and any(
        plain_cost(offers[name], comparison.mix, volume, months) is None for name in billed
    )


def told(comparison: Comparison, volume: int) -> tuple[str | None, bool]:
    return next((one.name, one.exact) for one in reversed(comparison.cheapest) if one.volume <= volume)


MIXES = st.sampled_from([Mix("records", {"records": 1, "bytes": 3}), Mix("bytes", {"records": 2, "bytes": 1})])


@FEW
@given(st.lists(plans(), min_size=1, max_size=4), MIXES, st.sampled_from([1, 2]))
def test_the_cheapest_is_what_trying_every_volume_finds(found: list[Plan], mix: Mix, months: int) -> None:
    offers = {f"p{n}": plan for n, plan in enumerate(found)}
    for comparison in compare(offers, mix, months, START):
        same = {name: plan for name, plan in offers.items() if plan.currency == comparison.currency}
        assert [curve.name for curve in comparison.curves] == list(same), "currencies never meet"
        for volume in range(320):
            name, exact = told(comparison, volume)
            if exact:
                assert name == winner(same, mix, volume, months), volume


@FEW
@given(
    st.lists(plans(prices=WHOLE | FINE, units=[None, "month", "year", "day", "week"]), min_size=2, max_size=4),
    MIXES,
    st.data(),
)
def test_every_number_is_the_simulations(found: list[Plan], mix: Mix, data: st.DataObject) -> None:
    offers = {f"p{n}": plan for n, plan in enumerate(found)}
    for comparison in compare(offers, mix, 3, START, around=50):
        assert [one.volume for one in comparison.cheapest] == sorted({one.volume for one in comparison.cheapest})
        assert all(low.name != high.name for low, high in pairwise(comparison.cheapest))
        assert {one.volume for one in comparison.cheapest} <= set(comparison.volumes)
        curve = data.draw(st.sampled_from(comparison.curves))
        number = data.draw(st.integers(0, len(comparison.volumes) - 1))
        amount = curve.amounts[number]
        if amount is not None:
            use = [mix.use(comparison.volumes[number])] * 3
            assert amount == simulate(offers[curve.name], use, START)[-1].running
        for one in comparison.cheapest:
            at = comparison.volumes.index(one.volume)
            offered = [curve.amounts[at] for curve in comparison.curves if curve.amounts[at] is not None]
            assert one.amount == (min(offered) if offered else None)


@FEW
@given(st.lists(plans(), min_size=2, max_size=4), st.integers(1, 10**6), st.sampled_from([2, 14]), st.data())
def test_far_out_an_exact_answer_is_still_right(
    found: list[Plan], around: int, months: int, data: st.DataObject
) -> None:
    offers = {f"p{n}": plan for n, plan in enumerate(found)}
    mix = Mix("records", {"records": 1, "bytes": 2})
    for comparison in compare(offers, mix, months, START, around=around):
        same = {name: plan for name, plan in offers.items() if plan.currency == comparison.currency}
        changes = [one.volume + step for one in comparison.cheapest for step in (-1, 0, 1)]
        volume = data.draw(st.integers(0, around * 2) | st.sampled_from(changes) | st.integers(0, 10**10))
        if volume >= 0 and told(comparison, volume)[1] and not beyond_money(comparison, same, volume, months):
            assert told(comparison, volume)[0] == winner(same, mix, volume, months)


USES = st.lists(
    st.dictionaries(st.sampled_from(["records", "tokens"]), st.integers(0, 10**12)), min_size=1, max_size=14
)


@given(USES, st.lists(st.integers(0, 40_000_000), max_size=8))
def test_no_use_is_lost_however_it_is_cut(forecast: list[dict[str, int]], cuts: list[int]) -> None:
    foreseen = Foreseen(forecast, START, ZoneInfo("America/New_York"))
    moments = [foreseen.ends[0].fromtimestamp(foreseen.ends[0].timestamp() + cut, UTC) for cut in sorted(cuts)]
    edges = [foreseen.ends[0], *(one for one in moments if one < foreseen.ends[-1]), foreseen.ends[-1]]
    for key in ("records", "tokens"):
        parts = [foreseen.between(low, high).get(key, 0) for low, high in pairwise(edges)]
        assert all(part >= 0 for part in parts)
        assert sum(parts) == sum(month.get(key, 0) for month in forecast)


@given(USES)
def test_a_steady_mix_has_the_proportions_of_its_forecast(forecast: list[dict[str, int]]) -> None:
    mix = steady(forecast)
    total = {key: sum(month.get(key, 0) for month in forecast) for month in forecast for key in month}
    if mix is None:
        assert not any(total.values())
        return
    assert mix.use(total[mix.lead]) == {key: quantity for key, quantity in total.items() if quantity}


@pytest.mark.parametrize(("key", "missing"), [("records", []), ("tokens", ["records"])])
def test_what_a_mix_does_not_measure_is_named(key: str, missing: list[str]) -> None:
    component = {"id": "u", "meter": "records", "period": None, "model": {"type": "per_unit", "unit_price": "1"}}
    plan = parse({"type": "plan", "v": 1, "currency": "CNY", "components": [component]})
    assert isinstance(plan, Plan)
    assert unmeasured(plan, Mix(key, {key: 1})) == missing

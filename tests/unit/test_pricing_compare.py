"""Comparing plans by hand: crossovers that a person can work out, and what is said where they cannot be proven."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pricing.compare import WORK_MAX, Comparison, Mix, compare
from pricing.plans import Plan, load
from pricing.quotes import simulate

START = datetime(2026, 1, 31, 16, 7, tzinfo=UTC)
RECORDS = Mix("records", {"records": 1})


def plan(*models: dict[str, Any], period: str | None = "month", **more: Any) -> Plan:
    components = []
    for number, model in enumerate(models):
        meter = None if model["type"] in ("flat", "one_off", "credits") else "records"
        own = None if model["type"] == "one_off" else period
        components.append({"id": f"c{number}", "meter": meter, "period": own, "model": model})
    return load({"type": "plan", "v": 1, "currency": "CNY", "components": components, **more})


FLAT = plan({"type": "flat", "amount": "300"})
PER_UNIT = plan({"type": "per_unit", "unit_price": "0.002"})
PACKS = plan({"type": "package", "size": 1_000_000, "amount": "900"}, period=None)
STOPS = plan({"type": "flat", "amount": "100"}, {"type": "included", "quantity": 200_000, "overage": None})


def told(comparison: Comparison) -> list[tuple[int, str | None, str]]:
    return [(one.volume, one.name, str(one.amount)) for one in comparison.cheapest]


def test_five_ways_of_paying_have_four_crossovers() -> None:
    offers = {"flat": FLAT, "per unit": PER_UNIT, "packs": PACKS, "stops": STOPS}
    (found,) = compare(offers, RECORDS, 12, START)
    assert told(found) == [
        (0, "per unit", "0.00 CNY"),
        (37_501, "packs", "900.00 CNY"),  # 37,500 x 12 x 0.002 = 900: the same, and named first
        (83_334, "stops", "1200.00 CNY"),  # a second pack begins with the millionth record of the year
        (200_001, "packs", "2700.00 CNY"),  # use would stop at 200,000 a month
        (250_001, "flat", "3600.00 CNY"),  # the fourth pack costs as much as a year's fee
    ]
    assert all(one.exact for one in found.cheapest)
    curve = next(one for one in found.curves if one.name == "stops")
    assert curve.amounts[found.volumes.index(200_001)] is None


def test_a_crossover_far_beyond_every_point_is_found() -> None:
    dear, cheap = plan({"type": "flat", "amount": "9000000"}), plan({"type": "per_unit", "unit_price": "0.000003"})
    (found,) = compare({"dear": dear, "cheap": cheap}, RECORDS, 1, START)
    assert told(found)[1][:2] == (3_000_000_000_000, "dear")
    assert found.cheapest[1].exact


def test_prices_of_many_decimals_are_not_called_exact() -> None:
    fine = plan({"type": "per_unit", "unit_price": "0.000000333333"})
    (found,) = compare({"fine": fine, "flat": plan({"type": "flat", "amount": "1"})}, RECORDS, 1, START)
    assert [one.name for one in found.cheapest] == ["fine", "flat"]
    assert abs(found.cheapest[1].volume - 3_000_003) <= 2
    assert not found.cheapest[1].exact


def test_two_currencies_make_two_comparisons() -> None:
    dollars = load({**FLAT.offered, "currency": "USD"})
    found = compare({"yuan": FLAT, "dollars": dollars}, RECORDS, 2, START)
    assert [(one.currency, [curve.name for curve in one.curves]) for one in found] == [
        ("CNY", ["yuan"]),
        ("USD", ["dollars"]),
    ]


def test_a_cap_and_a_minimum_bend_the_line() -> None:
    limits = [
        {"id": "cap", "type": "maximum", "period": "month", "amount": "500"},
        {"id": "least", "type": "minimum", "period": "month", "amount": "50"},
    ]
    capped = plan({"type": "per_unit", "unit_price": "0.01"}, limits=limits)
    (found,) = compare({"capped": capped, "per unit": PER_UNIT, "flat": FLAT}, RECORDS, 1, START)
    assert told(found) == [(0, "per unit", "0.00 CNY"), (150_001, "flat", "300.00 CNY")]
    (pair,) = compare({"capped": capped, "per unit": PER_UNIT}, RECORDS, 1, START)
    assert told(pair) == [(0, "per unit", "0.00 CNY"), (250_000, "capped", "500.00 CNY")], "the same, and named first"
    waits = plan({"type": "per_unit", "unit_price": "0.01"}, limits=[{**limits[1], "amount": "100"}])
    slow = plan({"type": "flat", "amount": "200"}, {"type": "per_unit", "unit_price": "0.005"})
    (late,) = compare({"waits": waits, "slow": slow}, RECORDS, 1, START)
    assert told(late) == [(0, "waits", "100.00 CNY"), (40_001, "slow", "400.005 CNY")]
    assert all(one.exact for one in pair.cheapest)


def test_offers_that_overtake_each_other_all_the_time_cost_bounded_work() -> None:
    model = {"type": "package", "amount": "9.33"}
    offers = {f"p{size}": plan({**model, "size": size}, period="day") for size in range(777, 787)}
    (found,) = compare(offers, RECORDS, 36, START, around=50_000)
    assert len(found.volumes) < WORK_MAX / 100
    assert not any(one.exact for one in found.cheapest)


def test_weeks_and_a_trial_share_out_a_months_use() -> None:
    weekly = plan({"type": "per_unit", "unit_price": "1"}, period="week")
    months = simulate(weekly, [{"records": 1_000}] * 3, START)
    assert [str(month.amount) for month in months] == ["1000.00 CNY"] * 3
    trial = plan({"type": "per_unit", "unit_price": "1"}, {"type": "flat", "amount": "60"}, trial={"days": 14})
    first, second = simulate(trial, [{"records": 2_800}] * 2, START)
    # February 2026 has 28 days: half of its use falls into the trial.
    assert str(first.amount) == "1460.00 CNY"
    # The plan's first month ends 14 days into March; its second fee is due then.
    assert str(second.amount) == "2860.00 CNY"

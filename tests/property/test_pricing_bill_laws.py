"""Laws of the whole bill, over the oracle's random plans: every model, discount, limit, credit, list and calendar."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from exchange.kernel.canonical import canonical
from exchange.kernel.money import CurrencyMismatch, Money, units_of
from pricing.checks import check
from pricing.explain import recompute
from pricing.models import Metered
from pricing.rating import Due, LineKey, bill, price_now, total
from tests.oracle import billing
from tests.oracle.billing import TooMuch
from tests.oracle.cases import Case, Uses, cases
from tests.oracle.charges import Usage
from tests.oracle.compare import Plan, bound_plan

RANDOMS = st.randoms(use_true_random=False)


@st.composite
def trades(draw: st.DrawFn) -> Case:
    """A random case whose lines an account can hold."""
    case = cases(draw(st.integers(0, 2**32)), 0, 1)[0]
    try:
        oracle(case)
    except TooMuch:
        assume(False)
    return case


def oracle(case: Case) -> dict[LineKey, int]:
    return billing.bill(case.bound, case.starts_at, case.uses, until=case.until, ends_at=case.ends_at)


def billed(plan: Plan, case: Case, booked: Mapping[LineKey, int]) -> list[Due]:
    periods = plan.periods(case.starts_at, case.until, case.ends_at)
    return bill(plan, [(one, case.uses.get((one.unit, one.index), {})) for one in periods], booked, until=case.until)


def booking(booked: dict[LineKey, int], found: list[Due]) -> None:
    for due in found:
        assert due.booked.units == booked.get(due.line.key, 0)
        booked[due.line.key] = booked.get(due.line.key, 0) + due.amount.units


def known_by(case: Case, at: datetime, random: Random) -> Case:
    """What is known at a cut-off: some of the use, or wrongly more; and no end that has not come yet."""

    def so_far(usage: Usage) -> Usage:
        return {
            meter: used
            if meter.startswith(("outcome/", "milestone/"))
            else Decimal(used) * random.choice((0, 1, 2, 3)) / 2
            for meter, used in usage.items()
            if random.random() < 0.8
        }

    uses: Uses = {place: so_far(usage) for place, usage in case.uses.items()}
    ends_at = case.ends_at if case.ends_at is not None and case.ends_at <= at else None
    return replace(case, until=at, ends_at=ends_at, uses=uses)


@given(trades(), RANDOMS, st.integers(0, 4))
def test_any_runs_with_late_and_corrected_use_book_what_one_run_books(case: Case, random: Random, runs: int) -> None:
    plan = bound_plan(case)
    booked: dict[LineKey, int] = {line.key: line.amount.units for line in price_now(plan, case.starts_at)}
    seconds = int((case.until - case.starts_at).total_seconds())
    cuts = sorted(case.starts_at + timedelta(seconds=random.randint(1, max(seconds, 1))) for _ in range(runs))
    for at in cuts:
        booking(booked, billed(plan, known_by(case, min(at, case.until), random), booked))
    assume(case.until > case.starts_at)
    booking(booked, billed(plan, case, booked))
    once = oracle(case)
    begun = bool(plan.periods(case.starts_at, case.until, case.ends_at))
    assert {key: units for key, units in booked.items() if units} == once or not begun
    assert billed(plan, case, booked) == []


@given(trades())
def test_every_line_explains_itself_in_one_currency(case: Case) -> None:
    plan = bound_plan(case)
    for due in billed(plan, case, {}):
        line = due.line
        explanation = json.loads(canonical(line.explain()))
        assert recompute(explanation) == line.amount == due.amount
        assert explanation["text"]["en"]
        assert explanation["text"]["zh"]
        assert explanation["amount"]["currency"] == line.amount.currency == plan.currency == case.bound["currency"]
        assert json.loads(canonical(line.document()))["amount"] == line.amount.to_wire()


@given(trades())
def test_two_currencies_never_add_up(case: Case) -> None:
    plan = bound_plan(case)
    lines = [due.line for due in billed(plan, case, {})]
    assert total(plan, lines).currency == plan.currency
    try:
        total(plan, lines) + Money(1, "XTS")
    except CurrencyMismatch:
        return
    raise AssertionError("two currencies were added")


def for_everything(case: Case) -> Case:
    """The same case, its discounts and limits holding for all components alike."""
    rules = {
        name: [{key: value for key, value in one.items() if key != "components"} for one in case.plan.get(name, [])]
        for name in ("discounts", "limits")
    }
    return replace(case, plan={**case.plan, **rules})


@given(trades(), RANDOMS, st.integers(1, 10**6))
def test_where_the_check_finds_nothing_more_use_never_costs_less(case: Case, random: Random, more: int) -> None:
    """Before credits, which are money already paid; and where no rule favours some components over others."""
    case = for_everything(case)
    plan = bound_plan(case)
    assume(not any(finding.fields["code"] == "larger-costs-less" for finding in check(plan)))
    metered = [c for c in plan.components if isinstance(c.model, Metered) and c.meter is not None]
    whole: Uses = {place: {key: int(used) for key, used in usage.items()} for place, usage in case.uses.items()}
    places = [(place, c.meter) for place in whole for c in metered if c.period == place[0]]
    assume(places)
    place, meter = random.choice(places)
    larger = {**whole, place: {**whole[place], meter or "": whole[place].get(meter or "", 0) + more}}
    sums = []
    for uses in (whole, larger):
        try:
            lines = oracle(replace(case, uses=uses))
        except TooMuch:
            assume(False)
        found = {due.line.key: due.amount.units for due in billed(plan, replace(case, uses=uses), {})}
        assert found == lines
        sums.append(sum(units for (name, _), units in found.items() if ">" not in name))
    assert sums[0] <= sums[1]


@given(trades())
def test_what_credits_pay_is_no_more_than_granted_or_owed(case: Case) -> None:
    plan = bound_plan(case)
    lines = {due.line.key: due.amount.units for due in billed(plan, case, {})}
    lots = {c["id"]: units_of(c["model"]["credit"]) for c in case.bound["components"] if "credit" in c["model"]}
    drawn: dict[str, int] = {}
    paid: dict[LineKey, int] = {}
    for (name, index), units in lines.items():
        if ">" in name:
            grant, component = name.split(">")
            drawn[grant] = drawn.get(grant, 0) - units
            paid[component, index] = paid.get((component, index), 0) - units
            assert units < 0
    for grant, units in drawn.items():
        assert units <= lots[grant.split(".")[0]]
    for key, units in paid.items():
        assert units <= lines[key]


@given(trades())
def test_nothing_is_taken_off_twice(case: Case) -> None:
    """Discounts and caps never take more than there was, and leave a cap's amount at the most."""
    plan = bound_plan(case)
    places: dict[tuple[str, int], dict[str, int]] = {}
    unit_of = {c.id: c.period or "once" for c in plan.components}
    for due in billed(plan, case, {}):
        name, index = due.line.key
        unit = name.partition("@")[2] or unit_of[name.split(">")[-1]]
        places.setdefault((unit, index), {})[name] = due.amount.units
    for lines in places.values():
        assert sum(lines.values()) >= 0
    for limit in case.bound["limits"]:
        if limit["type"] == "maximum" and "components" not in limit:
            others = {one["id"] for one in case.bound["limits"] if one["type"] == "minimum"}
            for (unit, _), lines in places.items():
                if unit == (limit["period"] or "once"):
                    found = sum(units for name, units in lines.items() if name.split("@")[0] not in others)
                    assert found <= units_of(limit["amount"])


AMOUNTS = st.integers(0, 10**16 - 1).map(lambda units: f"{units // 10**6}.{units % 10**6:06d}")


@given(AMOUNTS, st.integers(2, 36), st.integers(1, 40), st.sampled_from(["agreement", "calendar"]))
def test_instalments_sum_to_the_amount_whenever_the_agreement_ends(
    amount: str, count: int, weeks: int, anchor: str
) -> None:
    starts_at = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
    component = {"id": "a", "meter": None, "period": "week"}
    plan: dict[str, Any] = {
        "type": "plan",
        "v": 1,
        "currency": "CNY",
        "anchor": anchor,
        "components": [{**component, "model": {"type": "instalments", "amount": amount, "count": count}}],
    }
    ended = starts_at + timedelta(days=7 * weeks - 3)
    for ends_at in (ended, None):
        until = starts_at + timedelta(days=7 * 50)
        case = Case(plan, {}, starts_at, ends_at, until, {})
        parts = [due.amount.units for due in billed(bound_plan(case), case, {})]
        assert sum(parts) == units_of(amount)
        assert ends_at is not None or max(parts, default=0) - min([*parts, *[0] * (count - len(parts))], default=0) <= 1


@given(trades())
def test_periods_tile_the_agreement(case: Case) -> None:
    plan = bound_plan(case)
    begin = plan.begins(case.starts_at)
    stop = case.until if case.ends_at is None else min(case.until, case.ends_at)
    periods = plan.periods(case.starts_at, case.until, case.ends_at)
    for unit in plan.cadences:
        mine = [one for one in periods if one.unit == unit]
        assert [one.index for one in mine] == list(range(len(mine)))
        assert bool(mine) == (begin < stop)
        if not mine:
            continue
        assert mine[0].start == begin
        assert all(one.end == two.start for one, two in pairwise(mine))
        assert mine[-1].start < stop
        assert mine[-1].end is None or mine[-1].end >= stop
        assert case.ends_at is None or mine[-1].end is None or mine[-1].end <= case.ends_at
        for one in mine:
            covered, whole = one.share
            assert 0 < covered <= whole

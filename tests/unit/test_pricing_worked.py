"""The numbers in docs/en/pricing.md and docs/zh/pricing.md: by our arithmetic, and by the oracle's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from exchange.kernel.money import Money
from exchange.kernel.written import Written, read
from pricing.explain import recompute
from pricing.plans import PLAN_SCHEMA, parse
from pricing.rating import bill, price_now
from pricing.tax import Place, Treatment, tax_on, treat
from tests.oracle import billing
from tests.oracle.compare import Plan, bound_plan
from tests.oracle.worked import Example, blocks, examples

EXAMPLES = [*examples("en"), *examples("zh")]
BY_NAME = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@BY_NAME
def test_our_numbers_are_those_of_the_page(example: Example) -> None:
    case = example.case
    assert isinstance(parse(case.plan), Plan)
    plan = bound_plan(case)
    assert plan.currency == example.currency
    assert {line.id: line.amount.units for line in price_now(plan, case.starts_at) if line.amount.units} == (
        example.at_the_order
    )
    periods = plan.periods(case.starts_at, case.until, case.ends_at)
    uses = [(period, case.uses.get((period.unit, period.index), {})) for period in periods]
    found = bill(plan, uses, {}, until=case.until)
    assert {due.line.key: due.amount.units for due in found} == example.lines
    assert all(recompute(due.line.explain()) == due.line.amount for due in found)
    again = bill(plan, uses, example.booked, until=case.until)
    assert {due.line.key: due.amount.units for due in again} == example.due


@BY_NAME
def test_the_oracles_numbers_are_those_of_the_page(example: Example) -> None:
    case = example.case
    plan = case.bound
    found = billing.bill(plan, case.starts_at, case.uses, until=case.until, ends_at=case.ends_at)
    assert found == example.lines
    assert {name: units for (name, _), units in billing.price_now(plan, case.starts_at).items()} == (
        example.at_the_order
    )
    due = {key: found.get(key, 0) - example.booked.get(key, 0) for key in {**found, **example.booked}}
    assert {key: units for key, units in due.items() if units} == example.due
    assert plan["currency"] == example.currency


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.taxed], ids=lambda example: example.name)
def test_the_tax_is_that_of_the_page(example: Example) -> None:
    taxed, plan = example.taxed, bound_plan(example.case)
    places = [Place(taxed[who], tax_registered=True) for who in ("seller", "buyer")]
    treatment = treat(*places, plan.tax_category, date(2026, 3, 1))
    assert isinstance(treatment, Treatment)
    assert treatment.rate == Decimal(taxed["rate"])
    line = tax_on(Money(sum(example.lines.values()), plan.currency), treatment, plan.tax_included)
    found = {"net": line.net, "tax": line.tax, "gross": line.gross}
    assert found == {name: Money.from_wire({"amount": taxed[name], "currency": plan.currency}) for name in found}
    # And by hand: the tax is the rate of the net price, to the millionth.
    assert line.tax.units == round(Fraction(taxed["rate"]) * line.net.units)
    assert line.net + line.tax == line.gross


def test_both_languages_show_the_same_examples() -> None:
    english, chinese = ([text for _, text in blocks(language)] for language in ("en", "zh"))
    assert english == chinese


def test_the_exchange_reads_the_plans_as_they_stand() -> None:
    for (_, text), example in zip(blocks("en"), EXAMPLES, strict=False):
        found = read(text.encode(), as_yaml=True)
        assert isinstance(found, Written)
        assert found.value["plan"] == example.case.plan


def test_every_model_limit_and_discount_has_an_example() -> None:
    plans = [example.case.plan for example in EXAMPLES]
    shown = {
        item.get("model", item)["type"]
        for plan in plans
        for item in (*plan["components"], *plan.get("limits", []), *plan.get("discounts", []))
    }
    known = {
        kind
        for name in ("model", "limit", "discount")
        for kind in PLAN_SCHEMA["$defs"][name]["properties"]["type"]["enum"]
    }
    assert known <= shown
    assert {"trial", "anchor", "price_lists", "time_zone", "tax"} <= {name for plan in plans for name in plan}

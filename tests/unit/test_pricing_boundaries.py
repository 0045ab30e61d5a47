"""Corners that the random plans avoid, each in its smallest form. What is marked is known to differ from the oracle."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from pricing.plans import parse
from tests.oracle.cases import Case
from tests.oracle.compare import disagreement, shown

START = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)


def plan_of(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "plan", "v": 1, "currency": "CNY", "components": list(components), **more}


def flat(name: str, amount: str, unit: str) -> dict[str, Any]:
    return {"id": name, "meter": None, "period": unit, "model": {"type": "flat", "amount": amount}}


def use(name: str, meter: str) -> dict[str, Any]:
    return {"id": name, "meter": meter, "period": "month", "model": {"type": "per_unit", "unit_price": "1"}}


def agree(case: Case) -> None:
    assert disagreement(case) is None, shown(case)


def test_two_coupons_of_one_code_are_refused() -> None:
    code = {"type": "coupon", "code_sha256": sha256(b"SPRING").hexdigest(), "percent": "10"}
    coupons = [{"id": "now", **code}, {"id": "later", **code, "valid_from": "2027-01-01T00:00:00Z"}]
    problems = parse(plan_of(flat("access", "300", "month"), discounts=coupons))
    assert isinstance(problems, list)
    assert [one.fields["field"] for one in problems] == ["/discounts/1/code_sha256"]


def test_a_day_that_a_zone_skips_costs_nothing() -> None:
    # Samoa had no 30 December 2011: it moved across the date line.
    plan = plan_of(flat("access", "10", "day"), time_zone="Pacific/Apia")
    agree(Case(plan, {}, datetime(2011, 12, 29, 10, tzinfo=UTC), None, datetime(2011, 12, 31, 9, tzinfo=UTC), {}))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_what_one_minimum_added_counts_for_another_whatever_the_order_of_components(order: tuple[str, str]) -> None:
    limits = [
        {"id": "whole", "type": "minimum", "period": "month", "amount": "100"},
        {"id": "part", "type": "minimum", "period": "month", "amount": "60", "components": ["b"]},
    ]
    plan = plan_of(*(use(name, {"a": "records", "b": "files"}[name]) for name in order), limits=limits)
    agree(Case(plan, {}, START, None, datetime(2026, 2, 3, tzinfo=UTC), {("month", 0): {"records": 1}}))

"""What is wrong with a plan, and what may surprise its author. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from exchange.flows.check_arbitrage import ArbitrageReceipt
from exchange.kernel.errors import INVALID_REQUEST, Problem
from exchange.kernel.text import Text
from pricing import checks, plans
from pricing.check_costs import Costs
from pricing.checks import Finding
from pricing.plans import Plan


class CheckWish(msgspec.Struct, frozen=True):
    """A plan, and what to hold it against: own costs and exchange rates."""

    plan: dict[str, Any]
    fixed_cost: Decimal | None = None
    unit_costs: Mapping[str, Decimal] = {}
    rates: Mapping[str, Decimal] | None = None


class FieldFault(msgspec.Struct, frozen=True):
    """A field that is wrong (a JSON pointer), why, and what would be right."""

    field: str
    why: dict[str, str]


class PlanCheck(msgspec.Struct, frozen=True):
    """What a check found.

    shapes   ok: the plan can be used; errors: why it cannot; findings: what its author should know, with examples;
             more: how many findings are like those shown and left out; arbitrage: where a listing was named
    """

    ok: bool
    errors: list[FieldFault]
    findings: list[Finding]
    more: int = 0
    arbitrage: ArbitrageReceipt | None = None


def check_plan(wish: CheckWish, now: datetime, arbitrage: ArbitrageReceipt | None = None) -> PlanCheck | Problem:
    """Check a plan as it would be stored; it takes up to seconds and needs no transaction.

    shapes   arbitrage: what the check of a listing found, where one was named
    errors   answers invalid-request for costs or rates that are no numbers
    """
    document = plans.SHAPE.settled(wish.plan)
    plan = plans.parse(document)
    if not isinstance(plan, Plan):
        return PlanCheck(False, [_fault(one) for one in plan], [], arbitrage=arbitrage)
    stated = wish.fixed_cost is not None or wish.unit_costs
    costs = Costs(wish.fixed_cost or Decimal(0), wish.unit_costs) if stated else None
    if wrong := checks.unreadable(costs, wish.rates):
        return INVALID_REQUEST(reason=wrong)
    notes = checks.check(plan, costs=costs, rates=wish.rates, at=now)
    report = checks.report(notes)
    return PlanCheck(True, [], report.findings, report.more, arbitrage)


def _fault(one: Problem) -> FieldFault:
    why = one.fields["why"]
    return FieldFault(str(one.fields["field"]), why.map() if isinstance(why, Text) else {"en": str(why)})

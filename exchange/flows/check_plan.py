"""What is wrong with a plan, and what may surprise its author. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from exchange.flows.check_arbitrage import ArbitrageReceipt, check_arbitrage
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Problem
from exchange.kernel.text import Text
from pricing import checks, plans
from pricing.check_costs import Costs
from pricing.checks import Finding
from pricing.plans import Plan


class CheckWish(msgspec.Struct, frozen=True):
    """A plan, and what to hold it against: own costs, exchange rates, a listing's other offers."""

    plan: dict[str, Any]
    fixed_cost: Decimal | None = None
    unit_costs: Mapping[str, Decimal] = {}
    rates: Mapping[str, Decimal] | None = None
    listing_id: UUID | None = None


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


async def check_plan(tx: Tx, actor: Actor, wish: CheckWish) -> PlanCheck | Problem:
    """Check a plan as it would be stored.

    errors   answers not-found for a listing that is not the actor's, invalid-request for costs or rates that are no numbers
    """
    arbitrage = None if wish.listing_id is None else await check_arbitrage(tx, actor, wish.listing_id)
    if isinstance(arbitrage, Problem):
        return arbitrage
    document = plans.SHAPE.settled(wish.plan)
    plan = plans.parse(document)
    if not isinstance(plan, Plan):
        return PlanCheck(False, [_fault(one) for one in plan], [], arbitrage=arbitrage)
    stated = wish.fixed_cost is not None or wish.unit_costs
    costs = Costs(wish.fixed_cost or Decimal(0), wish.unit_costs) if stated else None
    if wrong := checks.unreadable(costs, wish.rates):
        return INVALID_REQUEST(reason=wrong)
    notes = checks.check(plan, costs=costs, rates=wish.rates, at=tx.now)
    report = checks.report(notes)
    return PlanCheck(True, [], report.findings, report.more, arbitrage)


def _fault(one: Problem) -> FieldFault:
    why = one.fields["why"]
    return FieldFault(str(one.fields["field"]), why.map() if isinstance(why, Text) else {"en": str(why)})

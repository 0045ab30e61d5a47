"""Our rating against the oracle's, on one case; and a smaller case that still disagrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pricing.basis import Basis, coupon_digest
from pricing.binding import bind
from pricing.components import Plan
from pricing.explain import recompute
from pricing.periods import Period
from pricing.rating import Due, bill, price_now
from tests.oracle import billing
from tests.oracle.billing import TooMuch
from tests.oracle.cases import Case
from tests.oracle.spans import Span, begins, spans


def bound_plan(case: Case) -> Plan:
    """Our plan for the buyer of the case."""
    basis = case.basis
    amounts = {name: Decimal(value) for name, value in basis.get("amounts", {}).items()}
    commitment = Decimal(basis["commitment"]) if "commitment" in basis else None
    known = {name: basis.get(name) for name in ("currency", "buyer_class", "term_months")}
    coupon = coupon_digest(basis["coupon"]) if "coupon" in basis else None
    plan = bind(case.plan, Basis(**known, coupon=coupon, commitment=commitment, amounts=amounts), at=case.starts_at)
    if not isinstance(plan, Plan):
        raise ValueError(plan.detail("en"))
    return plan


def disagreement(case: Case, plan: Plan | None = None, *, thorough: bool = True) -> str | None:
    """In what we differ from the oracle, or nothing. Raises TooMuch for what no account holds.

    `plan` may be handed in where it is known already; `thorough` also asks for the order's price and the explanations.
    """
    document = case.bound
    stretches = spans(document, case.starts_at, case.until, case.ends_at)
    wanted = billing.bill_spans(document, stretches, case.uses, until=case.until, ends_at=case.ends_at)
    plan = plan or bound_plan(case)
    ours = plan.periods(case.starts_at, case.until, case.ends_at)
    if wrong := _periods(ours, stretches):
        return wrong
    uses = [(stretch, case.uses.get((stretch.unit, stretch.index), {})) for stretch in ours]
    found = bill(plan, uses, {}, until=case.until)
    if wrong := _differs("lines", {due.line.key: due.amount.units for due in found}, wanted):
        return wrong
    return (_order(case, plan, document) or _explained(found, document["currency"])) if thorough else None


def smallest(case: Case) -> Case:
    """The case with everything taken away that the disagreement does not need."""
    found = True
    while found:
        found = False
        for smaller in _smaller(case):
            if _still(smaller):
                case, found = smaller, True
                break
    return case


def _periods(ours: list[Period], theirs: list[Span]) -> str | None:
    if [(one.unit, one.index, one.start, one.end) for one in ours] == [
        (one.unit, one.index, one.start, one.end) for one in theirs
    ]:
        return None
    return _differs(
        "periods",
        {(one.unit, one.index): (one.start, one.end) for one in ours},
        {(one.unit, one.index): (one.start, one.end) for one in theirs},
    )


def _order(case: Case, plan: Plan, document: dict[str, Any]) -> str | None:
    """The price at the order, where the end is not known yet, and where it was agreed."""
    known = case.ends_at if case.ends_at is not None and case.ends_at > begins(document, case.starts_at) else None
    for ends_at in {None, known}:
        lines = price_now(plan, case.starts_at, ends_at)
        ours = {line.key: line.amount.units for line in lines if line.amount.units}
        if wrong := _differs("at the order", ours, billing.price_now(document, case.starts_at, ends_at)):
            return wrong
    return None


def _explained(found: list[Due], currency: str) -> str | None:
    for due in found:
        if due.amount.currency != currency:
            return f"{due.line.key} is in {due.amount.currency}, not {currency}"
        if recompute(due.line.explain()) != due.line.amount:
            return f"{due.line.key} is {due.line.amount}, explained as {due.line.explain()}"
    return None


def _differs(what: str, ours: dict[Any, Any], theirs: dict[Any, Any]) -> str | None:
    if ours == theirs:
        return None
    keys = [key for key in {**theirs, **ours} if ours.get(key) != theirs.get(key)]
    return f"{what}: " + "; ".join(f"{key}: ours {ours.get(key)}, oracle {theirs.get(key)}" for key in keys)


def _still(case: Case) -> bool:
    try:
        return disagreement(case) is not None
    except (TooMuch, ValueError, KeyError, LookupError):
        return False


def _smaller(case: Case) -> Iterator[Case]:
    for name in ("price_lists", "discounts", "limits", "components"):
        items = case.plan.get(name, [])
        for number in range(len(items)):
            rest = [*items[:number], *items[number + 1 :]]
            yield replace(case, plan={**case.plan, name: rest})
    for name in ("price_lists", "discounts", "limits", "trial", "tax", "anchor", "time_zone"):
        if name in case.plan:
            yield replace(case, plan={key: value for key, value in case.plan.items() if key != name})
    for name in case.basis:
        yield replace(case, basis={key: value for key, value in case.basis.items() if key != name})
    if case.ends_at is not None:
        yield replace(case, ends_at=None)
    for place, usage in case.uses.items():
        yield replace(case, uses={key: value for key, value in case.uses.items() if key != place})
        for meter, used in usage.items():
            less = {key: value for key, value in usage.items() if key != meter}
            yield replace(case, uses={**case.uses, place: less})
            for fewer in (1, 10, 100, int(used)):
                if abs(fewer) < abs(used):
                    yield replace(case, uses={**case.uses, place: {**usage, meter: fewer}})


def shown(case: Case) -> str:
    """The case as text that a person can read."""
    return json.dumps(case.document(), ensure_ascii=False, indent=1, sort_keys=False)

"""Findings about plans that read well and do something else: what never holds, never charges or works backwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from pricing.basis import Basis
from pricing.check_curves import Stepped
from pricing.check_models import shape_of
from pricing.check_notes import note, people
from pricing.check_totals import after_discount, bound, paid
from pricing.components import Component, Plan
from pricing.exact import decimal, plain
from pricing.fixed import Agreed, Credits, Flat, Instalments, Milestone, OneOff, Outcome
from pricing.models import Free, Included, Metered

TERM_LONG = 36
_LEAST_DAYS = 28

_FREE = Text("no use of any size costs anything", "任何用量均不收费")
_TRIAL_OF_NOTHING = Text("nothing is charged after the trial either", "试用期结束后也不收取任何费用")
_OVERAGE_FREE = Text(
    "use above the included quantity costs nothing, so that the quantity means nothing",
    "超出包含额度的用量也不收费，包含额度没有意义",
)
_NO_PERCENT = Text("a discount of 0 percent takes nothing off", "折扣为 0%，不产生任何优惠")
_ALL_PERCENT = Text("a discount of 100 percent leaves nothing to pay", "折扣为 100%，买方无需付费")


def surprises(plan: Plan, *, at: datetime | None = None, months: int | None = None) -> Iterator[Problem]:
    """What a plan does that its author hardly means, without any arithmetic of use.

    shapes   at: the moment that coupons are held against; months: how long the licence lasts; None: not checked
    """
    if not _anything_charged(plan):
        yield note("never-charges", ("components",), _FREE)
        if plan.trial_days:
            yield note("trial-of-nothing", ("trial",), _TRIAL_OF_NOTHING, days=plan.trial_days)
    elif months is not None and plan.trial_days >= _LEAST_DAYS * months:
        yield note("trial-outlasts-licence", ("trial",), _trial(plan.trial_days, months), days=plan.trial_days)
    for number, component in enumerate(plan.components):
        yield from _component(component, ("components", number), months)
    yield from _limits(plan)
    for number, item in enumerate(_items(plan, "discounts")):
        yield from _discount(plan, item, ("discounts", number), at, months)
    yield from _longer_costs_less(plan)


def _component(component: Component, at: tuple[object, ...], months: int | None) -> Iterator[Problem]:
    model = component.model
    if isinstance(model, Included) and model.overage is not None and not _moves(model):
        yield note("included-means-nothing", (*at, "model", "overage"), _OVERAGE_FREE, quantity=model.quantity)
    if isinstance(model, Credits) and model.amount > model.credit:
        why = Text(
            f"{people(model.amount)} buy only {people(model.credit)} of credit",
            f"支付 {people(model.amount)} 只得到 {people(model.credit)} 的预付额度",
        )
        yield note("credits-cost-more", (*at, "model"), why, amount=model.amount, credit=model.credit)
    if isinstance(model, Instalments) and months is not None and _outlasts(component, len(model.parts), months):
        count = len(model.parts)
        why = Text(
            f"{count} instalments do not fit a licence of {months} months; its last period carries the rest",
            f"{count} 期分期超过 {months} 个月的许可期限，余额将在最后一期收取",
        )
        yield note("instalments-outlast-licence", (*at, "model", "count"), why, count=count, months=months)


def _outlasts(component: Component, count: int, months: int) -> bool:
    """Whether so many periods cannot all begin within a licence, whatever the length of its months."""
    days = {"day": 1, "week": 7}.get(component.period or "")
    if days is not None:
        return (count - 1) * days >= 31 * months
    return (count - 1) * (12 if component.period == "year" else 1) >= months


def _limits(plan: Plan) -> Iterator[Problem]:
    numbers = {item["id"]: number for number, item in enumerate(_items(plan, "limits"))}
    for cadence in plan.by_cadence.values():
        for most in cadence.maxima:
            for least in cadence.minima:
                if most.amount < least.amount and least.components <= most.components and least.id in numbers:
                    why = Text(
                        f"everybody pays exactly {people(least.amount)}: the maximum {most.id} of {people(most.amount)} "
                        "is below this minimum",
                        f"所有买方都恰好支付 {people(least.amount)}：上限 {most.id}（{people(most.amount)}）低于该下限",
                    )
                    at = ("limits", numbers[least.id], "amount")
                    yield note("maximum-below-minimum", at, why, minimum=least.amount, maximum=most.amount)


def _discount(
    plan: Plan, item: Mapping[str, Any], at: tuple[object, ...], moment: datetime | None, months: int | None
) -> Iterator[Problem]:
    percents = [band["percent"] for band in item.get("bands", ())] or [item["percent"]]
    if all(not decimal(one) for one in percents):
        yield note("discount-of-nothing", at, _NO_PERCENT)
    elif any(decimal(one) == 100 for one in percents):
        yield note("discount-of-all", at, _ALL_PERCENT)
    if item["type"] == "volume":
        yield from _bands(plan, item, at)
    elif item["type"] == "commitment":
        yield from _commitment(plan, item, at)
    elif item["type"] == "term":
        yield from _term(item, at, months)
    elif item["type"] == "coupon" and moment is not None and "valid_until" in item:
        if datetime.fromisoformat(item["valid_until"]) <= moment:
            until = item["valid_until"]
            why = Text(f"the coupon ended at {until}", f"优惠码已于 {until} 失效")
            yield note("coupon-expired", (*at, "valid_until"), why, valid_until=until)
    elif item["type"] == "buyer_class":
        listed = {one["buyer_class"] for one in _items(plan, "price_lists") if "buyer_class" in one}
        for name in sorted(listed & set(item["classes"])):
            why = Text(
                f"buyers of class {name} get this discount and a price list of their own as well",
                f"{name} 类买方同时享有该折扣和专属价目表",
            )
            yield note("class-twice", (*at, "classes"), why, buyer_class=name)


def _bands(plan: Plan, item: Mapping[str, Any], at: tuple[object, ...]) -> Iterator[Problem]:
    """Bands that begin where a maximum has already capped what is left."""
    for cadence in plan.by_cadence.values():
        for discount in cadence.discounts:
            if discount.id != item["id"]:
                continue
            caps = [limit for limit in cadence.maxima if limit.components == discount.components]
            left = dict(after_discount(discount)[0])
            for number, band in enumerate(item["bands"]):
                start = Fraction(decimal(band["from"]))
                cap = next((one for one in caps if start and left[start] >= one.amount), None)
                if cap is not None:
                    why = Text(
                        f"the band never matters: of {people(start)} there are {people(left[start])} left, and the "
                        f"maximum {cap.id} caps at {people(cap.amount)}",
                        f"该档永远不会起作用：{people(start)} 折后为 {people(left[start])}，而上限 {cap.id} 为 {people(cap.amount)}",
                    )
                    place = (*at, "bands", number)
                    yield note("band-never-holds", place, why, start=start, left=left[start], maximum=cap.amount)


def _commitment(plan: Plan, item: Mapping[str, Any], at: tuple[object, ...]) -> Iterator[Problem]:
    cadence = plan.by_cadence[item["period"]]
    every = frozenset(one.id for one in cadence.components)
    least = max((one.amount for one in cadence.minima if one.components == every), default=Decimal(0))
    if decimal(item["at_least"]) <= least:
        why = Text(
            f"everybody pays at least {people(least)} already, so that this commitment costs nothing",
            f"所有买方已须至少支付 {people(least)}，该承诺不需要任何额外付出",
        )
        example = {"at_least": item["at_least"], "minimum": plain(least)}
        yield note("commitment-below-minimum", (*at, "at_least"), why, **example)


def _term(item: Mapping[str, Any], at: tuple[object, ...], months: int | None) -> Iterator[Problem]:
    longest = TERM_LONG if months is None else months
    if item["months"] > longest:
        what = Text("months are a long time to bind anybody", "个月的期限过长") if months is None else None
        why = what and Text(f"{item['months']} {what.en}", f"{item['months']} {what.zh}")
        why = why or Text(
            f"the licence lasts {months} months, so that nobody reaches {item['months']}",
            f"许可期限仅 {months} 个月，无法达到 {item['months']} 个月",
        )
        yield note("term-too-long", (*at, "months"), why, months=item["months"], longest=longest)


def _longer_costs_less(plan: Plan) -> Iterator[Problem]:
    """A term whose discount makes it cheaper, without any use, than one a month shorter."""
    if "month" not in plan.cadences:
        return
    for number, item in enumerate(_items(plan, "discounts")):
        if item["type"] != "term" or item["months"] < 2:
            continue
        larger, smaller = item["months"], item["months"] - 1
        more, less = (
            months * paid(bound(plan, Basis(term_months=months)), "month", {}) for months in (larger, smaller)
        )
        if more < less:
            why = Text(
                f"{larger} months cost {people(more)}, but {smaller} months {people(less)}",
                f"{larger} 个月共 {people(more)}，而 {smaller} 个月需 {people(less)}",
            )
            example = {"smaller": smaller, "larger": larger, "cost_smaller": less, "cost_larger": more}
            yield note("longer-costs-less", ("discounts", number, "percent"), why, **example)


def _anything_charged(plan: Plan) -> bool:
    if all(isinstance(component.model, Free) for component in plan.components):
        # It says so itself.
        return True
    minima = [limit.amount for cadence in plan.by_cadence.values() for limit in cadence.minima]
    return any(minima) or any(_charges(component) for component in plan.components)


def _charges(component: Component) -> bool:
    model = component.model
    if isinstance(model, Metered):
        return _moves(model)
    if isinstance(model, OneOff | Flat | Credits):
        return bool(model.amount)
    if isinstance(model, Instalments):
        return bool(model.total)
    if isinstance(model, Outcome):
        return bool(model.cap)
    if isinstance(model, Milestone):
        return bool(model.amount)
    assert isinstance(model, Agreed)
    return model.amount is None or bool(model.amount)


def _moves(model: Metered) -> bool:
    """Whether any use costs anything."""
    shape = shape_of(model)
    if isinstance(shape, Stepped):
        return bool(shape.base or shape.amount)
    return any(shape.values) or any(shape.slopes)


def _items(plan: Plan, name: str) -> list[Mapping[str, Any]]:
    items: Any = plan.offered.get(name, [])
    return list(items)


def _trial(days: int, months: int) -> Text:
    return Text(
        f"a trial of {days} days covers a licence of {months} months entirely",
        f"{days} 天的试用期覆盖了 {months} 个月的全部许可期限",
    )

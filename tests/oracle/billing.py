"""The oracle's bill: lines of whole millionths from a bound plan document, use, and a cut-off.

The order within one cadence and period: components, discounts (volume, commitment, term, buyer class, coupon),
maximum, minimum; then credits over all periods together. Each line is rounded once, half to even.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle.charges import Usage, cost, number
from tests.oracle.spans import Span, begins, days_after, spans

MILLION = 1_000_000
DISCOUNTS = ("volume", "commitment", "term", "buyer_class", "coupon")
Key = tuple[str, int]


class TooMuch(ValueError):
    """A line of more money than an account holds."""


@dataclass
class Rated:
    """One span: its lines in their order, and what is left of each component after discounts and maximum."""

    span: Span
    lines: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


def bill(
    plan: dict[str, Any],
    starts_at: datetime,
    uses: Mapping[tuple[str | None, int], Usage],
    *,
    until: datetime,
    ends_at: datetime | None = None,
) -> dict[Key, int]:
    """Every line that is not nothing, of everything up to `until`, as if nothing had been booked before.

    `plan` is bound (`tests.oracle.binding.bound`); `uses` holds each span's use by (unit, index).
    """
    return bill_spans(plan, spans(plan, starts_at, until, ends_at), uses, until=until, ends_at=ends_at)


def bill_spans(
    plan: dict[str, Any],
    stretches: list[Span],
    uses: Mapping[tuple[str | None, int], Usage],
    *,
    until: datetime,
    ends_at: datetime | None = None,
) -> dict[Key, int]:
    """The same for spans that are known already."""
    rated = [
        rate(plan, span, uses.get((span.unit, span.index), {}), until=until, ends_at=ends_at) for span in stretches
    ]
    found = {(name, one.span.index): units for one in rated for name, units in one.lines.items()}
    found.update(draws(plan, rated))
    if any(abs(units) >= 2**63 for units in found.values()):
        raise TooMuch
    return {key: units for key, units in found.items() if units}


def price_now(plan: dict[str, Any], starts_at: datetime, ends_at: datetime | None = None) -> dict[Key, int]:
    """What is due at the order: the beginning of everything, without use; nothing while a trial runs.

    Credits are drawn when use is billed, not at the order. `ends_at` is the end where it is agreed beforehand.
    """
    if begins(plan, starts_at) > starts_at:
        return {}
    until = starts_at + timedelta(microseconds=1)
    stretches = spans(plan, starts_at, until, ends_at)
    rated = [rate(plan, span, {}, until=until, ends_at=ends_at) for span in stretches]
    return {(name, one.span.index): units for one in rated for name, units in one.lines.items() if units}


def rate(plan: dict[str, Any], span: Span, usage: Usage, *, until: datetime, ends_at: datetime | None = None) -> Rated:
    """The lines of one span, without credits."""
    mine = [component for component in plan["components"] if component["period"] == span.unit]
    one = Rated(span)
    for component in mine:
        one.left[component["id"]] = round(cost(component, usage, span, until, ends_at) * MILLION)
    one.lines.update(one.left)
    for discount in _discounts(plan, span):
        _discount(one, discount)
    for limit in _limits(plan, span, "maximum"):
        _maximum(one, limit)
    if span.over(until):
        _minimums(one, _limits(plan, span, "minimum"))
    return one


def draws(plan: dict[str, Any], rated: Iterable[Rated]) -> dict[Key, int]:
    """What credits pay, charge by charge: earlier periods first, then as the components stand in the plan."""
    rated = list(rated)
    grants = _grants(plan, rated)
    found: dict[Key, int] = {}
    if not grants:
        return found
    for start in sorted({one.span.start for one in rated}):
        for component in plan["components"]:
            for one in rated:
                if one.span.start != start or component["id"] not in one.left:
                    continue
                owed = one.left[component["id"]]
                for grant in grants:
                    drawn = min(owed, grant.rest) if grant.pays(component, one.span) else 0
                    if drawn:
                        found[f"{grant.credit}.{grant.number}>{component['id']}", one.span.index] = -drawn
                        grant.rest -= drawn
                        owed -= drawn
    return found


@dataclass
class Grant:
    """One lot of credit: what is left of it, and from when to when it can be drawn."""

    credit: str
    number: int
    start: datetime
    end: datetime
    priority: int
    position: int
    components: frozenset[str]
    rest: int

    def pays(self, component: dict[str, Any], span: Span) -> bool:
        """Whether a charge of the component in the span may draw from it."""
        meets = span.start < self.end and (span.end is None or self.start < span.end)
        return component["id"] in self.components and meets


def _grants(plan: dict[str, Any], rated: list[Rated]) -> list[Grant]:
    found = []
    metered = [component["id"] for component in plan["components"] if component["meter"] is not None]
    for position, component in enumerate(plan["components"]):
        model = component["model"]
        if model["type"] != "credits":
            continue
        for one in rated:
            start = one.span.start
            if one.span.unit == component["period"]:
                found.append(
                    Grant(
                        component["id"],
                        one.span.index,
                        start,
                        days_after(plan, start, model["valid_days"]),
                        model.get("priority", 100),
                        position,
                        frozenset(model.get("components", metered)),
                        _units(model["credit"]),
                    )
                )
    return sorted(found, key=lambda grant: (grant.priority, grant.end, grant.position, grant.number))


def _discounts(plan: dict[str, Any], span: Span) -> list[dict[str, Any]]:
    """Those that hold in the span, in the order in which they are taken off. Binding left only what the buyer has."""
    listed = plan.get("discounts", [])
    chosen = [discount for kind in DISCOUNTS for discount in listed if discount["type"] == kind]
    return [
        discount
        for discount in chosen
        if discount.get("period", span.unit) == span.unit and span.index < discount.get("periods", span.index + 1)
    ]


def _discount(one: Rated, discount: dict[str, Any]) -> None:
    members = _members(one, discount)
    before = sum(one.left[name] for name in members)
    if discount["type"] == "volume":
        off = Fraction(0)
        bands = discount["bands"]
        for place, band in enumerate(bands):
            top = _units(bands[place + 1]["from"]) if place + 1 < len(bands) else before
            inside = max(0, min(before, top) - _units(band["from"]))
            off += inside * number(band["percent"]) / 100
    else:
        off = before * number(discount["percent"]) / 100
    _take(one, discount, members, round(off))


def _maximum(one: Rated, limit: dict[str, Any]) -> None:
    members = _members(one, limit)
    before = sum(one.left[name] for name in members)
    over = round(before - _bound(one, limit))
    if over > 0:
        _take(one, limit, members, over)


def _minimums(one: Rated, limits: list[dict[str, Any]]) -> None:
    added: list[tuple[set[str], int]] = []
    for limit in limits:
        members = set(_members(one, limit))
        there = sum(one.left[name] for name in members) + sum(units for whose, units in added if whose & members)
        missing = round(_bound(one, limit) - there)
        if missing > 0:
            one.lines[_line_id(one, limit)] = missing
            added.append((members, missing))


def _limits(plan: dict[str, Any], span: Span, kind: str) -> list[dict[str, Any]]:
    return [limit for limit in plan.get("limits", []) if limit["type"] == kind and limit["period"] == span.unit]


def _bound(one: Rated, limit: dict[str, Any]) -> Fraction | int:
    return _units(limit["amount"]) * (one.span.share if limit.get("prorate") else 1)


def _members(one: Rated, rule: dict[str, Any]) -> list[str]:
    return [name for name in one.left if name in rule.get("components", one.left)]


def _take(one: Rated, rule: dict[str, Any], members: list[str], units: int) -> None:
    """Write the line, and take its amount off the members in proportion to what is left of each."""
    if not units:
        return
    one.lines[_line_id(one, rule)] = -units
    whole = sum(one.left[name] for name in members)
    taken = {name: units * one.left[name] // whole for name in members}
    lost = {name: units * one.left[name] % whole for name in members}
    rest = units - sum(taken.values())
    for name in sorted(members, key=lambda name: (-lost[name], members.index(name)))[:rest]:
        taken[name] += 1
    for name in members:
        one.left[name] -= taken[name]


def _line_id(one: Rated, rule: dict[str, Any]) -> str:
    return f"{rule['id']}@{one.span.unit or 'once'}"


def _units(amount: str) -> int:
    return int(number(amount) * MILLION)

"""Notes on a plan that is well formed but may surprise its author, each with a counter-example in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

import msgspec

from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from pricing import effort
from pricing.check_costs import Costs, below_cost
from pricing.check_currencies import TOLERANCE, Rates, cheaper_currencies, dearer_classes
from pricing.check_mixed import mixed_costs_less
from pricing.check_notes import note
from pricing.check_splits import cheaper_in_parts, larger_costs_less
from pricing.check_surprises import surprises
from pricing.components import Plan

_SHOWN = 20
_NAMES_MAX = 64
_TOO_LARGE = Text(
    "the plan has so many tiers and lists that not everything was looked at; what else is said here holds",
    "方案的分档与价目表过多，未能全部检查；其余提示仍然有效",
)


class Finding(msgspec.Struct, frozen=True):
    """One finding as JSON: what kind, at which field, why in both languages, and the numbers that show it."""

    code: str
    field: str
    why: dict[str, str]
    example: dict[str, str | list[str]]


class Report(msgspec.Struct, frozen=True):
    """What a check of a plan found.

    shapes   ok: nothing was found; more: how many findings are like those shown and left out
    """

    ok: bool
    findings: list[Finding]
    more: int = 0


def check(
    plan: Plan,
    *,
    costs: Costs | None = None,
    rates: Rates | None = None,
    tolerance: Decimal = TOLERANCE,
    at: datetime | None = None,
    months: int | None = None,
    work: int = effort.WORK_MAX,
) -> list[Problem]:
    """What a supplier should know before publishing: none of it is forbidden, all of it has an example.

    shapes   `plan-note` problems with the fields code, field (a JSON pointer), why, and the numbers of the example
             costs: what the supplier itself pays; rates: currency -> units of the plan's currency for one of it
             at: the moment for coupons; months: how long the licence lasts; what is None is not checked
             work: how much looking the plan is worth; where it runs out, `not-everything-looked-at` says so
    errors   ValueError for costs or rates that are `unreadable`
    source   Koutris et al., Query-Based Data Pricing, J. ACM 62(5), 2015: arbitrage by splitting a purchase
    """
    if wrong := unreadable(costs, rates):
        raise ValueError(wrong.en)
    found: dict[int, list[Problem]] = {}
    # In the order they are shown; what takes least is looked for first, so that a large plan gets at least that.
    looks: list[Iterable[Problem]] = [
        larger_costs_less(plan),
        mixed_costs_less(plan),
        cheaper_in_parts(plan),
        below_cost(plan, costs) if costs is not None else (),
        cheaper_currencies(plan, rates, tolerance) if rates else (),
        dearer_classes(plan),
        surprises(plan, at=at, months=months),
    ]
    try:
        with effort.within(work):
            for number in (0, 6, 5, 4, 3, 1, 2):
                notes = found[number] = []
                for one in looks[number]:
                    notes.append(one)  # noqa: PERF402  # what was found before the work ran out is kept
    except effort.Exhausted:
        found[len(looks)] = [note("not-everything-looked-at", ("components",), _TOO_LARGE, work=work)]
    return [one for _, notes in sorted(found.items()) for one in notes]


def unreadable(costs: Costs | None, rates: Rates | None) -> Text | None:
    """Why stated costs or rates are no numbers to reckon with; None when they are.

    shapes   costs from 0, rates above 0, both below 10^12 with at most 18 decimals
    """
    if costs is not None and len(costs.per_unit) > _NAMES_MAX:
        return Text(f"costs are stated for more than {_NAMES_MAX} meters", f"成本所列计量项超过 {_NAMES_MAX} 个")
    if len(rates or ()) > _NAMES_MAX:
        return Text(f"rates are stated for more than {_NAMES_MAX} currencies", f"汇率所列货币超过 {_NAMES_MAX} 种")
    stated = {"fixed": costs.fixed, **costs.per_unit} if costs is not None else {}
    for name, value in stated.items():
        if not _is_readable(value):
            return Text(f"the cost {name} is not a number from 0 to 10^12", f"成本 {name} 应为 0 到 10^12 之间的数字")
    for name, rate in (rates or {}).items():
        try:
            readable = _is_readable(Decimal(rate)) and Decimal(rate) > 0
        except InvalidOperation:
            readable = False
        if not readable:
            return Text(f"the rate of {name} is not a number above 0", f"{name} 的汇率应为大于 0 的数字")
    return None


def _is_readable(value: Decimal) -> bool:
    # The exponent first: 1e999999999 must not be written out.
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -18 <= exponent <= 12 and 0 <= value < 10**12


def report(notes: Sequence[Problem]) -> Report:
    """Findings for an answer or a terminal: of each kind at most the first 20."""
    shown: list[Finding] = []
    seen: dict[str, int] = {}
    for one in notes:
        code = str(one.fields["code"])
        seen[code] = seen.get(code, 0) + 1
        if seen[code] <= _SHOWN:
            shown.append(_finding(one))
    return Report(not notes, shown, len(notes) - len(shown))


def _finding(one: Problem) -> Finding:
    why = one.fields["why"]
    assert isinstance(why, Text)
    example = {
        name: [str(part) for part in value] if isinstance(value, list) else str(value)
        for name, value in one.fields.items()
        if name not in ("code", "field", "why")
    }
    return Finding(str(one.fields["code"]), str(one.fields["field"]), why.map(), example)

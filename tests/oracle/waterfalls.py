"""Waterfalls by hand: exact fractions over documents, from scratch for each total, sharing no code with settlement.

A document's steps are read as they are written (texts); sales are (name, month, units, broker, broker's percent).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

Sale = tuple[str, str, int, str | None, str]
# (step, period, role, organisation) -> millionths
Totals = dict[tuple[str, str, str, str | None], int]
_MILLION = 1_000_000


def totals(steps: Sequence[Mapping[str, Any]], sales: Sequence[Sale]) -> Totals:
    """What everybody has got of all that was sold, step by step and period by period."""
    by_sale: dict[str, list[Sale]] = defaultdict(list)
    for sale in sales:
        by_sale[sale[0]].append(sale)
    # Amounts that travel through the three widths: (month, gross, what is left).
    flows = [(own[0][1], sum(one[2] for one in own), own) for own in by_sale.values()]
    got: Totals = {}
    left_of_months: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for month, gross, own in flows:
        rest = _run([s for s in steps if s["per"] == "sale"], own[0][0], gross, gross, own[0][3:], got)
        left_of_months[month][0] += gross
        left_of_months[month][1] += rest
    everything = [0, 0]
    for month, (gross, came) in left_of_months.items():
        rest = _run([s for s in steps if s["per"] == "month"], month, gross, came, (None, "0"), got)
        everything[0] += gross
        everything[1] += rest
    if flows:
        _run([s for s in steps if s["per"] == "lifetime"], "all", *everything, (None, "0"), got)
    return got


def _run(
    steps: Sequence[Mapping[str, Any]],
    period: str,
    gross: int,
    came: int,
    broker: tuple[str | None, str],
    got: Totals,
) -> int:
    if came < 0:
        mirrored: Totals = {}
        rest = _run(steps, period, -gross, -came, broker, mirrored)
        got.update({key: -units for key, units in mirrored.items()})
        return -rest
    gross = max(gross, 0)
    mine: dict[tuple[str, str | None], int] = defaultdict(int)
    for step in steps:
        payees = [(p["role"], p.get("organisation"), p.get("weight", 1)) for p in step["payees"]]
        if step["op"] == "mandate":
            if broker[0] is None:
                continue
            payees = [("broker", broker[0], 1)]
        had = sum(mine[role, who] for role, who, _ in payees)
        taken = _taken(step, Fraction(gross), Fraction(came), had, broker[1])
        came -= taken
        for (role, who, _), units in zip(payees, _hamilton(taken, [p[2] for p in payees]), strict=True):
            got[step["id"], period, role, who] = units
            mine[role, who] += units
    return came


def _taken(step: Mapping[str, Any], gross: Fraction, came: Fraction, had: int, broker_percent: str) -> int:
    def money(name: str) -> Fraction:
        return Fraction(step[name]) * _MILLION

    percent = Fraction(step.get("percent", "100" if step["op"] == "recoup" else "0")) / 100
    kinds = {
        "fixed": lambda: money("amount"),
        "share_of_gross": lambda: gross * percent,
        "share_of_net": lambda: came * percent,
        "mandate": lambda: gross * Fraction(broker_percent) / 100,
        "recoup": lambda: min(money("amount"), came * percent),
        "guarantee": lambda: money("amount") - had,
        "tiers": lambda: _banded(step["tiers"], came if step.get("of") == "net" else gross),
        "residual": lambda: came,
    }
    asked = math.floor(kinds[step["op"]]())
    if came and "at_least" in step:
        asked = max(asked, int(money("at_least")))
    if "at_most" in step:
        asked = min(asked, int(money("at_most")))
    return max(0, min(asked, int(came)))


def _banded(tiers: Sequence[Mapping[str, str]], amount: Fraction) -> Fraction:
    """The marginal rate of each millionth, summed up from the top band downwards."""
    edges = [Fraction(t["up_to"]) * _MILLION if "up_to" in t else None for t in tiers]
    found = Fraction(0)
    for n in range(len(tiers) - 1, -1, -1):
        below = Fraction(0) if n == 0 else edges[n - 1]
        assert below is not None
        top = edges[n]
        width = max(Fraction(0), (amount if top is None else min(amount, top)) - below)
        found += width * Fraction(tiers[n]["percent"]) / 100
    return found


def _hamilton(units: int, weights: Sequence[int]) -> list[int]:
    quotas = [Fraction(units * weight, sum(weights)) for weight in weights]
    seats = [math.floor(quota) for quota in quotas]
    # The first of equal remainders first: sorting is stable.
    for n in sorted(range(len(weights)), key=lambda n: seats[n] - quotas[n])[: units - sum(seats)]:
        seats[n] += 1
    return seats

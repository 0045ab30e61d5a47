"""The oracle's charge models: what one component costs in one span, as an exact fraction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

from tests.oracle.spans import Span

Usage = Mapping[str, int | Decimal]
# A number as the document writes it; the same texts come again and again.
number = lru_cache(4096)(Fraction)
AT_THE_ORDER = ("one_off", "pay_what_you_want", "negotiated", "auction")


def cost(component: dict[str, Any], usage: Usage, span: Span, until: datetime, ends_at: datetime | None) -> Fraction:
    """What the component costs in the span, by the use up to `until`."""
    model = component["model"]
    kind = model["type"]
    if kind in AT_THE_ORDER:
        return number(model["amount"])
    if kind == "flat":
        due = model.get("in_advance", True) or span.over(until)
        return number(model["amount"]) * (span.share if model.get("prorate") else 1) if due else Fraction(0)
    if kind == "credits":
        return number(model["amount"])
    if kind == "instalments":
        return _instalment(model, span, ends_at)
    if kind == "milestone":
        return Fraction(model["amount"]) if usage.get(f"milestone/{component['id']}") else Fraction(0)
    if kind == "outcome":
        return _outcome(model, usage.get(f"outcome/{component['id']}"))
    if component["meter"] is None:
        return Fraction(0)
    return metered(model, Fraction(usage.get(usage_key(component), 0)))


def metered(model: dict[str, Any], used: Fraction) -> Fraction:
    """What `used` units cost."""
    kind = model["type"]
    if kind == "per_unit":
        return used * number(model["unit_price"])
    if kind == "graduated":
        return sum((inside * price for inside, price in _inside(model["tiers"], used)), Fraction(0))
    if kind == "volume":
        return used * _price_at(model["tiers"], used)
    if kind == "package":
        return number(model["amount"]) * ceil(used / model["size"])
    if kind == "included":
        over = max(Fraction(0), used - model["quantity"])
        return metered(model["overage"], over) if model["overage"] else Fraction(0)
    if kind == "base_pack":
        base, more = model["base"], model["increment"]
        over = max(Fraction(0), used - base["size"])
        return number(base["amount"]) + number(more["amount"]) * ceil(over / more["size"])
    if kind == "cost_recovery":
        costs = sum((number(part["amount"]) for part in model["costs"]), Fraction(0))
        return costs * used / model["quantity"]
    if kind == "free":
        return Fraction(0)
    raise ValueError(kind)


def usage_key(component: dict[str, Any]) -> str:
    """The name under which its use is counted."""
    return f"{component['meter']}/{component['data_class']}" if "data_class" in component else component["meter"]


def parts(amount: str, count: int) -> list[int]:
    """An amount in `count` parts of whole millionths; the first parts take what does not divide."""
    whole, rest = divmod(int(Fraction(amount) * 1_000_000), count)
    return [whole + (number < rest) for number in range(count)]


def _inside(tiers: list[dict[str, Any]], used: Fraction) -> list[tuple[Fraction, Fraction]]:
    found, below = [], Fraction(0)
    for tier in tiers:
        top = min(used, Fraction(tier["up_to"])) if "up_to" in tier else used
        found.append((max(Fraction(0), top - below), number(tier["unit_price"])))
        below = Fraction(tier["up_to"]) if "up_to" in tier else below
    return found


def _price_at(tiers: list[dict[str, Any]], used: Fraction) -> Fraction:
    for tier in tiers:
        if "up_to" not in tier or used <= tier["up_to"]:
            return number(tier["unit_price"])
    raise ValueError("the last tier is closed")


def _instalment(model: dict[str, Any], span: Span, ends_at: datetime | None) -> Fraction:
    shares = parts(model["amount"], model["count"])
    last = ends_at is not None and span.end == ends_at
    return Fraction(sum(shares[span.index :] if last else shares[span.index : span.index + 1]), 1_000_000)


def _outcome(model: dict[str, Any], measured: int | Decimal | None) -> Fraction:
    if measured is None:
        return Fraction(0)
    gained = Fraction(measured) - number(model["baseline"])
    if model["direction"] == "down":
        gained = -gained
    worth = max(Fraction(0), gained) * number(model["unit_price"])
    return min(number(model["cap"]), max(number(model["floor"]), worth))

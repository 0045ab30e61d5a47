"""A case: a plan, a buyer, a stretch of time and the use in it; made at random, written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any

from tests.oracle.binding import bound
from tests.oracle.charges import Usage, number, usage_key
from tests.oracle.random_plans import basis_document, plan_document
from tests.oracle.spans import Span, begins, cadences, spans, zone_of

Uses = dict[tuple[str | None, int], Usage]
USES_PER_PLAN = 5
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365, None: 20}
# Days on which clocks or calendars do something, before which an agreement may begin.
_ODD_DAYS = (
    (2026, 1, 31),
    (2026, 3, 8),
    (2026, 3, 28),
    (2026, 3, 29),
    (2026, 10, 24),
    (2026, 10, 25),
    (2026, 11, 1),
    (2026, 12, 31),
    (2028, 2, 29),
    (2027, 2, 28),
    (2018, 11, 3),
)


@dataclass(frozen=True)
class Case:
    """Everything a bill depends on."""

    plan: dict[str, Any]
    basis: dict[str, Any]
    starts_at: datetime
    ends_at: datetime | None
    until: datetime
    uses: Uses

    @cached_property
    def bound(self) -> dict[str, Any]:
        """The plan document after the buyer's choices."""
        return bound(self.plan, self.basis, self.starts_at)

    def document(self) -> dict[str, Any]:
        """The case for a person to read and a program to load."""
        return {
            "plan": self.plan,
            "basis": self.basis,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at and self.ends_at.isoformat(),
            "until": self.until.isoformat(),
            "uses": {
                f"{unit or 'once'} {index}": {name: str(used) for name, used in usage.items()}
                for (unit, index), usage in self.uses.items()
            },
        }


def cases(seed: int, place: int, count: int = USES_PER_PLAN) -> list[Case]:
    """`count` cases of one random plan and buyer; the same seed and place always give the same."""
    random = Random(f"{seed}/{place}")
    plan = plan_document(random)
    basis = basis_document(random, plan)
    return [_case(random, plan, basis) for _ in range(count)]


def _case(random: Random, plan: dict[str, Any], basis: dict[str, Any]) -> Case:
    starts_at = _start(random, plan)
    whole = bound(plan, basis, starts_at)
    begin = begins(plan, starts_at)
    unit = min(cadences(plan), key=lambda unit: _DAYS[unit])
    until = begin + timedelta(days=_DAYS[unit] * random.choice((0, 1, 1, 2, 3)), minutes=15 * random.randrange(97))
    ends_at = _end(random, plan, starts_at, until) if random.random() < 0.4 else None
    if random.random() < 0.2:
        until = random.choice([s.end for s in spans(plan, starts_at, until, ends_at) if s.end] or [until])
    stretches = spans(plan, starts_at, until, ends_at)
    return Case(
        plan, basis, starts_at, ends_at, until, {(s.unit, s.index): _usage(random, whole, s) for s in stretches}
    )


def _start(random: Random, plan: dict[str, Any]) -> datetime:
    if random.random() < 0.5:
        day = datetime(*random.choice(_ODD_DAYS))
    else:
        day = datetime(2026, 1, 1) + timedelta(days=random.randrange(1_500))
    at = (day + timedelta(minutes=random.choice((0, 0, 15, 135, 150, 719, 1425)))).replace(tzinfo=zone_of(plan))
    return at.astimezone(UTC) + timedelta(seconds=random.choice((0, 0, 59)))


def _end(random: Random, plan: dict[str, Any], starts_at: datetime, until: datetime) -> datetime:
    """An end on a quarter-hour, often exactly where a period ends."""
    begin = begins(plan, starts_at)
    edges = [s.whole_end for s in spans(plan, starts_at, until + timedelta(days=1), None) if s.whole_end]
    if edges and random.random() < 0.4:
        return random.choice(edges)
    quarters = max(1, int((until - begin) / timedelta(minutes=15)))
    return begin + timedelta(minutes=15 * random.randint(1, quarters * 2))


def _usage(random: Random, plan: dict[str, Any], span: Span) -> Usage:
    usage: dict[str, int | Decimal] = {}
    for component in plan["components"]:
        if component["period"] != span.unit:
            continue
        model = component["model"]
        if model["type"] == "outcome" and random.random() < 0.6:
            usage[f"outcome/{component['id']}"] = Decimal(random.randint(-(10**6), 10**7)).scaleb(-3)
        if model["type"] == "milestone" and random.random() < 0.6:
            usage[f"milestone/{component['id']}"] = 1
        if component["meter"] is not None and random.random() < 0.85:
            usage[usage_key(component)] = _payable(_quantity(random, _edges(model)), model)
    return usage


def _quantity(random: Random, edges: list[int]) -> int | Decimal:
    kind = random.random()
    if kind < 0.1:
        return 0
    if kind < 0.5 and edges:
        near = random.choice(edges) + random.choice((-1, 0, 0, 1))
        return near if random.random() < 0.8 else max(Decimal(0), Decimal(near) - Decimal("0.5"))
    if kind < 0.53:
        return 10**15
    whole = random.randrange(10 ** random.randint(1, 8))
    return whole if kind < 0.8 else Decimal(whole).scaleb(-random.choice((1, 3, 6)))


def _payable(used: int | Decimal, model: dict[str, Any]) -> int | Decimal:
    """As much of it as an account can hold the price of."""
    if used < 10**7:
        return used
    whole, unit_price = int(used), _dearest(model)
    while whole * unit_price > 10**12:
        whole //= 100
    return whole


def _dearest(model: dict[str, Any]) -> Fraction:
    """The most that one more unit costs in the long run."""
    prices = [tier["unit_price"] for tier in model.get("tiers", [])]
    if "unit_price" in model:
        prices.append(model["unit_price"])
    found = [number(price) for price in prices]
    for pack in (model, model.get("increment", {})):
        if "size" in pack:
            found.append(number(pack["amount"]) / pack["size"])
    if model.get("overage"):
        found.append(_dearest(model["overage"]))
    if "costs" in model:
        found.append(sum(number(cost["amount"]) for cost in model["costs"]) / Fraction(model["quantity"]))
    return max(found, default=Fraction(0))


def _edges(model: dict[str, Any]) -> list[int]:
    """The quantities at which a model's price changes."""
    ends = [tier["up_to"] for tier in model.get("tiers", []) if "up_to" in tier]
    if "quantity" in model:
        ends += [model["quantity"] + more for more in (0, *_edges(model.get("overage") or {}))]
    if "size" in model:
        ends += [model["size"], 3 * model["size"]]
    if "base" in model:
        ends += [model["base"]["size"], model["base"]["size"] + 2 * model["increment"]["size"]]
    return ends

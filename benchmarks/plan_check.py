"""Tiers checked per second in price lists of 1,000, the slowest kind of list, against one bare look at every pair of tiers."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from benchmarks.result import Result, result
from pricing.check_curves import split
from pricing.check_totals import totals
from pricing.checks import check
from pricing.components import Plan
from pricing.plans import load

NAME, FLOOR, AIM = "plan_check", 0.015, 0.03
TIERS, SECONDS_MAX, ROUNDS = 1_000, 1.0, 3


async def measure(_house: object = None) -> Result:
    """Check each list; every one must be done within a second, the slowest counts."""
    rng = random.Random(1)
    slowest, seconds, told = "", 0.0, []
    for name, plan in _plans(rng).items():
        taken = min(_time(lambda plan=plan: check(plan)) for _ in range(ROUNDS))  # type: ignore[misc]
        assert taken < SECONDS_MAX, f"{name}: {taken:.2f} s"
        told.append(f"{name} {taken * 1000:.0f} ms")
        if taken > seconds:
            slowest, seconds = name, taken
    ends = [rng.randrange(10**15) for _ in range(TIERS)]
    bare = min(_time(lambda: _bare(ends)) for _ in range(ROUNDS))
    return result(
        NAME,
        TIERS / seconds,
        "tiers/s",
        TIERS / bare,
        floor=FLOOR,
        aim=AIM,
        includes=f"{TIERS:,} tiers, the slowest of these counts ({slowest}): {', '.join(told)}. Includes falls, splits into any "
        "two orders, fixed amounts, discounts and limits, exact integers of up to 33 digits, and the findings in two languages. "
        f"Baseline: one addition and comparison of plain integers for every pair of tiers ({bare * 1000:.0f} ms).",
    )


def _plans(rng: random.Random) -> dict[str, Plan]:
    """Lists that rise, fall and waver. With wavering ones goes a fee just so high that no second order pays it back: then
    nothing can be passed over on the way to saying so.
    """
    ends = sorted(rng.sample(range(1, 10**15), TIERS - 1))
    prices = [f"{rng.randrange(1000)}.{rng.randrange(10**12):012d}" for _ in range(TIERS)]
    up, down = sorted(prices, key=float), sorted(prices, key=float, reverse=True)
    small = [10 * number for number in range(1, TIERS)]
    wavering = [f"{(10_000 - number + 10 * rng.randrange(3)) / 10:.1f}" for number in range(TIERS)]
    return {
        "graduated falling": _plan("graduated", ends, down),
        "graduated rising": _plan("graduated", ends, up),
        "graduated mixed": _with_fee("graduated", small, prices),
        "volume falling": _plan("volume", ends, down),
        "volume mixed": _with_fee("volume", small, prices),
        "volume wavering": _with_fee("volume", small, wavering),
        "volume wavering, capped": _with_fee("volume", small, wavering, capped=True),
    }


def _with_fee(kind: str, ends: list[int], prices: list[str], *, capped: bool = False) -> Plan:
    (total,) = totals(_plan(kind, ends, prices))
    low, high = 1, 1
    while split(total.shape, Decimal(high)):
        low, high = high, 4 * high
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (middle, high) if split(total.shape, Decimal(middle)) else (low, middle)
    return _plan(kind, ends, prices, fixed=str(high), capped=capped)


def _plan(kind: str, ends: list[int], prices: list[str], *, fixed: str | None = None, capped: bool = False) -> Plan:
    tiers: list[dict[str, Any]] = [
        {"up_to": end, "unit_price": price} for end, price in zip(ends, prices, strict=False)
    ]
    model = {"type": kind, "tiers": [*tiers, {"unit_price": prices[-1]}]}
    components: list[dict[str, Any]] = [{"id": "use", "meter": "tokens", "period": "month", "model": model}]
    document: dict[str, Any] = {"type": "plan", "v": 1, "currency": "CNY", "components": components}
    if fixed is not None:
        components.append({"id": "fee", "meter": None, "period": "month", "model": {"type": "flat", "amount": fixed}})
    if capped:
        bands = [{"from": str(1000 * number), "percent": str(number)} for number in range(1, 51)]
        document["discounts"] = [{"id": "much", "type": "volume", "bands": bands}]
        document["limits"] = [{"id": "most", "type": "maximum", "period": "month", "amount": "9999999999"}]
    return load(document)


def _bare(ends: list[int]) -> int:
    best = 0
    for number, one in enumerate(ends):
        for other in ends[: number + 1]:
            if one + other > best:
                best = one + other
    return best


def _time(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(asyncio.run(measure()).tell())

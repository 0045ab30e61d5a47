"""Rated component lines per second on one core, over ten million ratings, in flat memory."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from benchmarks.result import Result, result
from pricing.periods import Period, period
from pricing.plans import Plan, load
from pricing.rating import rate

NAME = "rating"
RATINGS = int(os.environ.get("RATINGS", "10000000"))
FIRST = RATINGS // 10
LINES_AIM = 200_000
# Lines of components, each with its amount rounded once, as a share of one bare exact product and its rounding.
FLOOR, AIM = 0.10, 0.30
GROWTH_MAX_MIB = 16
_PAGE = os.sysconf("SC_PAGE_SIZE")


def plans() -> list[Plan]:
    """Four plans of two components: per unit and graduated, of one meter or two, with 12 decimals or few."""
    prices = (("0.002", "0.004"), ("0.000002", "0.0000035"), ("0.000000000123", "0.000000000456"), ("1.25", "2.5"))
    return [
        load(
            {
                "type": "plan",
                "v": 1,
                "currency": "CNY",
                "components": [
                    {
                        "id": "each",
                        "meter": "records",
                        "period": "month",
                        "model": {"type": "per_unit", "unit_price": one},
                    },
                    {
                        "id": "steps",
                        "meter": "tokens",
                        "period": "month",
                        "model": {
                            "type": "graduated",
                            "tiers": [
                                {"up_to": 10_000, "unit_price": two},
                                {"up_to": 1_000_000, "unit_price": one},
                                {"unit_price": "0.0001"},
                            ],
                        },
                    },
                ],
            }
        )
        for one, two in prices
    ]


def usages(count: int) -> Iterator[dict[str, int]]:
    """Uses that are all different, from none to 10^9, by a fixed sequence."""
    state = 1
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        yield {"records": (state >> 33) % 100_003, "tokens": (state >> 24) % 1_000_000_007}


async def measure(_house: object = None) -> Result:
    """Rate in one process, look at its memory after a tenth and at the end, and measure the bare product beside it."""
    offered, months = plans(), _months()
    baseline = _bare(min(RATINGS, 1_000_000))
    started = time.process_time()
    lines, checked = _run(offered, months, FIRST)
    early = _resident_mib()
    more, also = _run(offered, months, RATINGS - FIRST)
    seconds, late = time.process_time() - started, _resident_mib()
    lines, checked = lines + more, checked + also
    generating = _generating(RATINGS // 10) * 10
    per_second = lines / (seconds - generating)
    assert late - early <= GROWTH_MAX_MIB, f"memory grew from {early} to {late} MiB"
    assert per_second >= LINES_AIM, f"{per_second:,.0f} lines/s, wanted {LINES_AIM:,}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return result(
        NAME,
        per_second,
        "lines/s",
        baseline,
        floor=FLOOR,
        aim=AIM,
        includes=f"{RATINGS:,} ratings of two components (per unit, graduated with three tiers) by pricing.rating.rate on one "
        f"core, CPU time without making the uses ({generating:.0f} of {seconds:.0f} s); {lines:,} lines, checksum {checked}. "
        f"Resident memory {early} MiB after {FIRST:,}, {late} MiB at the end, peak {peak} MiB. Includes exact decimals, the "
        "one rounding, line and money objects; explanations are worked out when read. Baseline: Decimal multiply and "
        "quantize in a bare loop. Aim of the issue: 200,000 lines/s/core.",
    )


def _run(offered: list[Plan], months: list[Period], count: int) -> tuple[int, int]:
    lines = checksum = 0
    size, spans = len(offered), len(months)
    for number, usage in enumerate(usages(count)):
        for line in rate(offered[number % size], usage, months[number % spans]):
            lines += 1
            checksum ^= line.amount.units
    return lines, checksum


def _generating(count: int) -> float:
    started = time.process_time()
    for _ in usages(count):
        pass
    return time.process_time() - started


def _bare(count: int) -> float:
    """Exact products, rounded to millionths, per second: what no rating in decimals can do without."""
    price, millionth, total = Decimal("0.000002"), Decimal("0.000001"), 0
    uses = [usage["tokens"] for usage in usages(10_000)]
    started = time.process_time()
    for number in range(count):
        total += int((Decimal(uses[number % 10_000]) * price).quantize(millionth, ROUND_HALF_EVEN).scaleb(6))
    assert total
    return count / (time.process_time() - started)


def _months() -> list[Period]:
    start = datetime(2026, 1, 31, 16, 7, tzinfo=UTC)
    zone = plans()[0].time_zone
    return [period("month", start, number, zone) for number in range(12)]


def _resident_mib() -> int:
    """The memory of this process now; its peak where the system does not say."""
    if sys.platform == "linux":
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE // 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

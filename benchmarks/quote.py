"""Signed quotes and simulations per second over HTTP, as a share of an empty Litestar handler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from benchmarks import baselines
from benchmarks.house import House, one_price, per_record
from benchmarks.load import Outcome, drive, request
from benchmarks.result import Result, result
from tests.support.api import Party

NAME, FLOOR, AIM = "quote", 0.03, 0.10
CONNECTIONS, BUYERS, SECONDS = 64, 8, 10.0
FORECAST = [{"records": 50_000 + 1_000 * month} for month in range(12)]


async def measure(house: House) -> Result:
    """Ask for quotes on 64 connections, count what they must have left, then simulate three offers over a year."""
    baseline = await baselines.empty_handler(house.port + 1, connections=CONNECTIONS, seconds=SECONDS)
    offer = await house.offer("quoted", "one_off", one_price())
    await house.offer("monthly", "subscription", _monthly())
    await house.offer("metered-too", "pay_per_use", per_record())
    buyers = [await house.market.join("buyer") for _ in range(BUYERS)]
    wish = msgspec.json.encode({"offer": offer, "purposes": ["pretrain"]})
    await _drive(house, [_lane(buyers[n % BUYERS], "quotes", wish, f"w{n}") for n in range(CONNECTIONS)], 2.0, 201)
    before = await house.count("SELECT count(*) FROM contracts.quote")
    lanes = [_lane(buyers[n % BUYERS], "quotes", wish, f"m{n}") for n in range(CONNECTIONS)]
    quoted = await _drive(house, lanes, SECONDS, 201)
    made = await house.count("SELECT count(*) FROM contracts.quote") - before
    assert made == quoted.done, f"{quoted.done} answered, {made} quotes"
    asked = msgspec.json.encode({"listing": house.sale.listing, "forecast": FORECAST})
    lanes = [_lane(buyers[n % BUYERS], "simulations", asked, f"s{n}") for n in range(8)]
    simulated = await _drive(house, lanes, SECONDS / 2, 200)
    return result(
        NAME,
        quoted.per_second,
        "quotes/s",
        baseline,
        floor=FLOOR,
        aim=AIM,
        includes=f"{CONNECTIONS} connections, {BUYERS} buyers, p50 {quoted.percentile_ms(0.5):.1f} ms, p99 "
        f"{quoted.percentile_ms(0.99):.1f} ms. Includes HTTP, token, idempotency, rules, terms, binding the plan, tax, signed "
        "document, audit entry, row security, fsync. Baseline: an empty handler that answers null. Beside it: "
        f"{simulated.per_second:.1f} simulations/s (p50 {simulated.percentile_ms(0.5):.0f} ms, 8 connections) of every offer of "
        f"the listing over {len(FORECAST)} months with cost curves and proven crossovers.",
    )


async def _drive(house: House, lanes: list[Iterator[bytes]], seconds: float, status: int) -> Outcome:
    outcome = await drive("127.0.0.1", house.port, lanes, seconds)
    assert set(outcome.statuses) == {status}, (outcome.statuses, outcome.samples)
    return outcome


def _monthly() -> dict[str, Any]:
    model = {"type": "flat", "amount": "300.00", "in_advance": True}
    return {"id": "fee", "title": {"en": "Fee", "zh": "月费"}, "meter": None, "period": "month", "model": model}


def _lane(buyer: Party, what: str, body: bytes, name: str) -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        headers = {**buyer.headers, "idempotency-key": f"bench-{what}-{name}-{number}"}
        yield request("POST", f"/buyer/v1/{what}", headers, body)

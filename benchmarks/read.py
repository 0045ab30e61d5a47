"""Authorised, metered row reads per second, as a share of an empty Litestar handler."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import baselines
from benchmarks.house import ROWS, House, per_record
from benchmarks.load import drive, request
from benchmarks.result import Result, result

NAME, FLOOR, AIM = "read", 0.30, 0.70
CONNECTIONS, SECONDS, ROWS_PER_READ = 64, 10.0, 10


async def measure(house: House) -> Result:
    """Read rows on 64 connections, then count the records of use that they must have left."""
    baseline = await baselines.empty_handler(house.port + 1, connections=CONNECTIONS, seconds=SECONDS)
    offer = await house.offer("rows", "pay_per_use", per_record())
    tokens = []
    for buyer in await house.buyers(8, "1000.00"):
        wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
        grant = (await house.market.done(buyer, "/buyer/v1/orders", wish))["grant"]
        tokens.append((await house.market.done(buyer, f"/buyer/v1/grants/{grant}/tokens"))["token"])
    opened = await house.market.http.get("/data/v1/grant", headers={"authorization": f"Bearer {tokens[0]}"})
    asset = opened.json()["assets"][0]["id"]
    stored = "SELECT coalesce(sum(quantity), 0)::bigint FROM access.usage_record WHERE source_id = 0 AND meter = 2"
    lanes = [_lane(tokens[n % len(tokens)], asset, n) for n in range(CONNECTIONS)]
    await drive("127.0.0.1", house.port, lanes, 2.0)
    before = await house.count(stored)
    outcome = await drive("127.0.0.1", house.port, lanes, SECONDS)
    assert set(outcome.statuses) == {200}, (outcome.statuses, outcome.samples)
    made = await house.count(stored) - before
    assert made == outcome.done * ROWS_PER_READ, f"{outcome.done * ROWS_PER_READ} rows sent, {made} on record"
    return result(
        NAME,
        outcome.per_second,
        "reads/s",
        baseline,
        floor=FLOOR,
        aim=AIM,
        includes=f"{ROWS_PER_READ} rows a read, {CONNECTIONS} connections, p50 {outcome.percentile_ms(0.5):.1f} ms, p99 "
        f"{outcome.percentile_ms(0.99):.1f} ms. Includes HTTP, grant token, revocation, purpose, directives, durable usage "
        "record, audit entry, the rows themselves. Baseline: an empty handler that answers null.",
    )


def _lane(token: str, asset: str, n: int) -> Iterator[bytes]:
    headers = {"authorization": f"Bearer {token}"}
    at = n * 97
    while True:
        at = (at + ROWS_PER_READ) % (ROWS - ROWS_PER_READ)
        yield request("GET", f"/data/v1/assets/{asset}/rows?from={at}&limit={ROWS_PER_READ}", headers)

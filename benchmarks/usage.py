"""Usage records ingested per second over HTTP, as a share of a bare INSERT ... unnest ... ON CONFLICT."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from benchmarks import baselines
from benchmarks.house import House, per_record
from benchmarks.load import drive, request
from benchmarks.result import Result, result

NAME, FLOOR, AIM = "usage", 0.60, 1.20
BATCH, CONNECTIONS, SECONDS = 1_000, 4, 8.0


async def measure(house: House) -> Result:
    """Report batches of 1,000 events on a few connections, then count what is stored."""
    baseline = await baselines.unnest(house.server, batch=BATCH, seconds=SECONDS, connections=CONNECTIONS)
    offer = await house.offer("metered", "pay_per_use", per_record())
    (buyer,) = await house.buyers(1, "1000.00")
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    grants = [(await house.market.done(buyer, "/buyer/v1/orders", wish))["grant"] for _ in range(8)]
    supplier = house.sale.supplier
    await house.market.done(supplier, "/supplier/v1/usage/sources", {})
    stored = "SELECT count(*) FROM access.usage_record WHERE source_id <> 0"
    before = await house.count(stored)
    # Made before the clock starts: the client's own encoding is not what is measured.
    lanes = [_ready(_lane(supplier.headers, grants, f"{n}"), 400) for n in range(CONNECTIONS)]
    outcome = await drive("127.0.0.1", house.port, lanes, SECONDS)
    assert set(outcome.statuses) == {200}, (outcome.statuses, outcome.samples)
    made = await house.count(stored) - before
    assert made == outcome.done * BATCH, f"{outcome.done * BATCH} answered, {made} stored"
    return result(
        NAME,
        outcome.per_second * BATCH,
        "records/s",
        baseline,
        floor=FLOOR,
        aim=AIM,
        includes=f"batches of {BATCH}, {CONNECTIONS} connections, p99 {outcome.percentile_ms(0.99):.1f} ms. Includes HTTP, "
        "token, decoding and checking each event, authorisation by grant, replay guard, durable COPY, audit entry. "
        "Uniqueness is proven when the day is sealed, not here.",
    )


def _ready(lane: Iterator[bytes], count: int) -> Iterator[bytes]:
    return iter([next(lane) for _ in range(count)])


def _lane(headers: dict[str, str], grants: list[str], name: str) -> Iterator[bytes]:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    number = 0
    while True:
        number += 1
        events = [
            {
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": "bench",
                "type": "exchange.usage",
                "subject": grants[n % len(grants)],
                "time": at,
                "data": {"meter": "records", "value": 3},
            }
            for n in range(BATCH)
        ]
        key = {"idempotency-key": f"usage-{name}-{number}"}
        yield request("POST", "/supplier/v1/usage/events", {**headers, **key}, msgspec.json.encode(events))

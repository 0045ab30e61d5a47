"""Purchases per second over HTTP, as a share of pgbench's TPC-B rate."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from benchmarks import baselines
from benchmarks.house import House, one_price
from benchmarks.load import drive, request
from benchmarks.result import Result, result
from tests.support.api import Party

NAME, FLOOR, AIM = "purchase", 0.40, 1.00
CONNECTIONS, BUYERS, SECONDS = 64, 16, 15.0


async def measure(house: House) -> Result:
    """Drive purchases on 64 connections, then reconcile every row that they must have left."""
    baseline = baselines.tpcb(house.server, seconds=10)
    offer = await house.offer("bench", "one_off", one_price(), six=True)
    buyers = await house.buyers(BUYERS, "90000000.00")
    lanes = [lane(buyers[n % BUYERS], offer, f"w{n}") for n in range(CONNECTIONS)]
    await drive("127.0.0.1", house.port, lanes, 3.0)
    before = await house.count("SELECT count(*) FROM settlement.orders")
    lanes = [lane(buyers[n % BUYERS], offer, f"m{n}") for n in range(CONNECTIONS)]
    outcome = await drive("127.0.0.1", house.port, lanes, SECONDS)
    assert set(outcome.statuses) == {201}, (outcome.statuses, outcome.samples)
    made = await house.count("SELECT count(*) FROM settlement.orders") - before
    assert made == outcome.done, f"{outcome.done} answered, {made} orders"
    for what in _EXPECTED:
        assert await house.count(what) == 0, what
    return result(
        NAME,
        outcome.per_second,
        "purchases/s",
        baseline,
        floor=FLOOR,
        aim=AIM,
        includes=f"p50 {outcome.percentile_ms(0.5):.1f} ms, p99 {outcome.percentile_ms(0.99):.1f} ms, {CONNECTIONS} "
        f"connections, {BUYERS} buyers. Includes HTTP, token, idempotency, rules, signed agreement, order, six-line "
        "journal with its triggers, grant, audit entry, row security, fsync, the log's sequencer beside it. Not: TLS, "
        "replication. Baseline: pgbench TPC-B -s 64 -c 64 -j 2 -M prepared, median of 3.",
    )


# Each counts orders that lack something or have it twice.
_EXPECTED = (
    "SELECT count(*) FROM settlement.orders o LEFT JOIN access.grants g ON g.order_id = o.id WHERE g.id IS NULL",
    "SELECT count(*) FROM settlement.orders o LEFT JOIN contracts.agreement a ON a.order_id = o.id WHERE a.id IS NULL",
    "SELECT count(*) FROM settlement.journal WHERE kind = 'purchase' AND line_count <> 6",
    "SELECT abs((SELECT count(*) FROM settlement.orders) - (SELECT count(*) FROM settlement.journal WHERE kind = 'purchase'))",
    (
        "SELECT abs((SELECT count(*) FROM settlement.orders) - "
        "(SELECT count(*) FROM compliance.audit_entry WHERE action = 'purchase'))"
    ),
)


def lane(buyer: Party, offer: str, name: str) -> Iterator[bytes]:
    """One connection's purchases, each with a key of its own."""
    body = msgspec.json.encode({"offer": offer, "purposes": ["pretrain"], "payment": "wallet"})
    number = 0
    while True:
        number += 1
        headers = {**buyer.headers, "idempotency-key": f"bench-{name}-{number}"}
        yield request("POST", "/buyer/v1/orders", headers, body)

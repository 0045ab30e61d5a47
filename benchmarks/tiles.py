"""Tiles of the log per second, as a share of a static file of the same size from the same server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID

from benchmarks import baselines
from benchmarks.house import House
from benchmarks.load import drive, request
from benchmarks.result import Result, result
from compliance import store, tree_store
from compliance.entries import Entry
from compliance.tiles import WIDTH
from exchange.kernel.db import Tx
from exchange.kernel.merkle import HASH_BYTES

NAME, FLOOR, AIM = "tiles", 0.25, 0.50
CONNECTIONS, SECONDS, TILES = 64, 8.0, 16
_WAIT_S = 60


async def measure(house: House) -> Result:
    """Fill some tiles, and read them on 64 connections."""
    await _fill(house)
    size = WIDTH * HASH_BYTES
    baseline = await baselines.static_file(house.port + 1, size, connections=CONNECTIONS, seconds=SECONDS)
    lanes = [_lane(n) for n in range(CONNECTIONS)]
    await drive("127.0.0.1", house.port, lanes, 1.0)
    outcome = await drive("127.0.0.1", house.port, lanes, SECONDS)
    assert set(outcome.statuses) == {200}, (outcome.statuses, outcome.samples)
    assert f"content-length: {size}".encode() in outcome.samples[200].lower()
    return result(
        NAME,
        outcome.per_second,
        "tiles/s",
        baseline,
        floor=FLOOR,
        aim=AIM,
        includes=f"{TILES} full tiles of {size:,} bytes, {CONNECTIONS} connections, p50 {outcome.percentile_ms(0.5):.1f} ms, "
        f"p99 {outcome.percentile_ms(0.99):.1f} ms, from the web processes that `make serve` runs. Baseline: a file of the "
        "same size that Granian, the same server, sends by itself without any Python, in one process.",
    )


async def _fill(house: House) -> None:
    """Have at least as many leaves signed as the tiles hold."""
    database, wanted = house.market.services.db, WIDTH * TILES

    async def flow(tx: Tx) -> None:
        await store.append(tx, [Entry(action="bench", organisation_id=UUID(int=1)) for _ in range(WIDTH)])

    for _ in range(TILES):
        await database.run(flow)
    for _ in range(_WAIT_S * 10):
        if ((await database.run(tree_store.waiting)).signed or 0) >= wanted:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the log is not signed")


def _lane(n: int) -> Iterator[bytes]:
    while True:
        n = (n + 1) % TILES
        yield request("GET", f"/log/tile/0/{n:03d}", {})

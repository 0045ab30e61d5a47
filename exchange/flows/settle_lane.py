"""A process that does parts of a settlement run beside the one that leads it: Python on another core.

It reads what it needs from its standard input, and ends with the run, or after its part when the other end of that closes.
"""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import msgspec

from exchange.flows import lanes
from exchange.flows.sale import Sales
from exchange.flows.settle_period import settle_next
from exchange.kernel.clock import MovedClock
from exchange.kernel.db import Database, DatabaseSettings, DatabaseUrls
from exchange.kernel.errors import Problem
from settlement.runs import RunState


class LaneOrder(msgspec.Struct, frozen=True):
    """What a lane is told: where the database is, which run, and how far its leader's clock is ahead of the machine's.

    units    seconds
    """

    urls: DatabaseUrls
    run: UUID
    ahead_s: float


async def main() -> None:
    """Do one part of a run after another until it is closed, cancelled or gone, or nobody leads it any more."""
    order, told = await lanes.told(LaneOrder)
    db, sales = (
        Database(order.urls, MovedClock(order.ahead_s), settings=DatabaseSettings(app_connections_max=1)),
        Sales(),
    )
    left = asyncio.create_task(told.read())
    try:
        while not left.done():
            at = await db.run(partial(settle_next, sales=sales, run_id=order.run))
            if isinstance(at, Problem) or at.state != RunState.OPEN:
                break
    finally:
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        await db.close()


if __name__ == "__main__":
    lanes.run(main())

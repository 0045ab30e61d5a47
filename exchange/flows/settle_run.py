"""A settlement run done to its end, by this process and, where it is large, by others beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from exchange.flows import lanes
from exchange.flows.sale import Sales
from exchange.flows.settle_lane import LaneOrder
from exchange.flows.settle_period import RunProgress, settle_next
from exchange.kernel.clock import ahead_s
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from settlement.runs import RunState
from settlement.store import runs

PROCESSES = 2
# Orders and lines from which another process is worth its start, of about a second.
SHARED_FROM = 5_000
# For the part that such a process is at.
END_S = 15.0
Show = Callable[[int, int], Awaitable[None]]


async def settle_run(
    db: Database, sales: Sales, run_id: UUID, show: Show, *, processes: int = PROCESSES
) -> RunProgress | Problem:
    """Do what is left of a run, and answer how it ended: closed, or cancelled meanwhile.

    Other processes only make it faster: what one of them leaves undone, this one does.

    shapes   show: told after every part of this process how many are done, and of how many
    errors   answers not-found
    """
    shared = processes > 1 and await db.run(partial(runs.weight_left, run_id=run_id)) >= SHARED_FROM
    order, others = LaneOrder(db.urls, run_id, ahead_s(db.clock)), processes - 1 if shared else 0
    async with lanes.beside("exchange.flows.settle_lane", order, others, end_s=END_S):
        while True:
            at = await db.run(partial(settle_next, sales=sales, run_id=run_id))
            if isinstance(at, Problem):
                return at
            await show(at.sellers[0] + at.payees[0], at.sellers[1] + at.payees[1])
            if at.state != RunState.OPEN:
                return at

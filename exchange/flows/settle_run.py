"""A settlement run done to its end, by this process and, where it is large, by others beside it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import UUID

import msgspec
import structlog

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
END_S = 15.0
Show = Callable[[int, int], Awaitable[None]]
_LOG = structlog.get_logger("settle")


async def settle_run(
    db: Database, sales: Sales, run_id: UUID, show: Show, *, processes: int = PROCESSES
) -> RunProgress | Problem:
    """Do what is left of a run, and answer how it ended: closed, or cancelled meanwhile.

    Other processes only make it faster: what one of them leaves undone, this one does.

    shapes   show: told after every part of this process how many are done, and of how many
    errors   answers not-found
    """
    shared = processes > 1 and await db.run(partial(runs.weight_left, run_id=run_id)) >= SHARED_FROM
    async with _others(db, run_id, processes - 1 if shared else 0):
        while True:
            at = await db.run(partial(settle_next, sales=sales, run_id=run_id))
            if isinstance(at, Problem):
                return at
            await show(at.sellers[0] + at.payees[0], at.sellers[1] + at.payees[1])
            if at.state != RunState.OPEN:
                return at


@asynccontextmanager
async def _others(db: Database, run_id: UUID, count: int) -> AsyncIterator[None]:
    """Have as many processes do parts of a run. They are told over a pipe, and end with the run, or when that closes."""
    order = msgspec.json.encode(LaneOrder(db.urls, run_id, ahead_s(db.clock))) + b"\n"
    command = [sys.executable, "-m", "exchange.flows.settle_lane"]
    others: list[asyncio.subprocess.Process] = []
    try:
        for _ in range(count):
            # A session of its own, so that an interrupt of the terminal reaches only the leader.
            other = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, start_new_session=True
            )
            others.append(other)
            assert other.stdin is not None
            other.stdin.write(order)
        yield
    finally:
        for other in others:
            await _end(other)


async def _end(other: asyncio.subprocess.Process) -> None:
    """Let a process end the part that it is at, and insist after a while."""
    assert other.stdin is not None
    other.stdin.close()
    try:
        code = await asyncio.wait_for(other.wait(), END_S)
    except TimeoutError:
        with suppress(ProcessLookupError):  # it may have ended just now
            other.kill()
        code = await other.wait()
    if code:
        _LOG.warning("settle-process-failed", code=code)

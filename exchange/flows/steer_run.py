"""The operator gives a settlement run up before it books, or has one go on that stands still."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from exchange.flows.once import done
from exchange.flows.settle_period import RunProgress, progress_of, queue_run
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND, Problem
from settlement.problems import RUN_BOOKED
from settlement.runs import Run, RunState, Side
from settlement.store import runs


async def cancel_run(tx: Tx, actor: Actor, run_id: UUID) -> RunProgress | Problem:
    """Give a run up of which nothing is booked. A part that is under way is waited for, and counts as booked.

    errors   answers forbidden, not-found, state-conflict, run-booked
    """
    run = await _open(tx, actor, run_id)
    if isinstance(run, Problem):
        return run
    name = ids.text("run", run.id)
    if await runs.booked_anything(tx, run.id):
        (sellers, of) = (await runs.progress(tx, run.id))[Side.SELLER]
        return RUN_BOOKED(run=name, done=sellers, total=of)
    await runs.end_run(tx, run.id, RunState.CANCELLED)
    await audit.append(tx, [done(actor, "settlement.cancel", name)])
    return await progress_of(tx, await runs.find_run(tx, run.id) or run)


async def resume_run(tx: Tx, actor: Actor, run_id: UUID) -> RunProgress | Problem:
    """Have an open run go on whose job was given up or is gone; one that is under way is left alone.

    errors   answers forbidden, not-found, state-conflict
    """
    run = await _open(tx, actor, run_id)
    if isinstance(run, Problem):
        return run
    if await queue_run(tx, run):
        await audit.append(tx, [done(actor, "settlement.resume", ids.text("run", run.id))])
    return await progress_of(tx, run)


async def _open(tx: Tx, actor: Actor, run_id: UUID) -> Run | Problem:
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    run = await runs.lock_run(tx, run_id)
    if run is None:
        return NOT_FOUND()
    return run if run.state == RunState.OPEN else CONFLICT(state=run.state, needs="open")

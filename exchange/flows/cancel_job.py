"""An organisation stops work that it asked for."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows import order_weights, profile_revision
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import CONFLICT, NOT_FOUND, Problem

# Work that moves money is never stopped half-way: it ends by itself, or it is refunded.
CANCELLABLE = frozenset({profile_revision.KIND, order_weights.KIND})


class JobCancelled(msgspec.Struct, frozen=True):
    """A job that will not go on."""

    job: str
    state: str


async def cancel_job(tx: Tx, actor: Actor, job_id: UUID) -> JobCancelled | Problem:
    """Cancel one of the actor's own jobs; a running one stops at its next report of progress.

    errors   answers NOT_FOUND, CONFLICT
    """
    job = await jobs.find_own(tx, actor, job_id)
    if job is None:
        return NOT_FOUND()
    if job.kind not in CANCELLABLE or not await jobs.cancel(tx, job_id):
        return CONFLICT(state=job.state, needs=f"queued | running ({', '.join(sorted(CANCELLABLE))})")
    name = ids.text("job", job_id)
    await audit.append(tx, [done(actor, "job.cancel", name)])
    return JobCancelled(name, "cancelled")

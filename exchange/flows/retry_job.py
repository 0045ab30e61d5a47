"""The operator gives a dead job another chance, or stops one that only computes."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import export_store
from compliance import store as audit
from exchange.flows import export_audit, order_weights, profile_revision
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND, Problem
from settlement.open_items import ItemKind
from settlement.store import open_items

# Work that moves money is never stopped half-way: it ends by itself, or it is corrected by a new booking.
STOPPABLE = frozenset({profile_revision.KIND, order_weights.KIND, export_audit.JOB, "seal_usage", "root_usage"})


class JobMoved(msgspec.Struct, frozen=True):
    """A job and where it stands now."""

    job: str
    kind: str
    state: str


async def retry_job(tx: Tx, actor: Actor, job_id: UUID) -> JobMoved | Problem:
    """Queue a dead job again; its key to the outside is the same, so nothing happens twice there.

    An open item that told of its end is closed.

    errors   answers forbidden, not-found, state-conflict
    """
    job = await _load(tx, actor, job_id)
    if isinstance(job, Problem):
        return job
    if not await jobs.again(tx, job_id):
        return CONFLICT(state=job.state, needs="dead")
    name = ids.text("job", job_id)
    await open_items.settle_items(tx, name, [ItemKind.JOB_GIVEN_UP])
    await audit.append(tx, [done(actor, "job.retry", name)])
    return JobMoved(name, job.kind, "queued")


async def stop_job(tx: Tx, actor: Actor, job_id: UUID) -> JobMoved | Problem:
    """Cancel a job; a running one stops at its next report of progress.

    errors   answers forbidden, not-found, state-conflict
    """
    job = await _load(tx, actor, job_id)
    if isinstance(job, Problem):
        return job
    if job.kind not in STOPPABLE or not await jobs.cancel(tx, job_id):
        return CONFLICT(state=job.state, needs=f"queued | running ({', '.join(sorted(STOPPABLE))})")
    if job.kind == export_audit.JOB:
        await export_store.cancel_export(tx, ids.parse("exp", job.payload["export"]))
    name = ids.text("job", job_id)
    await audit.append(tx, [done(actor, "job.cancel", name)])
    return JobMoved(name, job.kind, "cancelled")


async def _load(tx: Tx, actor: Actor, job_id: UUID) -> jobs.JobState | Problem:
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    return await jobs.find(tx, job_id) or NOT_FOUND()

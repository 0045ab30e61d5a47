"""A supplier asks to have a revision measured, again or at last."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.store import datasets as catalog
from exchange.flows import profile_revision
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


class ProfileRequested(msgspec.Struct, frozen=True):
    """The job that measures a revision."""

    revision: str
    job: str


async def request_profile(tx: Tx, actor: Actor, revision_id: UUID) -> ProfileRequested | Problem:
    """Queue a measurement of one of the actor's revisions; one that is measured keeps its scorecard.

    errors   answers NOT_FOUND
    """
    revision = await catalog.find_revision(tx, revision_id)
    if revision is None or revision.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    job_id = tx.new_id()
    usual = profile_revision.job(revision.id, revision.supplier_id)
    # A key of its own: the job that sealing queued may have failed for good, and would swallow this one.
    await jobs.put(tx, replace(usual, id=job_id, dedupe_key=f"{usual.dedupe_key}:{job_id}"))
    name = ids.text("rev", revision.id)
    await audit.append(tx, [done(actor, "revision.profile", name)])
    return ProfileRequested(name, ids.text("job", job_id))

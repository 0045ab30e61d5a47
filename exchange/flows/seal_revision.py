"""A supplier seals finished uploads into an immutable revision, which is then profiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import chain_store
from exchange.catalog import revisions
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import datasets as store
from exchange.flows import profile_revision, trace_rights
from exchange.flows.chain_of_rights import refuse_blocked
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


@dataclass(frozen=True, slots=True)
class SealRevision:
    """Which uploads make the next revision, and which paths stay as they were in the one before."""

    dataset_id: UUID
    uploads: Sequence[UUID]
    keep: Sequence[str] = ()


class RevisionReceipt(msgspec.Struct, frozen=True):
    """The new revision; `sha256` is the hash of its manifest."""

    id: str
    dataset: str
    number: int
    sha256: str
    size_bytes: int
    assets: int
    job: str


async def seal_revision(
    tx: Tx, actor: Actor, command: SealRevision, settings: CatalogSettings
) -> RevisionReceipt | Problem:
    """Write the next revision of a dataset and queue its profile.

    errors   answers not-found, dataset-not-active, upload-incomplete, upload-not-open, path-taken, revision-empty,
             revision-too-large, revision-unchanged, rights-block-revision
    """
    dataset = await store.lock_dataset(tx, command.dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    uploads = await store.lock_uploads(tx, command.uploads)
    previous = await store.latest_revision(tx, dataset.id)
    assets = revisions.gather(uploads, command.uploads, command.keep, previous, dataset)
    if isinstance(assets, Problem):
        return assets
    sealed = revisions.seal(dataset, assets, previous, new_id=tx.new_id(), now=tx.now, settings=settings)
    if isinstance(sealed, Problem):
        return sealed
    if problem := await refuse_blocked(tx, dataset, sealed.assets, searched=False):
        return problem
    await store.insert_revision(tx, sealed, command.uploads)
    revision = sealed.revision
    name = ids.text("rev", revision.id)
    (job_id,) = await jobs.put(tx, profile_revision.job(revision.id, revision.supplier_id))
    if await chain_store.any_ended(tx, dataset.id):
        await jobs.put(tx, trace_rights.job(dataset, name))
    await audit.append(tx, [done(actor, "revision.seal", name, manifest=revision.sha256)])
    return RevisionReceipt(
        id=name,
        dataset=ids.text("ds", dataset.id),
        number=revision.number,
        sha256=revision.sha256.hex(),
        size_bytes=revision.size_bytes,
        assets=revision.assets_count,
        job=ids.text("job", job_id),
    )

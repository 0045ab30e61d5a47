"""A supplier uploads a file: opened, completed once its bytes are kept, or given up.

The bytes travel outside these transactions (`exchange.catalog.receive`); here only their hash is written.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.catalog import paths, uploads
from exchange.catalog.problems import PATH_TAKEN, UPLOAD_HASH, UPLOADS_TOO_MANY
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import datasets as store
from exchange.catalog.uploads import Upload, UploadRequest
from exchange.flows import legal_hold
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


class UploadReceipt(msgspec.Struct, frozen=True):
    """An upload as it stands; `sha256` is empty until it is complete."""

    id: str
    dataset: str
    path: str
    size_bytes: int
    state: str
    sha256: str = ""


async def open_upload(
    tx: Tx, actor: Actor, request: UploadRequest, settings: CatalogSettings
) -> UploadReceipt | Problem:
    """Reserve a path of the dataset's next revision for a file of a known size.

    errors   answers not-found, dataset-not-active, path-invalid, path-taken, upload-too-large, uploads-too-many
    """
    dataset = await store.lock_dataset(tx, request.dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    upload = uploads.start(request, dataset, new_id=tx.new_id(), now=tx.now, settings=settings)
    if isinstance(upload, Problem):
        return upload
    await store.expire_uploads(tx, dataset.id)
    live = await store.live_paths(tx, dataset.id)
    if len(live) >= settings.uploads_open_max:
        return UPLOADS_TOO_MANY(limit=settings.uploads_open_max)
    if paths.collision([*live, upload.path]) is not None:
        return PATH_TAKEN(path=upload.path)
    await store.insert_upload(tx, upload)
    await audit.append(tx, [done(actor, "upload.open", ids.text("upl", upload.id))])
    return _receipt(upload)


async def complete_upload(tx: Tx, actor: Actor, upload_id: UUID, sha256: bytes) -> UploadReceipt | Problem:
    """Write down that a whole upload is kept under `sha256`; told twice, it says the same.

    The caller has had the file store hash the bytes (`exchange.catalog.receive.finish`), so that the length is right.

    errors   answers not-found, upload-not-open, and upload-hash-mismatch, which also gives the upload up
    """
    upload = await store.lock_upload(tx, upload_id)
    if upload is None:
        return NOT_FOUND()
    changed = uploads.complete(upload, actor.organisation_id, sha256)
    name = ids.text("upl", upload_id)
    if isinstance(changed, Problem):
        if changed.type is UPLOAD_HASH:
            # Decided here and not by a roll-back: the false bytes must never be taken for the file later.
            given_up = uploads.abandon(upload, actor.organisation_id)
            if isinstance(given_up, Upload):
                await store.set_upload(tx, given_up)
            await audit.append(tx, [_refused(actor, name, changed, sha256)])
        return changed
    if changed != upload:
        await store.set_upload(tx, changed)
        await audit.append(tx, [done(actor, "upload.complete", name, sha256=sha256)])
    return _receipt(changed)


async def abandon_upload(tx: Tx, actor: Actor, upload_id: UUID) -> UploadReceipt | Problem:
    """Give an upload up and free its path; the caller then discards what is staged.

    errors   answers not-found, upload-not-open, held-by-directive
    """
    upload = await store.lock_upload(tx, upload_id)
    if upload is None:
        return NOT_FOUND()
    changed = uploads.abandon(upload, actor.organisation_id)
    if isinstance(changed, Problem):
        return changed
    held = await legal_hold.refuse(tx, [upload.dataset_id, upload.supplier_id])
    if held is not None:
        return held
    if changed != upload:
        await store.set_upload(tx, changed)
        await audit.append(tx, [done(actor, "upload.abandon", ids.text("upl", upload_id))])
    return _receipt(changed)


async def expire_uploads(tx: Tx, limit: int = 100) -> list[UUID]:
    """Give up the uploads whose time is over; the worker then discards what is staged of them."""
    overdue = await store.expire_overdue(tx, limit)
    entries = [Entry(action="upload.expire", object_id=ids.text("upl", one), organisation_id=None) for one in overdue]
    await audit.append(tx, entries)
    return overdue


def _receipt(upload: Upload) -> UploadReceipt:
    return UploadReceipt(
        id=ids.text("upl", upload.id),
        dataset=ids.text("ds", upload.dataset_id),
        path=upload.path,
        size_bytes=upload.size_bytes,
        state=upload.state.value,
        sha256=upload.sha256.hex() if upload.sha256 else "",
    )


def _refused(actor: Actor, name: str, problem: Problem, sha256: bytes) -> Entry:
    return Entry(
        action="upload.complete",
        organisation_id=actor.organisation_id,
        client_id=actor.client_id,
        object_id=name,
        outcome="refused",
        problem=problem.slug,
        digests={"sha256": sha256},
    )

"""Uploads: one file on its way into a revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from exchange.catalog.datasets import Dataset, refuse_inactive
from exchange.catalog.paths import media_type, refuse_path
from exchange.catalog.problems import PATH_INVALID, UPLOAD_HASH, UPLOAD_NOT_OPEN, UPLOAD_TOO_LARGE
from exchange.catalog.settings import CatalogSettings
from exchange.kernel.errors import NOT_FOUND, Problem


class UploadState(StrEnum):
    """Where an upload stands."""

    OPEN = "open"
    COMPLETE = "complete"
    SEALED = "sealed"
    ABANDONED = "abandoned"


# open: bytes come in. complete: all here and hashed. sealed: part of a revision. abandoned: given up, expired or false.
MOVES: Mapping[UploadState, frozenset[UploadState]] = {
    UploadState.OPEN: frozenset({UploadState.COMPLETE, UploadState.ABANDONED}),
    UploadState.COMPLETE: frozenset({UploadState.SEALED, UploadState.ABANDONED}),
    UploadState.SEALED: frozenset(),
    UploadState.ABANDONED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is arriving or has arrived. `sha256` is known once it is complete."""

    id: UUID
    dataset_id: UUID
    supplier_id: UUID
    path: str
    media_type: str
    size_bytes: int
    declared_sha256: bytes | None
    sha256: bytes | None
    state: UploadState
    node_id: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a supplier says before the first byte."""

    dataset_id: UUID
    path: str
    size_bytes: int
    sha256: bytes | None = None


def start(
    request: UploadRequest, dataset: Dataset, *, new_id: UUID, now: datetime, settings: CatalogSettings
) -> Upload | Problem:
    """Open an upload into a dataset, or say why not."""
    refused = refuse_inactive(dataset)
    if refused is not None:
        return refused
    reason = refuse_path(request.path)
    if reason is not None:
        return PATH_INVALID(reason=reason)
    if not 0 <= request.size_bytes <= settings.asset_size_max_bytes:
        return UPLOAD_TOO_LARGE(limit_bytes=settings.asset_size_max_bytes)
    return Upload(
        id=new_id,
        dataset_id=dataset.id,
        supplier_id=dataset.supplier_id,
        path=request.path,
        media_type=media_type(request.path),
        size_bytes=request.size_bytes,
        declared_sha256=request.sha256,
        sha256=None,
        state=UploadState.OPEN,
        node_id=settings.node_id,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.upload_ttl_s),
    )


def complete(upload: Upload, supplier_id: UUID, sha256: bytes) -> Upload | Problem:
    """Note that all bytes are here; the same news twice changes nothing.

    errors   upload-hash-mismatch when the supplier had declared another hash: the upload must then be abandoned
    """
    if upload.supplier_id != supplier_id:
        return NOT_FOUND()
    if upload.state in (UploadState.COMPLETE, UploadState.SEALED) and upload.sha256 == sha256:
        return upload
    if upload.state is not UploadState.OPEN:
        return UPLOAD_NOT_OPEN(state=upload.state.value, needs=UploadState.OPEN.value)
    if upload.declared_sha256 not in (None, sha256):
        return UPLOAD_HASH(received=sha256.hex(), declared=(upload.declared_sha256 or b"").hex())
    return replace(upload, sha256=sha256, state=UploadState.COMPLETE)


def abandon(upload: Upload, supplier_id: UUID) -> Upload | Problem:
    """Give an upload up; one that is sealed stays for ever."""
    if upload.supplier_id != supplier_id:
        return NOT_FOUND()
    if upload.state is UploadState.ABANDONED:
        return upload
    if UploadState.ABANDONED not in MOVES[upload.state]:
        return UPLOAD_NOT_OPEN(state=upload.state.value, needs="open, complete")
    return replace(upload, state=UploadState.ABANDONED)

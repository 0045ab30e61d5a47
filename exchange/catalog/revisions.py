"""Revisions: an immutable set of files, named by the hash of its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.catalog.datasets import Dataset, refuse_inactive
from exchange.catalog.paths import collision
from exchange.catalog.problems import (
    PATH_TAKEN,
    REVISION_EMPTY,
    REVISION_TOO_LARGE,
    REVISION_UNCHANGED,
    UPLOAD_INCOMPLETE,
    UPLOAD_NOT_OPEN,
)
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.uploads import Upload, UploadState
from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.errors import NOT_FOUND, Problem


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of a revision."""

    path: str
    sha256: bytes
    size_bytes: int
    media_type: str
    node_id: str


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """One file of a revision with its id and its place in the manifest's order."""

    id: UUID
    revision_id: UUID
    position: int
    asset: Asset


@dataclass(frozen=True, slots=True)
class Revision:
    """A sealed revision; `sha256` is the hash of `manifest`, which is canonical JSON."""

    id: UUID
    dataset_id: UUID
    supplier_id: UUID
    number: int
    manifest: bytes
    sha256: bytes
    size_bytes: int
    assets_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Previous:
    """The latest revision of a dataset and its files."""

    revision: Revision
    assets: Sequence[Asset]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A new revision with its files in manifest order."""

    revision: Revision
    assets: tuple[Asset, ...]


def manifest(dataset_id: UUID, number: int, assets: Sequence[Asset]) -> bytes:
    """Write the manifest of a revision; the same files give the same bytes whatever their order.

    source   RFC 8785 for the bytes; files sorted by code point of their path
    """
    return canonical(
        {
            "type": "revision",
            "v": 1,
            "dataset": ids.text("ds", dataset_id),
            "number": number,
            "assets": [
                {
                    "path": asset.path,
                    "sha256": asset.sha256.hex(),
                    "size_bytes": asset.size_bytes,
                    "media_type": asset.media_type,
                }
                for asset in in_order(assets)
            ],
        }
    )


def in_order(assets: Sequence[Asset]) -> tuple[Asset, ...]:
    """Sort files the way a manifest lists them."""
    return tuple(sorted(assets, key=lambda asset: asset.path))


def gather(
    uploads: Sequence[Upload], wanted: Sequence[UUID], keep: Sequence[str], previous: Previous | None, dataset: Dataset
) -> tuple[Asset, ...] | Problem:
    """Collect the files of a new revision: finished uploads, and paths kept from the revision before."""
    found = {upload.id: upload for upload in uploads}
    assets: list[Asset] = []
    for upload_id in dict.fromkeys(wanted):
        upload = found.get(upload_id)
        if upload is None or upload.dataset_id != dataset.id or upload.supplier_id != dataset.supplier_id:
            return NOT_FOUND()
        if upload.state is UploadState.OPEN:
            return UPLOAD_INCOMPLETE(path=upload.path, size_bytes=upload.size_bytes)
        if upload.state is not UploadState.COMPLETE or upload.sha256 is None:
            return UPLOAD_NOT_OPEN(state=upload.state.value, needs=UploadState.COMPLETE.value)
        assets.append(Asset(upload.path, upload.sha256, upload.size_bytes, upload.media_type, upload.node_id))
    before = {asset.path: asset for asset in previous.assets} if previous else {}
    for path in dict.fromkeys(keep):
        if path not in before:
            return NOT_FOUND()
        assets.append(before[path])
    return tuple(assets)


def seal(
    dataset: Dataset,
    assets: Sequence[Asset],
    previous: Previous | None,
    *,
    new_id: UUID,
    now: datetime,
    settings: CatalogSettings,
) -> Sealed | Problem:
    """Make the next revision of these files, or say why not."""
    refused = refuse_inactive(dataset)
    if refused is not None:
        return refused
    if not assets:
        return REVISION_EMPTY()
    size_bytes = sum(asset.size_bytes for asset in assets)
    if len(assets) > settings.revision_assets_max or size_bytes > settings.revision_size_max_bytes:
        return REVISION_TOO_LARGE(
            assets_max=settings.revision_assets_max, size_max_bytes=settings.revision_size_max_bytes
        )
    ordered = in_order(assets)
    taken = collision(asset.path for asset in ordered)
    if taken is not None:
        return PATH_TAKEN(path=taken)
    if previous is not None and _content(ordered) == _content(previous.assets):
        return REVISION_UNCHANGED(number=previous.revision.number, revision=ids.text("rev", previous.revision.id))
    number = previous.revision.number + 1 if previous else 1
    body = manifest(dataset.id, number, ordered)
    revision = Revision(
        id=new_id,
        dataset_id=dataset.id,
        supplier_id=dataset.supplier_id,
        number=number,
        manifest=body,
        sha256=sha256(body),
        size_bytes=size_bytes,
        assets_count=len(ordered),
        created_at=now,
    )
    return Sealed(revision, ordered)


def _content(assets: Sequence[Asset]) -> list[tuple[str, bytes]]:
    return [(asset.path, asset.sha256) for asset in in_order(assets)]

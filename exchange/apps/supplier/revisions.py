"""Revisions: sealed files, their scorecard, and the assessors' word on them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Sha256, Time, body_id, object_id, stamp
from exchange.apps.supplier.datasets import DatasetId
from exchange.apps.supplier.uploads import UploadId
from exchange.catalog.revisions import Revision, StoredAsset
from exchange.catalog.store import portal
from exchange.flows.request_profile import ProfileRequested, request_profile
from exchange.flows.seal_revision import RevisionReceipt, SealRevision, seal_revision
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest

RevisionId = Annotated[str, Meta(examples=["rev_01m80jwmabesg81hwe4cc73nw9"])]
_PATH = "/supplier/v1/revisions/{revision:str}"


class RevisionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which complete uploads make the revision, and which paths of the one before stay as they are."""

    uploads: Annotated[tuple[UploadId, ...], Meta(max_length=10_000)]
    keep: Annotated[tuple[str, ...], Meta(max_length=10_000, examples=[["README.md"]])] = ()


class RevisionView(msgspec.Struct, frozen=True):
    """A sealed revision; `sha256` is the hash of its manifest."""

    id: RevisionId
    dataset: DatasetId
    number: int
    sha256: Sha256
    size_bytes: int
    assets: int
    created_at: Time


class AssetView(msgspec.Struct, frozen=True):
    """One file of a revision."""

    id: Annotated[str, Meta(examples=["ast_01m80jwmabesg81hwe4cc73nw9"])]
    path: str
    sha256: Sha256
    size_bytes: int
    media_type: str


@command("/supplier/v1/datasets/{dataset:str}/revisions", RevisionReceipt)
async def make_revision(request: Asked, dataset: FromPath[str], data: JSONBody[RevisionWish]) -> Response[bytes]:
    """Seal uploads into an immutable revision; its measurement starts by itself. 封存新版本。"""
    services, actor = services_of(request), actor_of(request)
    wish = SealRevision(object_id("ds", dataset), [body_id("upl", one) for one in data.uploads], data.keep)
    return await write(
        request,
        "revision.seal",
        lambda tx: seal_revision(tx, actor, wish, services.settings.catalog),
        object_id=dataset,
    )


@listing("/supplier/v1/datasets/{dataset:str}/revisions", RevisionView)
async def list_revisions(
    request: Asked, dataset: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The revisions of a dataset, newest first. 版本列表。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)

    async def read(tx: Tx, page: PageRequest) -> Page[Revision]:
        found(await portal.own_dataset(tx, actor, dataset_id))
        return await portal.own_revisions(tx, actor, dataset_id, page)

    return await show_page(request, actor, read, revision_view, limit, cursor)


@show(_PATH, RevisionView)
async def show_revision(request: Asked, revision: FromPath[str]) -> RevisionView:
    """One revision. 版本详情。"""
    return revision_view(await _own(request, revision))


@show(f"{_PATH}/manifest", dict[str, Any])
async def show_manifest(request: Asked, revision: FromPath[str]) -> Response[bytes]:
    """The manifest, byte for byte as it was hashed. 版本清单（哈希原文）。"""
    one = await _own(request, revision)
    headers = {"etag": f'"{one.sha256.hex()}"', "cache-control": "private, max-age=31536000, immutable"}
    return Response(one.manifest, media_type="application/json", headers=headers)


@listing(f"{_PATH}/assets", AssetView)
async def list_assets(
    request: Asked, revision: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The files of a revision, in the manifest's order. 文件列表。"""
    actor, revision_id = actor_of(request), object_id("rev", revision)

    async def read(tx: Tx, page: PageRequest) -> Page[StoredAsset]:
        found(await portal.own_revision(tx, actor, revision_id))
        return await portal.own_assets(tx, actor, revision_id, page)

    return await show_page(request, actor, read, _asset, limit, cursor)


@command(f"{_PATH}/profile", ProfileRequested, 401, 403, 404, status=202)
async def measure_revision(request: Asked, revision: FromPath[str]) -> Response[bytes]:
    """Measure a revision in the background; follow the job. 启动质量测量（后台任务）。"""
    actor, revision_id = actor_of(request), object_id("rev", revision)
    return await write(
        request,
        "revision.profile",
        lambda tx: request_profile(tx, actor, revision_id),
        status=202,
        object_id=revision,
    )


def revision_view(one: Revision) -> RevisionView:
    """A revision as the API shows it."""
    return RevisionView(
        id=ids.text("rev", one.id),
        dataset=ids.text("ds", one.dataset_id),
        number=one.number,
        sha256=one.sha256.hex(),
        size_bytes=one.size_bytes,
        assets=one.assets_count,
        created_at=stamp(one.created_at),
    )


async def _own(request: Asked, revision: str) -> Revision:
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return found(await portal.own_revision(tx, actor, object_id("rev", revision)))


def _asset(stored: StoredAsset) -> AssetView:
    one = stored.asset
    return AssetView(ids.text("ast", stored.id), one.path, one.sha256.hex(), one.size_bytes, one.media_type)


ROUTES = (make_revision, list_revisions, show_revision, show_manifest, list_assets, measure_revision)

"""Uploads: files on their way into a revision, in as many pieces as the network allows."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, head, patch
from litestar.params import FromPath, HeaderParameter, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Time, object_id, stamp
from exchange.apps.supplier.datasets import DatasetId
from exchange.catalog.receive import finish, receive
from exchange.catalog.store import portal
from exchange.catalog.uploads import Upload, UploadRequest, UploadState
from exchange.flows import legal_hold
from exchange.flows.upload_asset import UploadReceipt, abandon_upload, complete_upload, open_upload
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest

UploadId = Annotated[str, Meta(examples=["upl_01m80jwmabesg81hwe4cc73nw9"])]
_Hash = Annotated[str, Meta(description="SHA-256 in lower-case hex.", pattern="^[0-9a-f]{64}$")]
_NO_STORE = "no-store"
_PATH = "/supplier/v1/uploads/{upload:str}"


class UploadWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the dataset's next revision. With `sha256` the exchange refuses any other bytes."""

    path: Annotated[str, Meta(max_length=1024, examples=["data/part-0001.jsonl"])]
    size_bytes: Annotated[int, Meta(ge=0, examples=[1048576])]
    sha256: _Hash | None = None


class UploadView(msgspec.Struct, frozen=True):
    """An upload and how much of it is safely here: `offset` is where the next byte goes."""

    id: UploadId
    dataset: DatasetId
    path: str
    media_type: str
    size_bytes: int
    offset: int | None
    state: Annotated[str, Meta(examples=["open"])]
    sha256: str | None
    expires_at: Time


@command("/supplier/v1/datasets/{dataset:str}/uploads", UploadReceipt, 400, 401, 403, 404, 409, 413, 422)
async def start_upload(request: Asked, dataset: FromPath[str], data: JSONBody[UploadWish]) -> Response[bytes]:
    """Open an upload for one file. 创建文件上传。

    Then send its bytes with PATCH, in one piece or many, and complete it.
    """
    services, actor = services_of(request), actor_of(request)
    declared = bytes.fromhex(data.sha256) if data.sha256 else None
    wish = UploadRequest(object_id("ds", dataset), data.path, data.size_bytes, declared)
    return await write(
        request,
        "upload.open",
        lambda tx: open_upload(tx, actor, wish, services.settings.catalog),
        object_id=dataset,
    )


@listing("/supplier/v1/datasets/{dataset:str}/uploads", UploadView)
async def list_uploads(
    request: Asked, dataset: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The uploads of a dataset, newest first. 上传列表。"""
    actor, dataset_id = actor_of(request), object_id("ds", dataset)

    async def read(tx: Tx, page: PageRequest) -> Page[Upload]:
        found(await portal.own_dataset(tx, actor, dataset_id))
        return await portal.own_uploads(tx, actor, dataset_id, page)

    return await show_page(request, actor, read, lambda one: upload_view(one, None), limit, cursor)


@show(_PATH, UploadView)
async def show_upload(request: Asked, upload: FromPath[str]) -> UploadView:
    """One upload and its offset. 上传进度。"""
    one = await _own(request, upload)
    return upload_view(one, await _offset(request, one))


@head(_PATH, responses={404: answers(UploadView, 200, 404)[404]})
async def upload_offset(request: Asked, upload: FromPath[str]) -> Response[None]:
    """Where the next byte goes, in the header Upload-Offset. 查询续传位置。"""
    one = await _own(request, upload)
    return Response(None, headers=_headers(one, await _offset(request, one)), status_code=200)


# What bounds this body is the size that was declared: `receive` stops at the first byte too many.
@patch(_PATH, status_code=204, request_max_body_size=None, responses=answers(None, 204, 404, 409, 413))
async def append_upload(
    request: Asked,
    upload: FromPath[str],
    offset: Annotated[
        int, HeaderParameter(name="Upload-Offset", ge=0, description="Where these bytes go. 起始偏移量。")
    ],
) -> Response[None]:
    """Send bytes of a file; after a broken connection ask for the offset and go on from there. 发送文件内容（可断点续传）。"""
    services, one = services_of(request), await _own(request, upload)
    end = accepted_value(await receive(services.files, one, offset, request.stream(), services.db.clock.now()))
    return Response(None, headers=_headers(one, end), status_code=204)


@command(f"{_PATH}/completion", UploadReceipt, 401, 403, 404, 409, 422, status=200)
async def finish_upload(request: Asked, upload: FromPath[str]) -> Response[bytes]:
    """Say that all bytes are sent; the exchange hashes them and keeps them. 完成上传并计算哈希。"""
    services, actor, one = services_of(request), actor_of(request), await _own(request, upload)
    digest = one.sha256
    if one.state is UploadState.OPEN:
        digest = accepted_value(await finish(services.files, one)).sha256
    answered = await write(
        request,
        "upload.complete",
        lambda tx: complete_upload(tx, actor, one.id, digest or b""),
        status=200,
        object_id=upload,
    )
    await _clear(request, upload)
    return answered


@command(f"{_PATH}/abandonment", UploadReceipt, 401, 403, 404, 409, status=200)
async def drop_upload(request: Asked, upload: FromPath[str]) -> Response[bytes]:
    """Give an upload up and free its path. 放弃上传。"""
    actor, one = actor_of(request), await _own(request, upload)
    answered = await write(
        request, "upload.abandon", lambda tx: abandon_upload(tx, actor, one.id), status=200, object_id=upload
    )
    await _clear(request, upload)
    return answered


def upload_view(one: Upload, offset: int | None) -> UploadView:
    """An upload as the API shows it."""
    return UploadView(
        id=ids.text("upl", one.id),
        dataset=ids.text("ds", one.dataset_id),
        path=one.path,
        media_type=one.media_type,
        size_bytes=one.size_bytes,
        offset=offset,
        state=one.state.value,
        sha256=one.sha256.hex() if one.sha256 else None,
        expires_at=stamp(one.expires_at),
    )


async def _own(request: Asked, upload: str) -> Upload:
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return found(await portal.own_upload(tx, actor, object_id("upl", upload)))


async def _clear(request: Asked, upload: str) -> None:
    """Remove what is staged once the upload is decided; a refused command may have left it open.

    Of what was given up, bytes under a legal hold stay; of what is complete they were only copied.
    """
    services, one = services_of(request), await _own(request, upload)
    if one.state is UploadState.ABANDONED:
        held = [one.dataset_id, actor_of(request).organisation_id]
        if await services.db.run(lambda tx: legal_hold.refuse(tx, held)) is not None:
            return
    if one.state is not UploadState.OPEN:
        await services.files.discard(one.id)


async def _offset(request: Asked, one: Upload) -> int:
    if one.state is not UploadState.OPEN:
        return one.size_bytes
    return await services_of(request).files.received(one.id)


def _headers(one: Upload, offset: int) -> dict[str, str]:
    return {"upload-offset": str(offset), "upload-length": str(one.size_bytes), "cache-control": _NO_STORE}


ROUTES = (start_upload, list_uploads, show_upload, upload_offset, append_upload, finish_upload, drop_upload)

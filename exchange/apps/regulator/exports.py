"""Audit exports: asked for, made in the background, downloaded, checked offline."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta

from compliance import export_store, witness_store
from compliance.export_store import Export
from compliance.problems import EXPORT_NOT_READY
from compliance.scopes import Scope
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Time, body_id, object_id, stamp
from exchange.apps.regulator.wire import Moment
from exchange.flows.export_period import ExportReceipt, Period, export_period
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Refused
from exchange.kernel.pages import Page, PageRequest, page_of

_Action = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9._-]{0,63}$", examples=["purchase"])]


class ExportWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to export: a period or a range of the log's indexes, narrowed as one likes. Nothing given: the whole log."""

    since: Moment | None = None
    until: Moment | None = None
    from_index: Annotated[int, Meta(ge=0, le=2**63 - 1, description="First index in the log.")] | None = None
    to_index: Annotated[int, Meta(ge=0, le=2**63 - 1, description="One past the last index.")] | None = None
    organisation: Annotated[str, Meta(max_length=40, examples=["org_01m80jwmabesg81hwe4cc73nw9"])] | None = None
    object: Annotated[str, Meta(max_length=200, examples=["ord_01m80jwmabesg81hwe4cc73nw9"])] | None = None
    actions: Annotated[tuple[_Action, ...], Meta(max_length=50)] = ()
    earlier_size: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=2**63 - 1,
                description="Size of a checkpoint you kept: the bundle then proves that the log only grew.",
            ),
        ]
        | None
    ) = None
    legal_basis: Annotated[str, Meta(max_length=500, examples=["Supervision case 2026-17"])] | None = None


class ExportView(msgspec.Struct, frozen=True):
    """An export and how far it is; `sha256` and `size_bytes` are there when it is done."""

    id: Annotated[str, Meta(examples=["exp_01m80jwmabesg81hwe4cc73nw9"])]
    state: Annotated[str, Meta(examples=["done"])]
    from_index: int
    to_index: int
    organisation: Id | None
    object: str | None
    actions: list[str]
    checkpoint_size: int
    witnessed: Annotated[
        bool, Meta(description="Whether enough witnesses cosigned this checkpoint, or a later one that begins with it.")
    ]
    entries: Annotated[int, Meta(description="Entries written so far.")]
    next_index: Annotated[int, Meta(description="How far in the log it has come.")]
    sha256: Sha256 | None
    size_bytes: int | None
    problem: str | None
    created_at: Time
    ended_at: Time | None


@command("/regulator/v1/exports", ExportReceipt, 400, 401, 403, 409, 503)
async def ask_export(request: Asked, data: JSONBody[ExportWish]) -> Response[bytes]:
    """Ask for an export of the audit log. 申请导出审计日志。

    It is pinned to the newest checkpoint and made in the background. The zip holds the entries, a proof of each, the signed
    checkpoint, and a verifier that runs offline. That it was asked for is itself in the log.
    """
    actor = actor_of(request)
    scope = Scope(
        from_index=data.from_index or 0,
        to_index=data.to_index,
        organisation_id=body_id("org", data.organisation) if data.organisation else None,
        object_id=data.object,
        actions=data.actions,
    )
    period = Period(data.since, data.until)
    return await write(
        request,
        "export.request",
        lambda tx: export_period(
            tx, actor, scope, period, earlier_size=data.earlier_size, legal_basis=data.legal_basis
        ),
    )


@listing("/regulator/v1/exports", ExportView)
async def list_exports(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your exports, newest first. 我的审计导出。"""
    actor = actor_of(request)

    needed = services_of(request).settings.process.log_quorum

    async def read(tx: Tx, page: PageRequest) -> Page[ExportView]:
        before = UUID(page.after[0]) if page.after else None
        rows = await export_store.own_exports(tx, actor, before, page.limit + 1)
        found_page = page_of(rows, page, lambda one: (str(one.id),))
        size = await witness_store.witnessed(tx, needed)
        return Page([export_view(one, size) for one in found_page.items], found_page.next_cursor)

    return await show_page(request, actor, read, lambda one: one, limit, cursor)


@show("/regulator/v1/exports/{export:str}", ExportView)
async def show_export(request: Asked, export: FromPath[str]) -> ExportView:
    """One export and how far it is. 导出进度。"""
    one = await _own(request, export)
    services = services_of(request)
    async with services.db.read(None) as tx:
        return export_view(one, await witness_store.witnessed(tx, services.settings.process.log_quorum))


@get(
    "/regulator/v1/exports/{export:str}/file",
    responses=answers(bytes, 200, 401, 403, 404, 409, media_type="application/zip"),
)
async def download_export(request: Asked, export: FromPath[str]) -> Stream:
    """The finished export as a zip; the header X-Sha256 carries its hash. 下载审计导出文件。"""
    one = await _own(request, export)
    if one.file_key is None or one.sha256 is None:
        raise Refused(EXPORT_NOT_READY(state=one.state))
    files, sha256 = services_of(request).files, bytes.fromhex(one.file_key)
    found(await files.stat(sha256))
    headers = {
        "content-length": str(one.size_bytes),
        "content-disposition": f'attachment; filename="{export}.zip"',
        "etag": f'"{one.sha256.hex()}"',
        "x-sha256": one.sha256.hex(),
        "cache-control": "private, no-store",
    }
    return Stream(files.open_range(sha256), media_type="application/zip", headers=headers)


async def _own(request: Asked, export: str) -> Export:
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return found(await export_store.own_export(tx, actor, object_id("exp", export)))


def export_view(one: Export, witnessed: int | None) -> ExportView:
    """An export as the API shows it; `witnessed` is the largest size that enough witnesses cosigned."""
    scope = one.scope
    return ExportView(
        id=ids.text("exp", one.id),
        state=one.state,
        from_index=scope.from_index,
        to_index=scope.to_index if scope.to_index is not None else one.size,
        organisation=ids.text("org", scope.organisation_id) if scope.organisation_id else None,
        object=scope.object_id,
        actions=list(scope.actions),
        checkpoint_size=one.size,
        witnessed=witnessed is not None and one.size <= witnessed,
        entries=one.entry_count,
        next_index=one.next_index,
        sha256=one.sha256.hex() if one.sha256 else None,
        size_bytes=one.size_bytes,
        problem=one.problem,
        created_at=stamp(one.created_at),
        ended_at=stamp(one.ended_at) if one.ended_at else None,
    )


ROUTES = (ask_export, list_exports, show_export, download_export)

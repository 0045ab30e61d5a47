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
from compliance.disclosures import Ground, ground_of
from compliance.export_store import Export
from compliance.problems import EXPORT_NOT_READY, EXPORT_SCOPE
from compliance.scopes import Scope
from exchange.apps.http.answers import Asked, accepted_value, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.ranges import asked_range
from exchange.apps.http.wire import Id, Sha256, Time, body_id, object_id, stamp
from exchange.apps.regulator.wire import Moment
from exchange.flows.export_audit import Details, ExportCancelled, ExportReceipt, cancel, hand_over
from exchange.flows.export_period import Period, export_period
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Refused
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.text import Text

_ONE = Text("an export is about one dataset, order or directive", "一次导出仅限一个数据集、订单或指令")
_Action = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9._-]{0,63}$", examples=["purchase"])]
_Format = Annotated[str, Meta(pattern=r"^[a-z]{1,20}$", examples=["csv"])]
_FILE = answers(bytes, 200, 401, 403, 404, 409, media_type="application/zip") | answers(
    bytes, 206, description="A part of it. 部分内容。", media_type="application/zip"
)


class DisclosureWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On what a disclosure rests: a law of the list with its article, or a directive `disclose` that you issued."""

    law: Annotated[str, Meta(max_length=20, examples=["cn-dsl"])] | None = None
    article: Annotated[str, Meta(max_length=80, examples=["35"])] | None = None
    directive: Annotated[str, Meta(max_length=40, examples=["dir_01m80jwmabesg81hwe4cc73nw9"])] | None = None


class ExportWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to export: a period or a range of the log's indexes, narrowed as one likes. Nothing given: the whole log."""

    since: Moment | None = None
    until: Moment | None = None
    from_index: Annotated[int, Meta(ge=0, le=2**63 - 1, description="First index in the log.")] | None = None
    to_index: Annotated[int, Meta(ge=0, le=2**63 - 1, description="One past the last index.")] | None = None
    organisation: Annotated[str, Meta(max_length=40, examples=["org_01m80jwmabesg81hwe4cc73nw9"])] | None = None
    object: Annotated[str, Meta(max_length=200, examples=["ord_01m80jwmabesg81hwe4cc73nw9"])] | None = None
    dataset: (
        Annotated[
            str,
            Meta(
                max_length=40,
                description="A dataset with its revisions, listings, offers, orders, agreements and grants.",
                examples=["ds_01m80jwmabesg81hwe4cc73nw9"],
            ),
        ]
        | None
    ) = None
    order: (
        Annotated[
            str,
            Meta(
                max_length=40,
                description="An order with its agreement, grants and payments.",
                examples=["ord_01m80jwmabesg81hwe4cc73nw9"],
            ),
        ]
        | None
    ) = None
    directive: (
        Annotated[
            str,
            Meta(
                max_length=40,
                description="A directive and its subject, with all that belongs to that.",
                examples=["dir_01m80jwmabesg81hwe4cc73nw9"],
            ),
        ]
        | None
    ) = None
    rule_set: (
        Annotated[
            str,
            Meta(
                max_length=200,
                description="What was decided under this version of a rule set.",
                examples=["publication/2"],
            ),
        ]
        | None
    ) = None
    actions: Annotated[tuple[_Action, ...], Meta(max_length=50)] = ()
    formats: (
        Annotated[
            tuple[_Format, ...],
            Meta(max_length=10, description="Other forms beside the evidence; all of them if absent."),
        ]
        | None
    ) = None
    checkpoint_size: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=2**63 - 1,
                description="Size of a checkpoint signed before: the same request gives the same bytes; the newest if absent.",
            ),
        ]
        | None
    ) = None
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
    disclosure: (
        Annotated[
            DisclosureWish,
            Meta(
                description="Open what is sealed of people beside the entries; redacted if absent.",
                examples=[{"law": "cn-dsl", "article": "35"}],
            ),
        ]
        | None
    ) = None


class ExportView(msgspec.Struct, frozen=True):
    """An export and how far it is; `sha256` and `size_bytes` are there when it is done."""

    id: Annotated[str, Meta(examples=["exp_01m80jwmabesg81hwe4cc73nw9"])]
    state: Annotated[str, Meta(examples=["done"])]
    from_index: int
    to_index: int
    organisation: Id | None
    object: str | None
    about: Annotated[str | None, Meta(description="The dataset, order or directive that it is about.")]
    rule_set: str | None
    actions: list[str]
    formats: list[str]
    checkpoint_size: int
    done: Annotated[int, Meta(description="Places of the log that were looked at so far.")]
    total: Annotated[int, Meta(description="Places of the log that it looks at.")]
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
    disclosure: Annotated[
        str | None, Meta(description="The law, or the directive, on which sealed records are opened.")
    ]


@command("/regulator/v1/exports", ExportReceipt, 400, 401, 403, 409, 422, 503)
async def ask_export(request: Asked, data: JSONBody[ExportWish]) -> Response[bytes]:
    """Ask for an export of the audit log. 申请导出审计日志。

    It is pinned to the newest checkpoint, or to an older one that you name, and made in the background. The zip holds the
    entries, their proofs, the signed checkpoint, and a verifier that runs offline; the same request gives the same bytes. That
    it was asked for, and each download, is itself in the log.

    It holds no personal data, unless you ask for a `disclosure` and name its basis: `{"law": "cn-dsl", "article": "35"}` or
    `{"directive": "dir_…"}`. Then `disclosed.jsonl` has what is sealed and not erased, and the log says so. Its zip is removed
    once a person in it is erased. 导出默认不含个人数据；如需披露，须在 `disclosure` 中列明法律及条款，或本机构发出的披露指令。
    披露会记入日志；所涉人员的数据被删除后，该导出文件随之移除。
    """
    actor, about = actor_of(request), _about(data)
    scope = Scope(
        from_index=data.from_index or 0,
        to_index=data.to_index,
        organisation_id=body_id("org", data.organisation) if data.organisation else None,
        object_id=data.object,
        actions=data.actions,
        about=about,
        rule_set=data.rule_set,
    )
    period = Period(data.since, data.until)
    details = Details(
        earlier_size=data.earlier_size,
        checkpoint_size=data.checkpoint_size,
        formats=data.formats,
        legal_basis=data.legal_basis,
        disclosure=None if data.disclosure is None else Ground(**msgspec.structs.asdict(data.disclosure)),
    )
    return await write(request, "export.request", lambda tx: export_period(tx, actor, scope, period, details))


def _about(data: ExportWish) -> str | None:
    """The one object that an export is about.

    errors   raises Refused
    """
    named = {"ds": data.dataset, "ord": data.order, "dir": data.directive}
    found = {prefix: value for prefix, value in named.items() if value is not None}
    for prefix, value in found.items():
        body_id(prefix, value)
    if len(found) > 1:
        raise Refused(EXPORT_SCOPE(reason=_ONE))
    return next(iter(found.values()), None)


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


@command("/regulator/v1/exports/{export:str}/cancellation", ExportCancelled, 400, 401, 403, 404, 409, status=200)
async def cancel_export(request: Asked, export: FromPath[str]) -> Response[bytes]:
    """Stop an export that is not finished. 取消尚未完成的导出。"""
    actor, export_id = actor_of(request), object_id("exp", export)
    return await write(request, "export.cancel", lambda tx: cancel(tx, actor, export_id), status=200, object_id=export)


@get("/regulator/v1/exports/{export:str}/file", responses=_FILE)
async def download_export(request: Asked, export: FromPath[str]) -> Stream:
    """The finished export as a zip, whole or a Range of it. 下载审计导出文件（支持 Range）。

    The header X-Sha256 carries the hash of the whole. Each download is an entry in the log.
    """
    one = await _handed_over(request, export)
    assert one.sha256 is not None, "what is handed over is finished"
    assert one.size_bytes is not None
    etag = f'"{one.sha256.hex()}"'
    files = services_of(request).files
    found(await files.stat(one.sha256))
    wanted = asked_range(request, one.size_bytes, etag)
    start, end = wanted or (0, one.size_bytes)
    headers = {
        "accept-ranges": "bytes",
        "content-length": str(end - start),
        "content-disposition": f'attachment; filename="{export}.zip"',
        "etag": etag,
        "x-sha256": one.sha256.hex(),
        "cache-control": "private, no-store",
    }
    if wanted is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{one.size_bytes}"
    body = files.open_range(one.sha256, start, end)
    return Stream(body, status_code=200 if wanted is None else 206, media_type="application/zip", headers=headers)


@get(
    "/regulator/v1/exports/{export:str}/delivery",
    responses=answers(bytes, 200, 401, 403, 404, 409, media_type="application/json"),
)
async def show_delivery(request: Asked, export: FromPath[str]) -> Response[bytes]:
    """The signed note that belongs to a finished export: who asked, when and why. 导出的交付说明（已签名）。

    It also proves that the log only grew since your last export. Keep it beside the zip; the verifier takes it with
    `--delivery`.
    """
    one = await _own(request, export)
    if one.delivery is None:
        raise Refused(EXPORT_NOT_READY(state=one.state))
    headers = {
        "content-disposition": f'attachment; filename="{export}.delivery.json"',
        "cache-control": "private, no-store",
    }
    return Response(one.delivery, media_type="application/json", headers=headers)


async def _handed_over(request: Asked, export: str) -> Export:
    actor, export_id = actor_of(request), object_id("exp", export)
    # The flow writes, as a role that row security does not narrow: whose it is has been asked of both walls before.
    await _own(request, export)
    return accepted_value(await services_of(request).db.run(lambda tx: hand_over(tx, actor, export_id)))


async def _own(request: Asked, export: str) -> Export:
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return found(await export_store.own_export(tx, actor, object_id("exp", export)))


def export_view(one: Export, witnessed: int | None) -> ExportView:
    """An export as the API shows it; `witnessed` is the largest size that enough witnesses cosigned."""
    scope = one.scope
    end = scope.to_index if scope.to_index is not None else one.size
    return ExportView(
        id=ids.text("exp", one.id),
        state=one.state,
        from_index=scope.from_index,
        to_index=end,
        organisation=ids.text("org", scope.organisation_id) if scope.organisation_id else None,
        object=scope.object_id,
        about=scope.about,
        rule_set=scope.rule_set,
        actions=list(scope.actions),
        formats=one.formats,
        checkpoint_size=one.size,
        done=end - scope.from_index if one.state == "done" else one.next_index - scope.from_index,
        total=end - scope.from_index,
        witnessed=witnessed is not None and one.size <= witnessed,
        entries=one.entry_count,
        next_index=one.next_index,
        sha256=one.sha256.hex() if one.sha256 else None,
        size_bytes=one.size_bytes,
        problem=one.problem,
        created_at=stamp(one.created_at),
        ended_at=stamp(one.ended_at) if one.ended_at else None,
        disclosure=None if one.disclosure is None else ground_of(one.disclosure).rule,
    )


ROUTES = (ask_export, list_exports, show_export, cancel_export, download_export, show_delivery)

"""Reports for the regulator: asked for and made in the background, or read page by page where they follow the log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from compliance import report_store
from compliance.report_problems import REPORT_NOT_READY
from compliance.report_store import Report
from compliance.reports.findings import FINDINGS
from compliance.reports.kinds import KINDS, PAGED
from compliance.reports.shape import Column, Kind, Row
from exchange.apps.http.answers import Asked, accepted_value, asked_page, found, page_response, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Sha256, Texts, Time, object_id, stamp
from exchange.apps.regulator.wire import Moment
from exchange.flows.ask_report import ReportReceipt, ReportWish, ask_report, read_page, record_download
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest, encode_cursor, page_of
from exchange.kernel.text import Text

KindName = Literal["transactions", "transfers", "cross-border", "processing", "risk", "intermediation"]
PagedName = Literal["transactions", "transfers", "intermediation"]
_Moment = Annotated[datetime | None, QueryParameter(description="RFC 3339 with a zone. 带时区的时间。")]
_Cell = str | int | bool | None


class ReportWishBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which report: over a calendar year (Beijing time), or from `since` to before `until`; nothing given: the whole log."""

    report: KindName
    since: Moment | None = None
    until: Moment | None = None
    year: Annotated[int, Meta(ge=2000, le=2199, examples=[2026])] | None = None
    checkpoint_size: (
        Annotated[
            int,
            Meta(ge=1, le=2**63 - 1, description="Of an older checkpoint, to make the report as of then once more."),
        ]
        | None
    ) = None


class ColumnView(msgspec.Struct, frozen=True):
    """A column of a report, in both languages, with what in the law asks for it."""

    name: Annotated[str, Meta(examples=["seller_decision"])]
    title: Texts
    meaning: Texts
    serves: Annotated[str, Meta(examples=["DSL 33(2)"])]


class KindView(msgspec.Struct, frozen=True):
    """A report that can be asked for; `paged`: its rows can be read page by page as well."""

    report: Annotated[str, Meta(examples=["transactions"])]
    title: Texts
    article: str
    about: Texts
    paged: bool
    columns: list[ColumnView]


class KindsView(msgspec.Struct, frozen=True):
    """All reports, and what each finding in them means."""

    reports: list[KindView]
    findings: dict[str, Texts]


class RowView(msgspec.Struct, frozen=True):
    """One row: its place in the log, the checkpoint that covers it, and its cells by column."""

    leaf_index: int
    checkpoint_size: int
    cells: Annotated[dict[str, _Cell], Meta(examples=[{"order": "ord_01m80jwmabesg81hwe4cc73nw9", "price": "300.00"}])]


class ReportView(msgspec.Struct, frozen=True):
    """A report that was asked for; `sha256`, `rows` and `findings` are there when it is done."""

    id: Annotated[str, Meta(examples=["rpt_01m80jwmabesg81hwe4cc73nw9"])]
    report: Annotated[str, Meta(examples=["transactions"])]
    state: Annotated[str, Meta(examples=["done"])]
    since: Time | None
    until: Time | None
    year: int | None
    checkpoint_size: int
    requested_by: Id
    rows: int | None
    findings: int | None
    sha256: Sha256 | None
    size_bytes: int | None
    created_at: Time | None
    ended_at: Time | None


@show("/regulator/v1/report-kinds", KindsView, 401, 403)
async def list_kinds(request: Asked) -> KindsView:
    """Which reports there are, which articles they serve, and what each column and finding means. 报告种类说明。"""
    actor_of(request)
    return KindsView([_kind(one) for one in KINDS.values()], {word: text.map() for word, text in FINDINGS.items()})


@command("/regulator/v1/reports", ReportReceipt, 400, 401, 403, 503)
async def ask(request: Asked, data: JSONBody[ReportWishBody]) -> Response[bytes]:
    """Ask for a report. 申请生成监管报告。

    It is pinned to the newest checkpoint and made in the background: a zip with a signed head, the rows as JSON lines and as
    a table for spreadsheets, and a script that checks them. That it was asked for is itself in the log.
    """
    actor = actor_of(request)
    wish = ReportWish(data.report, data.since, data.until, data.year, data.checkpoint_size)
    return await write(request, "report.request", lambda tx: ask_report(tx, actor, wish))


@listing("/regulator/v1/reports", ReportView)
async def list_reports(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The reports that you asked for, newest first. 我的监管报告。"""
    actor = actor_of(request)

    async def read(tx: Tx, page: PageRequest) -> Page[Report]:
        before = UUID(page.after[0]) if page.after else None
        rows = await report_store.own_reports(tx, actor, before, page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await show_page(request, actor, read, report_view, limit, cursor)


@show("/regulator/v1/reports/{report:str}", ReportView)
async def show_report(request: Asked, report: FromPath[str]) -> ReportView:
    """One report, and whether it is done. 监管报告状态。"""
    return report_view(await _own(request, report))


@get(
    "/regulator/v1/reports/{report:str}/file",
    responses=answers(bytes, 200, 401, 403, 404, 409, media_type="application/zip"),
)
async def download_report(request: Asked, report: FromPath[str]) -> Stream:
    """The finished report as a zip; the header X-Sha256 carries its hash. Each download is in the log. 下载监管报告。"""
    actor, one = actor_of(request), await _own(request, report)
    sha256 = one.sha256
    if sha256 is None:
        raise Refused(REPORT_NOT_READY(state=one.state))
    services = services_of(request)
    found(await services.files.stat(sha256))
    await services.db.run(lambda tx: record_download(tx, actor, one.id, sha256))
    headers = {
        "content-length": str(one.size_bytes),
        "content-disposition": f'attachment; filename="{report}.zip"',
        "etag": f'"{sha256.hex()}"',
        "x-sha256": sha256.hex(),
        "cache-control": "private, no-store",
    }
    return Stream(services.files.open_range(sha256), media_type="application/zip", headers=headers)


@listing("/regulator/v1/report-rows", RowView, 400, 401, 403, 503)
async def read_rows(
    request: Asked,
    report: Annotated[PagedName, QueryParameter(description="Which report. 报告种类。")] = "transactions",
    since: _Moment = None,
    until: _Moment = None,
    year: Annotated[int | None, QueryParameter(ge=2000, le=2199, description="Calendar year. 自然年。")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[bytes]:
    """Read a report that follows the log page by page, as of the newest checkpoint. 按页查阅监管报告。

    The next page stays at the checkpoint of the first. An order without delivered data has no row in `transfers`, so that a
    page may be short though more follow: go by `next_cursor`. That a page was read is in the log.
    """
    actor, asked = actor_of(request), asked_page(limit, cursor)
    after, size = _place(asked)
    if any(one is not None and one.tzinfo is None for one in (since, until)):
        raise Refused(INVALID_REQUEST(reason=Text("a time needs its zone", "时间须带时区")))
    wish = ReportWish(report, since, until, year, size)
    answer = await services_of(request).db.run(lambda tx: read_page(tx, actor, wish, after, asked.limit + 1))
    read, checkpoint = accepted_value(answer)
    whole = read[: asked.limit]
    more = len(read) > asked.limit
    rows = [(leaf, row) for leaf, group in whole for row in group]
    following = encode_cursor((str(whole[-1][0]), str(checkpoint.size))) if more else None

    def form(one: tuple[int, Row]) -> RowView:
        return RowView(one[0], checkpoint.size, dict(one[1]))

    return page_response(request, Page(rows, following), form)


def _place(asked: PageRequest) -> tuple[int | None, int | None]:
    """After which leaf a page goes on, and at which checkpoint."""
    if asked.after is None:
        return None, None
    try:
        after, size = map(int, asked.after)
    except ValueError as error:
        raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list")) from error
    if not 0 <= after < size < 2**63:
        raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list"))
    return after, size


async def _own(request: Asked, report: str) -> Report:
    actor, report_id = actor_of(request), object_id("rpt", report)
    async with services_of(request).db.read(actor) as tx:
        return found(await report_store.own_report(tx, actor, report_id))


def _kind(one: Kind) -> KindView:
    columns = [_column(column) for column in one.columns]
    return KindView(one.name, one.title.map(), one.article, one.about.map(), one.name in PAGED, columns)


def _column(one: Column) -> ColumnView:
    return ColumnView(one.name, one.title.map(), one.meaning.map(), one.serves)


def report_view(one: Report) -> ReportView:
    """A report as the API shows it."""
    return ReportView(
        id=ids.text("rpt", one.id),
        report=one.kind,
        state=one.state,
        since=stamp(one.since) if one.since else None,
        until=stamp(one.until) if one.until else None,
        year=one.year,
        checkpoint_size=one.size,
        requested_by=ids.text("org", one.requested_by),
        rows=one.row_count,
        findings=one.finding_count,
        sha256=one.sha256.hex() if one.sha256 else None,
        size_bytes=one.size_bytes,
        created_at=stamp(one.created_at) if one.created_at else None,
        ended_at=stamp(one.ended_at) if one.ended_at else None,
    )


ROUTES: tuple[Any, ...] = (list_kinds, ask, list_reports, show_report, download_report, read_rows)

"""Reports of sellers for tax offices, as files."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import answers, command
from exchange.apps.http.wire import json_of, object_id, stamp
from exchange.apps.operator.seeing import see
from exchange.flows.report_sellers import ReportMade, report_sellers
from exchange.kernel.canonical import sha256_hex
from exchange.kernel.errors import INVALID_REQUEST, Refused
from settlement.dpi import Activity, Filing, dpi
from settlement.seller_reports import ReportKind, Stretch, table
from settlement.store import seller_reports
from settlement.store.seller_reports import ReportRow

_PATH = "/operator/v1/seller-reports"
_ONE = f"{_PATH}/{{seller_report:str}}"
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["CNY"])]
_Country = Annotated[str, QueryParameter(pattern="^[A-Z]{2}$", description="Where it is filed. 申报国。")]
_Nexus = Annotated[str, QueryParameter(pattern="^RPONEX[1-5]$", description="Why there (Nexus). 申报依据。")]
_Activity = Annotated[Literal["PersonalServices", "SaleOfGoods"], QueryParameter(description="What a sale of data is.")]
_Message = Annotated[
    str, QueryParameter(min_length=1, max_length=170, description="MessageRefId as the office wants it.")
]
_Corrected = Annotated[bool, QueryParameter(description="The corrections; else the new sellers. 更正部分。")]


class ReportWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which report: DAC7 is of a year, Decree 810 of a quarter."""

    kind: Literal["dac7", "decree-810"]
    year: Annotated[int, Meta(ge=2020, le=9998)]
    currency: Currency
    quarter: Annotated[int, Meta(ge=1, le=4, description="For decree-810 alone. 仅用于 decree-810。")] | None = None


@command(_PATH, ReportMade, 400, 401, 403, 409)
async def make(request: Asked, data: JSONBody[ReportWish]) -> Response[bytes]:
    """Make the report of sellers of a year or quarter, or correct the last one. 编制平台内经营者涉税信息报告。

    The sums are those of the sellers' statements. Asked again, what changed since becomes a correction with the next
    number; where nothing did, the last report is answered. Its hash is in the log.
    """
    kind = ReportKind(data.kind)
    if (kind is ReportKind.DECREE_810) is not (data.quarter is not None):
        raise Refused(INVALID_REQUEST(reason="decree-810 is of a quarter, dac7 of a year"))
    actor, stretch = actor_of(request), Stretch(data.year, data.quarter or 0)
    return await write(
        request, "seller-report.make", lambda tx: report_sellers(tx, actor, kind, stretch, data.currency)
    )


@get(f"{_ONE}/report.json", responses=answers(bytes, 200, 401, 403, 404, media_type="application/json"))
async def as_json(request: Asked, seller_report: FromPath[str]) -> Response[bytes]:
    """The report as it was made: its SHA-256 is the one in the log. 报告 JSON。"""
    row = await _report(request, seller_report)
    return _file(row.document, "application/json", row, "json")


@get(f"{_ONE}/report.csv", responses=answers(bytes, 200, 401, 403, 404, media_type="text/csv"))
async def as_csv(request: Asked, seller_report: FromPath[str]) -> Response[bytes]:
    """The report as a table, names of columns in English and Chinese. 报告表格（CSV）。"""
    row = await _report(request, seller_report)
    return _file(table(json_of(row.document)), "text/csv", row, "csv")


@get(f"{_ONE}/dpi.xml", responses=answers(bytes, 200, 400, 401, 403, 404, media_type="application/xml"))
async def as_xml(
    request: Asked,
    seller_report: FromPath[str],
    country: _Country,
    nexus: _Nexus,
    activity: _Activity,
    message: _Message,
    corrected: _Corrected = False,
) -> Response[bytes]:
    """A yearly report as DPI XML for DAC7; 404 where the wanted part has no seller of the Union. DAC7 申报文件（XML）。

    New sellers and corrections are two messages. Whether sales of data are reportable, and as what, is the operator's to say.
    """
    row = await _report(request, seller_report)
    filing = Filing(country, nexus, Activity(activity), message, stamp(row.made_at))
    yearly = row if row.kind is ReportKind.DAC7 else None
    body = found(dpi(json_of(found(yearly).document), filing, corrected=corrected))
    return _file(body, "application/xml", row, "xml")


async def _report(request: Asked, name: str) -> ReportRow:
    report_id = object_id("slr", name)
    return found(await see(request, lambda tx: seller_reports.get_report(tx, report_id)))


def _file(body: bytes, media_type: str, row: ReportRow, end: str) -> Response[bytes]:
    name = f"{row.kind.value}-{row.period}-{row.currency}-{row.number}.{end}"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "etag": f'"{sha256_hex(body)}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=media_type, headers=headers)


ROUTES = (make, as_json, as_csv, as_xml)

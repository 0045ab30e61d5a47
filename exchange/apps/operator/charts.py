"""The operator's own chart of accounts."""

from __future__ import annotations

import msgspec
from litestar import Response, post
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import Command, answers, show
from exchange.apps.http.wire import Sha256, Time, stamp
from exchange.apps.operator.problems import UNSUPPORTED_MEDIA
from exchange.apps.operator.seeing import see
from exchange.flows.map_accounts import ChartKept, put_chart
from exchange.kernel.errors import Refused
from settlement.chart import COLUMNS
from settlement.store import charts

BODY_MAX_BYTES = 512 * 1024
_EXAMPLE = f"{','.join(COLUMNS)}\nwallet,,3300,Customers' prepayments,\nwallet,CNY,3310,Customers' prepayments CNY,\n"


class ChartCall(Command):
    """A command whose body is a chart."""

    def __post_init__(self) -> None:
        """Say what the file looks like."""
        super().__post_init__()
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, examples=[_EXAMPLE]))
        self.request_body = RequestBody(content={"text/csv": file}, required=True)


class ChartView(msgspec.Struct, frozen=True):
    """The chart that counts now, as it was handed in."""

    version: int
    sha256: Sha256
    created_at: Time
    content: str


@post(
    "/operator/v1/charts",
    status_code=201,
    operation_class=ChartCall,
    request_max_body_size=BODY_MAX_BYTES,
    responses=answers(ChartKept, 201, 400, 401, 403, 413, 422),
)
async def hand_in(request: Asked) -> Response[bytes]:
    """Hand in the chart of accounts that journals are exported in, as CSV. 提交科目表。

    Each kind of account has a line without a currency, and may have one for each currency. `exchange money journals` writes
    the journals of a period in it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/csv", "text/plain"):
        raise Refused(UNSUPPORTED_MEDIA(wanted="text/csv"))
    content, actor = await request.body(), actor_of(request)
    return await write(request, "chart.put", lambda tx: put_chart(tx, actor, content))


@show("/operator/v1/charts/newest", ChartView)
async def get_newest(request: Asked) -> ChartView:
    """The chart that counts now. 现行科目表。"""
    row = found(await see(request, charts.newest_chart))
    return ChartView(row.version, row.sha256.hex(), stamp(row.created_at), row.document.decode("utf-8-sig"))


ROUTES = (hand_in, get_newest)

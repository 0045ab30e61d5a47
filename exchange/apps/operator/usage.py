"""Usage that the exchange put aside: events that stand under two days."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import QueryParameter
from msgspec import Meta

from exchange.access.store import across
from exchange.access.store.across import PutAside
from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Time, stamp
from exchange.apps.operator.seeing import see_page
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest

_Day = Annotated[
    date | None, QueryParameter(name="day", description="Only events put aside from this UTC day. 按 UTC 日期筛选。")
]


class UsageExceptionView(msgspec.Struct, frozen=True):
    """An event that does not count, because the same source reported it under another day that was sealed first."""

    day: Annotated[str, Meta(examples=["2026-01-15"], description="Under which it does not count. 不予计入的日期。")]
    other_day: Annotated[str, Meta(examples=["2026-01-14"], description="Under which it stands. 已计入的日期。")]
    event: Annotated[str, Meta(examples=["0190c2a4-7f3e-7b58-9d3c-1f2e3d4c5b6a"])]
    source: int
    supplier: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    grant: Annotated[str, Meta(examples=["grt_01m80jwmabesg81hwe4cc73nw9"])]
    meter: Annotated[str, Meta(examples=["tokens"])]
    quantity: Annotated[int, Meta(examples=[1200])]
    at: Time
    found_at: Time


@listing("/operator/v1/usage/exceptions", UsageExceptionView)
async def list_exceptions(
    request: Asked, day: _Day = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Events that stand under two days, and so count only under the one sealed first; newest first. 跨日重复的用量事件。

    A source that used one id for two uses reports the second again, under an id of its own.
    """

    async def read(tx: Tx, page: PageRequest) -> Page[PutAside]:
        return await across.put_aside(tx, page, day)

    return await see_page(request, read, _view, limit, cursor)


def _view(one: PutAside) -> UsageExceptionView:
    return UsageExceptionView(
        one.day.isoformat(),
        one.other_day.isoformat(),
        str(one.event_id),
        one.source_id,
        one.seller,
        one.grant,
        one.meter,
        one.quantity,
        stamp(one.at),
        stamp(one.found_at),
    )


ROUTES = (list_exceptions,)

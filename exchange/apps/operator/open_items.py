"""What happened at the payment provider and cannot be booked by rule: it waits here for a person."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Time, object_id, stamp
from exchange.apps.operator.seeing import see_page
from exchange.flows.close_open_item import ItemClosed, close_open_item
from exchange.kernel import ids
from settlement.open_items import OpenItem
from settlement.store import open_items


class OpenItemView(msgspec.Struct, frozen=True):
    """Something to be settled by hand. `seen` counts how often it was met; `about` has ids, states and amounts."""

    id: Annotated[str, Meta(examples=["rsc_01m80jwmabesg81hwe4cc73nw9"])]
    kind: Annotated[str, Meta(examples=["payout-returned"])]
    subject: Annotated[str, Meta(examples=["pot_01m80jwmabesg81hwe4cc73nw9"])]
    account: Annotated[str | None, Meta(description="The payee's account there.", examples=["acct_1032D82eZvKYlo2C"])]
    about: dict[str, str]
    seen: int
    opened_at: Time
    last_at: Time


class ItemNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done about it; no personal data."""

    note: Annotated[str, Meta(min_length=3, max_length=500, examples=["Paid back by hand, bank reference BK-7"])]


@listing("/operator/v1/open-items", OpenItemView)
async def list_open_items(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What happened at the payment provider and nobody could book by rule, newest first. 待人工处理的支付事项。

    Disputes, refunds and reversals made there, payouts that came back, calls without an answer, money that was not asked
    for. An item that settles itself, such as a call that is answered in the end, closes itself.
    """
    return await see_page(request, open_items.list_items, _view, limit, cursor)


@command("/operator/v1/open-items/{item:str}/closing", ItemClosed, 400, 401, 403, 404, status=200)
async def close_item(request: Asked, item: FromPath[str], data: JSONBody[ItemNote]) -> Response[bytes]:
    """Close an item with what was done about it; the same thing again opens a new one. 关闭待处理事项。"""
    actor, item_id = actor_of(request), object_id("rsc", item)
    return await write(
        request,
        "open-item.close",
        lambda tx: close_open_item(tx, actor, item_id, data.note),
        status=200,
        object_id=item,
    )


def _view(one: OpenItem) -> OpenItemView:
    return OpenItemView(
        id=ids.text("rsc", one.id),
        kind=one.what.kind.value,
        subject=one.what.subject,
        account=one.what.account,
        about=dict(one.what.about),
        seen=one.seen,
        opened_at=stamp(one.opened_at),
        last_at=stamp(one.last_at),
    )


ROUTES = (list_open_items, close_item)

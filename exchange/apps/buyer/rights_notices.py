"""What you were told about rights that ended in data you hold."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from msgspec import Meta

from contracts import chain_store as store
from contracts.chain_store import Notice
from exchange.apps.http.answers import Asked
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Texts, Time, json_of, stamp
from exchange.kernel import ids


class NoticeView(msgspec.Struct, frozen=True):
    """A right to part of your data was withdrawn or has run out: which part, and what to do.

    `files` are meant whole; of `records` there is the number in each file and the first twenty by their id.
    """

    id: Annotated[str, Meta(examples=["rnt_01m80jwmabesg81hwe4cc73nw9"])]
    grant: Id
    dataset: Id
    revision: Id
    right: Annotated[dict[str, str], Meta(description="Subject, kind and holder. 权利对象、类型与权利人。")]
    state: Annotated[str, Meta(examples=["withdrawn"])]
    asks: Annotated[str, Meta(description="delete or stop. 删除或停止新的使用。", examples=["delete"])]
    reason: Texts
    files: list[str]
    files_count: int
    records: list[dict[str, Any]]
    records_count: int
    what_to_do: Texts
    created_at: Time


@listing("/buyer/v1/rights-notices", NoticeView)
async def list_notices(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Rights that ended in data you hold, the newest first. 权利终止通知。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: store.told(tx, actor, page), notice_view, limit, cursor)


def notice_view(one: Notice) -> NoticeView:
    """A notice as the API shows it."""
    said = {name: value for name, value in json_of(one.document).items() if name not in ("type", "v")}
    return NoticeView(id=ids.text("rnt", one.id), created_at=stamp(one.created_at), **said)


ROUTES = (list_notices,)

"""Lists that a portal shows: one page of what the asking organisation may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from litestar import Response
from litestar.params import QueryParameter

from exchange.apps.http.answers import Asked, asked_page, page_response
from exchange.apps.http.context import services_of
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest

T = TypeVar("T")
Limit = Annotated[int | None, QueryParameter(ge=1, le=200, description="Rows on a page; 50 if not given. 每页条数。")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=1024, description="`next_cursor` of the page before. 上一页的 next_cursor。")
]


async def show_page(
    request: Asked,
    actor: Actor | None,
    read: Callable[[Tx, PageRequest], Awaitable[Page[T]]],
    form: Callable[[T], Any],
    limit: int | None,
    cursor: str | None,
) -> Response[bytes]:
    """Read one page as `actor` and answer with it.

    errors   raises Refused(invalid-request) for a cursor of another list
    """
    wanted = asked_page(limit, cursor)
    async with services_of(request).db.read(actor) as tx:
        try:
            page = await read(tx, wanted)
        except (ValueError, IndexError) as error:
            if wanted.after is None:
                raise
            raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list")) from error
    return page_response(request, page, form)

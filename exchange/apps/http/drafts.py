"""Draft invoices: what grants cost so far, for those who use them and for those who sell them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import Response
from litestar.params import QueryParameter

from exchange.access.grants import Grant, GrantState
from exchange.access.store import grants
from exchange.apps.http.answers import Asked, asked_page, page_response
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor
from exchange.flows.show_draft import DraftInvoice, show_draft
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest

GRANTS_PER_PAGE = 20
Few = Annotated[int | None, QueryParameter(ge=1, le=50, description="Grants on a page; 20 if not given. 每页条数。")]
_Read = Callable[[Tx, Actor, PageRequest], Awaitable[Page[Grant]]]


def draft_routes(prefix: str, *, selling: bool = False) -> list[Any]:
    """The draft invoices of what a portal's organisation bought, or sold."""
    return [listing(f"{prefix}/draft-invoices", DraftInvoice)(list_sold_drafts if selling else list_drafts)]


async def list_drafts(request: Asked, limit: Few = None, cursor: Cursor = None) -> Response[bytes]:
    """What your grants cost since the last settlement, not booked yet. 尚未结算的费用草稿。

    The lines of the next invoice as far as they are known, with their arithmetic and tax; a page is a page of grants.
    """
    return await _show(request, grants.bought, limit, cursor)


async def list_sold_drafts(request: Asked, limit: Few = None, cursor: Cursor = None) -> Response[bytes]:
    """What the grants you sold cost since the last settlement, not booked yet. 已售使用权尚未结算的费用草稿。

    The lines of the next invoice as far as they are known, with their arithmetic and tax; a page is a page of grants.
    """
    return await _show(request, grants.sold, limit, cursor)


async def _show(request: Asked, read: _Read, limit: int | None, cursor: str | None) -> Response[bytes]:
    services, actor = services_of(request), actor_of(request)
    wanted = asked_page(limit or GRANTS_PER_PAGE, cursor)
    # Which grants: asked behind both walls. What they cost: rated with what settlement sees.
    async with services.db.read(actor) as tx:
        try:
            page = await read(tx, actor, wanted)
        except (ValueError, IndexError) as error:
            if wanted.after is None:
                raise
            raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list")) from error
    drafts = await services.db.run(lambda tx: show_draft(tx, services.sales, page.items))
    states = [one.state for one in page.items]
    shown = [draft for draft, state in zip(drafts, states, strict=True) if draft.lines or state is not GrantState.ENDED]
    return page_response(request, Page(shown, page.next_cursor), lambda one: one)

"""The books: everybody's holds, and periods that are closed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.holds import HoldView, State, hold_view
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.operator.seeing import see_page
from exchange.flows.close_books import BooksClosed, close_books, receipt
from settlement.store import holds, periods


class ClosingWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when a currency's books are to be closed; at a whole minute, and over for five at least."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["CNY"])]
    end: Annotated[datetime, Meta(tz=True, examples=["2026-01-01T00:00:00Z"])]
    despite: (
        Annotated[
            str,
            Meta(
                min_length=3,
                max_length=500,
                description="Why a month is closed although its checklist is not done; goes into the log as a digest. 清单未完成仍关账的理由。",
                examples=["The provider's statement of 30 January comes on Monday"],
            ),
        ]
        | None
    ) = None


@command("/operator/v1/closed-periods", BooksClosed, 400, 401, 403, 409)
async def close(request: Asked, data: JSONBody[ClosingWish]) -> Response[bytes]:
    """Close a currency's books up to a moment: nothing that counts earlier is booked any more. 关账。

    The end of a month is taken only when its checklist (`/operator/v1/close-checklist`) is done, or with a reason. What was wrong is corrected by a journal that counts later. Balances and statements stay exact at every moment.
    """
    actor = actor_of(request)
    return await write(request, "books.close", lambda tx: close_books(tx, actor, data.currency, data.end, data.despite))


@listing("/operator/v1/closed-periods", BooksClosed)
async def list_closed(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """The periods that were closed, newest first. 已关账期间。"""
    return await see_page(request, periods.list_closed, receipt, limit, cursor)


@listing("/operator/v1/holds", HoldView)
async def list_holds(request: Asked, only: State = None, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Everybody's money that is or was held, newest first. 全部冻结款项。"""
    return await see_page(
        request,
        lambda tx, page: holds.list_holds(tx, None, page, open_only=only == "open"),
        hold_view,
        limit,
        cursor,
    )


ROUTES = (close, list_closed, list_holds)

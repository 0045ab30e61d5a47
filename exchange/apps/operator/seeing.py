"""Reads of the operator: every organisation's rows, through the app's role, in a transaction of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from litestar import Response

from exchange.apps.http.answers import Asked, asked_page, page_response
from exchange.apps.http.context import services_of
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest

T = TypeVar("T")


async def see(request: Asked, read: Callable[[Tx], Awaitable[T]]) -> T:
    """Read whatever the exchange holds; the guard has let in an operator."""
    return await services_of(request).db.run(read)


async def see_page(
    request: Asked,
    read: Callable[[Tx, PageRequest], Awaitable[Page[T]]],
    form: Callable[[T], Any],
    limit: int | None,
    cursor: str | None,
) -> Response[bytes]:
    """Read one page of everybody's rows and answer with it.

    errors   raises Refused(invalid-request) for a cursor of another list
    """
    wanted = asked_page(limit, cursor)
    try:
        page = await see(request, lambda tx: read(tx, wanted))
    except (ValueError, IndexError) as error:
        if wanted.after is None:
            raise
        raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list")) from error
    return page_response(request, page, form)

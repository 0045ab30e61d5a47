"""Reads of the regulator: through its own database role, which sees the audit log, directives and nothing to change."""

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


async def inspect(request: Asked, read: Callable[[Tx], Awaitable[T]]) -> T:
    """Read as the regulator's role."""
    async with services_of(request).db.inspect() as tx:
        return await read(tx)


async def inspect_page(
    request: Asked,
    read: Callable[[Tx, PageRequest], Awaitable[Page[T]]],
    form: Callable[[T], Any],
    limit: int | None,
    cursor: str | None,
) -> Response[bytes]:
    """Read one page as the regulator's role and answer with it.

    errors   raises Refused(invalid-request) for a cursor of another list
    """
    return await paged(request, lambda wanted: inspect(request, lambda tx: read(tx, wanted)), form, limit, cursor)


async def all_page(
    request: Asked,
    read: Callable[[Tx, PageRequest], Awaitable[Page[T]]],
    form: Callable[[T], Any],
    limit: int | None,
    cursor: str | None,
) -> Response[bytes]:
    """Read one page of rows that the regulator's role has no view of, through the app's role.

    errors   raises Refused(invalid-request) for a cursor of another list
    """
    db = services_of(request).db
    return await paged(request, lambda wanted: db.run(lambda tx: read(tx, wanted)), form, limit, cursor)


async def paged(
    request: Asked,
    read: Callable[[PageRequest], Awaitable[Page[T]]],
    form: Callable[[T], Any],
    limit: int | None,
    cursor: str | None,
) -> Response[bytes]:
    """Answer with the page that the query asks for.

    errors   raises Refused(invalid-request) for a cursor of another list
    """
    wanted = asked_page(limit, cursor)
    try:
        page = await read(wanted)
    except (ValueError, IndexError) as error:
        if wanted.after is None:
            raise
        raise Refused(INVALID_REQUEST(reason="the cursor is not one of this list")) from error
    return page_response(request, page, form)

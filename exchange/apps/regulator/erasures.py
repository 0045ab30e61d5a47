"""Erasures of personal data: those on record, and one that the regulator orders."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from compliance import sealed_store
from compliance.erasure import Subject
from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import command, listing
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.people import ErasureView, ask_erasure, erasure_view
from exchange.apps.regulator.seeing import inspect_page
from exchange.flows.erase_subject import ErasureReceipt
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of


@command("/regulator/v1/members/{member:str}/erasure", ErasureReceipt, 401, 403, 404, 409)
async def erase_member(request: Asked, member: FromPath[str]) -> Response[bytes]:
    """Have a person erased for good. 要求永久删除个人数据。

    A directive to preserve defers it; the answer names the directive. 如有保全指令则推迟，答复中列明该指令。
    """
    return await ask_erasure(request, member, of_all=True)


@listing("/regulator/v1/erasures", ErasureView)
async def list_erasures(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Erasures asked for and complete, newest members first. 个人数据删除记录。"""

    async def read(tx: Tx, page: PageRequest) -> Page[Subject]:
        before = UUID(page.after[0]) if page.after else None
        rows = await sealed_store.erasures(tx, before=before, limit=page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await inspect_page(request, read, erasure_view, limit, cursor)


ROUTES = (erase_member, list_erasures)

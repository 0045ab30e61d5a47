"""People: whom the operator may write to, and the erasures that were asked for."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from compliance import sealed_store
from compliance.erasure import Subject
from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.people import (
    ErasureView,
    MembersView,
    ask_erasure,
    erasure_view,
    members_view,
    vault_of,
)
from exchange.apps.http.wire import object_id
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.erase_subject import ErasureReceipt
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.parties import store as parties


@show("/operator/v1/organisations/{organisation:str}/members", MembersView)
async def list_members(request: Asked, organisation: FromPath[str]) -> MembersView:
    """The people of an organisation whom you may write to. 机构联系人。"""
    organisation_id = object_id("org", organisation)
    members = await see(request, lambda tx: parties.members_of(tx, organisation_id))
    return await members_view(vault_of(request), members)


@command("/operator/v1/members/{member:str}/erasure", ErasureReceipt, 401, 403, 404, 409)
async def erase_member(request: Asked, member: FromPath[str]) -> Response[bytes]:
    """Erase a person for good: the key is destroyed, and nothing sealed under it can be read again. 永久删除个人数据。

    The log and every proof stay as they are. A directive to preserve defers it.
    """
    return await ask_erasure(request, member, of_all=True)


@listing("/operator/v1/erasures", ErasureView)
async def list_erasures(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Erasures, newest members first. 个人数据删除记录。"""

    async def read(tx: Tx, page: PageRequest) -> Page[Subject]:
        before = UUID(page.after[0]) if page.after else None
        rows = await sealed_store.erasures(tx, before=before, limit=page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await see_page(request, read, erasure_view, limit, cursor)


ROUTES = (list_members, erase_member, list_erasures)

"""Directives: freeze, delist, preserve, disclose; and taking one back."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from compliance import directive_store
from compliance.directives import TARGETS, Directive
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Id, Texts, Time, body_id, object_id, stamp
from exchange.apps.regulator.seeing import inspect, inspect_page
from exchange.flows.issue_directive import DirectiveReceipt, issue, lift
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of

_KINDS = {prefix: kind for kind, prefix in TARGETS.items()}


class DirectiveWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order about one object: an organisation, dataset, revision, listing, offer, agreement, grant or order."""

    kind: Literal["freeze", "delist", "preserve", "disclose"]
    target: Annotated[str, Meta(max_length=40, examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    reason: Annotated[
        dict[str, str],
        Meta(description="Why, in English or Chinese.", examples=[{"en": "Case 2026-17", "zh": "2026-17 号案件"}]),
    ]


class DirectiveView(msgspec.Struct, frozen=True):
    """A directive; it stands until it is lifted, and stays on record after."""

    id: Annotated[str, Meta(examples=["dir_01m80jwmabesg81hwe4cc73nw9"])]
    kind: Annotated[str, Meta(examples=["freeze"])]
    target: Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    issued_by: Id
    reason: Texts
    state: Annotated[str, Meta(examples=["active"])]
    issued_at: Time
    lifted_by: Id | None
    lifted_at: Time | None


@command("/regulator/v1/directives", DirectiveReceipt, 400, 401, 403)
async def issue_directive(request: Asked, data: JSONBody[DirectiveWish]) -> Response[bytes]:
    """Issue a directive; it binds every purchase and access that begins after this answers. 发出监管指令。

    freeze: no sale and no access; delist: no new sale; preserve: nothing is erased; disclose: what is known is handed over.
    """
    actor, prefix = actor_of(request), data.target.partition("_")[0]
    kind = _KINDS.get(prefix, "")
    target_id = body_id(prefix if kind else "lst", data.target)
    return await write(
        request,
        f"directive.{data.kind}",
        lambda tx: issue(tx, actor, data.kind, kind, target_id, data.reason),
        object_id=data.target,
    )


@command("/regulator/v1/directives/{directive:str}/lifting", DirectiveReceipt, 400, 401, 403, 404, 409, status=200)
async def lift_directive(request: Asked, directive: FromPath[str]) -> Response[bytes]:
    """Take a directive of yours back. 解除监管指令。"""
    actor, directive_id = actor_of(request), object_id("dir", directive)
    return await write(
        request, "directive.lift", lambda tx: lift(tx, actor, directive_id), status=200, object_id=directive
    )


@listing("/regulator/v1/directives", DirectiveView)
async def list_directives(
    request: Asked, active: FromQuery[bool] = False, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Directives of every regulator, newest first; `active=true` shows those in force. 监管指令列表。"""

    async def read(tx: Tx, page: PageRequest) -> Page[Directive]:
        before = UUID(page.after[0]) if page.after else None
        rows = await directive_store.directives(tx, active_only=active, before=before, limit=page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await inspect_page(request, read, directive_view, limit, cursor)


@show("/regulator/v1/directives/{directive:str}", DirectiveView)
async def show_directive(request: Asked, directive: FromPath[str]) -> DirectiveView:
    """One directive. 监管指令详情。"""
    directive_id = object_id("dir", directive)
    return directive_view(found(await inspect(request, lambda tx: directive_store.find_directive(tx, directive_id))))


def directive_view(one: Directive) -> DirectiveView:
    """A directive as the API shows it."""
    return DirectiveView(
        id=ids.text("dir", one.id),
        kind=one.kind,
        target=ids.text(TARGETS[one.target_kind], one.target_id),
        issued_by=ids.text("org", one.issued_by),
        reason=dict(one.reason),
        state=one.state,
        issued_at=stamp(one.issued_at),
        lifted_by=ids.text("org", one.lifted_by) if one.lifted_by else None,
        lifted_at=stamp(one.lifted_at) if one.lifted_at else None,
    )


ROUTES = (issue_directive, lift_directive, list_directives, show_directive)

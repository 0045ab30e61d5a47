"""Four eyes: what one client asked for waits here for another one."""

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
from exchange.apps.http.wire import Id, Sha256, Time, object_id, stamp
from exchange.apps.operator.seeing import see_page
from exchange.flows.approvals import Decided, decide
from exchange.kernel import ids
from settlement.approvals import Approval, ApprovalState
from settlement.store import approvals

_PATH = "/operator/v1/approvals"


class ApprovalView(msgspec.Struct, frozen=True):
    """What is to be done, with which content, who asked, and who decided."""

    id: Annotated[str, Meta(examples=["apv_01m80jwmabesg81hwe4cc73nw9"])]
    kind: Annotated[str, Meta(examples=["payout-batch"])]
    object: Id
    body_sha256: Sha256
    state: Annotated[str, Meta(examples=["open"])]
    asked_by: Id
    asked_at: Time
    decided_by: Id | None
    decided_at: Time | None
    note: str | None


class DecisionNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why; no personal data."""

    note: Annotated[str, Meta(max_length=500, examples=["Compared with the list of the bank"])] | None = None


@listing(_PATH, ApprovalView)
async def list_approvals(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What was asked for, newest first. 审批事项。

    Nothing of it happens before another client than the asking one has approved it. An approval counts for the content
    with this hash alone: what changes after that has to be approved anew.
    """
    return await see_page(request, lambda tx, page: approvals.list_approvals(tx, page, None), _view, limit, cursor)


@command(f"{_PATH}/{{approval:str}}/approval", Decided, 400, 401, 403, 404, 409, status=200)
async def approve(request: Asked, approval: FromPath[str], data: JSONBody[DecisionNote]) -> Response[bytes]:
    """Approve what another client asked for. 批准。"""
    return await _decide(request, approval, data, ApprovalState.APPROVED)


@command(f"{_PATH}/{{approval:str}}/refusal", Decided, 400, 401, 403, 404, 409, status=200)
async def refuse(request: Asked, approval: FromPath[str], data: JSONBody[DecisionNote]) -> Response[bytes]:
    """Refuse what another client asked for; it can be asked for anew. 拒绝。"""
    return await _decide(request, approval, data, ApprovalState.REFUSED)


async def _decide(request: Asked, approval: str, data: DecisionNote, state: ApprovalState) -> Response[bytes]:
    actor, approval_id = actor_of(request), object_id("apv", approval)
    return await write(
        request,
        f"approval.{state.value}",
        lambda tx: decide(tx, actor, approval_id, state, data.note),
        status=200,
        object_id=approval,
    )


def _view(one: Approval) -> ApprovalView:
    return ApprovalView(
        id=ids.text("apv", one.id),
        kind=one.kind,
        object=one.object_id,
        body_sha256=one.body_sha256.hex(),
        state=one.state.value,
        asked_by=ids.text("cli", one.asked_by),
        asked_at=stamp(one.asked_at),
        decided_by=ids.text("cli", one.decided_by) if one.decided_by else None,
        decided_at=stamp(one.decided_at) if one.decided_at else None,
        note=one.note,
    )


ROUTES = (list_approvals, approve, refuse)

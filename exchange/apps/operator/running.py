"""Running the exchange: jobs, sealing of usage, the check of all facts, one trade traced, directives in force."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from compliance import directive_store
from compliance.directives import Directive
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.directive_views import DirectiveView, directive_view
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import Time, object_id, stamp
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.check_books import check_books
from exchange.flows.order_seal import SealOrdered, order_seal
from exchange.flows.retry_job import JobMoved, retry_job, stop_job
from exchange.flows.show_trade import TradeView, show_trade
from exchange.kernel import ids, jobs
from exchange.kernel.db import Tx
from exchange.kernel.jobs import JobState
from exchange.kernel.pages import Page, PageRequest, page_of

_State = Annotated[
    Literal["queued", "running", "done", "dead", "cancelled"] | None,
    QueryParameter(name="state", description="Only jobs in this state. 按状态筛选。"),
]
_Kind = Annotated[
    str | None, QueryParameter(pattern=r"^[a-z_-]{1,60}$", description="Only jobs of this kind. 按类型筛选。")
]


class JobRow(msgspec.Struct, frozen=True):
    """A job with what it works on, and why it failed."""

    id: Annotated[str, Meta(examples=["job_01m80jwmabesg81hwe4cc73nw9"])]
    kind: Annotated[str, Meta(examples=["charge_card"])]
    state: Annotated[str, Meta(examples=["dead"])]
    attempts: int
    payload: Annotated[dict[str, Any], Meta(examples=[{"payment": "pay_01m80jwmabesg81hwe4cc73nw9"}])]
    done: int
    total: int | None
    error: str | None
    result: dict[str, Any] | None
    created_at: Time | None
    ended_at: Time | None


class SealWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A UTC day that is over."""

    day: Annotated[date, Meta(examples=["2026-01-14"])]


class FindingView(msgspec.Struct, frozen=True):
    """Two facts that do not agree."""

    rule: Annotated[str, Meta(examples=["balance-is-sum-of-postings"])]
    subject: str
    said: str
    fact: str


class CheckView(msgspec.Struct, frozen=True):
    """What the check of all facts found; nothing means that they agree."""

    sound: bool
    findings: list[FindingView]


@listing("/operator/v1/jobs", JobRow)
async def list_jobs(
    request: Asked, in_state: _State = None, kind: _Kind = None, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Background work of everybody, newest first. 后台任务列表。"""

    async def read(tx: Tx, page: PageRequest) -> Page[JobState]:
        before = UUID(page.after[0]) if page.after else None
        rows = await jobs.listed(tx, state=in_state, kind=kind, before=before, limit=page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await see_page(request, read, _job, limit, cursor)


@show("/operator/v1/jobs/{job:str}", JobRow)
async def show_job(request: Asked, job: FromPath[str]) -> JobRow:
    """One job. 后台任务详情。"""
    return _job(found(await see(request, lambda tx: jobs.find(tx, object_id("job", job)))))


@command("/operator/v1/jobs/{job:str}/retry", JobMoved, 400, 401, 403, 404, 409, status=200)
async def retry(request: Asked, job: FromPath[str]) -> Response[bytes]:
    """Give a dead job as many attempts again; outside keys stay the same. 重试失败任务。"""
    actor, job_id = actor_of(request), object_id("job", job)
    return await write(request, "job.retry", lambda tx: retry_job(tx, actor, job_id), status=200, object_id=job)


@command("/operator/v1/jobs/{job:str}/cancellation", JobMoved, 400, 401, 403, 404, 409, status=200)
async def cancel(request: Asked, job: FromPath[str]) -> Response[bytes]:
    """Cancel a job that moves no money. 取消任务（涉及资金的任务除外）。"""
    actor, job_id = actor_of(request), object_id("job", job)
    return await write(request, "job.cancel", lambda tx: stop_job(tx, actor, job_id), status=200, object_id=job)


@command("/operator/v1/usage/seals", SealOrdered, 400, 401, 403, 422)
async def seal(request: Asked, data: JSONBody[SealWish]) -> Response[bytes]:
    """Close, prove and roll up one day of usage without waiting for the schedule. 封存某日用量。"""
    actor = actor_of(request)
    return await write(
        request, "usage.seal-order", lambda tx: order_seal(tx, actor, data.day), object_id=f"usage-day:{data.day}"
    )


@show("/operator/v1/findings", CheckView, 401, 403)
async def check(request: Asked) -> CheckView:
    """Recompute balances, orders, grants, quotas and the log's root from the facts. 核对全部账实。

    Reads only, in bounded parts; on a large exchange it takes a while: `exchange fsck` shows how far it is.
    """
    services = services_of(request)

    async def quiet(_what: str, _done: int, _total: int | None) -> None:
        return None

    origin = services.settings.process.log_origin
    findings = await check_books(services.db, services.keyring, origin, quiet)
    shown = [FindingView(one.rule, one.subject, str(one.said), str(one.fact)) for one in findings]
    return CheckView(not shown, shown)


@show("/operator/v1/orders/{order:str}/trace", TradeView)
async def trace(request: Asked, order: FromPath[str]) -> TradeView:
    """One trade through every room, with its money and its place in the audit log. 交易全程追踪。"""
    return found(await see(request, lambda tx: show_trade(tx, object_id("ord", order))))


@listing("/operator/v1/directives", DirectiveView)
async def list_directives(
    request: Asked, active: FromQuery[bool] = False, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Regulators' directives, newest first; `active=true` shows those in force. 监管指令列表。"""

    async def read(tx: Tx, page: PageRequest) -> Page[Directive]:
        before = UUID(page.after[0]) if page.after else None
        rows = await directive_store.directives(tx, active_only=active, before=before, limit=page.limit + 1)
        return page_of(rows, page, lambda one: (str(one.id),))

    return await see_page(request, read, directive_view, limit, cursor)


def _job(one: JobState) -> JobRow:
    return JobRow(
        id=ids.text("job", one.id),
        kind=one.kind,
        state=one.state,
        attempts=one.attempts,
        payload=one.payload,
        done=one.done_count,
        total=one.total_count,
        error=one.error,
        result=one.result,
        created_at=stamp(one.created_at) if one.created_at else None,
        ended_at=stamp(one.ended_at) if one.ended_at else None,
    )


ROUTES = (list_jobs, show_job, retry, cancel, seal, check, trace, list_directives)

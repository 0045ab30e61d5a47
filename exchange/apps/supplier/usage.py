"""Usage that data holders report: the sources, and the hot path that takes batches in."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.access.corrections import read_corrections
from exchange.access.store import usage
from exchange.access.usage import GrantCache, read_events
from exchange.apps.http.answers import Asked, accepted_value, idempotency_key, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import Command, answers, command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.usage_views import UsageCorrectionView, corrections_page
from exchange.apps.http.wire import Texts, body_id, object_id
from exchange.flows.correct_usage import CorrectionWish, correct_usage
from exchange.flows.register_source import SourceRegistered, SourceRevoked, register_source, revoke_source
from exchange.flows.report_usage import UsageWish, report_usage
from exchange.kernel.errors import TOO_LARGE, Refused

_ClientId = Annotated[str, Meta(max_length=40, examples=["cli_01m80jwmabesg81hwe4cc73nw9"])]
_BODY_MAX_BYTES = 1_048_576
_EVENT = {
    "specversion": "1.0",
    "id": "019bc0de-7b6a-7c5e-9d27-0c1f8a2b3c4d",
    "source": "gpu-centre-3",
    "type": "exchange.usage",
    "subject": "grt_01m80jwmabesg81hwe4cc73nw9",
    "time": "2026-01-15T08:00:00Z",
    "data": {"meter": "tokens", "value": 1200},
}


class SourceWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of your clients may report; the one that asks, if none is named."""

    client: _ClientId | None = None


class SourcesView(msgspec.Struct, frozen=True):
    """Your usage sources: the numbers that their records carry."""

    sources: list[int]


class RefusedEvent(msgspec.Struct, frozen=True):
    """One event that was not taken, by its place in the list."""

    index: int
    type: str
    title: Texts
    detail: Texts


class BatchView(msgspec.Struct, frozen=True):
    """What was taken in of a batch."""

    batch: Annotated[str, Meta(examples=["ubt_01m80jwmabesg81hwe4cc73nw9"])]
    accepted: Annotated[int, Meta(examples=[1000])]
    refused: list[RefusedEvent]


@command("/supplier/v1/usage/sources", SourceRegistered, 400, 401, 403, 404)
async def add_source(request: Asked, data: JSONBody[SourceWish]) -> Response[bytes]:
    """Let a client of yours report usage of data you hold yourself. 登记用量来源。"""
    actor = actor_of(request)
    client_id = body_id("cli", data.client) if data.client else actor.client_id
    return await write(request, "usage-source.register", lambda tx: register_source(tx, actor, client_id))


@show("/supplier/v1/usage/sources", SourcesView, 401, 403)
async def list_sources(request: Asked) -> SourcesView:
    """Your usage sources. 用量来源列表。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return SourcesView([one.id for one in await usage.sources(tx, actor)])


@command("/supplier/v1/usage/sources/{client:str}/revocation", SourceRevoked, 401, 403, 404, status=200)
async def end_source(request: Asked, client: FromPath[str]) -> Response[bytes]:
    """Let a client report no more. 撤销用量来源。"""
    actor, client_id = actor_of(request), object_id("cli", client)
    return await write(
        request, "usage-source.revoke", lambda tx: revoke_source(tx, actor, client_id), status=200, object_id=client
    )


@post(
    "/supplier/v1/usage/events",
    status_code=200,
    opt={"revocation_in_flow": True},
    operation_class=Command,
    request_max_body_size=_BODY_MAX_BYTES,
    responses=answers(BatchView, 200, 400, 401, 403, 409, 413),
)
async def report_events(request: Asked) -> Response[bytes]:
    """Report at most 1,000 usage events in one batch; the header Idempotency-Key is the batch's id. 上报用量事件。

    The body is a JSON list of CloudEvents, such as `[{"specversion": "1.0", "id": "019bc0de-7b6a-7c5e-9d27-0c1f8a2b3c4d",
    "source": "gpu-centre-3", "type": "exchange.usage", "subject": "grt_...", "time": "2026-01-15T08:00:00Z",
    "data": {"meter": "tokens", "value": 1200}}]`. Good events are taken, the others are told by their index.
    """
    services, key, body = services_of(request), idempotency_key(request), await request.body()
    settings = services.settings.access
    if len(body) > settings.body_bytes_max:
        raise Refused(TOO_LARGE(limit_bytes=settings.body_bytes_max))
    events = accepted_value(read_events(body, settings))
    # Under another body the same key must not pass as a replay: the hash is over exactly what came in.
    wish = UsageWish(actor_of(request), key, hashlib.sha256(body).digest(), events)
    flow = partial(report_usage, wishes=[wish], known=known_grants(request), settings=settings)
    (taken,) = await services.db.run(flow)
    answered = accepted_value(taken)
    headers = {"idempotency-replayed": "true"} if answered.replayed else None
    return Response(answered.answer, media_type="application/json", headers=headers)


@post(
    "/supplier/v1/usage/corrections",
    status_code=200,
    opt={"revocation_in_flow": True},
    operation_class=Command,
    request_max_body_size=_BODY_MAX_BYTES,
    responses=answers(BatchView, 200, 400, 401, 403, 409, 413),
)
async def correct_events(request: Asked) -> Response[bytes]:
    """Amend or take back at most 1,000 events that you reported; the header Idempotency-Key is the batch's id. 更正用量事件。

    The body is a JSON list such as `[{"id": "019bc0de-7b6a-7c5e-9d27-0c1f8a2b3c4d", "time": "2026-01-15T08:00:00Z",
    "action": "amend", "value": 900, "reason": "counting_error"}]`; `"action": "deprecate"` has no `value`. `id` and `time` are the
    event's own, `source` names another source of yours. Reasons: counting_error, duplicate, not_used, other. The event stays as
    it was; from now on it counts as corrected, in its own period: also after the invoice, by the next settlement. Good
    corrections are taken, the others are told by their index. 已开票的用量同样可以更正，差额由下一次结算入账。
    """
    services, key, body = services_of(request), idempotency_key(request), await request.body()
    settings = services.settings.access
    if len(body) > settings.body_bytes_max:
        raise Refused(TOO_LARGE(limit_bytes=settings.body_bytes_max))
    wishes = accepted_value(read_corrections(body, settings))
    wish = CorrectionWish(actor_of(request), key, hashlib.sha256(b"corrections\n" + body).digest(), wishes)
    answered = accepted_value(await services.db.run(partial(correct_usage, wish=wish, settings=settings)))
    headers = {"idempotency-replayed": "true"} if answered.replayed else None
    return Response(answered.answer, media_type="application/json", headers=headers)


@listing("/supplier/v1/grants/{grant:str}/usage-corrections", UsageCorrectionView)
async def list_corrections(
    request: Asked, grant: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """What you corrected of the use of a grant you sold, newest first. 用量更正记录。"""
    return await corrections_page(request, grant, limit, cursor, selling=True)


def known_grants(request: Asked) -> GrantCache:
    """What this process remembers of grants."""
    cache: Any = request.app.state.get("known_grants")
    if cache is None:
        cache = request.app.state.known_grants = GrantCache(services_of(request).settings.access.grants_cached_max)
    known: GrantCache = cache
    return known


ROUTES = (add_source, list_sources, end_source, report_events, correct_events, list_corrections)

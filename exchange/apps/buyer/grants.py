"""Grants: what you may use, what is left of it, the tokens that open it, and what you used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from exchange.access.grants import Grant
from exchange.access.store import course, grants, seal
from exchange.access.store.course import QuotaLeft
from exchange.access.tokens import DATA_AUDIENCE
from exchange.apps.http.answers import Asked, answer, body_digest, found, idempotency_key, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.usage_views import UsageCorrectionView, corrections_page
from exchange.apps.http.wire import Id, Time, object_id, stamp
from exchange.flows.end_grant import GrantEnded, end_grant
from exchange.flows.issue_grant_token import GrantToken, TokenRevoked, issue_grant_token, revoke_grant_token
from exchange.flows.once import Answered, Command, once
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Problem, Refused

USAGE_DAYS_MAX = 92
GrantId = Annotated[str, Meta(examples=["grt_01m80jwmabesg81hwe4cc73nw9"])]
_Moment = Annotated[datetime | None, QueryParameter(description="RFC 3339 with a zone. 带时区的时间。")]


class QuotaView(msgspec.Struct, frozen=True):
    """A quota in the period that holds now; `left` is what a new read may still take."""

    meter: Annotated[str, Meta(examples=["records"])]
    limit: int
    period: Annotated[str, Meta(examples=["month"])]
    period_start: Time
    used: int
    left: int


class GrantView(msgspec.Struct, frozen=True):
    """What you may use, for what, until when."""

    id: GrantId
    order: Id
    agreement: Id
    offer: Id
    listing: Id
    revision: Id
    seller: Id
    purposes: list[str]
    meters: list[str]
    starts_at: Time
    ends_at: Time | None
    state: Annotated[str, Meta(examples=["active"])]


class TokenView(msgspec.Struct, frozen=True):
    """A token that was taken of a grant; the token itself was shown once."""

    id: Annotated[str, Meta(examples=["tok_01m80jwmabesg81hwe4cc73nw9"])]
    expires_at: Time
    revoked_at: Time | None


class GrantDetail(msgspec.Struct, frozen=True):
    """A grant with what is left of its quotas, and its tokens."""

    grant: GrantView
    quotas: list[QuotaView]
    tokens: list[TokenView]


class UsageLine(msgspec.Struct, frozen=True):
    """What was used of one meter in one quarter of an hour; not `final`: the day is not proven yet."""

    quarter: Time
    meter: Annotated[str, Meta(examples=["records"])]
    quantity: int
    final: bool


class RootView(msgspec.Struct, frozen=True):
    """The Merkle root over the grant's records of one proven day from one source."""

    day: Annotated[str, Meta(examples=["2026-01-15"])]
    source: int
    part: int
    records: int
    root: Annotated[str, Meta(description="SHA-256, lower-case hex.")]


class UsageView(msgspec.Struct, frozen=True):
    """Your use of one grant by quarter-hour, with the roots that prove the days that are sealed."""

    grant: GrantId
    since: Time
    until: Time
    items: list[UsageLine]
    roots: list[RootView]


@listing("/buyer/v1/grants", GrantView)
async def list_grants(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """What you may use. 我的使用权。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: grants.bought(tx, actor, page), grant_view, limit, cursor)


@show("/buyer/v1/grants/{grant:str}", GrantDetail)
async def show_grant(request: Asked, grant: FromPath[str]) -> GrantDetail:
    """One grant: what is left of its quotas, and its tokens. 使用权详情与剩余配额。"""
    actor, grant_id = actor_of(request), object_id("grt", grant)
    async with services_of(request).db.read(actor) as tx:
        one = _bought(await grants.grant(tx, actor, grant_id), request)
        quotas = await course.quota_left(tx, actor, one)
        tokens = await grants.tokens(tx, actor, grant_id)
    return GrantDetail(
        grant_view(one),
        [_quota(left) for left in quotas],
        [TokenView(ids.text("tok", jti), stamp(end), stamp(gone) if gone else None) for jti, end, gone in tokens],
    )


@command("/buyer/v1/grants/{grant:str}/tokens", GrantToken, 400, 401, 403, 404)
async def take_token(request: Asked, grant: FromPath[str]) -> Response[bytes]:
    """Take a token for the data plane. 获取数据交付令牌。

    Send it to `/data/v1` as a bearer token. It ends with the grant, or before. It is shown this once: a replay of the
    request leaves `token` empty, so take another one then.
    """
    services, actor, grant_id = services_of(request), actor_of(request), object_id("grt", grant)
    issuer, settings = services.settings.token.issuer, services.settings.access
    shown: list[GrantToken] = []

    async def flow(tx: Tx) -> GrantToken | Problem:
        made = await issue_grant_token(tx, actor, grant_id, services.keyring, issuer, DATA_AUDIENCE, settings)
        if isinstance(made, Problem):
            return made
        shown[:] = [made]
        # The kept answer is without the token, so that no table ever holds one.
        return msgspec.structs.replace(made, token="")

    asked = Command(actor, "token.grant", idempotency_key(request), await body_digest(request), grant)
    answered = await services.db.run(lambda tx: once(tx, asked, 201, flow))
    if isinstance(answered, Answered) and not answered.replayed:
        answered = Answered(answered.status, msgspec.json.encode(shown[0]))
    return answer(request, answered)


@command("/buyer/v1/tokens/{token:str}/revocation", TokenRevoked, 400, 401, 403, 404, status=200)
async def end_token(request: Asked, token: FromPath[str]) -> Response[bytes]:
    """Revoke a token of a grant: it opens nothing from now on. 撤销数据交付令牌。"""
    actor, jti = actor_of(request), object_id("tok", token)
    return await write(
        request, "token.revoke", lambda tx: revoke_grant_token(tx, actor, jti), status=200, object_id=token
    )


@command("/buyer/v1/grants/{grant:str}/end", GrantEnded, 400, 401, 403, 404, status=200)
async def stop_grant(request: Asked, grant: FromPath[str]) -> Response[bytes]:
    """End a grant: a subscription with the period that is paid, everything else now. 终止使用权（订阅至本期结束）。"""
    services, actor, grant_id = services_of(request), actor_of(request), object_id("grt", grant)
    return await write(
        request,
        "grant.end",
        lambda tx: end_grant(tx, services.sales, actor, grant_id),
        status=200,
        object_id=grant,
    )


@show("/buyer/v1/grants/{grant:str}/usage", UsageView, 400, 401, 403, 404)
async def show_usage(request: Asked, grant: FromPath[str], since: _Moment = None, until: _Moment = None) -> UsageView:
    """What you used of a grant, by quarter-hour; the last 31 days if no period is given. 使用权用量。

    Today's use shows with `final: false` a few minutes after it happened. A sealed day has a Merkle root per source.
    """
    services, actor, grant_id = services_of(request), actor_of(request), object_id("grt", grant)
    end = until or services.db.clock.now() + timedelta(minutes=15)
    start = since or end - timedelta(days=31)
    if start.tzinfo is None or end.tzinfo is None or not timedelta() <= end - start <= timedelta(days=USAGE_DAYS_MAX):
        raise Refused(INVALID_REQUEST(reason=f"a period has time zones and at most {USAGE_DAYS_MAX} days"))
    async with services.db.read(actor) as tx:
        _bought(await grants.grant(tx, actor, grant_id), request)
        lines = await seal.usage_of(tx, actor, grant_id, start, end)
        roots = await seal.roots_of(tx, actor, grant_id, start.date(), end.date() + timedelta(days=1))
    return UsageView(
        grant,
        stamp(start),
        stamp(end),
        [UsageLine(stamp(quarter), meter, quantity, final) for quarter, meter, quantity, final in lines],
        [RootView(one.day.isoformat(), one.source_id, one.part, one.n, one.root.hex()) for one in roots],
    )


@listing("/buyer/v1/grants/{grant:str}/usage-corrections", UsageCorrectionView)
async def list_corrections(
    request: Asked, grant: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """What the data holder corrected of your use of a grant, newest first; the next settlement books it. 用量更正记录。"""
    return await corrections_page(request, grant, limit, cursor, selling=False)


def grant_view(one: Grant) -> GrantView:
    """A grant as its buyer sees it."""
    return GrantView(
        id=ids.text("grt", one.id),
        order=ids.text("ord", one.order_id),
        agreement=ids.text("agr", one.agreement_id),
        offer=ids.text("ofr", one.offer_id),
        listing=ids.text("lst", one.listing_id),
        revision=ids.text("rev", one.revision_id),
        seller=ids.text("org", one.seller_id),
        purposes=list(one.purposes),
        meters=list(one.meters),
        starts_at=stamp(one.starts_at),
        ends_at=stamp(one.ends_at) if one.ends_at else None,
        state=one.state.value,
    )


def _bought(one: Grant | None, request: Asked) -> Grant:
    own = one is not None and one.buyer_id == actor_of(request).organisation_id
    return found(one if own else None)


def _quota(left: QuotaLeft) -> QuotaView:
    return QuotaView(left.meter, left.limit, left.period, stamp(left.period_start), left.used, left.left)


ROUTES = (list_grants, show_grant, take_token, end_token, stop_grant, show_usage, list_corrections)

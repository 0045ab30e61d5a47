"""Use that is held aside because no grant plausibly had it in a day, as both sides and the operator see it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from exchange.access.store import aside
from exchange.access.store.aside import Held
from exchange.apps.http.answers import Asked
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, Texts, Time, stamp
from exchange.kernel import ids

_Count = Annotated[str, Meta(examples=["1000000"])]


class HeldView(msgspec.Struct, frozen=True):
    """A grant's day with more use than is plausible: `counts` of `used` is charged until it is decided.

    `why`: above what any grant uses (absolute), above its own quota, or far above its busiest day of four weeks (history).
    """

    id: Annotated[str, Meta(examples=["hlu_01m80jwmabesg81hwe4cc73nw9"])]
    grant: Annotated[str, Meta(examples=["grt_01m80jwmabesg81hwe4cc73nw9"])]
    buyer: Id
    supplier: Id
    day: date
    meter: Annotated[str, Meta(examples=["records"])]
    used: _Count
    counts: _Count
    why: Annotated[Literal["absolute", "quota", "history"], Meta(description="Which limit. 超出的限制。")]
    state: Annotated[Literal["open", "let_through", "refused"], Meta(description="Decided or not. 处理状态。")]
    reason: Texts | None
    held_at: Time
    decided_at: Time | None


def held_view(one: Held) -> HeldView:
    """An exception as the API shows it."""
    a, said = one.aside, one.decision
    return HeldView(
        id=ids.text("hlu", a.id),
        grant=ids.text("grt", a.grant_id),
        buyer=ids.text("org", a.buyer_id),
        supplier=ids.text("org", a.seller_id),
        day=a.day,
        meter=one.key,
        used=str(a.counted),
        counts=str(a.counted if said is not None and said.let_through else a.limit),
        why=a.why.value,
        state="open" if said is None else "let_through" if said.let_through else "refused",
        reason=None if said is None else dict(said.reason),
        held_at=stamp(a.created_at),
        decided_at=None if said is None else stamp(said.created_at),
    )


def held_usage_routes(prefix: str) -> list[HTTPRouteHandler]:
    """The routes of both sides."""

    @listing(f"{prefix}/held-usage", HeldView)
    async def list_held(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
        """Use of your grants' days that is not charged until the operator has looked, newest first. 暂缓计费的异常用量。"""
        actor = actor_of(request)
        return await show_page(
            request, actor, lambda tx, page: aside.list_held(tx, actor, page), held_view, limit, cursor
        )

    return [list_held]

"""Use that is held aside for the operator: what it is, why, and a decision."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.access.store import aside
from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of
from exchange.apps.http.documented import command, listing
from exchange.apps.http.held_usage import HeldView, held_view
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import object_id
from exchange.apps.operator.seeing import see_page
from exchange.flows.hold_usage import UsageDecided, decide_usage

_Open = Annotated[
    bool, QueryParameter(name="open", description="Only those that wait for a decision. 仅列出待决定的例外。")
]


class UsageDecisionForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the use counts after all, and why."""

    let_through: bool
    reason: Annotated[
        dict[str, str],
        Meta(
            description="In English and Chinese; both sides read it. 中英文理由，双方可见。",
            examples=[{"en": "The holder confirmed a bulk export.", "zh": "数据方已确认批量导出。"}],
        ),
    ]


@listing("/operator/v1/held-usage", HeldView)
async def list_held(
    request: Asked, open_only: _Open = False, limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """Grants' days with more use than is plausible, newest first; what is above the limit is not charged. 异常用量列表。"""
    read = partial(aside.list_held, open_only=open_only)
    return await see_page(request, lambda tx, page: read(tx, None, page), held_view, limit, cursor)


@command("/operator/v1/held-usage/{exception:str}/decision", UsageDecided, 400, 401, 403, 404, 409, 422, status=200)
async def decide(request: Asked, exception: FromPath[str], data: JSONBody[UsageDecisionForm]) -> Response[bytes]:
    """Let held use count, or refuse it: the next settlement run charges it, or never does. 决定异常用量是否计费。

    A day that grows after the decision is held anew.
    """
    actor, one = actor_of(request), object_id("hlu", exception)
    flow = partial(decide_usage, actor=actor, aside_id=one, reason=data.reason, let_through=data.let_through)
    return await write(request, "usage.decide", flow, status=200, object_id=exception)


ROUTES = (list_held, decide)

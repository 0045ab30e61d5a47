"""Credit lines of buyers, and how old what they owe is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit
from exchange.apps.http.wire import (
    Id,
    MoneyWire,
    Time,
    body_id,
    moment_of,
    money,
    money_wire,
    object_id,
    stamp,
)
from exchange.apps.operator.seeing import see, see_page
from exchange.flows.credit_lines import LineReceipt, LineWish, activate_credit_line, ask_credit_line
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused
from settlement.credit import DAYS, DAYS_MAX, Aged, CreditLine, ageing
from settlement.store import credit

_PATH = "/operator/v1/credit-lines"
_At = Annotated[
    datetime | None, QueryParameter(description="As of this moment; now if not given. 截至时刻。", required=False)
]


class CreditLineWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let a buyer order on account up to a limit; a limit of nothing lets it order no more."""

    buyer: Id
    limit: MoneyWire
    days: Annotated[int, Meta(ge=0, le=DAYS_MAX, description="Days until an order is due. 账期（天）。")] = DAYS
    purchase_order_required: bool = False


class LineView(msgspec.Struct, frozen=True):
    """A credit line."""

    id: Annotated[str, Meta(examples=["cdl_01m80jwmabesg81hwe4cc73nw9"])]
    buyer: Id
    limit: MoneyWire
    days: int
    purchase_order_required: bool
    state: Annotated[str, Meta(description="asked, active or ended", examples=["active"])]
    asked_at: Time
    active_at: Time | None
    ended_at: Time | None


class AgedView(msgspec.Struct, frozen=True):
    """What one buyer owes in one currency for orders on account, by how long it is over due."""

    buyer: Id
    total: MoneyWire
    not_due: MoneyWire
    days_30: Annotated[MoneyWire, Meta(description="Up to 30 days over due. 逾期 30 天以内。")]
    days_60: MoneyWire
    days_90: MoneyWire
    older: MoneyWire


class AgeingView(msgspec.Struct, frozen=True):
    """Debts for orders on account at a moment, the largest of each currency first."""

    at: Time
    items: list[AgedView]


@command(_PATH, LineReceipt, 400, 401, 403, 404, 422)
async def ask(request: Asked, data: JSONBody[CreditLineWish]) -> Response[bytes]:
    """Ask for a credit line; another client approves it. 申请赊购额度。"""
    actor, limit = actor_of(request), money(data.limit)
    if limit.units < 0:
        raise Refused(INVALID_REQUEST(reason="a limit is not below zero"))
    wish = LineWish(body_id("org", data.buyer), limit, data.days, data.purchase_order_required)
    return await write(request, "credit-line.ask", lambda tx: ask_credit_line(tx, actor, wish), object_id=data.buyer)


@command(f"{_PATH}/{{line:str}}/activation", LineReceipt, 401, 403, 404, 409, status=200)
async def activate(request: Asked, line: FromPath[str]) -> Response[bytes]:
    """Put an approved credit line in force, in place of the one before. 启用已审批的额度。"""
    actor, line_id = actor_of(request), object_id("cdl", line)
    return await write(
        request,
        "credit-line.activate",
        lambda tx: activate_credit_line(tx, actor, line_id),
        status=200,
        object_id=line,
    )


@listing(_PATH, LineView)
async def list_lines(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Credit lines, newest first. 赊购额度列表。"""
    return await see_page(request, credit.list_lines, _line, limit, cursor)


@show("/operator/v1/credit-ageing", AgeingView, 400, 401, 403)
async def show_ageing(request: Asked, at: _At = None) -> AgeingView:
    """What buyers owe for orders on account, by age. 赊购账龄表。

    Worked out from the ledger, so a past moment is told as it was.
    """
    moment = services_of(request).db.clock.now() if at is None else moment_of(at)
    owed = await see(request, lambda tx: credit.owed_at(tx, moment))
    return AgeingView(stamp(moment), [_aged(one) for one in ageing(owed, moment.date())])


def _line(one: CreditLine) -> LineView:
    return LineView(
        id=ids.text("cdl", one.id),
        buyer=ids.text("org", one.buyer_id),
        limit=money_wire(one.limit.units, one.limit.currency),
        days=one.days,
        purchase_order_required=one.purchase_order_required,
        state=one.state.value,
        asked_at=stamp(one.asked_at),
        active_at=stamp(one.active_at) if one.active_at else None,
        ended_at=stamp(one.ended_at) if one.ended_at else None,
    )


def _aged(one: Aged) -> AgedView:
    sums = [money_wire(units, one.currency) for units in (one.total, *one.by_age)]
    return AgedView(ids.text("org", one.buyer_id), *sums)


ROUTES = (ask, activate, list_lines, show_ageing)

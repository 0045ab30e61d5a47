"""Orders on account: what you may still order, what you owe, and paying it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Meta

from exchange.apps.http.answers import Asked, write
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import Id, MoneyWire, Time, money_wire, object_id, stamp
from exchange.flows.collect_credit import Collected, pay_on_account
from exchange.kernel import ids
from settlement.accounts import credit as credit_key
from settlement.credit import CreditOrder
from settlement.store import credit, ledger


class CreditLineView(msgspec.Struct, frozen=True):
    """What you may order on account in one currency: `used` and `free` sum to `limit`."""

    id: Annotated[str, Meta(examples=["cdl_01m80jwmabesg81hwe4cc73nw9"])]
    limit: MoneyWire
    used: MoneyWire
    free: MoneyWire
    days: Annotated[int, Meta(description="Days from the order until it is due. 账期（天）。", examples=[30])]
    purchase_order_required: bool


class CreditLinesView(msgspec.Struct, frozen=True):
    """Your credit lines, one per currency."""

    items: list[CreditLineView]


class CreditOrderView(msgspec.Struct, frozen=True):
    """An order on account and what is still owed for it; quote its id in a transfer to pay it."""

    order: Id
    price: MoneyWire
    unpaid: MoneyWire
    due_on: Annotated[str, Meta(examples=["2026-02-14"])]
    purchase_order: Annotated[str | None, Meta(examples=["PO-4711"])]
    created_at: Time


@show("/buyer/v1/credit-lines", CreditLinesView, 401, 403)
async def list_lines(request: Asked) -> CreditLinesView:
    """What you may order on account. 赊购额度。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        lines = list((await credit.active_lines(tx, [actor.organisation_id])).values())
        free = await ledger.available(tx, [credit_key(one.buyer_id, one.limit.currency) for one in lines])
    found = []
    for one in lines:
        left, currency = free[credit_key(one.buyer_id, one.limit.currency)], one.limit.currency
        used = money_wire(one.limit.units - left, currency)
        found.append(
            CreditLineView(
                ids.text("cdl", one.id), money_wire(one.limit.units, currency), used, money_wire(left, currency),
                one.days, one.purchase_order_required,
            )
        )  # fmt: skip
    return CreditLinesView(found)


@listing("/buyer/v1/credit-orders", CreditOrderView)
async def list_orders(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your orders on account, newest first. 赊购订单。"""
    actor = actor_of(request)
    return await show_page(request, actor, lambda tx, page: credit.own_orders(tx, actor, page), _view, limit, cursor)


@command("/buyer/v1/credit-orders/{order:str}/payment", Collected, 401, 402, 403, 404, 409, status=200)
async def pay(request: Asked, order: FromPath[str]) -> Response[bytes]:
    """Pay all that you owe for an order, from your wallet. 用钱包付清赊购订单。

    What is due is taken from the wallet by itself. A bank transfer that quotes the order pays it as well.
    """
    actor, order_id = actor_of(request), object_id("ord", order)
    return await write(
        request, "credit.pay", lambda tx: pay_on_account(tx, actor, order_id), status=200, object_id=order
    )


def _view(one: CreditOrder) -> CreditOrderView:
    currency = one.price.currency
    return CreditOrderView(
        order=ids.text("ord", one.order_id),
        price=money_wire(one.price.units, currency),
        unpaid=money_wire(one.unpaid_units, currency),
        due_on=one.due_on.isoformat(),
        purchase_order=one.purchase_order,
        created_at=stamp(one.created_at),
    )


ROUTES = (list_lines, list_orders, pay)

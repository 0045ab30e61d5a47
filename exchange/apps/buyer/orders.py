"""Orders: the purchase itself, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta

from exchange.apps.http.answers import answer, asked_page, body_digest, found, idempotency_key, page_response
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.wire import Id, MoneyWire, Time, body_id, money_wire, object_id
from exchange.flows.once import Command
from exchange.flows.purchase import ACTION, Purchase
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused
from settlement.orders import Order
from settlement.store import reads

Purpose = Annotated[str, Meta(pattern="^[a-z_]{2,40}$", examples=["pretrain"])]


class OrderWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to buy: an offer's current version, for which purposes, paid from the wallet or by card."""

    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"], max_length=40)]
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=16, examples=[["pretrain", "evaluate"]])]
    payment: Literal["wallet", "card"] = "wallet"
    quote: Annotated[str, Meta(max_length=40)] | None = None
    payment_method: Annotated[str, Meta(max_length=200, examples=["pm_card_visa"])] | None = None


class OrderView(msgspec.Struct, frozen=True):
    """An order as it stands."""

    id: Id
    offer: Id
    listing: Id
    agreement: Id
    buyer: Id
    seller: Id
    total: MoneyWire
    payment: str
    state: str
    created_at: Time
    paid_at: Time | None




@post(
    "/buyer/v1/orders",
    status_code=201,
    opt={"revocation_in_flow": True},
)
async def place_order(request: Request[Any, Any, Any], data: OrderWish) -> Response[bytes]:
    """Place an order. 下单。

    Paid from the wallet, it is done when this answers: the agreement is signed, the money is booked, the grant is there.
    Paid by card, it is awaiting_payment until Stripe confirms the charge.
    """
    if data.payment == "card" and not data.payment_method:
        raise Refused(INVALID_REQUEST(reason="payment by card needs payment_method"))
    command = Command(actor_of(request), ACTION, idempotency_key(request), await body_digest(request))
    wish = Purchase(
        command,
        body_id("ofr", data.offer),
        data.purposes,
        data.payment,
        body_id("qte", data.quote) if data.quote else None,
        data.payment_method,
    )
    return answer(request, await services_of(request).purchases.put(wish))


@get("/buyer/v1/orders")
async def list_orders(
    request: Request[Any, Any, Any], limit: int | None = None, cursor: str | None = None
) -> Response[bytes]:
    """Your orders, newest first. 我的订单（按时间倒序）。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        page = await reads.list_orders(tx, actor, asked_page(limit, cursor))
    return page_response(request, page, order_view)


@get("/buyer/v1/orders/{order:str}")
async def show_order(request: Request[Any, Any, Any], order: str) -> OrderView:
    """One order. 订单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        return order_view(found(await reads.find_order(tx, actor, object_id("ord", order))))


def order_view(order: Order) -> OrderView:
    """An order as the API shows it."""
    return OrderView(
        id=ids.text("ord", order.id),
        offer=ids.text("ofr", order.offer_id),
        listing=ids.text("lst", order.listing_id),
        agreement=ids.text("agr", order.agreement_id),
        buyer=ids.text("org", order.buyer_id),
        seller=ids.text("org", order.seller_id),
        total=money_wire(order.price.units, order.price.currency),
        payment=order.payment.value,
        state=order.state.value,
        created_at=order.created_at.isoformat(),
        paid_at=order.paid_at.isoformat() if order.paid_at else None,
    )

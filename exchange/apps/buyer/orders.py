"""Orders: the purchase itself, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.http.answers import Asked, body_digest, found, idempotency_key, plain_answer, write
from exchange.apps.http.choices import Choices, basis_of
from exchange.apps.http.context import actor_of, let_in, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.plain import Plain
from exchange.apps.http.refusals import malformed
from exchange.apps.http.shortcut import Caller
from exchange.apps.http.wire import Id, MoneyWire, Time, body_id, json_of, money_wire, object_id, stamp
from exchange.flows.cancel_order import OrderCancelled, cancel_order
from exchange.flows.once import Command
from exchange.flows.purchase import ACTION, OrderReceipt, Purchase
from exchange.kernel import ids
from exchange.kernel.errors import INVALID_REQUEST, Refused
from settlement.orders import Order
from settlement.store import reads

Purpose = Annotated[str, Meta(pattern="^[a-z_]{2,40}$", examples=["pretrain"])]


class OrderWish(Choices, frozen=True, forbid_unknown_fields=True):
    """What to buy: an offer's current version, for which purposes, paid from the wallet or by card.

    An order that names a quote takes the quote's choices and price, and states none itself.
    """

    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"], max_length=40)]
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=16, examples=[["pretrain", "evaluate"]])]
    payment: Literal["wallet", "card"] = "wallet"
    quote: Annotated[str, Meta(max_length=40)] | None = None
    payment_method: Annotated[str, Meta(max_length=200, examples=["pm_card_visa"])] | None = None


_WISH = msgspec.json.Decoder(OrderWish)


class OrderView(msgspec.Struct, frozen=True):
    """An order as it stands."""

    id: Id
    offer: Id
    listing: Id
    agreement: Id
    buyer: Id
    seller: Id
    total: MoneyWire
    tax: Annotated[MoneyWire, Meta(description="The part of the total that is tax. 总额中的税额。")]
    basis: Annotated[
        dict[str, Any],
        Meta(description="What fixed the price beside the offer: choices, class, agreed amounts. 定价依据。"),
    ]
    payment: str
    state: str
    created_at: Time
    paid_at: Time | None


@command("/buyer/v1/orders", OrderReceipt, 400, 401, 402, 403, 404, 409, 422, opt={"revocation_in_flow": True})
async def place_order(request: Asked, data: JSONBody[OrderWish]) -> Plain:
    """Place an order. 下单。

    Paid from the wallet, it is done when this answers: the agreement is signed, the money is booked, the grant is there.
    Paid by card, it is awaiting_payment until Stripe confirms the charge.
    """
    return await _place(request, data)


async def order_at_once(caller: Caller) -> Plain:
    """Place an order that came the short way.

    errors   raises Refused
    """
    await let_in(caller, "buyer", revocation_in_flow=True)  # type: ignore[arg-type]
    try:
        wish = _WISH.decode(await caller.body())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(INVALID_REQUEST(reason=malformed(error))) from error
    return await _place(caller, wish)  # type: ignore[arg-type]


async def _place(request: Asked, data: OrderWish) -> Plain:
    if data.payment == "card" and not data.payment_method:
        raise Refused(INVALID_REQUEST(reason="payment by card needs payment_method"))
    command = Command(actor_of(request), ACTION, idempotency_key(request), await body_digest(request))
    wish = Purchase(
        command,
        body_id("ofr", data.offer),
        tuple(dict.fromkeys(data.purposes)),
        data.payment,
        body_id("qte", data.quote) if data.quote else None,
        data.payment_method,
        basis_of(data),
    )
    return plain_answer(await services_of(request).purchases.put(wish))


@listing("/buyer/v1/orders", OrderView)
async def list_orders(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your orders, newest first. 我的订单（按时间倒序）。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: reads.list_orders(tx, actor, page), order_view, limit, cursor
    )


@show("/buyer/v1/orders/{order:str}", OrderView)
async def show_order(request: Asked, order: FromPath[str]) -> OrderView:
    """One order. 订单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        one = found(await reads.find_order(tx, actor, object_id("ord", order)))
    return order_view(found(one if one.buyer_id == actor.organisation_id else None))


@command("/buyer/v1/orders/{order:str}/cancellation", OrderCancelled, 400, 401, 403, 404, 409, status=200)
async def give_up_order(request: Asked, order: FromPath[str]) -> Response[bytes]:
    """Cancel an order that is not paid yet. 取消未支付的订单。"""
    actor, order_id = actor_of(request), object_id("ord", order)
    return await write(
        request, "order.cancel", lambda tx: cancel_order(tx, actor, order_id), status=200, object_id=order
    )


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
        tax=money_wire(order.tax_units, order.price.currency),
        basis={} if order.price_basis is None else json_of(order.price_basis),
        payment=order.payment.value,
        state=order.state.value,
        created_at=stamp(order.created_at),
        paid_at=stamp(order.paid_at) if order.paid_at else None,
    )


ROUTES = (place_order, list_orders, show_order, give_up_order)

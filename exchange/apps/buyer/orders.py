"""Orders: the purchase itself, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from exchange.apps.buyer.payment_methods import card_named
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
from exchange.kernel.db import Tx
from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.pages import Page, PageRequest
from settlement.orders import Order, shown_state
from settlement.payments import Method, means_of
from settlement.store import reads, refunds

Purpose = Annotated[str, Meta(pattern="^[a-z_]{2,40}$", examples=["pretrain"])]


class OrderWish(Choices, frozen=True, forbid_unknown_fields=True):
    """What to buy: an offer's current version, for which purposes, paid from the wallet, by card, or on account.

    An order that names a quote takes the quote's choices and price, and states none itself.
    """

    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"], max_length=40)]
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=16, examples=[["pretrain", "evaluate"]])]
    payment: Literal["wallet", "card", "account"] = "wallet"
    quote: Annotated[str, Meta(max_length=40)] | None = None
    payment_method: (
        Annotated[
            str,
            Meta(
                max_length=200,
                description="A card as Stripe names it, or alipay, wechat_pay, checkout: the payment then shows where to pay. "
                "银行卡，或 alipay、wechat_pay、checkout。",
                examples=["pm_card_visa"],
            ),
        ]
        | None
    ) = None
    purchase_order: Annotated[str, Meta(max_length=100, examples=["PO-4711"])] | None = None


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
    state: Annotated[
        str,
        Meta(
            description="awaiting_payment, paid, cancelled; refunded once all of it went back. 状态。",
            examples=["paid"],
        ),
    ]
    created_at: Time
    paid_at: Time | None
    refunded: Annotated[MoneyWire, Meta(description="What went back of the total. 已退回金额。")]


@command("/buyer/v1/orders", OrderReceipt, 400, 401, 402, 403, 404, 409, 422, opt={"revocation_in_flow": True})
async def place_order(request: Asked, data: JSONBody[OrderWish]) -> Plain:
    """Place an order. 下单。

    Paid from the wallet, it is done when this answers: the agreement is signed, the money is booked, the grant is there.
    Paid by card, it is awaiting_payment until Stripe confirms the charge. On account, within your credit line, it is done at
    once and to be paid later; your purchase order number stands on the invoice.
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
    named = await card_named(request, data.payment_method) if data.payment == "card" else data.payment_method
    if means_of(data.payment_method or "").method is Method.SEPA_DEBIT:
        raise Refused(INVALID_REQUEST(reason="a debit pays for an order by way of checkout"))
    if data.purchase_order is not None and data.payment != "account":
        raise Refused(INVALID_REQUEST(reason="purchase_order goes with an order on account"))
    command = Command(actor_of(request), ACTION, idempotency_key(request), await body_digest(request))
    wish = Purchase(
        command,
        body_id("ofr", data.offer),
        tuple(dict.fromkeys(data.purposes)),
        data.payment,
        body_id("qte", data.quote) if data.quote else None,
        named,
        basis_of(data),
        purchase_order=data.purchase_order,
    )
    return plain_answer(await services_of(request).purchases.put(wish))


@listing("/buyer/v1/orders", OrderView)
async def list_orders(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your orders, newest first. 我的订单（按时间倒序）。"""
    actor = actor_of(request)

    async def read(tx: Tx, page: PageRequest) -> Page[tuple[Order, int]]:
        found = await reads.list_orders(tx, actor, page)
        return Page(await refunds.with_refunds(tx, found.items), found.next_cursor)

    return await show_page(request, actor, read, lambda one: order_view(*one), limit, cursor)


@show("/buyer/v1/orders/{order:str}", OrderView)
async def show_order(request: Asked, order: FromPath[str]) -> OrderView:
    """One order. 订单详情。"""
    actor = actor_of(request)
    async with services_of(request).db.read(actor) as tx:
        one = found(await reads.find_order(tx, actor, object_id("ord", order)))
        ((shown, refunded),) = await refunds.with_refunds(
            tx, [found(one if one.buyer_id == actor.organisation_id else None)]
        )
    return order_view(shown, refunded)


@command("/buyer/v1/orders/{order:str}/cancellation", OrderCancelled, 400, 401, 403, 404, 409, status=200)
async def give_up_order(request: Asked, order: FromPath[str]) -> Response[bytes]:
    """Cancel an order that is not paid yet. 取消未支付的订单。"""
    actor, order_id = actor_of(request), object_id("ord", order)
    return await write(
        request, "order.cancel", lambda tx: cancel_order(tx, actor, order_id), status=200, object_id=order
    )


def order_view(order: Order, refunded: int = 0) -> OrderView:
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
        state=shown_state(order, refunded),
        created_at=stamp(order.created_at),
        paid_at=stamp(order.paid_at) if order.paid_at else None,
        refunded=money_wire(refunded, order.price.currency),
    )


ROUTES = (place_order, list_orders, show_order, give_up_order)

"""What a receipt says: of a payment that came in, and of an order that was paid."""

from __future__ import annotations

from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.text import LocaleMap, Text, pick
from exchange.parties import store as parties
from settlement.orders import Order, OrderState, PayBy
from settlement.paper.receipt_sheet import Receipt
from settlement.payments import PaymentState
from settlement.store import reads


async def payment_receipt(tx: Tx, actor: Actor, payment_id: UUID) -> Receipt | None:
    """The receipt of one of the actor's payments; None where there is none, or the money is not there."""
    payment = await reads.find_payment(tx, actor, payment_id)
    me = await parties.my_organisation(tx, actor)
    if payment is None or me is None or payment.state is not PaymentState.SUCCEEDED or payment.finished_at is None:
        return None
    refers = [(Text("Payment", "付款编号"), ids.text("pay", payment.id))]
    if payment.order_id:
        refers.append((Text("Order", "订单"), ids.text("ord", payment.order_id)))
    return Receipt(
        number=ids.text("pay", payment.id),
        payer=_name(me.name),
        payer_id=ids.text("org", me.id),
        to=Text("The exchange, for the order below", "交易所（用于下列订单）") if payment.order_id else None,
        amount=payment.amount,
        tax=None,
        way=payment.method.value,
        paid_at=payment.finished_at,
        refers=tuple(refers),
    )


async def order_receipt(tx: Tx, order: Order) -> Receipt | None:
    """The receipt of an order; None until it is paid. Whose it is was asked before.

    An order on account has none, as it stands as paid before any money came: the transfer that pays it has its own.
    """
    if order.payment is PayBy.ACCOUNT or order.state is not OrderState.PAID or order.paid_at is None:
        return None
    names = await parties.public_names(tx, [order.buyer_id, order.seller_id])
    return Receipt(
        number=ids.text("ord", order.id),
        payer=_name(names.get(order.buyer_id, {})),
        payer_id=ids.text("org", order.buyer_id),
        to=_name(names.get(order.seller_id, {})),
        amount=order.price,
        tax=order.tax_money,
        way=order.payment.value,
        paid_at=order.paid_at,
        refers=((Text("Order", "订单"), ids.text("ord", order.id)),),
        to_id=ids.text("org", order.seller_id),
    )


def _name(names: LocaleMap) -> Text:
    return Text(pick(names, ["en"]), pick(names, ["zh"]))

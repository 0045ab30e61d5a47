"""A buyer gives up an order that was not paid."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import CONFLICT, NOT_FOUND, Problem
from settlement.orders import OrderState
from settlement.store import orders


class OrderCancelled(msgspec.Struct, frozen=True):
    """An order that will not be fulfilled."""

    id: str
    state: str


async def cancel_order(tx: Tx, actor: Actor, order_id: UUID) -> OrderCancelled | Problem:
    """Cancel an order that waits for its money; a card that is charged all the same fills the wallet.

    errors   answers not-found, state-conflict
    """
    order = (await orders.get_orders(tx, [order_id], lock=True)).get(order_id)
    if order is None or order.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    if not await orders.mark_cancelled(tx, [order_id]):
        return CONFLICT(state=order.state.value, needs=OrderState.AWAITING_PAYMENT.value)
    name = ids.text("ord", order_id)
    await audit.append(tx, [done(actor, "order.cancel", name, order.seller_id)])
    return OrderCancelled(name, OrderState.CANCELLED.value)

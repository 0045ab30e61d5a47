"""Which payment alone feeds a payout, so that its transfer can go out with that payment's own money."""

from __future__ import annotations

from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.payments import PaymentState
from settlement.payouts import PayoutState, Rail
from settlement.provider_calls import CallKind
from settlement.store import feeds, payments, payouts, provider_calls
from settlement.transfer_sources import Feed, alone_from


async def fed_by(tx: Tx, payout_id: UUID) -> Feed | None:
    """The payment of the one order that a payout is made of; None where it is made of more, or was asked for already.

    Only the first call names a charge: one that the provider refused goes out without it.
    """
    payout = (await payouts.get_payouts(tx, [payout_id])).get(payout_id)
    if payout is None or payout.state is not PayoutState.CREATED or payout.rail is not Rail.STRIPE:
        return None
    if await provider_calls.calls_of(tx, CallKind.TRANSFER, [payout_id]):
        return None
    order_id = alone_from(await feeds.moved_before(tx, payout_id), payout.amount)
    paid = await payments.payment_of_order(tx, order_id) if order_id is not None else None
    if order_id is None or paid is None or paid.provider_ref is None or paid.state is not PaymentState.SUCCEEDED:
        return None
    released = Money(await feeds.released(tx, order_id), paid.amount.currency)
    return Feed(payout.amount, paid.provider_ref, ids.text("pay", paid.id), released)

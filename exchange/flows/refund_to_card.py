"""A buyer takes money out of the wallet, back to the card or account that it came from."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement.accounts import wallet
from settlement.card_refunds import HOLD_REASON, CardRefund, CardRefundState
from settlement.holds import Hold
from settlement.journals import Posted
from settlement.payments import Method, PaymentState, chargeable
from settlement.problems import WALLET_INSUFFICIENT
from settlement.store import card_refunds, holds, ledger, payments
from settlement.stripe_problems import CARD_REFUND_TOO_LARGE, PAYMENT_NOT_REFUNDABLE

REFUND_CARD = "refund_card"


class CardRefundReceipt(msgspec.Struct, frozen=True):
    """Money that is held in the wallet until the provider has taken it back to where it came from."""

    id: str
    payment: str
    amount: dict[str, str]
    state: str


async def refund_to_card(
    tx: Tx, actor: Actor, payment_id: UUID, amount: Money | None = None
) -> CardRefundReceipt | Problem:
    """Hold an amount of the wallet, all that can go back of the payment where none is named, and queue the call.

    errors   answers forbidden, not-found, payment-not-refundable, card-refund-too-large, wallet-insufficient
    """
    if "buyer" not in actor.roles:
        return FORBIDDEN(needs="buyer")
    payment = (await payments.get_payments(tx, [payment_id], lock=True)).get(payment_id)
    if payment is None or payment.organisation_id != actor.organisation_id:
        return NOT_FOUND()
    if payment.method is Method.BANK or payment.state is not PaymentState.SUCCEEDED:
        return PAYMENT_NOT_REFUNDABLE(method=payment.method.value, state=payment.state.value)
    left = Money(payment.amount.units - await card_refunds.gone_back(tx, payment_id), payment.amount.currency)
    wanted = left if amount is None else amount
    if wanted.currency != left.currency or not chargeable(wanted) or wanted.units > left.units:
        return CARD_REFUND_TOO_LARGE(left=str(left), payment=ids.text("pay", payment_id))
    one = CardRefund(tx.new_id(), actor.organisation_id, payment_id, wanted, CardRefundState.CREATED, tx.now)
    key = wallet(actor.organisation_id, wanted.currency)
    (held,) = await holds.open_holds(tx, [Hold(one.id, key, wanted.units, HOLD_REASON, payment_id)])
    if not isinstance(held, Posted):
        there = (await ledger.available(tx, [key]))[key]
        return WALLET_INSUFFICIENT(needed=str(wanted), available=str(Money(there, wanted.currency)))
    await card_refunds.insert_card_refund(tx, one)
    name = ids.text("crf", one.id)
    job = jobs.Job(
        REFUND_CARD, str(one.id), {"refund": name}, organisation_id=one.organisation_id, attempts_max=CALL_ATTEMPTS
    )
    await jobs.put(tx, job)
    await audit.append(tx, [done(actor, "card-refund.ask", name)])
    return CardRefundReceipt(name, ids.text("pay", payment_id), wanted.to_wire(), one.state.value)

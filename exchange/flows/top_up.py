"""A buyer puts money into the wallet, by card or by bank transfer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import Money
from settlement.payments import (
    TOP_UP_LEAST_UNITS,
    TOP_UP_MOST_UNITS,
    Method,
    Payment,
    PaymentState,
    Purpose,
    amount_possible,
    chargeable,
)
from settlement.problems import AMOUNT_INVALID
from settlement.store import payments

CHARGE_CARD = "charge_card"


@dataclass(frozen=True, slots=True)
class TopUp:
    """How much, and how it will come; `payment_method` is the card as Stripe names it."""

    amount: Money
    method: Literal["card", "bank"]
    payment_method: str | None = None


class TopUpReceipt(msgspec.Struct, frozen=True):
    """A payment to come; `reference` is what a bank transfer must quote."""

    id: str
    state: str
    amount: dict[str, str]
    method: str
    reference: str | None


async def top_up(tx: Tx, actor: Actor, wish: TopUp) -> TopUpReceipt | Problem:
    """Write the payment and queue the charge; the wallet grows when the money is there.

    errors   answers forbidden, amount-invalid
    """
    if "buyer" not in actor.roles:
        return FORBIDDEN(needs="buyer")
    currency = wish.amount.currency
    if not amount_possible(wish.amount) or (wish.method == "card" and not chargeable(wish.amount)):
        least, most = Money(TOP_UP_LEAST_UNITS, currency), Money(TOP_UP_MOST_UNITS, currency)
        return AMOUNT_INVALID(least=str(least), most=str(most), currency=currency)
    payment = Payment(
        tx.new_id(),
        actor.organisation_id,
        Purpose.TOP_UP,
        None,
        wish.amount,
        Method(wish.method),
        PaymentState.CREATED,
        tx.now,
    )
    name = ids.text("pay", payment.id)
    await payments.insert_payments(tx, [payment])
    if payment.method is Method.CARD:
        payload = {"payment": name, "payment_method": wish.payment_method}
        await jobs.put(tx, jobs.Job(CHARGE_CARD, str(payment.id), payload, organisation_id=actor.organisation_id))
    await audit.append(tx, [done(actor, "wallet.top-up", name)])
    reference = name if payment.method is Method.BANK else None
    return TopUpReceipt(name, payment.state.value, wish.amount.to_wire(), wish.method, reference)

"""A buyer puts money into the wallet, by card or by bank transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from compliance import store as audit
from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.money import Money
from settlement.payments import (
    CURRENCIES,
    TOP_UP_LEAST_UNITS,
    TOP_UP_MOST_UNITS,
    Method,
    Payment,
    PaymentState,
    Purpose,
    amount_possible,
    chargeable,
    word_of,
)
from settlement.problems import AMOUNT_INVALID
from settlement.store import payments
from settlement.stripe_problems import METHOD_CURRENCY

CHARGE_CARD = "charge_card"


@dataclass(frozen=True, slots=True)
class TopUp:
    """How much, and how it will come; `payment_method` is the card or the debit as Stripe names it.

    shapes   mandate: for a debit, the address and the browser from which it was agreed to
    """

    amount: Money
    method: str
    payment_method: str | None = None
    mandate: Mapping[str, str] = field(default_factory=dict)


class TopUpReceipt(msgspec.Struct, frozen=True):
    """A payment to come; `reference` is what a bank transfer must quote."""

    id: str
    state: str
    amount: dict[str, str]
    method: str
    reference: str | None


async def top_up(tx: Tx, actor: Actor, wish: TopUp) -> TopUpReceipt | Problem:
    """Write the payment and queue the charge; the wallet grows when the money is there.

    errors   answers forbidden, amount-invalid, payment-method-currency
    """
    if "buyer" not in actor.roles:
        return FORBIDDEN(needs="buyer")
    currency = wish.amount.currency
    method = Method(wish.method)
    if currency not in (takes := CURRENCIES.get(method, frozenset({currency}))):
        return METHOD_CURRENCY(method=method.value, currencies=", ".join(sorted(takes)), currency=currency)
    if not amount_possible(wish.amount) or (method is not Method.BANK and not chargeable(wish.amount)):
        least, most = Money(TOP_UP_LEAST_UNITS, currency), Money(TOP_UP_MOST_UNITS, currency)
        return AMOUNT_INVALID(least=str(least), most=str(most), currency=currency)
    payment = Payment(
        tx.new_id(),
        actor.organisation_id,
        Purpose.TOP_UP,
        None,
        wish.amount,
        method,
        PaymentState.CREATED,
        tx.now,
    )
    name = ids.text("pay", payment.id)
    await payments.insert_payments(tx, [payment])
    if method is not Method.BANK:
        payload: dict[str, object] = {"payment": name, "payment_method": word_of(method, wish.payment_method or "")}
        if wish.mandate:
            payload["mandate"] = dict(wish.mandate)
        job = jobs.Job(
            CHARGE_CARD,
            str(payment.id),
            payload,
            organisation_id=actor.organisation_id,
            attempts_max=CALL_ATTEMPTS,
        )
        await jobs.put(tx, job)
    await audit.append(tx, [done(actor, "wallet.top-up", name)])
    reference = name if payment.method is Method.BANK else None
    return TopUpReceipt(name, payment.state.value, wish.amount.to_wire(), wish.method, reference)

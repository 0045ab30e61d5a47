"""The answer to a card charge: book the money, pay the order, issue the grant. Any order, any number of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from contracts import store as contracts
from contracts.agreements import Deal
from exchange.access.grants import NewGrant
from exchange.access.store import grants
from exchange.catalog.store import listings
from exchange.flows.sale import Sale, Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from settlement import postings
from settlement.journals import BodyMismatch, Journal
from settlement.orders import Order, OrderState
from settlement.payments import TRANSITIONS, Payment, PaymentState, Purpose
from settlement.problems import JOURNAL_MISMATCH, PAYMENT_STATE
from settlement.splits import Part
from settlement.store import ledger, orders, payments

# What was sold, what was agreed, and who gets which part of the price.
Agreed = tuple[Sale, Deal, Sequence[Part]]


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """What the provider says of one payment."""

    payment_id: UUID
    state: Literal["processing", "succeeded", "failed"]
    provider_ref: str | None = None
    failure: str | None = None


class Recorded(msgspec.Struct, frozen=True):
    """The payment as it stands now; `replayed` when this was known before."""

    payment: str
    state: str
    order: str | None
    grant: str | None
    replayed: bool


async def record_payment(tx: Tx, sales: Sales, results: Sequence[PaymentResult]) -> list[Recorded | Problem]:
    """Record what became of payments; each is answered alone, and one that is known already changes nothing.

    A card that was charged for an order cancelled meanwhile fills the buyer's wallet: money is never lost.

    errors   answers not-found, payment-state, journal-mismatch
    """
    known = await payments.get_payments(tx, [one.payment_id for one in results], lock=True)
    order_ids = [one.order_id for one in known.values() if one.order_id]
    found = await orders.get_orders(tx, order_ids, lock=True) if order_ids else {}
    deals = await _deals(tx, sales, [one for one in found.values() if one.state is OrderState.AWAITING_PAYMENT])
    answers: list[Recorded | Problem] = []
    for result in results:
        payment = known.get(result.payment_id)
        if payment is None:
            answers.append(NOT_FOUND())
            continue
        deal = deals.get(payment.order_id) if payment.order_id else None
        answer = await _record(tx, payment, result, deal)
        answers.append(answer)
        if isinstance(answer, Recorded) and not answer.replayed:
            # A later result of the same batch meets the state that this one made.
            known[payment.id] = _moved(payment, result)
            if payment.order_id and result.state == "succeeded":
                deals.pop(payment.order_id, None)
    return answers


async def _record(tx: Tx, payment: Payment, result: PaymentResult, deal: Agreed | None) -> Recorded | Problem:
    target = PaymentState(result.state)
    name = ids.text("pay", payment.id)
    order = ids.text("ord", payment.order_id) if payment.order_id else None
    if payment.state is target or (payment.state is PaymentState.SUCCEEDED and target is PaymentState.PROCESSING):
        return Recorded(name, payment.state.value, order, None, replayed=True)
    if target not in TRANSITIONS[payment.state]:
        return PAYMENT_STATE(state=payment.state.value, wanted=target.value)
    grant: NewGrant | None = None
    if target is PaymentState.SUCCEEDED:
        journal = _journal(payment, deal)
        (posted,) = await ledger.post(tx, [journal])
        if isinstance(posted, BodyMismatch):
            return JOURNAL_MISMATCH(journal=ids.text("jnl", posted.journal_id))
        if deal is not None:
            grant = deal[0].grant(deal[1], tx.new_id())
            await orders.mark_paid(tx, [deal[1].order_id])
            await grants.insert_grants(tx, [grant])
    await payments.move_payment(tx, payment.id, target, result.provider_ref, result.failure)
    await audit.append(tx, [_entry(payment, target, deal)])
    return Recorded(name, target.value, order, ids.text("grt", grant.id) if grant else None, replayed=False)


def _journal(payment: Payment, deal: Agreed | None) -> Journal:
    if payment.purpose is Purpose.ORDER and deal is not None:
        return postings.card_purchase(deal[1].order_id, payment.amount, deal[2])
    return postings.top_up(payment.id, payment.organisation_id, payment.amount)


async def _deals(tx: Tx, sales: Sales, waiting: Sequence[Order]) -> dict[UUID, Agreed]:
    """What was agreed for orders that wait for their money."""
    if not waiting:
        return {}
    offers = await listings.load_offers(tx, [one.offer_id for one in waiting])
    agreements = await contracts.find_agreements(tx, [one.agreement_id for one in waiting])
    found: dict[UUID, Agreed] = {}
    for one in waiting:
        sale = sales.sold(offers[one.offer_id], one)
        deal = _deal(one, msgspec.json.decode(agreements[one.agreement_id].document))
        found[one.id] = (sale, deal, sale.parts_of(one.net, one.tax_money))
    return found


def _deal(order: Order, document: Mapping[str, object]) -> Deal:
    said = msgspec.convert(document, _Agreement)
    return Deal(
        agreement_id=order.agreement_id,
        order_id=order.id,
        buyer_id=order.buyer_id,
        price=order.price,
        purposes=said.purposes,
        starts_at=said.period.starts_at,
        ends_at=said.period.ends_at,
        concluded_at=order.created_at,
    )


class _Period(msgspec.Struct, frozen=True):
    starts_at: datetime
    ends_at: datetime | None


class _Agreement(msgspec.Struct, frozen=True):
    purposes: tuple[str, ...]
    period: _Period


def _moved(payment: Payment, result: PaymentResult) -> Payment:
    return Payment(
        payment.id,
        payment.organisation_id,
        payment.purpose,
        payment.order_id,
        payment.amount,
        payment.method,
        PaymentState(result.state),
        payment.created_at,
    )


def _entry(payment: Payment, target: PaymentState, deal: Agreed | None) -> Entry:
    return Entry(
        action=f"payment.{target.value}",
        organisation_id=None,
        object_id=ids.text("pay", payment.id),
        agreement_id=ids.text("agr", deal[1].agreement_id) if deal else None,
        concerns=(payment.organisation_id, *((deal[0].offer.supplier_id,) if deal else ())),
    )

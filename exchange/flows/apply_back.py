"""What goes back through the payment provider takes its effect here: refunds to cards, reversals, Checkout pages, fees.

Each is one row locked, its state moved, its journals posted; seen again, or late, it changes nothing.
"""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.applied import Applied, CannotApply, adopt, opened, ours
from exchange.flows.record_payment import PaymentResult, record_payment
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from settlement import provider_objects as seen_there
from settlement import provider_postings as postings
from settlement.accounts import AccountKind, debt, payable, platform
from settlement.card_refunds import TRANSITIONS, CardRefund, CardRefundState, state_there
from settlement.holds import Ended, HoldEnd, Outcome
from settlement.journals import Duplicate, Journal, Posted
from settlement.open_items import ItemKind, Opened
from settlement.payments import TRANSITIONS as PAYMENT_STATES
from settlement.payments import Payment, PaymentState
from settlement.provider_calls import CallKind
from settlement.provider_objects import Booked
from settlement.recoveries import Recovery, RecoveryState
from settlement.store import card_refunds, holds, ledger, orders, payments, payouts, recoveries

EXPIRED = "session_expired"


async def book_movement(tx: Tx, source_id: UUID, presented: Money, booked: Booked | None) -> tuple[Opened, ...]:
    """Book what the provider kept for a movement, and its change of currency; what was booked before stays as it is.

    units    `presented` above zero came in, below zero went out
    """
    if booked is None:
        return ()
    journals: list[Journal] = []
    if booked.amount.currency != presented.currency:
        rate = booked.rate or "unsaid"
        journals.append(postings.provider_conversion(source_id, presented, booked.amount, rate))
    elif booked.amount != presented:
        told = opened(ItemKind.OTHER_MONEY, booked.id, asked=str(presented), there=str(booked.amount))
        return (told,)
    if booked.fee.units < 0:
        return (opened(ItemKind.OTHER_MONEY, booked.id, fee=str(booked.fee)),)
    if booked.fee.units:
        journals.append(postings.provider_fee(source_id, booked.fee))
    results = await ledger.post(tx, journals)
    if all(isinstance(result, Posted | Duplicate) for result in results):
        return ()
    # The provider says something else than it once said; the books keep what they have.
    return (opened(ItemKind.OTHER_MONEY, booked.id, there=str(booked.amount), fee=str(booked.fee)),)


# --- refunds to cards ----------------------------------------------------------------------
async def apply_refund(tx: Tx, seen: seen_there.Refund) -> Applied:
    """A refund as it stands there: the hold is kept while it waits, settled once it is debited, and given back."""
    refund_id = ours("crf", seen.refund)
    found = await card_refunds.get_card_refunds(tx, [refund_id], lock=True) if refund_id else {}
    one = found.get(refund_id) if refund_id else None
    if one is None:
        # Made by hand at the provider: nobody here knows whose money it is.
        kind = ItemKind.REFUND_FAILED if seen.state in ("failed", "canceled") else ItemKind.REFUND
        about = {"refund": seen.id, "amount": str(seen.amount), "status": seen.state}
        return Applied("not ours", (Opened(kind, seen.payment_id or seen.id, about),))
    name = ids.text("crf", one.id)
    if seen.amount != one.amount or one.provider_ref not in (None, seen.id):
        there = opened(ItemKind.OTHER_MONEY, seen.id, refund=name, asked=str(one.amount), there=str(seen.amount))
        return Applied("other money", (there,))
    await adopt(tx, CallKind.REFUND, one.id, seen.id)
    target = state_there(debited=seen.booked is not None, returned=seen.returned is not None, status=seen.state)
    if target not in TRANSITIONS[one.state]:
        return Applied("known")
    told = await _move_refund(tx, one, seen, target)
    return Applied("recorded", told)


async def _move_refund(tx: Tx, one: CardRefund, seen: seen_there.Refund, target: CardRefundState) -> tuple[Opened, ...]:
    told: tuple[Opened, ...] = ()
    if target is CardRefundState.SUCCEEDED:
        await _end_hold(tx, one, settled=True)
        told = await book_movement(tx, one.id, -one.amount, seen.booked)
    elif target is CardRefundState.FAILED and one.state is CardRefundState.SUCCEEDED:
        (posted,) = await ledger.post(tx, [postings.card_refund_returned(one.id, one.organisation_id, one.amount)])
        assert isinstance(posted, Posted), posted
        told = await book_movement(tx, ids.derived(one.created_at, "returned", one.id), one.amount, seen.returned)
    elif target is CardRefundState.FAILED:
        await _end_hold(tx, one, settled=False)
    await record_card_refund(tx, one, target, seen.id, seen.failure or seen.state)
    return told


async def refund_refused(tx: Tx, refund_id: UUID, code: str) -> None:
    """The provider refused a refund for certain: its money is free in the wallet again."""
    one = (await card_refunds.get_card_refunds(tx, [refund_id], lock=True))[refund_id]
    if one.state is CardRefundState.CREATED:
        await _end_hold(tx, one, settled=False)
        await record_card_refund(tx, one, CardRefundState.FAILED, None, code)


async def _end_hold(tx: Tx, one: CardRefund, *, settled: bool) -> None:
    to = platform(AccountKind.STRIPE, one.amount.currency)
    end = HoldEnd(one.id, Outcome.SETTLED, to, one.amount.units) if settled else HoldEnd(one.id, Outcome.VOIDED)
    (ended,) = await holds.end_holds(tx, [end])
    assert isinstance(ended, Ended), ended


async def record_card_refund(
    tx: Tx, one: CardRefund, target: CardRefundState, provider_ref: str | None, failure: str | None
) -> None:
    """Write where a refund to a card stands now."""
    why = failure if target is CardRefundState.FAILED else None
    await card_refunds.move_card_refund(tx, one.id, target, provider_ref, why)
    await audit.append(tx, [_entry(f"card-refund.{target.value}", ids.text("crf", one.id), one.organisation_id)])


# --- reversals -----------------------------------------------------------------------------
async def apply_reversal(tx: Tx, seen: seen_there.Reversal) -> Applied:
    """A part of a transfer came back: what its payee owes becomes less, and what it owes no more is payable."""
    recovery_id = ours("rcv", seen.recovery)
    found = await recoveries.get_recoveries(tx, [recovery_id], lock=True) if recovery_id else {}
    one = found.get(recovery_id) if recovery_id else None
    if one is None:
        return Applied("not ours")
    await adopt(tx, CallKind.REVERSAL, one.id, seen.id)
    if one.state is not RecoveryState.CREATED:
        if one.provider_ref == seen.id:
            return Applied("known")
        name = ids.text("rcv", one.id)
        return Applied("another", (opened(ItemKind.OTHER_MONEY, seen.id, recovery=name, there=str(seen.amount)),))
    currency = seen.amount.currency
    owed, due = debt(one.organisation_id, currency), payable(one.organisation_id, currency)
    await payouts.lock_payable(tx, [due])
    owes = -(await ledger.sums(tx, [owed]))[owed]
    (posted,) = await ledger.post(tx, [postings.recovery(one.id, one.organisation_id, seen.amount, owes)])
    assert isinstance(posted, Posted), posted
    await end_recovery(tx, one, brought=seen.amount.units, provider_ref=seen.id)
    return Applied("recorded")


async def end_recovery(
    tx: Tx, one: Recovery, *, brought: int | None = None, provider_ref: str | None = None, failure: str | None = None
) -> None:
    """Write how a locked recovery ended."""
    await recoveries.end_recovery(tx, one.id, brought=brought, provider_ref=provider_ref, failure=failure)
    action = "recovery.done" if brought is not None else "recovery.refused"
    await audit.append(tx, [_entry(action, ids.text("rcv", one.id), one.organisation_id)])


async def taken_by_hand(tx: Tx, payout_id: UUID, seen: seen_there.Transfer) -> Money:
    """What of a transfer came back otherwise than by recoveries; those that are told of with it are recorded first."""
    for back in seen.reversals:
        await apply_reversal(tx, back)
    return seen.amount_reversed - Money(await recoveries.brought_of(tx, payout_id), seen.amount.currency)


# --- Checkout ------------------------------------------------------------------------------
async def apply_session(tx: Tx, sales: Sales, seen: seen_there.Session) -> Applied:
    """A Checkout page as it stands: where the payer pays, or that nobody did; that somebody did, its payment tells."""
    payment_id = ours("pay", seen.payment)
    found = await payments.get_payments(tx, [payment_id], lock=True) if payment_id else {}
    payment = found.get(payment_id) if payment_id else None
    if payment is None:
        return Applied("not ours")
    if payment.session_ref not in (None, seen.id):
        return Applied("another page")
    await adopt(tx, CallKind.CHECKOUT, payment.id, seen.id)
    if seen.state == "open" or payment.session_ref is None:
        await payments.show_page(tx, payment.id, seen.url, None, seen.id)
    if seen.state != "expired" or payment.state is PaymentState.SUCCEEDED:
        return Applied("recorded")
    if PaymentState.FAILED in PAYMENT_STATES[payment.state]:
        (answer,) = await record_payment(tx, sales, [PaymentResult(payment.id, "failed", None, EXPIRED)])
        if isinstance(answer, Problem):
            raise CannotApply(answer)
    await free_order(tx, payment)
    return Applied("recorded")


async def free_order(tx: Tx, payment: Payment) -> None:
    """A payment that can never come ends the order that waits for it."""
    if payment.order_id is None:
        return
    for order_id in await orders.mark_cancelled(tx, [payment.order_id]):
        name = ids.text("ord", order_id)
        await audit.append(tx, [_entry("order.payment-given-up", name, payment.organisation_id)])


def _entry(action: str, name: str, organisation_id: UUID) -> Entry:
    return Entry(action=action, organisation_id=None, object_id=name, concerns=(organisation_id,))

"""A payer's bank takes a payment back: the money, its fee, our answer, and what follows when we are not believed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.applied import Applied, adopt, opened
from exchange.flows.apply_back import book_movement
from exchange.flows.expire_disputes import close_case
from exchange.flows.open_dispute import CaseWish, open_case
from exchange.flows.refund_order import end_use, give_back, lock_source
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import provider_objects as seen_there
from settlement import provider_postings as postings
from settlement.accounts import AccountKind, platform, wallet
from settlement.chargebacks import HOLD_REASON, OVER, Chargeback, ChargebackState, state_there
from settlement.holds import Ended, Hold, HoldEnd, Outcome
from settlement.journals import Posted
from settlement.open_items import ItemKind, Opened
from settlement.orders import OrderState
from settlement.payments import Payment
from settlement.provider_calls import CallKind
from settlement.refunds import Reason
from settlement.store import chargebacks, holds, ledger, open_items, payments

AT_ONCE = 50
# A look that is older than another is told by this: no bank goes back a step.
_STEP = {
    ChargebackState.INQUIRY: 0,
    ChargebackState.NEEDS_RESPONSE: 1,
    ChargebackState.UNDER_REVIEW: 2,
    ChargebackState.WON: 3,
    ChargebackState.LOST: 3,
    ChargebackState.CLOSED: 3,
}


async def apply_dispute(tx: Tx, seen: seen_there.Dispute) -> Applied:
    """A dispute as it stands there: each movement is booked once, its end once, whatever came before what."""
    payment = await payments.named(tx, seen.payment_id) if seen.payment_id else None
    if payment is None:
        about = {"amount": str(seen.amount), "status": seen.state, "payment_intent": seen.payment_id or ""}
        return Applied("not ours", (Opened(ItemKind.DISPUTE_UNKNOWN, seen.id, about),))
    # Disputes of one payment take their effect one by one.
    await payments.get_payments(tx, [payment.id], lock=True)
    state = state_there(seen.state)
    if state is None or seen.amount.currency != payment.amount.currency or seen.amount.units > payment.amount.units:
        told = opened(ItemKind.DISPUTE, seen.id, status=seen.state, amount=str(seen.amount))
        return Applied("not understood", (told,))
    before = await chargebacks.named(tx, seen.id)
    one = before or _made(tx, payment, seen)
    if before is None:
        await chargebacks.insert_chargeback(tx, one)
    now, told_of = await _money(tx, one, seen)
    if seen.answer == ids.text("cbk", one.id) and one.answered_at is None:
        await adopt(tx, CallKind.EVIDENCE, one.id, seen.id)
        now = replace(now, answered_at=tx.now)
    over = one.state in OVER
    if _STEP[state] >= _STEP[one.state] and not over:
        now = replace(now, state=state, due_at=seen.due_at, reason=seen.reason)
    elif over and state in OVER and state is not one.state:
        told_of = (*told_of, opened(ItemKind.DISPUTE, seen.id, status=seen.state, before=one.state.value))
    now, more = await _follow(tx, now, payment)
    if before == now:
        return Applied("known", told_of)
    await chargebacks.save_chargeback(tx, now)
    if before is None or before.state is not now.state:
        await audit.append(tx, [_entry(now)])
        more = (*more, *await _tell(tx, now))
    return Applied("recorded", (*told_of, *more))


def _made(tx: Tx, payment: Payment, seen: seen_there.Dispute) -> Chargeback:
    # Named by what it is about, so that whatever order its events come in, the books have the same names.
    # As an inquiry, which has moved nothing; what it is now follows at once.
    return Chargeback(
        ids.derived(seen.made_at, "chargeback", seen.id), seen.id, payment.id, payment.organisation_id,
        payment.order_id, seen.amount, seen.reason, ChargebackState.INQUIRY, tx.now, Money.zero(seen.amount.currency), due_at=seen.due_at,
    )  # fmt: skip


async def _money(tx: Tx, one: Chargeback, seen: seen_there.Dispute) -> tuple[Chargeback, tuple[Opened, ...]]:
    """Book what left our balance there for it, its fee, and what came back."""
    told: tuple[Opened, ...] = ()
    if seen.taken and not one.withdrawn:
        first = seen.taken[0]
        await ledger.post(tx, [postings.dispute_withdrawn(one.id, one.amount)])
        told = await book_movement(tx, one.id, -one.amount, first)
        one = replace(one, withdrawn=True, fee=first.fee)
    if seen.given and not one.reinstated and one.withdrawn:
        await ledger.post(tx, [postings.dispute_reinstated(one.id, one.amount)])
        # Named apart from the withdrawal, whose currencies and fee stand under the chargeback itself.
        named = ids.derived(one.created_at, "reinstated", one.id)
        told = (*told, *await book_movement(tx, named, one.amount, seen.given[0]))
        one = replace(one, reinstated=True)
    if len(seen.taken) > 1 or len(seen.given) > 1:
        told = (*told, opened(ItemKind.OTHER_MONEY, seen.id, moves=str(len(seen.taken) + len(seen.given))))
    return one, told


async def _follow(tx: Tx, one: Chargeback, payment: Payment) -> tuple[Chargeback, tuple[Opened, ...]]:
    """What a withdrawal and an end bring about on our side, once."""
    if one.closed_at is not None:
        return one, ()
    if one.state not in OVER:
        if one.withdrawn:
            await _hold(tx, one, payment)
        return one, ()
    if one.order_id is not None:
        # Whoever gives something back of it now is waited for, with what that reserved.
        await lock_source(tx, "order", one.order_id)
        # Before anything is given back: what the case held of its payees is theirs to give again.
        await close_case(tx, one.id, won=one.state is not ChargebackState.LOST)
    held = await _release(tx, one, lost=one.state is ChargebackState.LOST)
    one = replace(one, closed_at=tx.now)
    if one.state is not ChargebackState.LOST:
        return one, ()
    await _give_back(tx, one)
    taken = await _take(tx, one, one.amount.units - held)
    one = replace(one, covered=held + taken)
    if not one.uncovered.units:
        return one, ()
    name = ids.text("cbk", one.id)
    short = {"amount": str(one.amount), "covered": str(Money(one.covered, one.amount.currency))}
    return one, (Opened(ItemKind.CHARGEBACK_UNCOVERED, name, {**short, "payer": ids.text("org", one.organisation_id)}),)


async def _hold(tx: Tx, one: Chargeback, payment: Payment) -> None:
    """Of what the payer still has in its wallet, the disputed amount is reserved; an order's money is held of its payees."""
    if payment.order_id is not None:
        await _hold_shares(tx, one, payment.order_id)
        return
    key = wallet(one.organisation_id, one.amount.currency)
    balances = await ledger.lock_balances(tx, [key])
    there = min(balances.available.get(key, 0), one.amount.units)
    if there > 0 and not await chargebacks.held(tx, one.id):
        await holds.open_holds(tx, [Hold(one.id, key, there, HOLD_REASON, one.payment_id)])


async def _hold_shares(tx: Tx, one: Chargeback, order_id: UUID) -> None:
    """Let the payees' parts of an order be held once, as a case of the chargeback's own name.

    A dispute that is open on the order holds what it holds, and goes on; then there is no second one.
    """
    source = await lock_source(tx, "order", order_id)
    if source is None or source.order.state is not OrderState.PAID or not source.left:
        return
    amount = Money(min(one.amount.units, source.left), one.amount.currency)
    await open_case(tx, CaseWish(("order", order_id), amount, one.provider_ref, one.id))


async def hold_uncased(tx: Tx) -> int:
    """By the clock: hold the payees' parts for chargebacks that had no case, as a dispute was open that is over now."""
    found = await chargebacks.without_case(tx, AT_ONCE)
    # The payment before its order, as everybody holds them.
    await payments.get_payments(tx, [one.payment_id for one in found], lock=True)
    for one in found:
        now = (await chargebacks.get_chargebacks(tx, [one.id], lock=True))[one.id]
        if now.closed_at is None and now.order_id is not None:
            await _hold_shares(tx, now, now.order_id)
    return len(found)


async def _release(tx: Tx, one: Chargeback, *, lost: bool) -> int:
    """End what was reserved for it: to the disputed account when lost; how much that was."""
    held = await chargebacks.held(tx, one.id)
    if not held:
        return 0
    to = platform(AccountKind.DISPUTED, one.amount.currency)
    end = HoldEnd(one.id, Outcome.SETTLED, to, held) if lost else HoldEnd(one.id, Outcome.VOIDED)
    (ended,) = await holds.end_holds(tx, [end])
    assert isinstance(ended, Ended), ended
    return held if lost else 0


async def _give_back(tx: Tx, one: Chargeback) -> None:
    """The order that the payment paid is given back as far as it was not yet: each payee's part, and its use when all is."""
    if one.order_id is None:
        return
    source = await lock_source(tx, "order", one.order_id)
    if source is None or source.order.state is not OrderState.PAID:
        return
    units = min(source.left, one.amount.units)
    if units <= 0:
        return
    made = await give_back(tx, source, units, Reason.CHARGEBACK, cause_id=one.id)
    if made.full:
        await end_use(tx, source.order, tx.now)
    seller = source.order.seller_id
    name = ids.text("rfd", made.id)
    await audit.append(
        tx,
        [
            Entry(
                action="refund", organisation_id=None, object_id=name, concerns=tuple(sorted({seller, source.buyer_id}))
            )
        ],
    )


async def _take(tx: Tx, one: Chargeback, wanted: int) -> int:
    """Take from the payer's wallet what its bank has given it, as far as that goes."""
    key = wallet(one.organisation_id, one.amount.currency)
    balances = await ledger.lock_balances(tx, [key])
    units = min(wanted, balances.available.get(key, 0))
    if units <= 0:
        return 0
    amount = Money(units, one.amount.currency)
    (posted,) = await ledger.write(tx, [postings.chargeback(one.id, one.organisation_id, amount)], balances)
    assert isinstance(posted, Posted), posted
    return units


async def _tell(tx: Tx, one: Chargeback) -> tuple[Opened, ...]:
    """One that can be answered waits for the operator until it is answered or over."""
    name = ids.text("cbk", one.id)
    if one.state in (ChargebackState.INQUIRY, ChargebackState.NEEDS_RESPONSE):
        due = "" if one.due_at is None else one.due_at.isoformat()
        about = {"dispute": one.provider_ref, "amount": str(one.amount), "reason": one.reason, "due": due}
        return (Opened(ItemKind.DISPUTE, name, about),)
    await open_items.settle_items(tx, name, [ItemKind.DISPUTE])
    return ()


def concerned(one: Chargeback) -> tuple[UUID, ...]:
    """Whom the log's entries of a chargeback concern."""
    return (one.organisation_id,)


def _entry(one: Chargeback) -> Entry:
    name = ids.text("cbk", one.id)
    return Entry(action=f"chargeback.{one.state.value}", organisation_id=None, object_id=name, concerns=concerned(one))

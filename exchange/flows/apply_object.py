"""What stands at the payment provider takes its effect here: one row locked, its state moved, the journal posted, all at once.

Whoever saw the object, an answer to a call or an event that made us look, and however often or late: the same object has
the same effect once. What cannot be booked by rule is put before a person.
"""

from __future__ import annotations

from datetime import datetime

from compliance import store as audit
from exchange.flows.applied import Applied, CannotApply, adopt, opened, ours
from exchange.flows.apply_back import (
    apply_refund,
    apply_reversal,
    apply_session,
    book_movement,
    free_order,
    taken_by_hand,
)
from exchange.flows.call_provider import CALL_ATTEMPTS, open_item
from exchange.flows.chargeback import apply_dispute
from exchange.flows.keep_payment_method import apply_setup
from exchange.flows.open_payout_account import record_payout_account
from exchange.flows.record_payment import PaymentResult, record_payment
from exchange.flows.record_transfer import TransferResult, payout_entry, record_transfer
from exchange.flows.sale import Sales
from exchange.kernel import ids, jobs
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from settlement import provider_objects as seen_there
from settlement.open_items import ItemKind, Opened
from settlement.payments import TRANSITIONS, Method, Payment, PaymentState
from settlement.payout_accounts import PayoutAccountState
from settlement.payouts import Payout, PayoutState, Rail
from settlement.provider_calls import CallKind, CallState
from settlement.store import payments, payout_accounts, payouts, provider_calls
from settlement.transfer_sources import ARRIVES

PAY_TO_BANK = "pay_to_bank"
# A payout is tried again as a later step than the first.
RESENT_FROM = 2
_GOES_ON = frozenset({"processing", "requires_action", "requires_capture", "requires_confirmation"})
_BACK = frozenset({"failed", "canceled"})


async def apply_object(
    tx: Tx, sales: Sales, seen: seen_there.Seen, account: str | None = None, before: str | None = None
) -> Applied:
    """Let an object as it was seen take its effect.

    shapes   account: the connected account that it stands at; before: our state when it was about to be looked at, None
             where it is the answer to the one call that makes it
    errors   CannotApply
    """
    match seen:
        case seen_there.Payment():
            applied = await _payment(tx, sales, seen, before)
        case seen_there.Transfer():
            applied = await _transfer(tx, seen)
        case seen_there.BankPayout():
            applied = await _bank_payout(tx, seen, account)
        case seen_there.Account():
            applied = await _account(tx, seen, before)
        case seen_there.Session():
            applied = await apply_session(tx, sales, seen)
        case seen_there.Setup():
            applied = await apply_setup(tx, seen)
        case seen_there.Refund():
            applied = await apply_refund(tx, seen)
        case seen_there.Reversal():
            applied = await apply_reversal(tx, seen)
        case seen_there.Dispute():
            applied = await apply_dispute(tx, seen)
        case seen_there.File():
            # The call that uploaded it is answered; what it is for follows.
            applied = Applied("kept")
    for one in applied.opened:
        await open_item(tx, one)
    return applied


async def state_before(tx: Tx, seen_name: str | None, kind: str) -> str | None:
    """Our state of what an object names as its own, to hold against the state once it was looked at.

    shapes   kind: the beginning of our id, `pay` or `org`
    """
    object_id = ours(kind, seen_name)
    if object_id is None:
        return None
    if kind == "pay":
        payment = (await payments.get_payments(tx, [object_id])).get(object_id)
        return payment.state.value if payment else None
    found = await payout_accounts.account_of(tx, object_id, Rail.STRIPE)
    return found.state.value if found else None


# --- payments ------------------------------------------------------------------------------
async def _payment(tx: Tx, sales: Sales, seen: seen_there.Payment, before: str | None) -> Applied:
    payment_id = ours("pay", seen.payment)
    found = await payments.get_payments(tx, [payment_id], lock=True) if payment_id else {}
    payment = found.get(payment_id) if payment_id else None
    if payment is None:
        if seen.state != "succeeded":
            return Applied("not ours")
        return Applied("not ours", (opened(ItemKind.PAYMENT_UNKNOWN, seen.id, amount=str(seen.amount)),))
    if before is not None and before != payment.state.value:
        return Applied("moved meanwhile", again=True)
    if other := _other_money(payment, seen):
        return Applied("other money", (other,))
    if payment.provider_ref not in (None, seen.id) and seen.state != "succeeded":
        return Applied("another attempt")
    await adopt(tx, CallKind.CHARGE, payment.id, seen.id)
    target = _target(seen)
    if payment.state is PaymentState.SUCCEEDED and target is PaymentState.SUCCEEDED and payment.provider_ref != seen.id:
        named = ids.text("pay", payment.id)
        return Applied("paid twice", (opened(ItemKind.PAID_TWICE, seen.id, payment=named, amount=str(seen.amount)),))
    fresh = before is not None or payment.state is PaymentState.CREATED or target is PaymentState.SUCCEEDED
    if target is None or target not in TRANSITIONS[payment.state] or not fresh:
        return Applied("known", await _beside(tx, payment, seen))
    result = PaymentResult(payment.id, target.value, seen.id, _failure(seen, target))  # type: ignore[arg-type]
    (answer,) = await record_payment(tx, sales, [result])
    if isinstance(answer, Problem):
        raise CannotApply(answer)
    if seen.state == "canceled":
        await free_order(tx, payment)
    return Applied("known" if answer.replayed else "recorded", await _beside(tx, payment, seen))


async def _beside(tx: Tx, payment: Payment, seen: seen_there.Payment) -> tuple[Opened, ...]:
    """What a payment that is known tells beside its state: where the payer has to agree, and what the provider kept of it."""
    if seen.redirect_url is not None or seen.qr_code is not None:
        await payments.show_page(tx, payment.id, seen.redirect_url, seen.qr_code)
    if seen.state != "succeeded":
        return ()
    return await book_movement(tx, payment.id, payment.amount, seen.booked)


def _target(seen: seen_there.Payment) -> PaymentState | None:
    if seen.state == "succeeded":
        return PaymentState.SUCCEEDED
    if seen.state in _GOES_ON:
        return PaymentState.PROCESSING
    failed = seen.state == "canceled" or (seen.state == "requires_payment_method" and seen.failure is not None)
    return PaymentState.FAILED if failed else None


def _failure(seen: seen_there.Payment, target: PaymentState) -> str | None:
    return (seen.failure or seen.state) if target is PaymentState.FAILED else None


def _other_money(payment: Payment, seen: seen_there.Payment) -> Opened | None:
    """Something else than was asked for: another amount, another currency, or a payment that was to come by bank."""
    received = seen.received if seen.state == "succeeded" else seen.amount
    if payment.method is not Method.BANK and seen.amount == payment.amount and received == payment.amount:
        return None
    named = ids.text("pay", payment.id)
    return opened(ItemKind.OTHER_MONEY, seen.id, payment=named, asked=str(payment.amount), there=str(received))


# --- transfers -----------------------------------------------------------------------------
async def _transfer(tx: Tx, seen: seen_there.Transfer) -> Applied:
    payout = await _payout(tx, seen.payout)
    if payout is None:
        return Applied("not ours", (opened(ItemKind.TRANSFER_UNKNOWN, seen.id, amount=str(seen.amount)),))
    named = ids.text("pot", payout.id)
    if (seen.amount, seen.destination, Rail.STRIPE) != (payout.amount, payout.destination, payout.rail):
        told = opened(
            ItemKind.OTHER_MONEY, seen.id, payout=named, asked=str(payout.amount), there=str(seen.amount),
            destination=seen.destination,
        )  # fmt: skip
        return Applied("other money", (told,))
    if payout.provider_ref not in (None, seen.id) or payout.state is PayoutState.FAILED:
        # The money went although our side had given it up, or went once more.
        told = opened(ItemKind.PAID_TWICE, seen.id, payout=named, amount=str(seen.amount), state=payout.state.value)
        return Applied("paid twice", (told,))
    outcome = "known"
    if payout.state is PayoutState.CREATED:
        await adopt(tx, CallKind.TRANSFER, payout.id, seen.id)
        await _record(tx, TransferResult(payout.id, "sent", seen.id))
        await jobs.put(tx, bank_job(payout, run_at=await _arrives(tx, payout)))
        outcome = "recorded"
    if not seen.amount_reversed.units:
        return Applied(outcome)
    by_hand = await taken_by_hand(tx, payout.id, seen)
    if not by_hand.units:
        return Applied(outcome)
    back, whole = str(by_hand), by_hand == seen.amount
    if whole and payout.state is PayoutState.REVERSED:
        return Applied("known")
    if whole:
        await _record(tx, TransferResult(payout.id, "reversed", seen.id))
    # A part is not booked by rule: it is the operator's to say whose debt it is.
    told = opened(ItemKind.TRANSFER_REVERSED, seen.id, payout=named, amount=str(seen.amount), reversed=back)
    return Applied("recorded" if whole else "partly reversed", (told,))


async def _arrives(tx: Tx, payout: Payout) -> datetime | None:
    """When money that is tied to a charge can be sent on from the payee's account; None where nobody has to wait."""
    last = await provider_calls.last_call(tx, CallKind.TRANSFER, payout.id)
    said = last.request.get(ARRIVES) if last is not None else None
    return max(tx.now, datetime.fromisoformat(said)) if said is not None else None


def bank_job(payout: Payout, step: int = 1, run_at: datetime | None = None) -> jobs.Job:
    """The job that sends a payout on to the payee's bank; a later step where an earlier one came back."""
    named = {"payout": ids.text("pot", payout.id), "step": step}
    key = str(payout.id) if step == 1 else f"{payout.id}:{step}"
    return jobs.Job(PAY_TO_BANK, key, named, payout.organisation_id, run_at, attempts_max=CALL_ATTEMPTS)


# --- from a payee's account to its bank ----------------------------------------------------
async def _bank_payout(tx: Tx, seen: seen_there.BankPayout, account: str | None) -> Applied:
    payout = await _payout(tx, seen.payout)
    if payout is None:
        # Accounts of their own schedule pay themselves; only what came back is worth a look.
        told = opened(ItemKind.PAYOUT_UNKNOWN, seen.id, account, amount=str(seen.amount), state=seen.state)
        return Applied("not ours", (told,) if seen.state in _BACK else ())
    named = ids.text("pot", payout.id)
    if (
        account != payout.destination
        or payout.state is PayoutState.CREATED
        or not await _asked(tx, payout, seen.amount)
    ):
        told = opened(
            ItemKind.OTHER_MONEY, seen.id, account, payout=named, asked=str(payout.amount), there=str(seen.amount)
        )
        return Applied("other money", (told,))
    if payout.bank_ref not in (None, seen.id) and not await _sent_on(tx, payout, seen.id):
        told = opened(ItemKind.PAID_TWICE, seen.id, account, payout=named, amount=str(seen.amount), state=seen.state)
        return Applied("another", () if seen.state in _BACK else (told,))
    await adopt(tx, CallKind.PAYOUT, payout.id, seen.id)
    if payout.bank_ref is None:
        await payouts.name_bank_payout(tx, payout.id, seen.id)
    payout = (await payouts.get_payouts(tx, [payout.id]))[payout.id]
    if seen.state == "paid" and payout.state is PayoutState.SENT:
        await _record(tx, TransferResult(payout.id, "paid", bank_ref=seen.id))
        return Applied("recorded")
    if seen.state in _BACK and payout.state in (PayoutState.SENT, PayoutState.PAID):
        failure = seen.failure or seen.state
        await _record(tx, TransferResult(payout.id, "returned", failure=failure, bank_ref=seen.id))
        # The money lies at the payee's account; it is sent again once the payee has named another bank account.
        told = opened(ItemKind.PAYOUT_RETURNED, named, account, payout=seen.id, amount=str(seen.amount), reason=failure)
        return Applied("recorded", (told,))
    return Applied("known")


async def _asked(tx: Tx, payout: Payout, amount: Money) -> bool:
    """Whether so much may go on to the bank: all of it, or what one of our calls asked for where a part had come back."""
    if amount == payout.amount:
        return True
    calls = await provider_calls.calls_of(tx, CallKind.PAYOUT, [payout.id])
    return any(Money.from_wire(call.request) == amount for call in calls)


async def _sent_on(tx: Tx, payout: Payout, bank_ref: str) -> bool:
    """Whether this is the next try of a payout that came back, which our newest call made; it is on its way then."""
    newest = await provider_calls.last_call(tx, CallKind.PAYOUT, payout.id)
    if newest is None or newest.step < RESENT_FROM or newest.state is CallState.REFUSED:
        return False
    if newest.state is CallState.DONE and newest.provider_id != bank_ref:
        return False
    if not await payouts.send_on(tx, payout.id, bank_ref):
        return False
    await audit.append(tx, [payout_entry(payout, PayoutState.SENT)])
    return True


# --- payees' accounts ----------------------------------------------------------------------
async def _account(tx: Tx, seen: seen_there.Account, before: str | None) -> Applied:
    organisation_id = ours("org", seen.organisation)
    found = await payout_accounts.account_of(tx, organisation_id, Rail.STRIPE, lock=True) if organisation_id else None
    if organisation_id is None or found is None:
        return Applied("not ours")
    if before is not None and before != found.state.value:
        return Applied("moved meanwhile", again=True)
    if found.destination not in (None, seen.id) or found.state is PayoutAccountState.REFUSED:
        named = ids.text("org", organisation_id)
        return Applied("another account", (opened(ItemKind.PAID_TWICE, seen.id, organisation=named),))
    if before is None and found.state is not PayoutAccountState.OPENING:
        # The late answer to the call that opened it; events have told what came after.
        return Applied("known")
    await adopt(tx, CallKind.ACCOUNT, organisation_id, seen.id)
    state = PayoutAccountState.ACTIVE if seen.transfers_active else PayoutAccountState.RESTRICTED
    moved = await record_payout_account(tx, organisation_id, state, seen.id, seen.disabled)
    await payout_accounts.note_due(tx, organisation_id, seen.due, seen.disabled)
    return Applied("recorded" if moved else "known")


# --- shared --------------------------------------------------------------------------------
async def _payout(tx: Tx, name: str | None) -> Payout | None:
    payout_id = ours("pot", name)
    return (await payouts.get_payouts(tx, [payout_id], lock=True)).get(payout_id) if payout_id else None


async def _record(tx: Tx, result: TransferResult) -> None:
    (answer,) = await record_transfer(tx, [result])
    if isinstance(answer, Problem):
        raise CannotApply(answer)

"""What is asked of the payment provider, and what its answers mean here: charges, transfers, payouts to banks, accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from exchange.flows import ask_back
from exchange.flows.applied import Applied, CannotApply
from exchange.flows.apply_object import apply_object
from exchange.flows.call_provider import Begun, begin_call, done_call, open_item, refused_call, unknown_call, untried
from exchange.flows.may_send import Stop, may_go_on, may_send
from exchange.flows.open_payout_account import record_payout_account
from exchange.flows.record_payment import PaymentResult, record_payment
from exchange.flows.record_transfer import TransferResult, record_transfer
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from settlement.open_items import ItemKind, Opened
from settlement.payments import CURRENCIES, OFFERED, TRANSITIONS, Method, PaymentState, means_of
from settlement.payout_accounts import PayoutAccountState, agreement_for
from settlement.payouts import PayoutState, Rail
from settlement.provider_calls import KEPT_FAULT, KEY_USED, OTHER_ANSWER, Call, CallKind, CallState
from settlement.provider_objects import Seen
from settlement.store import kept_methods, open_items, payments, payout_accounts, payouts, provider_calls, recoveries
from settlement.transfer_sources import SOURCE

# A person is told of a call that nobody has answered this often; that is about a minute.
TELL_AFTER = 6
BALANCE_SHORT = "balance_insufficient"
_WAIT_FOR_MONEY = {CallKind.TRANSFER: ItemKind.BALANCE_SHORT, CallKind.PAYOUT: ItemKind.PAYOUT_REFUSED}
# Refusals of a payee's account: without its charge the same transfer fares no better.
_OF_PAYEE = frozenset({"insufficient_capabilities_for_transfer", "account_invalid", "not_payable"})
RECOVERING = Stop("recovery_under_way")
# A payout to a bank that still waits for its money as this step has waited for two days.
LATE_STEP = 60


@dataclass(frozen=True, slots=True)
class Payer:
    """Where a payer comes back to, and from where a debit was agreed to."""

    return_url: str = ""
    mandate: Mapping[str, str] = field(default_factory=dict)


async def begin_charge(
    tx: Tx, payment_id: UUID, payment_method: str | None, payer: Payer | None = None, absent: UUID | None = None
) -> Begun | None:
    """Ask for the money of a payment, or for a page on which it is paid, unless the payment has moved on.

    shapes   payment_method: as `means_of` reads it
    """
    payment = (await payments.get_payments(tx, [payment_id], lock=True)).get(payment_id)
    if payment is None or payment.state is not PaymentState.CREATED:
        return None
    payer = payer or Payer()
    asked = payment.amount.to_wire()
    means = means_of(payment_method or "")
    name = ids.text("pay", payment_id)
    back = f"{payer.return_url}{'&' if '?' in payer.return_url else '?'}payment={name}" if payer.return_url else ""
    if means.method is Method.CHECKOUT:
        kinds = [kind for kind in OFFERED if payment.amount.currency in CURRENCIES.get(kind, {payment.amount.currency})]
        asked |= {"kinds": ",".join(kinds), "return_url": back}
        return await begin_call(tx, CallKind.CHECKOUT, payment_id, asked, absent)
    asked["payment_method"] = means.payment_method or (means.method.value if means.method is not Method.CARD else "")
    if means.method is Method.SEPA_DEBIT:
        asked |= payer.mandate
    if back and means.method is not Method.SEPA_DEBIT:
        asked["return_url"] = back
    if means.method is Method.CARD and means.payment_method:
        # One that is kept is charged together with the customer that it is kept under.
        customer = await kept_methods.kept_under(tx, payment.organisation_id, means.payment_method)
        asked |= {"customer": customer} if customer else {}
    return await begin_call(tx, CallKind.CHARGE, payment_id, asked, absent)


async def begin_transfer(
    tx: Tx, payout_id: UUID, absent: UUID | None = None, tied: Mapping[str, str] | None = None
) -> Begun | None:
    """Send a payout to the payee's account at Stripe, unless it has gone, or goes by another rail.

    One that may not leave fails before its first call, and what it was to bring is payable again.

    shapes   tied: what it says of the one charge that feeds it, as `settlement.transfer_sources.tie` does
    """
    payout = (await payouts.get_payouts(tx, [payout_id], lock=True)).get(payout_id)
    if payout is None or payout.state is not PayoutState.CREATED or payout.rail is not Rail.STRIPE:
        return None
    stop = (await may_send(tx, [payout])).get(payout_id)
    if stop is not None and await untried(tx, CallKind.TRANSFER, payout_id):
        await record_transfer(tx, [TransferResult(payout_id, "failed", None, stop.reason)])
        return None
    asked = {**payout.amount.to_wire(), "destination": payout.destination, **(tied or {})}
    return await begin_call(tx, CallKind.TRANSFER, payout_id, asked, absent)


async def begin_bank_payout(tx: Tx, payout_id: UUID, step: int = 1, absent: UUID | None = None) -> Begun | Stop | None:
    """Send a payout on from the payee's account at Stripe to its bank, once it is there, or once it came back to there.

    Where the payee may not be paid now, and nothing can be under way, it waits and a person is told. What was brought back of
    it meanwhile does not go on; while that is under way, this waits.
    """
    payout = (await payouts.get_payouts(tx, [payout_id], lock=True)).get(payout_id)
    if payout is None or payout.rail is not Rail.STRIPE:
        return None
    if payout.state is not (PayoutState.SENT if step == 1 else PayoutState.RETURNED):
        return None
    if step == 1 and payout.bank_ref is not None:
        return None
    last = await provider_calls.last_call(tx, CallKind.PAYOUT, payout_id)
    # What an earlier step did is over; only what this one has sent may be under way.
    idle = last is None or last.state is CallState.REFUSED or (last.state is CallState.DONE and last.step < step)
    stop = (await may_go_on(tx, [payout])).get(payout_id) if idle else None
    if stop is not None:
        await open_item(tx, Opened(ItemKind.PAYOUT_REFUSED, ids.text("pot", payout_id), {"code": stop.reason}))
        return stop
    if idle and await recoveries.asked_of(tx, payout_id):
        return RECOVERING
    left = payout.amount - Money(await recoveries.brought_of(tx, payout_id), payout.amount.currency)
    if idle and not left.units:
        await open_items.settle_items(tx, ids.text("pot", payout_id), [ItemKind.PAYOUT_REFUSED])
        return None
    return await begin_call(
        tx, CallKind.PAYOUT, payout_id, {**left.to_wire(), "account": payout.destination}, absent, step
    )


async def begin_account(
    tx: Tx, organisation_id: UUID, country: str, home: str = "", absent: UUID | None = None
) -> Begun | None:
    """Open a payee's account at Stripe, unless it is there; `home` is the country of the exchange's own."""
    found = await payout_accounts.account_of(tx, organisation_id, Rail.STRIPE, lock=True)
    if found is None or found.state is not PayoutAccountState.OPENING:
        return None
    asked = {"country": country, "agreement": agreement_for(country, home)}
    return await begin_call(tx, CallKind.ACCOUNT, organisation_id, asked, absent)


async def answer_done(tx: Tx, sales: Sales, call: Call, made: Seen) -> Applied | None:
    """The provider did what was asked: the call and its effect at once. None where another attempt has taken over.

    errors   CannotApply
    """
    await _lock(tx, call)
    if not await done_call(tx, call, made.id):
        return None
    return await apply_object(tx, sales, made, call.request.get("account"))


async def answer_refused(
    tx: Tx, sales: Sales, call: Call, code: str, provider_id: str | None = None, message: str = ""
) -> Applied | None:
    """The provider refused for certain: the call and what follows at once. None where another attempt has taken over.

    What may do better later (a balance that is too low) leaves its object waiting, and a person is told. A transfer that was
    tied to a charge goes out without it, unless it is the payee's account that cannot take it.

    shapes   message: the provider's own words, for the person who is told: a code alone seldom says what to mend
    errors   CannotApply
    """
    await _lock(tx, call)
    if not await refused_call(tx, call, code, provider_id):
        return None
    if call.kind is CallKind.TRANSFER and SOURCE in call.request and code not in _OF_PAYEE:
        return Applied("waits")
    item = _WAIT_FOR_MONEY.get(call.kind) if code == BALANCE_SHORT else None
    if item is not None and call.kind is CallKind.PAYOUT and call.step < LATE_STEP:
        # Money that was sent to an account is available there hours later; that alone is nobody's business.
        return Applied("waits")
    item = item or await _REFUSED[call.kind](tx, sales, call, code, provider_id)
    if item is None:
        return Applied("refused")
    about = {"code": code, **({"said": message[:200]} if message else {}), **call.request}
    opened = Opened(item, call.name, about, call.request.get("account"))
    await open_item(tx, opened)
    return Applied("waits", (opened,))


async def answer_unknown(tx: Tx, call: Call, code: str, message: str) -> Applied | None:
    """Nobody knows what became of it: it is sent again or looked for. None where another attempt has taken over."""
    opened = None
    about = {"key": call.key, "code": code, "attempts": str(call.attempts), "said": message[:200]}
    if code == OTHER_ANSWER:
        opened = Opened(ItemKind.ANSWER_DIFFERS, call.name, about)
    elif call.attempts >= TELL_AFTER or code in (KEPT_FAULT, KEY_USED):
        opened = Opened(ItemKind.CALL_UNANSWERED, call.name, about)
    if not await unknown_call(tx, call, code):
        return None
    new = opened is not None and await open_item(tx, opened)
    return Applied("unknown", (opened,) if opened is not None and new else ())


async def _lock(tx: Tx, call: Call) -> None:
    """What a call is for, before the call itself, as whoever begins one does."""
    if call.kind in (CallKind.CHARGE, CallKind.CHECKOUT):
        await payments.get_payments(tx, [call.object_id], lock=True)
    elif call.kind is CallKind.ACCOUNT:
        await payout_accounts.account_of(tx, call.object_id, Rail.STRIPE, lock=True)
    elif call.kind not in (CallKind.TRANSFER, CallKind.PAYOUT):
        await ask_back.lock_asked(tx, call)
    else:
        await payouts.get_payouts(tx, [call.object_id], lock=True)


async def _charge_refused(tx: Tx, sales: Sales, call: Call, code: str, intent: str | None) -> ItemKind | None:
    payment = (await payments.get_payments(tx, [call.object_id], lock=True))[call.object_id]
    if PaymentState.FAILED not in TRANSITIONS[payment.state]:
        return None
    (answer,) = await record_payment(tx, sales, [PaymentResult(payment.id, "failed", intent, code)])
    if isinstance(answer, Problem):
        raise CannotApply(answer)
    return None


async def _transfer_refused(tx: Tx, _sales: Sales, call: Call, code: str, _id: str | None) -> ItemKind | None:
    (answer,) = await record_transfer(tx, [TransferResult(call.object_id, "failed", None, code)])
    if isinstance(answer, Problem):
        raise CannotApply(answer)
    return None


async def _bank_refused(_tx: Tx, _sales: Sales, _call: Call, _code: str, _id: str | None) -> ItemKind | None:
    """The money stays at the payee's account until it can go on."""
    return ItemKind.PAYOUT_REFUSED


async def _account_refused(tx: Tx, _sales: Sales, call: Call, code: str, _id: str | None) -> ItemKind | None:
    await record_payout_account(tx, call.object_id, PayoutAccountState.REFUSED, None, code)
    return None


async def _back_refused(tx: Tx, _sales: Sales, call: Call, code: str, _id: str | None) -> ItemKind | None:
    return await ask_back.refused(tx, call, code)


_REFUSED: Mapping[CallKind, Callable[[Tx, Sales, Call, str, str | None], Awaitable[ItemKind | None]]] = {
    CallKind.CHARGE: _charge_refused,
    CallKind.TRANSFER: _transfer_refused,
    CallKind.PAYOUT: _bank_refused,
    CallKind.ACCOUNT: _account_refused,
    CallKind.CHECKOUT: _charge_refused,
    **dict.fromkeys((CallKind.REFUND, CallKind.REVERSAL, CallKind.FILE, CallKind.EVIDENCE), _back_refused),
}

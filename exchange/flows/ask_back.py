"""What is asked of the payment provider so that money goes back: refunds, reversals, evidence; and what refusals mean."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.answer_chargeback import evidence_of
from exchange.flows.apply_back import end_recovery, refund_refused
from exchange.flows.call_provider import Begun, begin_call, open_item, untried
from exchange.flows.may_send import Stop
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.money import Money, Rounding, round_to_minor
from settlement.card_refunds import CardRefundState
from settlement.open_items import ItemKind, Opened
from settlement.provider_calls import Call, CallKind, CallState
from settlement.recoveries import RecoveryState
from settlement.store import card_refunds, chargebacks, payments, payouts, provider_calls, recoveries

NOTHING_THERE = "balance_insufficient"
SENT_ON = Stop("payout_on_its_way")


async def begin_refund(tx: Tx, refund_id: UUID, absent: UUID | None = None) -> Begun | None:
    """Send money of a wallet back to where it came from, unless that was done or given up."""
    one = (await card_refunds.get_card_refunds(tx, [refund_id], lock=True)).get(refund_id)
    if one is None or one.state is not CardRefundState.CREATED:
        return None
    payment = (await payments.get_payments(tx, [one.payment_id]))[one.payment_id]
    asked = {**one.amount.to_wire(), "payment": payment.provider_ref or ""}
    return await begin_call(tx, CallKind.REFUND, refund_id, asked, absent)


async def begin_recovery(tx: Tx, recovery_id: UUID, there: Money, absent: UUID | None = None) -> Begun | Stop | None:
    """Ask a part of a transfer back, no more than the payee's account has of it: what lies there for other payouts stays.

    It waits while its payout is on the way to the payee's bank, as that waits for it: the one that begins decides what the
    other finds.

    units    `there` is what the account can give back at this moment
    """
    asked_of = (await recoveries.get_recoveries(tx, [recovery_id])).get(recovery_id)
    if asked_of is None:
        return None
    payout = (await payouts.get_payouts(tx, [asked_of.payout_id], lock=True))[asked_of.payout_id]
    one = (await recoveries.get_recoveries(tx, [recovery_id], lock=True))[recovery_id]
    if one.state is not RecoveryState.CREATED:
        return None
    fresh = await untried(tx, CallKind.REVERSAL, recovery_id)
    sent_on = await provider_calls.last_call(tx, CallKind.PAYOUT, payout.id)
    if fresh and sent_on is not None and sent_on.state in (CallState.SENT, CallState.UNKNOWN):
        return SENT_ON
    free = there - Money(await recoveries.promised(tx, payout.destination, there.currency, payout.id), there.currency)
    amount = round_to_minor(min(one.wanted, free, key=lambda money: money.units), Rounding.DOWN)
    if amount.units <= 0 and fresh:
        await _not_brought(tx, recovery_id, NOTHING_THERE)
        return None
    asked = {**amount.to_wire(), "transfer": payout.provider_ref or ""}
    return await begin_call(tx, CallKind.REVERSAL, recovery_id, asked, absent)


async def lies_at(tx: Tx, recovery_id: UUID) -> tuple[str, str] | None:
    """The account and the currency that a recovery asks; None where it has ended."""
    one = (await recoveries.get_recoveries(tx, [recovery_id])).get(recovery_id)
    if one is None or one.state is not RecoveryState.CREATED:
        return None
    payout = (await payouts.get_payouts(tx, [one.payout_id]))[one.payout_id]
    return payout.destination, one.wanted.currency


async def begin_file(tx: Tx, chargeback_id: UUID, size_bytes: int, absent: UUID | None = None) -> Begun | None:
    """Upload the paper that goes along with an answer."""
    one = (await chargebacks.get_chargebacks(tx, [chargeback_id], lock=True)).get(chargeback_id)
    if one is None or one.evidence_sha256 is None or one.answered_at is not None:
        return None
    name = f"{ids.text('cbk', one.id)}.pdf"
    asked = {"name": name, "size": str(size_bytes), "sha256": one.evidence_sha256.hex()}
    return await begin_call(tx, CallKind.FILE, chargeback_id, asked, absent)


async def begin_evidence(tx: Tx, chargeback_id: UUID, absent: UUID | None = None) -> Begun | None:
    """Hand the answer in, with the paper if there is one; once."""
    one = (await chargebacks.get_chargebacks(tx, [chargeback_id], lock=True)).get(chargeback_id)
    if one is None or one.note is None or one.answered_at is not None:
        return None
    uploaded = await provider_calls.last_call(tx, CallKind.FILE, chargeback_id)
    file_id = uploaded.provider_id if uploaded is not None and uploaded.state is CallState.DONE else None
    said = await evidence_of(tx, one, file_id)
    asked = {"dispute": one.provider_ref, **{f"evidence.{name}": text for name, text in said.items() if text}}
    return await begin_call(tx, CallKind.EVIDENCE, chargeback_id, asked, absent)


async def lock_asked(tx: Tx, call: Call) -> None:
    """What a call is for, before the call itself, as whoever begins one does."""
    match call.kind:
        case CallKind.REFUND:
            await card_refunds.get_card_refunds(tx, [call.object_id], lock=True)
        case CallKind.REVERSAL:
            await recoveries.get_recoveries(tx, [call.object_id], lock=True)
        case CallKind.FILE | CallKind.EVIDENCE:
            found = (await chargebacks.get_chargebacks(tx, [call.object_id])).get(call.object_id)
            if found is not None:
                # As whoever sees a dispute does: its payment first.
                await payments.get_payments(tx, [found.payment_id], lock=True)
            await chargebacks.get_chargebacks(tx, [call.object_id], lock=True)


async def refused(tx: Tx, call: Call, code: str) -> ItemKind | None:
    """What a refusal that is certain means; the kind of what a person has to settle."""
    match call.kind:
        case CallKind.REFUND:
            await refund_refused(tx, call.object_id, code)
            return None
        case CallKind.REVERSAL:
            await _not_brought(tx, call.object_id, code)
            return None
        case _:
            # The bank's day is near: a person answers it at the provider.
            return ItemKind.DISPUTE


async def _not_brought(tx: Tx, recovery_id: UUID, code: str) -> None:
    one = (await recoveries.get_recoveries(tx, [recovery_id], lock=True))[recovery_id]
    if one.state is not RecoveryState.CREATED:
        return
    await end_recovery(tx, one, failure=code)
    about = {"payee": ids.text("org", one.organisation_id), "amount": str(one.wanted), "code": code}
    await open_item(tx, Opened(ItemKind.DEBT_NOT_BROUGHT, ids.text("rcv", one.id), about))


async def file_kept(tx: Tx, chargeback_id: UUID) -> None:
    """A paper lies at the provider; the answer that names it follows."""
    name = ids.text("cbk", chargeback_id)
    await audit.append(tx, [Entry(action="chargeback.paper", organisation_id=None, object_id=name)])

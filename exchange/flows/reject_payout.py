"""The bank refused a payout of a file it was handed: two clients of the operator say so, and its money is payable again."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from exchange.flows.approvals import approved, ask
from exchange.flows.once import done
from exchange.flows.record_transfer import TransferRecorded, TransferResult, record_transfer
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.approval_problems import APPROVAL_MISSING
from settlement.payouts import PayoutState, Rail
from settlement.problems import PAYOUT_STATE
from settlement.store import batches, payouts

APPROVAL = "payout-rejection"
REASON = "bank_refused"


async def reject_payout(tx: Tx, actor: Actor, payout_id: UUID) -> TransferRecorded | Problem:
    """Record that the bank did not pay; asked by one client, approved by another, then asked again.

    It would be paid twice where the bank paid it after all: so one person alone cannot say it.

    errors   answers forbidden, not-found, payout-state, approval-missing
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    payout = (await payouts.get_payouts(tx, [payout_id], lock=True)).get(payout_id)
    if payout is None:
        return NOT_FOUND()
    if payout.rail is not Rail.BANK or payout.state is not PayoutState.EXPORTED:
        return PAYOUT_STATE(state=payout.state.value, wanted=PayoutState.FAILED.value)
    name = ids.text("pot", payout_id)
    body = sha256(canonical({"type": APPROVAL, "v": 1, "payout": name, "amount": payout.amount.to_wire()}))
    approval = await ask(tx, actor, APPROVAL, name, body)
    if not await approved(tx, APPROVAL, name, body):
        return APPROVAL_MISSING(object=name, approval=ids.text("apv", approval))
    (answer,) = await record_transfer(tx, [TransferResult(payout_id, "failed", None, REASON)])
    await batches.end_batches(tx, [payout_id])
    await audit.append(tx, [done(actor, "payout.reject", name, payout.organisation_id)])
    return answer

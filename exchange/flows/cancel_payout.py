"""A payout by bank that no file has taken yet is given up by the operator: its money is payable again, by whichever rail."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from exchange.flows.once import done
from exchange.flows.record_transfer import TransferRecorded, TransferResult, record_transfer
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.payouts import PayoutState, Rail
from settlement.problems import PAYOUT_STATE
from settlement.store import payouts

REASON = "cancelled"


async def cancel_payout(tx: Tx, actor: Actor, payout_id: UUID) -> TransferRecorded | Problem:
    """Give up a payout whose payee has no bank account any more, or that was ordered by mistake.

    A draft that lists it is a draft with another hash once it is looked at again. What was approved is given up with its batch.

    errors   answers forbidden, not-found, payout-state
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    payout = (await payouts.get_payouts(tx, [payout_id], lock=True)).get(payout_id)
    if payout is None:
        return NOT_FOUND()
    if payout.rail is not Rail.BANK or payout.state is not PayoutState.CREATED:
        return PAYOUT_STATE(state=payout.state.value, wanted=PayoutState.FAILED.value)
    (answer,) = await record_transfer(tx, [TransferResult(payout_id, "failed", None, REASON)])
    await audit.append(tx, [done(actor, "payout.cancel", ids.text("pot", payout_id), payout.organisation_id)])
    return answer

"""A payout that the payee's bank gave back is sent to the bank account that the payee has named since."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.problems import FROZEN
from exchange.flows.apply_object import RESENT_FROM, bank_job
from exchange.flows.may_send import may_go_on
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.open_items import ItemKind
from settlement.payouts import PayoutState
from settlement.problems import PAYOUT_STATE
from settlement.provider_calls import CallKind, CallState
from settlement.store import open_items, payouts, provider_calls


class PayoutResent(msgspec.Struct, frozen=True):
    """A payout that a job sends to the bank once more."""

    id: str
    step: int


async def resend_payout(tx: Tx, actor: Actor, payout_id: UUID) -> PayoutResent | Problem:
    """Queue the next try; asked again before it is made, it is the same try.

    errors   answers forbidden, not-found, payout-state where it has not come back, frozen-by-directive
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    payout = (await payouts.get_payouts(tx, [payout_id], lock=True)).get(payout_id)
    if payout is None:
        return NOT_FOUND()
    if payout.state is not PayoutState.RETURNED:
        return PAYOUT_STATE(state=payout.state.value, wanted=PayoutState.SENT.value)
    if await may_go_on(tx, [payout]):
        return FROZEN(target=ids.text("org", payout.organisation_id))
    last = await provider_calls.last_call(tx, CallKind.PAYOUT, payout_id)
    step = RESENT_FROM
    if last is not None:
        step = last.step + 1 if last.state in (CallState.DONE, CallState.REFUSED) else last.step
    await jobs.put(tx, bank_job(payout, step))
    name = ids.text("pot", payout_id)
    await open_items.settle_items(tx, name, [ItemKind.PAYOUT_RETURNED])
    await audit.append(tx, [done(actor, "payout.resend", name)])
    return PayoutResent(name, step)

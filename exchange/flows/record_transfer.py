"""What a rail says of a payout: the money has left, arrived, or is payable again. Any order, any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows import withhold
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from settlement import postings
from settlement.journals import Journal, Posted
from settlement.payouts import Payout, PayoutState
from settlement.problems import PAYOUT_STATE
from settlement.store import ledger, payouts

# What was said of an earlier stage and comes late says nothing new.
_BEFORE = {
    PayoutState.PAID: (PayoutState.SENT,),
    PayoutState.RETURNED: (PayoutState.SENT, PayoutState.PAID),
    PayoutState.REVERSED: (PayoutState.SENT, PayoutState.PAID, PayoutState.RETURNED),
}


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What the rail says of one payout; `bank_ref` is its name of the payment to the payee's bank."""

    payout_id: UUID
    state: Literal["sent", "paid", "returned", "reversed", "failed"]
    provider_ref: str | None = None
    failure: str | None = None
    bank_ref: str | None = None


class TransferRecorded(msgspec.Struct, frozen=True):
    """The payout as it stands now; `replayed` when this was known before."""

    payout: str
    state: str
    replayed: bool


async def record_transfer(tx: Tx, results: Sequence[TransferResult]) -> list[TransferRecorded | Problem]:
    """Record what became of payouts; each is answered alone, and one that is known already changes nothing.

    errors   answers not-found, payout-state
    """
    known = await payouts.get_payouts(tx, [one.payout_id for one in results], lock=True)
    answers: list[TransferRecorded | Problem] = []
    for result in results:
        payout = known.get(result.payout_id)
        answer = NOT_FOUND() if payout is None else await _record(tx, payout, result)
        answers.append(answer)
        if payout is not None and isinstance(answer, TransferRecorded) and not answer.replayed:
            known[payout.id] = replace(payout, state=PayoutState(result.state))
    return answers


async def _record(tx: Tx, payout: Payout, result: TransferResult) -> TransferRecorded | Problem:
    target, name = PayoutState(result.state), ids.text("pot", payout.id)
    if payout.state is target or target in _BEFORE.get(payout.state, ()):
        return TransferRecorded(name, payout.state.value, replayed=True)
    if not payout.may_become(target):
        return PAYOUT_STATE(state=payout.state.value, wanted=target.value)
    journal = _journal(payout, target)
    if journal is not None:
        posted = await ledger.post(tx, [journal, *await withhold.back(tx, [(payout, target)])])
        assert all(isinstance(one, Posted) for one in posted)
    await payouts.move_payout(tx, payout.id, target, result.provider_ref, result.failure, result.bank_ref)
    await audit.append(tx, [payout_entry(payout, target)])
    return TransferRecorded(name, target.value, replayed=False)


def payout_entry(payout: Payout, target: PayoutState) -> Entry:
    """The log's entry of where a payout stands now."""
    name = ids.text("pot", payout.id)
    return Entry(
        action=f"payout.{target.value}", organisation_id=None, object_id=name, concerns=(payout.organisation_id,)
    )


def _journal(payout: Payout, target: PayoutState) -> Journal | None:
    """The money moves in the books when it leaves the exchange's own accounts, and when it comes back to them."""
    if target is PayoutState.FAILED:
        return postings.payout_failed(payout.id, payout.organisation_id, payout.amount)
    if target is PayoutState.REVERSED:
        return postings.payout_reversed(payout.id, payout.organisation_id, payout.amount, payout.rail.account)
    if not payout.gone and replace(payout, state=target).gone:
        return postings.payout_paid(payout.id, payout.organisation_id, payout.amount, payout.rail.account)
    return None

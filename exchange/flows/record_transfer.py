"""The answer to a payout: the money has left, or it is payable again. Any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from settlement import postings
from settlement.journals import Journal, Posted
from settlement.payouts import TRANSITIONS, Payout, PayoutState
from settlement.problems import PAYOUT_STATE
from settlement.store import ledger, payouts


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What the rail says of one payout."""

    payout_id: UUID
    state: Literal["sent", "paid", "failed"]
    provider_ref: str | None = None
    failure: str | None = None


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
    if payout.state is target or (payout.state is PayoutState.PAID and target is PayoutState.SENT):
        return TransferRecorded(name, payout.state.value, replayed=True)
    if target not in TRANSITIONS[payout.state]:
        return PAYOUT_STATE(state=payout.state.value, wanted=target.value)
    journal = _journal(payout, target)
    if journal is not None:
        (posted,) = await ledger.post(tx, [journal])
        assert isinstance(posted, Posted)
    await payouts.move_payout(tx, payout.id, target, result.provider_ref, result.failure)
    entry = Entry(
        action=f"payout.{target.value}", organisation_id=None, object_id=name, concerns=(payout.organisation_id,)
    )
    await audit.append(tx, [entry])
    return TransferRecorded(name, target.value, replayed=False)


def _journal(payout: Payout, target: PayoutState) -> Journal | None:
    if target is PayoutState.PAID:
        return postings.payout_paid(payout.id, payout.organisation_id, payout.amount, payout.rail.account)
    if target is PayoutState.FAILED:
        return postings.payout_failed(payout.id, payout.organisation_id, payout.amount)
    return None

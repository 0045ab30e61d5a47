"""The clock moves disputes on: silence leads to arbitration, a window for an appeal ends, a rework is due."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from exchange.flows.answer_dispute import ended
from exchange.flows.appeal_decision import closed_after_rework
from exchange.flows.arbitrate import decided_award
from exchange.flows.dispute_money import carry_out, confirm, free, left_of
from exchange.flows.disputing import Case, DisputeStands, locked_case, not_now, record
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Award, Dispute, Move, Outcome, Side, State, after_lapse, may
from settlement.store import disputes as store


async def expire_disputes(db: Database, settings: DisputeSettings) -> int:
    """Move on every case whose deadline has passed, each in a transaction of its own; how many there were.

    errors   the first fault, once all others are moved on
    """
    done, seen, faults = 0, set[UUID](), []
    while found := await db.run(lambda tx: store.due(tx, seen)):
        for dispute_id in found:
            seen.add(dispute_id)
            try:
                done += await db.run(lambda tx, one=dispute_id: lapse(tx, one, settings))  # type: ignore[misc]
            except Exception as fault:  # noqa: BLE001  # a case that is broken keeps no other one waiting
                faults.append(fault)
    if faults:
        raise faults[0]
    return done


async def lapse(tx: Tx, dispute_id: UUID, settings: DisputeSettings) -> bool:
    """Move one case on if its deadline has passed; False where somebody was quicker."""
    case = await locked_case(tx, dispute_id)
    if case is None or case.dispute.due_at is None or case.dispute.due_at > tx.now:
        return False
    one = case.dispute
    if not may(one, Move.LAPSE, Side.CLOCK):
        return False
    if one.state is State.DECIDED:
        award, decided_by = await decided_award(tx, one.id)
        then = ended(tx, one, award, Outcome.DECIDED)
        fact_id, _ = await record(tx, then, Move.LAPSE, None, award.document(one.amount.currency))
        await carry_out(tx, Case(then, case.source), award, settings, fact_id, made_by=decided_by)
    elif one.state is State.REWORK:
        await _after_rework(tx, case, settings)
    else:
        # Whoever was asked to arbitrate, or had taken it up, and was silent, loses the case.
        then = replace(one, state=after_lapse(one), due_at=None, arbitrator_id=None)
        await record(tx, then, Move.LAPSE, None)
    return True


async def close_case(tx: Tx, dispute_id: UUID, *, won: bool) -> DisputeStands | Problem:
    """End the case of a chargeback as the card network decided it: what was held is free, for the payees or to be given back.

    Whoever gives back what was lost does so after this, in the same transaction.

    errors   answers not-found, dispute-state
    """
    case = await locked_case(tx, dispute_id)
    if case is None:
        return NOT_FOUND()
    one = case.dispute
    if not may(one, Move.CLOSE, Side.PROVIDER):
        return not_now(one, Move.CLOSE)
    outcome = Outcome.WON if won else Outcome.LOST
    then = _closed(tx, one, outcome)
    _, answer = await record(tx, then, Move.CLOSE, None, {"outcome": outcome.value})
    await free(tx, case)
    return answer


async def _after_rework(tx: Tx, case: Case, settings: DisputeSettings) -> None:
    """Silence accepts what was delivered anew; where nothing was delivered, what is left goes back."""
    one = case.dispute
    then = await closed_after_rework(tx, one)
    if one.redelivered:
        await record(tx, then, Move.LAPSE, None, Award().document(one.amount.currency))
        await confirm(tx, Case(then, case.source), None)
        return
    award = Award(refund=await left_of(tx, one))
    fact_id, _ = await record(tx, then, Move.LAPSE, None, award.document(one.amount.currency))
    await carry_out(tx, Case(then, case.source), award, settings, fact_id, made_by=None)


def _closed(tx: Tx, one: Dispute, outcome: Outcome) -> Dispute:
    return replace(one, state=State.CLOSED, due_at=None, outcome=outcome, closed_at=tx.now)

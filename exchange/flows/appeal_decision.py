"""After a decision: an appeal, once and to another arbitrator, or both give it up; and the delivery that was ordered anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from exchange.flows.answer_dispute import ended
from exchange.flows.arbitrate import decided_award
from exchange.flows.dispute_money import carry_out, confirm
from exchange.flows.disputing import (
    Case,
    DisputeStands,
    moving,
    moving_case,
    record,
)
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Dispute, Move, Outcome, State, due_after
from settlement.store import disputes as store

Words = Mapping[str, str]


async def appeal(tx: Tx, actor: Actor, dispute_id: UUID, words: Words) -> DisputeStands | Problem:
    """Appeal against the first decision, with reasons; another arbitrator decides for good. The money stays held.

    errors   answers not-found, dispute-state, dispute-words
    """
    one = await moving(tx, actor, dispute_id, Move.APPEAL, words)
    if isinstance(one, Problem):
        return one
    then = replace(
        one,
        state=State.ARBITRATION,
        due_at=None,
        round=2,
        earlier_id=one.arbitrator_id,
        arbitrator_id=None,
        waived_by=None,
    )
    return (await record(tx, then, Move.APPEAL, actor, None, words))[1]


async def waive_appeal(tx: Tx, actor: Actor, dispute_id: UUID, settings: DisputeSettings) -> DisputeStands | Problem:
    """Give up an appeal; once both sides have, the decision is carried out without waiting for the window's end.

    errors   answers not-found, dispute-state
    """
    case = await moving_case(tx, actor, dispute_id, Move.WAIVE)
    if isinstance(case, Problem):
        return case
    one = case.dispute
    if one.waived_by is None:
        return (await record(tx, replace(one, waived_by=actor.organisation_id), Move.WAIVE, actor))[1]
    award, decided_by = await decided_award(tx, dispute_id)
    then = ended(tx, one, award, Outcome.DECIDED)
    fact_id, answer = await record(tx, then, Move.WAIVE, actor)
    await carry_out(tx, Case(then, case.source), award, settings, fact_id, made_by=decided_by)
    return answer


async def redeliver(
    tx: Tx, actor: Actor, dispute_id: UUID, words: Words, settings: DisputeSettings
) -> DisputeStands | Problem:
    """The seller says that it has delivered anew; the buyer looks at it, and silence accepts.

    errors   answers not-found, dispute-state, dispute-words
    """
    one = await moving(tx, actor, dispute_id, Move.REDELIVER, words)
    if isinstance(one, Problem):
        return one
    then = replace(one, redelivered=True, due_at=tx.now + timedelta(days=settings.inspection_days))
    return (await record(tx, then, Move.REDELIVER, actor, None, words))[1]


async def confirm_rework(tx: Tx, actor: Actor, dispute_id: UUID) -> DisputeStands | Problem:
    """The buyer accepts what was delivered anew: the dispute is closed, and what was held is its payees'.

    errors   answers not-found, dispute-state
    """
    case = await moving_case(tx, actor, dispute_id, Move.CONFIRM)
    if isinstance(case, Problem):
        return case
    then = await closed_after_rework(tx, case.dispute)
    _, answer = await record(tx, then, Move.CONFIRM, actor)
    await confirm(tx, Case(then, case.source), actor.organisation_id)
    return answer


async def object_to_rework(
    tx: Tx, actor: Actor, dispute_id: UUID, words: Words, settings: DisputeSettings
) -> DisputeStands | Problem:
    """The buyer does not accept what was delivered anew: the arbitrator decides on what is left, without ordering it again.

    errors   answers not-found, dispute-state, dispute-words
    """
    one = await moving(tx, actor, dispute_id, Move.OBJECT, words)
    if isinstance(one, Problem):
        return one
    # A case that was settled without an arbitrator gets its first one now.
    state = State.HEARING if one.arbitrator_id else State.ARBITRATION
    then = replace(one, state=state, due_at=due_after(state, settings, tx.now), redelivered=False)
    return (await record(tx, then, Move.OBJECT, actor, None, words))[1]


async def closed_after_rework(tx: Tx, one: Dispute) -> Dispute:
    """A case that a delivery made anew ends: decided where an arbitrator ordered it, else settled."""
    decided = await store.count_facts(tx, one.id, Move.DECIDE)
    outcome = Outcome.DECIDED if decided else Outcome.SETTLED
    return replace(one, state=State.CLOSED, due_at=None, outcome=outcome, closed_at=tx.now)

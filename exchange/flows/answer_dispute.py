"""Both sides of a dispute talk: an answer, proposals, an agreement, a withdrawal, or the wish that somebody else decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import msgspec

from exchange.flows.dispute_money import carry_out, free, left_of, pay_arbitrators
from exchange.flows.disputing import (
    Case,
    DisputeStands,
    moving,
    moving_case,
    record,
)
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from settlement.dispute_problems import AWARD_INVALID, DISPUTE_STATE, PROPOSAL_OVER
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import (
    PROPOSALS_MAX,
    Award,
    Dispute,
    Move,
    Outcome,
    State,
    after_award,
    due_after,
    fault_of_award,
)
from settlement.store import disputes as store

_FAULTS = {
    "amount": Text("all parts together are at most that", "各部分合计不得超过该数额"),
    "kind": Text("a part is not for this kind of dispute", "存在不适用于该类争议的部分"),
    "rework": Text(
        "rework is ordered once, between buyer and seller, within 90 days, while something is left to hold",
        "返工仅可责令一次，限于买卖双方、90 日以内，且须尚有可冻结金额",
    ),
}
Words = Mapping[str, str]


async def answer_dispute(
    tx: Tx, actor: Actor, dispute_id: UUID, words: Words, settings: DisputeSettings
) -> DisputeStands | Problem:
    """The other side answers in words; from then on both have some days to settle by themselves.

    errors   answers not-found, dispute-state, dispute-words
    """
    one = await moving(tx, actor, dispute_id, Move.ANSWER, words)
    if isinstance(one, Problem):
        return one
    then = replace(one, state=State.ANSWERED, due_at=due_after(State.ANSWERED, settings, tx.now))
    return (await record(tx, then, Move.ANSWER, actor, None, words))[1]


async def propose(tx: Tx, actor: Actor, dispute_id: UUID, award: Award, words: Words) -> DisputeStands | Problem:
    """Propose how to settle: a refund, a credit, delivery anew, a changed share, or nothing; the last proposal counts.

    errors   answers not-found, dispute-state, dispute-words, award-invalid
    """
    one = await moving(tx, actor, dispute_id, Move.PROPOSE, words)
    if isinstance(one, Problem):
        return one
    if await store.count_facts(tx, dispute_id, Move.PROPOSE) >= PROPOSALS_MAX:
        return DISPUTE_STATE(state=one.state.value, wanted=f"{Move.PROPOSE.value} {PROPOSALS_MAX + 1}")
    problem = await refuse_award(tx, one, award)
    if problem is not None:
        return problem
    return (await record(tx, one, Move.PROPOSE, actor, award.document(one.amount.currency), words))[1]


async def accept_proposal(
    tx: Tx, actor: Actor, dispute_id: UUID, proposal_id: UUID, settings: DisputeSettings
) -> DisputeStands | Problem:
    """Accept the other side's last proposal: the dispute is settled, and the money moves at once.

    errors   answers not-found, dispute-state, proposal-over
    """
    case = await moving_case(tx, actor, dispute_id, Move.ACCEPT)
    if isinstance(case, Problem):
        return case
    one = case.dispute
    last = await store.last_fact(tx, dispute_id, Move.PROPOSE)
    if last is None or last[0] == actor.organisation_id or last[2] != proposal_id:
        return PROPOSAL_OVER()
    award = Award.read(msgspec.json.decode(last[1]))
    # What was proposed when more was in dispute may say more than there is.
    problem = await refuse_award(tx, one, award)
    if problem is not None:
        return problem
    then = ended(tx, one, award, Outcome.SETTLED)
    said = {**award.document(one.amount.currency), "proposal": ids.text("rsc", proposal_id)}
    fact_id, answer = await record(tx, then, Move.ACCEPT, actor, said)
    await carry_out(tx, Case(then, case.source), award, settings, fact_id, made_by=None)
    return answer


async def withdraw(
    tx: Tx, actor: Actor, dispute_id: UUID, words: Words, settings: DisputeSettings
) -> DisputeStands | Problem:
    """Who opened a dispute gives it up: what was held is free. An arbitrator that has decided already is paid by who gives up.

    errors   answers not-found, dispute-state, dispute-words
    """
    case = await moving_case(tx, actor, dispute_id, Move.WITHDRAW, words)
    if isinstance(case, Problem):
        return case
    one = case.dispute
    then = replace(one, state=State.CLOSED, due_at=None, outcome=Outcome.WITHDRAWN, closed_at=tx.now)
    _, answer = await record(tx, then, Move.WITHDRAW, actor, None, words)
    await free(tx, case)
    await pay_arbitrators(tx, then, Award(), settings, borne_by=one.claimant_id)
    return answer


async def escalate(tx: Tx, actor: Actor, dispute_id: UUID) -> DisputeStands | Problem:
    """Ask for an arbitrator at once; the operator assigns one.

    errors   answers not-found, dispute-state
    """
    one = await moving(tx, actor, dispute_id, Move.ESCALATE)
    if isinstance(one, Problem):
        return one
    then = replace(one, state=State.ARBITRATION, due_at=None)
    return (await record(tx, then, Move.ESCALATE, actor))[1]


async def refuse_award(tx: Tx, one: Dispute, award: Award) -> Problem | None:
    """Why a dispute cannot end with these parts."""
    left = await left_of(tx, one)
    fault = fault_of_award(one, award, left)
    if fault is None:
        return None
    return AWARD_INVALID(left=str(Money(left, one.amount.currency)), reason=_FAULTS[fault])


def ended(tx: Tx, one: Dispute, award: Award, outcome: Outcome) -> Dispute:
    """A dispute whose award is carried out now: closed, or open until the seller has delivered again."""
    if after_award(award) is State.REWORK:
        due = tx.now + timedelta(days=award.rework_days)
        return replace(one, state=State.REWORK, due_at=due, reworked=True, redelivered=False, waived_by=None)
    return replace(one, state=State.CLOSED, due_at=None, outcome=outcome, closed_at=tx.now)

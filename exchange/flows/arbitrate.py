"""An arbitrator of a registered arbitration provider: assigned by the operator, takes up a case or declines, asks, decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import msgspec

from exchange.flows.answer_dispute import ended, refuse_award
from exchange.flows.dispute_money import carry_out
from exchange.flows.disputing import (
    Case,
    DisputeStands,
    locked_case,
    moving,
    moving_case,
    not_now,
    record,
)
from exchange.flows.refund_order import lock_source
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from exchange.parties.organisations import State as Known
from exchange.parties.roles import Role
from settlement.dispute_problems import ARBITRATOR_UNFIT
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import Award, Dispute, Move, Outcome, Side, State, due_after, may
from settlement.store import disputes as store
from settlement.store.refunds import Source

_UNFIT = {
    "role": Text("it is no verified arbitration provider", "该机构不是已认证的仲裁机构"),
    "party": Text("it has a part in the order", "该机构与订单存在利害关系"),
    "earlier": Text("it decided the case before", "该机构已作出过裁决"),
}
Words = Mapping[str, str]


async def assign_arbitrator(
    tx: Tx, actor: Actor, dispute_id: UUID, arbitrator_id: UUID, settings: DisputeSettings
) -> DisputeStands | Problem:
    """The operator asks an arbitration provider to take up a case; another one may be asked while nobody has.

    errors   answers forbidden, not-found, dispute-state, arbitrator-unfit
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    case = await locked_case(tx, dispute_id)
    if case is None:
        return NOT_FOUND()
    one = case.dispute
    if not may(one, Move.ASSIGN, Side.OPERATOR):
        return not_now(one, Move.ASSIGN)
    fault = await _unfit(tx, one, case.source, arbitrator_id)
    if fault is not None:
        return ARBITRATOR_UNFIT(organisation=ids.text("org", arbitrator_id), reason=_UNFIT[fault])
    due = due_after(State.ARBITRATION, settings, tx.now, assigned=True)
    then = replace(one, arbitrator_id=arbitrator_id, due_at=due)
    said = {"arbitrator": ids.text("org", arbitrator_id)}
    return (await record(tx, then, Move.ASSIGN, actor, said))[1]


async def take_up(tx: Tx, actor: Actor, dispute_id: UUID, settings: DisputeSettings) -> DisputeStands | Problem:
    """The arbitrator takes up the case, and says thereby that it has no interest in it.

    errors   answers not-found, dispute-state
    """
    one = await moving(tx, actor, dispute_id, Move.TAKE_UP, arbitrating=True)
    if isinstance(one, Problem):
        return one
    then = replace(one, state=State.HEARING, due_at=due_after(State.HEARING, settings, tx.now))
    return (await record(tx, then, Move.TAKE_UP, actor))[1]


async def decline(tx: Tx, actor: Actor, dispute_id: UUID, words: Words) -> DisputeStands | Problem:
    """The arbitrator gives the case back; it no longer sees it, and the operator assigns another one.

    errors   answers not-found, dispute-state, dispute-words
    """
    one = await moving(tx, actor, dispute_id, Move.DECLINE, words, arbitrating=True)
    if isinstance(one, Problem):
        return one
    then = replace(one, state=State.ARBITRATION, due_at=None, arbitrator_id=None)
    return (await record(tx, then, Move.DECLINE, actor, None, words))[1]


async def ask_parties(tx: Tx, actor: Actor, dispute_id: UUID, words: Words) -> DisputeStands | Problem:
    """The arbitrator asks both sides for something; they answer with evidence.

    errors   answers not-found, dispute-state, dispute-words
    """
    one = await moving(tx, actor, dispute_id, Move.ASK, words, arbitrating=True)
    if isinstance(one, Problem):
        return one
    return (await record(tx, one, Move.ASK, actor, None, words))[1]


async def decide_dispute(
    tx: Tx, actor: Actor, dispute_id: UUID, award: Award, words: Words, settings: DisputeSettings
) -> DisputeStands | Problem:
    """Decide a case in parts, with reasons. After the first decision either side may appeal; the second is final.

    errors   answers not-found, dispute-state, dispute-words, award-invalid
    """
    case = await moving_case(tx, actor, dispute_id, Move.DECIDE, words, arbitrating=True)
    if isinstance(case, Problem):
        return case
    one = case.dispute
    problem = await refuse_award(tx, one, award)
    if problem is not None:
        return problem
    said = award.document(one.amount.currency)
    if one.round == 1:
        then = replace(one, state=State.DECIDED, due_at=due_after(State.DECIDED, settings, tx.now), waived_by=None)
        return (await record(tx, then, Move.DECIDE, actor, said, words))[1]
    then = ended(tx, one, award, Outcome.DECIDED)
    fact_id, answer = await record(tx, then, Move.DECIDE, actor, said, words)
    await carry_out(tx, Case(then, case.source), award, settings, fact_id, made_by=actor.organisation_id)
    return answer


async def _unfit(tx: Tx, one: Dispute, source: Source, arbitrator_id: UUID) -> str | None:
    """Why an organisation cannot arbitrate: no provider of that, a party or a payee of the order, or it has decided before."""
    known = await parties.find_organisation(tx, arbitrator_id)
    if known is None or known.state is not Known.VERIFIED or Role.ARBITRATOR not in known.roles:
        return "role"
    bought = source if source.kind == "order" else await lock_source(tx, "order", one.order_id)
    involved = {*one.parties, source.order.buyer_id, source.order.seller_id}
    for each in (source, bought):
        if each is not None:
            involved |= {account.organisation_id for account, _ in each.paid.parts if account.organisation_id}
    if arbitrator_id in involved:
        return "party"
    return "earlier" if arbitrator_id == one.earlier_id else None


async def decided_award(tx: Tx, dispute_id: UUID) -> tuple[Award, UUID]:
    """What was decided last in a case, and by whom."""
    last = await store.last_fact(tx, dispute_id, Move.DECIDE)
    assert last is not None, "the case is decided"
    assert last[0] is not None, "an arbitrator decided it"
    return Award.read(msgspec.json.decode(last[1])), last[0]

"""A supplier reports a milestone of a service as done, or says that it will not be done; the buyer answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from compliance import store as audit
from contracts import milestones_store as store
from contracts.measurements import fault_of_words
from contracts.milestones import REPORTS_MAX, WORDS_MAX, Answer, MilestoneState, Report
from contracts.milestones_problems import MILESTONE_INVALID, MILESTONE_STATE
from exchange.flows.milestones import Milestones, Staged, free_escrow, milestones_of, service_of
from exchange.flows.once import done
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text

_S = MilestoneState
_UNKNOWN = Text("the plan has no milestone of this id that is accepted", "价格方案中没有该编号且须验收的里程碑")
_NO_REASON = Text("a rejection says why, in English and Chinese", "拒绝时须以中英文说明理由")
_MANY = Text(f"it was reported {REPORTS_MAX} times", f"已报告 {REPORTS_MAX} 次")
_UNREPORTED = Text("open or rejected", "未报告或已被拒绝")
_FUNDED = Text("its money reserved by the buyer", "买方已冻结款项")
_STANDING = Text("an order that was not refunded as a whole", "订单未全额退款")
_WAITING = Text("a report that waits for your answer", "待答复的报告")


async def report_milestone(
    tx: Tx, sales: Sales, actor: Actor, order_id: UUID, component: str, evidence_sha256: bytes, note: Mapping[str, str]
) -> Milestones | Problem:
    """Say that a milestone is done, with the digest of the evidence; the buyer's inspection window begins.

    errors   answers not-found, milestone-invalid, milestone-state
    """
    service = await _own(tx, sales, actor, order_id, component, seller=True)
    if isinstance(service, Problem):
        return service
    if (fault := fault_of_words(note, WORDS_MAX)) is not None:
        return MILESTONE_INVALID(field="note", reason=fault)
    before = service.reports.get(component, ())
    if len(before) >= REPORTS_MAX:
        return MILESTONE_INVALID(field="milestone", reason=_MANY)
    held = service.escrow.get(component)
    if problem := _refused(tx, service, component, (_S.OPEN, _S.REJECTED), _UNREPORTED):
        return problem
    if service.sale.plan.milestones[component].escrow and held is None:
        return MILESTONE_STATE(milestone=component, state=_S.OPEN.value, needs=_FUNDED)
    order = service.order
    silent_at = None if service.window.silence_refuses else service.window.until(tx.now)
    made = Report(
        tx.new_id(), order.id, service.grant.id, component, len(before) + 1, order.buyer_id, order.seller_id,
        evidence_sha256, note, silent_at, actor.client_id, tx.now,
    )  # fmt: skip
    await store.insert_report(tx, made)
    entry = done(actor, "milestone.report", ids.text("mls", made.id), order.buyer_id, evidence=evidence_sha256)
    await audit.append(tx, [entry])
    return milestones_of(replace(service, reports={**service.reports, component: [*before, made]}), tx.now)


async def answer_milestone(
    tx: Tx, sales: Sales, actor: Actor, order_id: UUID, component: str, reason: Mapping[str, str] | None
) -> Milestones | Problem:
    """Accept the milestone that was reported last (no reason), or reject it and say why; the next run charges what is accepted.

    errors   answers not-found, milestone-invalid, milestone-state
    """
    service = await _own(tx, sales, actor, order_id, component, seller=False)
    if isinstance(service, Problem):
        return service
    if reason is not None and fault_of_words(reason, WORDS_MAX) is not None:
        return MILESTONE_INVALID(field="reason", reason=_NO_REASON)
    if problem := _refused(tx, service, component, (_S.REPORTED,), _WAITING):
        return problem
    *earlier, last = service.reports[component]
    answer = Answer(reason is None, reason, tx.now)
    await store.insert_answer(tx, last, answer, actor.client_id)
    action = "milestone.accept" if answer.accepted else "milestone.reject"
    await audit.append(tx, [done(actor, action, ids.text("mls", last.id), last.seller_id)])
    answered = replace(last, answer=answer)
    return milestones_of(replace(service, reports={**service.reports, component: [*earlier, answered]}), tx.now)


async def drop_milestone(tx: Tx, sales: Sales, actor: Actor, order_id: UUID, component: str) -> Milestones | Problem:
    """Say that a milestone will not be done: it is never charged, and what was reserved for it goes back at once.

    errors   answers not-found, milestone-invalid, milestone-state
    """
    service = await _own(tx, sales, actor, order_id, component, seller=True)
    if isinstance(service, Problem):
        return service
    needed = (_S.OPEN, _S.REPORTED, _S.REJECTED)
    if service.state(component, tx.now) not in needed:
        return MILESTONE_STATE(milestone=component, state=service.state(component, tx.now).value, needs=_UNREPORTED)
    await free_escrow(tx, [(order_id, component)])
    order = service.order
    parties = order.id, service.grant.id, order.buyer_id, order.seller_id
    await store.insert_drop(tx, parties, component, actor.client_id)
    await audit.append(tx, [done(actor, "milestone.drop", ids.text("ord", order.id), order.buyer_id)])
    after = await service_of(tx, sales, actor, order_id)
    assert not isinstance(after, Problem), "it was found a moment ago"
    return milestones_of(after, tx.now)


async def _own(tx: Tx, sales: Sales, actor: Actor, order_id: UUID, component: str, *, seller: bool) -> Staged | Problem:
    """The order's milestones, locked, for one of its sides."""
    service = await service_of(tx, sales, actor, order_id, lock=True)
    if isinstance(service, Problem):
        return service
    side = service.order.seller_id if seller else service.order.buyer_id
    if actor.organisation_id != side:
        return NOT_FOUND()
    model = service.sale.plan.milestones.get(component)
    if model is None or model.on_date:
        return MILESTONE_INVALID(field="milestone", reason=_UNKNOWN)
    return service


def _refused(
    tx: Tx, service: Staged, component: str, allowed: tuple[MilestoneState, ...], needs: Text
) -> Problem | None:
    state = service.state(component, tx.now)
    if service.gone_back:
        return MILESTONE_STATE(milestone=component, state=state.value, needs=_STANDING)
    return None if state in allowed else MILESTONE_STATE(milestone=component, state=state.value, needs=needs)

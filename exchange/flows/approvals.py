"""Four eyes: one client of the operator asks, another one approves or refuses, and what was approved is bound by its hash."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.approval_problems import APPROVAL_DECIDED, APPROVAL_OWN
from settlement.approvals import ApprovalState
from settlement.store import approvals


class Decided(msgspec.Struct, frozen=True):
    """An approval that was decided."""

    id: str
    state: str


async def ask(tx: Tx, actor: Actor, kind: str, object_id: str, body_sha256: bytes) -> UUID:
    """Ask for an approval of one thing with one content; the same again is the same approval.

    shapes   kind: words with hyphens, e.g. "payout-batch"; object_id: as the API shows it
    """
    approval_id, new = await approvals.put_approval(tx, actor, kind, object_id, body_sha256)
    if new:
        await audit.append(tx, [done(actor, "approval.ask", ids.text("apv", approval_id), body=body_sha256)])
    return approval_id


async def approved(tx: Tx, kind: str, object_id: str, body_sha256: bytes) -> bool:
    """Whether another client than the asking one approved exactly this content."""
    return await approvals.is_approved(tx, kind, object_id, body_sha256)


async def decide(
    tx: Tx, actor: Actor, approval_id: UUID, state: ApprovalState, note: str | None = None
) -> Decided | Problem:
    """Approve or refuse what another client asked for.

    errors   answers forbidden, not-found, approval-decided, approval-own
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    approval = await approvals.get_approval(tx, approval_id, lock=True)
    if approval is None:
        return NOT_FOUND()
    if approval.state is not ApprovalState.OPEN:
        return APPROVAL_DECIDED(state=approval.state.value)
    if approval.asked_by == actor.client_id:
        return APPROVAL_OWN()
    await approvals.decide(tx, approval_id, actor, state, note)
    name = ids.text("apv", approval_id)
    await audit.append(tx, [done(actor, f"approval.{_WORDS[state]}", name, body=approval.body_sha256)])
    return Decided(name, state.value)


_WORDS = {ApprovalState.APPROVED: "approve", ApprovalState.REFUSED: "refuse"}

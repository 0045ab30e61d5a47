"""Accept or decline an assessment, as the assessor who was asked."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from exchange.flows.once import done
from exchange.flows.request_assessment import AssessmentReceipt, receipt_of
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.quality import store
from exchange.quality.assessments import AssessmentState, refuse_move


async def answer_assessment(tx: Tx, actor: Actor, assessment_id: UUID, *, accept: bool) -> AssessmentReceipt | Problem:
    """Move an assessment to accepted or declined.

    errors   answers NOT_FOUND, ASSESSMENT_STATE
    """
    found = await store.lock_assessment(tx, assessment_id)
    if found is None or found.assessor_id != actor.organisation_id:
        return NOT_FOUND()
    wanted = AssessmentState.ACCEPTED if accept else AssessmentState.DECLINED
    refused = refuse_move(found, wanted)
    if refused is not None:
        return refused
    await store.set_assessment(tx, found.id, wanted)
    name = ids.text("asm", found.id)
    await audit.append(tx, [done(actor, f"assessment.{wanted.value}", name, found.supplier_id)])
    return receipt_of(found, wanted)

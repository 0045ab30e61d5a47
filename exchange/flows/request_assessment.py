"""Ask an assessor to look at a measured revision."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.store import datasets as catalog
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from exchange.parties.roles import Role
from exchange.quality import store
from exchange.quality.assessments import Assessment, AssessmentState
from exchange.quality.problems import ASSESSMENT_OPEN, ASSESSOR_UNSUITABLE, SCORECARD_MISSING


class AssessmentReceipt(msgspec.Struct, frozen=True):
    """Where an assessment stands after a command."""

    assessment: str
    revision: str
    scorecard: str
    supplier: str
    assessor: str
    state: str


async def request_assessment(tx: Tx, actor: Actor, revision_id: UUID, assessor_id: UUID) -> AssessmentReceipt | Problem:
    """Ask a verified assessor, other than the supplier itself, about one of the actor's revisions.

    errors   answers NOT_FOUND, SCORECARD_MISSING, ASSESSOR_UNSUITABLE, ASSESSMENT_OPEN
    """
    revision = await catalog.find_revision(tx, revision_id)
    if revision is None or revision.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    card = await store.latest_scorecard(tx, revision_id)
    if card is None:
        return SCORECARD_MISSING(revision=ids.text("rev", revision_id))
    reason = await _unsuitable(tx, actor, assessor_id)
    if reason is not None:
        return ASSESSOR_UNSUITABLE(assessor=ids.text("org", assessor_id), reason=reason)
    new = Assessment(
        tx.new_id(),
        revision_id,
        card.id,
        actor.organisation_id,
        assessor_id,
        AssessmentState.REQUESTED,
        tx.now,
        tx.now,
    )
    if not await store.insert_assessment(tx, new):
        earlier = await store.open_assessment(tx, revision_id, assessor_id)
        shown = ids.text("asm", earlier.id) if earlier else ""
        return ASSESSMENT_OPEN(assessor=ids.text("org", assessor_id), assessment=shown)
    name = ids.text("asm", new.id)
    await audit.append(tx, [done(actor, "assessment.requested", name, assessor_id, scorecard=card.sha256)])
    return receipt_of(new, new.state)


def receipt_of(assessment: Assessment, state: AssessmentState) -> AssessmentReceipt:
    """The receipt of an assessment that is now in `state`."""
    return AssessmentReceipt(
        assessment=ids.text("asm", assessment.id),
        revision=ids.text("rev", assessment.revision_id),
        scorecard=ids.text("scr", assessment.scorecard_id),
        supplier=ids.text("org", assessment.supplier_id),
        assessor=ids.text("org", assessment.assessor_id),
        state=state.value,
    )


async def _unsuitable(tx: Tx, actor: Actor, assessor_id: UUID) -> Text | None:
    if assessor_id == actor.organisation_id:
        return Text("nobody assesses their own data", "不得评估本机构的数据")
    standing = (await parties.standing(tx, [assessor_id])).get(assessor_id)
    if standing is None or Role.ASSESSOR not in standing.roles:
        return Text("it is no assessor", "该机构不是评估机构")
    return None if standing.verified else Text("it is not verified", "该机构尚未通过认证")

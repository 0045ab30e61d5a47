"""The operator decides on an organisation: verified, rejected, suspended, or in order again."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done, worded
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.parties import store as parties
from exchange.parties.organisations import BuyerClass, Decision, Party, State, move
from exchange.parties.problems import BUYER_CLASS_MISPLACED, IDENTIFIER_TAKEN, REASON_MISSING
from exchange.parties.roles import Role
from exchange.parties.settings import PartiesSettings

_ACTIONS = {
    State.VERIFIED: "organisation.verify",
    State.REJECTED: "organisation.reject",
    State.SUSPENDED: "organisation.suspend",
}


class Decided(msgspec.Struct, frozen=True):
    """Where the organisation stands now, and by which decision; `buyer_class` is the class that it confirmed."""

    organisation: str
    state: str
    decision: str
    reason: str
    buyer_class: str | None = None


async def verify_organisation(
    tx: Tx,
    actor: Actor,
    organisation_id: UUID,
    to: State,
    reason: str,
    settings: PartiesSettings,
    buyer_class: BuyerClass | None = None,
) -> Decided | Problem:
    """Move an organisation's state and keep who did it, when and why.

    The buyer class is what the evidence shows to the operator, whatever was claimed; a decision without one confirms none.

    errors   answers FORBIDDEN (not an operator, or its own case), REASON_MISSING, BUYER_CLASS_MISPLACED, NOT_FOUND,
             CONFLICT, EVIDENCE_MISSING, IDENTIFIER_TAKEN
    """
    if Role.OPERATOR not in actor.roles or organisation_id == actor.organisation_id:
        return FORBIDDEN(needs=Role.OPERATOR.value)
    if not 0 < len(reason.strip()) <= settings.reason_max_chars:
        return REASON_MISSING(limit=settings.reason_max_chars)
    if buyer_class is not None and to is not State.VERIFIED:
        return BUYER_CLASS_MISPLACED(buyer_class=buyer_class.value, state=to.value)
    organisation = await parties.lock_organisation(tx, organisation_id)
    if organisation is None:
        return NOT_FOUND()
    count = await parties.count_evidence(tx, organisation_id)
    refused = move(organisation.state, to, Party.OPERATOR, evidence_count=count)
    if refused is not None:
        return refused
    if to is State.VERIFIED and (taken := await parties.numbers_held_by_others(tx, organisation_id)):
        return IDENTIFIER_TAKEN(schemes=", ".join(taken))
    decision = Decision(
        id=tx.new_id(),
        organisation_id=organisation_id,
        from_state=organisation.state,
        to_state=to,
        decided_by=actor.organisation_id,
        client_id=actor.client_id,
        reason=reason.strip(),
        created_at=tx.now,
        buyer_class=buyer_class,
    )
    await parties.move(tx, decision)
    name = ids.text("org", organisation_id)
    said = {"reason": decision.reason.encode()}
    if buyer_class is not None:
        said["buyer_class"] = buyer_class.value.encode()
    await audit.append(tx, [worded(done(actor, _ACTIONS[to], name, organisation_id), **said)])
    return Decided(name, to.value, ids.text("rsc", decision.id), decision.reason, buyer_class)

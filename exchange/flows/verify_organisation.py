"""The operator decides on an organisation: verified, rejected, suspended, or in order again."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.parties import store as parties
from exchange.parties.organisations import Decision, Party, State, move
from exchange.parties.problems import IDENTIFIER_TAKEN, REASON_MISSING
from exchange.parties.roles import Role
from exchange.parties.settings import PartiesSettings

_ACTIONS = {
    State.VERIFIED: "organisation.verify",
    State.REJECTED: "organisation.reject",
    State.SUSPENDED: "organisation.suspend",
}


class Decided(msgspec.Struct, frozen=True):
    """Where the organisation stands now, and by which decision."""

    organisation: str
    state: str
    decision: str
    reason: str


async def verify_organisation(
    tx: Tx, actor: Actor, organisation_id: UUID, to: State, reason: str, settings: PartiesSettings
) -> Decided | Problem:
    """Move an organisation's state and keep who did it, when and why.

    errors   answers FORBIDDEN (not an operator, or its own case), REASON_MISSING, NOT_FOUND, CONFLICT, EVIDENCE_MISSING,
             IDENTIFIER_TAKEN
    """
    if Role.OPERATOR not in actor.roles or organisation_id == actor.organisation_id:
        return FORBIDDEN(needs=Role.OPERATOR.value)
    if not 0 < len(reason.strip()) <= settings.reason_max_chars:
        return REASON_MISSING(limit=settings.reason_max_chars)
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
    )
    await parties.move(tx, decision)
    name = ids.text("org", organisation_id)
    entry = done(actor, _ACTIONS[to], name, organisation_id, reason=sha256(decision.reason.encode()))
    await audit.append(tx, [entry])
    return Decided(name, to.value, ids.text("rsc", decision.id), decision.reason)

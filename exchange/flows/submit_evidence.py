"""An organisation hands in documents and asks to be verified."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.parties import store as parties
from exchange.parties.evidence import Document
from exchange.parties.organisations import TRANSITIONS, Decision, Party, State, move
from exchange.parties.problems import TOO_MANY_DOCUMENTS
from exchange.parties.settings import PartiesSettings

_REASON = "evidence handed in"


class Submitted(msgspec.Struct, frozen=True):
    """What was taken, and where the organisation stands now."""

    organisation: str
    state: str
    evidence: list[str]


async def submit_evidence(
    tx: Tx, actor: Actor, documents: Sequence[Document], settings: PartiesSettings
) -> Submitted | Problem:
    """Keep the documents; an organisation that was not yet or not any more in order waits for a decision from then on.

    A verified organisation stays verified: it renews its papers.

    errors   answers NOT_FOUND, TOO_MANY_DOCUMENTS, EVIDENCE_MISSING
    """
    organisation = await parties.lock_organisation(tx, actor.organisation_id)
    if organisation is None:
        return NOT_FOUND()
    count = await parties.count_evidence(tx, organisation.id) + len(documents)
    if count > settings.evidence_max:
        return TOO_MANY_DOCUMENTS(limit=settings.evidence_max)
    state, moves = organisation.state, (organisation.state, State.SUBMITTED) in TRANSITIONS
    if moves:
        refused = move(state, State.SUBMITTED, Party.ITSELF, evidence_count=count)
        if refused is not None:
            return refused
        state = State.SUBMITTED
    kept = [await parties.add_evidence(tx, tx.new_id(), actor, document) for document in documents]
    if moves:
        decision = Decision(
            id=tx.new_id(),
            organisation_id=organisation.id,
            from_state=organisation.state,
            to_state=state,
            decided_by=actor.organisation_id,
            client_id=actor.client_id,
            reason=_REASON,
            created_at=tx.now,
        )
        await parties.move(tx, decision)
    name = ids.text("org", organisation.id)
    hashes = {f"document_{number}": document.sha256 for number, document in enumerate(documents, 1)}
    await audit.append(tx, [done(actor, "evidence.submit", name, **hashes)])
    return Submitted(name, state.value, [ids.text("rsc", one) for one in kept])

"""A movement that stopped reconciliation is settled by two: one client says what it is, another one approves it."""

from __future__ import annotations

from datetime import UTC
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows import approvals
from exchange.flows.once import done, worded
from exchange.flows.reconcile import APPROVAL
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import digest
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.jobs import Job, put
from exchange.parties import store as parties
from settlement.recon import PROVIDER, Item
from settlement.recon_problems import NOT_STOPPED, REMEDY_OWNER
from settlement.recon_templates import Remedy
from settlement.store import recon
from settlement.store.recon import Resolution

RECONCILE = "reconcile"
_OF_SOMEBODY = frozenset({Remedy.WALLET, Remedy.DEBT})


class StopResolution(msgspec.Struct, frozen=True):
    """What is proposed for a movement; it counts once another client has approved `approval`."""

    id: str
    movement: str
    remedy: str
    organisation: str | None
    approval: str
    body_sha256: str


class ReconcileQueued(msgspec.Struct, frozen=True):
    """A reconciliation that a job does at once."""

    job: str


async def propose_resolution(
    tx: Tx, actor: Actor, txn_id: str, remedy: Remedy, organisation_id: UUID | None, note: str
) -> StopResolution | Problem:
    """Say what a movement is that reconciliation stopped at; the next one takes it on once another client approved it.

    errors   answers forbidden, not-found, not-stopped, remedy-owner
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    found = await recon.find_item(tx, PROVIDER, txn_id)
    if found is None:
        return NOT_FOUND()
    place, item = found
    cursor = await recon.lock_cursor(tx, place)
    if cursor.stopped_txn != txn_id:
        return NOT_STOPPED(movement=txn_id, state="settled" if cursor.stopped_txn is None else "not the one")
    if (remedy in _OF_SOMEBODY) != (organisation_id is not None):
        return REMEDY_OWNER(remedy=remedy.value)
    if organisation_id is not None and await parties.find_organisation(tx, organisation_id) is None:
        return REMEDY_OWNER(remedy=remedy.value)
    hashed = body(item, remedy, organisation_id)
    made = Resolution(tx.new_id(), remedy, organisation_id, note, hashed, tx.now)
    await recon.propose(tx, PROVIDER, txn_id, made, actor.client_id)
    approval = await approvals.ask(tx, actor, APPROVAL, txn_id, hashed)
    said = note.encode()
    await audit.append(tx, [worded(done(actor, "reconciliation.resolve", txn_id, body=hashed), note=said)])
    return StopResolution(
        ids.text("rsc", made.id),
        txn_id,
        remedy.value,
        ids.text("org", organisation_id) if organisation_id else None,
        ids.text("apv", approval),
        hashed.hex(),
    )


async def queue_reconciliation(tx: Tx, actor: Actor) -> ReconcileQueued | Problem:
    """Have the provider's movements reconciled now and not by the next hour.

    errors   answers forbidden
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    job = Job(
        RECONCILE, f"asked:{tx.new_id()}", {}, organisation_id=actor.organisation_id, attempts_max=3, id=tx.new_id()
    )
    await put(tx, job)
    assert job.id is not None, "it was given one"
    name = ids.text("job", job.id)
    await audit.append(tx, [done(actor, "reconciliation.run", name)])
    return ReconcileQueued(name)


def body(item: Item, remedy: Remedy, organisation_id: UUID | None) -> bytes:
    """The hash of what is approved: this movement with these amounts, and what becomes of it."""
    said = {
        "type": "reconciliation-resolution",
        "v": 1,
        "movement": item.id,
        "kind": item.type,
        "amount": item.amount.to_wire(),
        "fee": item.fee.to_wire(),
        "created_at": item.created_at.astimezone(UTC).isoformat(),
        "remedy": remedy.value,
        "organisation": ids.text("org", organisation_id) if organisation_id else None,
    }
    return digest(said)

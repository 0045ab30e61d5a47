"""A payee names an account at a bank; the operator approves it, and what replaces another waits three days."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.approvals import ask
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.subjects import SubjectKey
from exchange.parties.roles import PAYEES, PAYEES_NAMED
from settlement.banking.destinations import APPROVAL, COOL_DOWN, Destination, DestinationState
from settlement.banking.details import BankDetails, sealed_details
from settlement.banking_problems import DESTINATION_STATE, DESTINATION_UNCHANGED
from settlement.store import destinations


class DestinationAsked(msgspec.Struct, frozen=True):
    """An account that waits for the operator's approval; `usable_from` is when it can be paid to at the earliest."""

    id: str
    version: int
    last4: str
    state: str
    usable_from: str
    approval: str


async def name_destination(tx: Tx, actor: Actor, key: SubjectKey, details: BankDetails) -> DestinationAsked | Problem:
    """Ask to be paid to an account, instead of the one before; what was asked and not approved yet is withdrawn.

    errors   answers forbidden, bank-destination-unchanged
    """
    if not PAYEES & actor.roles:
        return FORBIDDEN(needs=PAYEES_NAMED)
    await destinations.lock_naming(tx, actor.organisation_id)
    before = [one for one in await destinations.own(tx, actor) if one.scheme is details.scheme]
    live = [one for one in before if one.state in (DestinationState.ASKED, DestinationState.ACTIVE)]
    for one in live:
        if one.fingerprint == details.fingerprint:
            return DESTINATION_UNCHANGED(destination=ids.text("dst", one.id), state=one.state.value)
    # Whoever was paid by bank once has an account that another may want to turn away, ended or not.
    changes = any(one.active_at is not None for one in before)
    await destinations.end_destinations(
        tx, [one.id for one in live if one.state is DestinationState.ASKED], DestinationState.WITHDRAWN
    )
    destination_id = tx.new_id()
    made = Destination(
        id=destination_id,
        organisation_id=actor.organisation_id,
        scheme=details.scheme,
        version=1 + max((one.version for one in before), default=0),
        last4=details.last4,
        digest=details.digest,
        fingerprint=details.fingerprint,
        sealed=sealed_details(key, destination_id, details),
        state=DestinationState.ASKED,
        asked_at=tx.now,
        usable_from=tx.now + COOL_DOWN if changes else tx.now,
    )
    await destinations.insert_destination(tx, made)
    name = ids.text("dst", destination_id)
    approval = await ask(tx, actor, APPROVAL, name, made.fingerprint)
    # The notice: everybody who reads for the payee sees it, and may withdraw it while it waits.
    await audit.append(tx, [done(actor, "bank-destination.ask", name, details=made.fingerprint)])
    usable = made.usable_from.isoformat().replace("+00:00", "Z")
    return DestinationAsked(name, made.version, made.last4, made.state.value, usable, ids.text("apv", approval))


class DestinationEnded(msgspec.Struct, frozen=True):
    """An account that is paid to no more."""

    id: str
    state: str


async def withdraw_destination(tx: Tx, actor: Actor, destination_id: UUID) -> DestinationEnded | Problem:
    """Withdraw an account: the payee its own, the operator anybody's.

    errors   answers not-found, bank-destination-state
    """
    found = (await destinations.get(tx, [destination_id])).get(destination_id)
    if found is None or (found.organisation_id != actor.organisation_id and "operator" not in actor.roles):
        return NOT_FOUND()
    if not await destinations.end_destinations(tx, [destination_id], DestinationState.WITHDRAWN):
        return DESTINATION_STATE(state=found.state.value)
    name = ids.text("dst", destination_id)
    concerned = [found.organisation_id] if found.organisation_id != actor.organisation_id else []
    await audit.append(tx, [done(actor, "bank-destination.withdraw", name, *concerned)])
    return DestinationEnded(name, DestinationState.WITHDRAWN.value)


async def activate_destinations(tx: Tx) -> int:
    """Let approved accounts be paid to once their time has come; answers how many."""
    found = await destinations.activate(tx)
    entries = [
        Entry(
            action="bank-destination.activate",
            organisation_id=None,
            object_id=ids.text("dst", one.id),
            concerns=(one.organisation_id,),
        )
        for one in found
    ]
    if entries:
        await audit.append(tx, entries)
    return len(found)

"""Keep what a payment provider tells, and queue its handling; the provider is answered at once."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.kernel import jobs
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from settlement.store import payments

STRIPE_EVENT = "stripe_event"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """An event whose signature was checked, with the very bytes that were signed."""

    id: str
    type: str
    object_id: str
    payload: bytes


class EventStored(msgspec.Struct, frozen=True):
    """The event is kept; `replayed` when it came before."""

    event: str
    replayed: bool


async def store_event(tx: Tx, event: ProviderEvent) -> EventStored:
    """Store an event with the job that acts on it, in one transaction; a second delivery changes nothing."""
    if not await payments.store_event(tx, event.id, event.type, event.object_id, event.payload):
        return EventStored(event.id, replayed=True)
    await jobs.put(tx, jobs.Job(STRIPE_EVENT, event.id, {"event": event.id}))
    # What it is about is said by the entry of its effect; here only that it came, and its hash.
    entry = Entry(
        action="stripe.event",
        organisation_id=None,
        object_id=f"stripe-event:{event.id}",
        digests={"payload": sha256(event.payload)},
    )
    await audit.append(tx, [entry])
    return EventStored(event.id, replayed=False)

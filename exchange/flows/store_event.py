"""Keep what a payment provider tells, and queue its handling; the provider is answered at once."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.call_provider import CALL_ATTEMPTS, open_item
from exchange.kernel import jobs
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from settlement.open_items import ItemKind, Opened
from settlement.provider_events import ProviderEvent
from settlement.store import provider_events

STRIPE_EVENT = "stripe_event"


class EventStored(msgspec.Struct, frozen=True):
    """The event is kept; `replayed` when it came before."""

    event: str
    replayed: bool


async def store_event(
    tx: Tx, event: ProviderEvent, *, live: bool | None = None, api_version: str | None = None
) -> EventStored:
    """Store an event with the job that acts on it, in one transaction; a second delivery changes nothing.

    shapes   live, api_version: what our own key and library are of; an event of the other mode (a Connect endpoint hears of
             both) is kept without effect, one of another version is told to a person, for its object is fetched in ours
    """
    ours = live is None or event.livemode is None or event.livemode is live
    if not await provider_events.store_event(tx, event, handled=not ours):
        return EventStored(event.id, replayed=True)
    if ours:
        await jobs.put(tx, jobs.Job(STRIPE_EVENT, event.id, {"event": event.id}, attempts_max=CALL_ATTEMPTS))
    if None not in (api_version, event.api_version) and event.api_version != api_version:
        about = {"ours": str(api_version), "theirs": str(event.api_version)}
        await open_item(tx, Opened(ItemKind.API_VERSION, str(event.api_version), about, event.account))
    # What it is about is said by the entry of its effect; here only that it came, and its hash.
    entry = Entry(
        action="stripe.event",
        organisation_id=None,
        object_id=f"stripe-event:{event.id}",
        digests={"payload": sha256(event.payload)},
    )
    await audit.append(tx, [entry])
    return EventStored(event.id, replayed=False)

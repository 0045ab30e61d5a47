"""A delivery goes out: what is due is taken, and what came of it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.webhooks.deliveries import Failure, Heard, next_attempt
from exchange.webhooks.endpoints import Why
from exchange.webhooks.settings import WebhookSettings
from exchange.webhooks.signing import SealedSecret
from exchange.webhooks.store import deliveries, endpoints
from exchange.webhooks.store.deliveries import Parcel

# How much longer than its own time limit an attempt may take to be written down before it is made again.
SPARE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Load:
    """Attempts to be made now, with the secrets that sign them, by endpoint and the newest first."""

    parcels: list[Parcel]
    secrets: Mapping[UUID, list[SealedSecret]]


async def take_due(tx: Tx, *, settings: WebhookSettings, busy: Mapping[UUID, int], limit: int) -> Load:
    """Take attempts that are due, at most `limit`; `busy` is what this worker has under way by endpoint."""
    until = tx.now + timedelta(seconds=settings.answer_timeout_s) + SPARE
    parcels = await deliveries.take_due(tx, until, settings.endpoint_in_flight_max, busy, limit)
    signing: dict[UUID, list[SealedSecret]] = {}
    if parcels:
        for one in await endpoints.secrets_of(tx, list({one.endpoint_id for one in parcels})):
            if one.signs_at(tx.now):
                signing.setdefault(one.endpoint_id, []).append(one)
    return Load(parcels, signing)


async def record_attempt(tx: Tx, *, parcel: Parcel, heard: Heard, settings: WebhookSettings) -> bool:
    """Write what came of an attempt, and disable an endpoint that is gone or has failed for days.

    False where another attempt has taken the delivery over: then nothing is written.
    """
    again = None
    if not heard.ok and not heard.gone:
        again = next_attempt(parcel.delivery_id, parcel.step, tx.now, heard.retry_after_s)
    if not await deliveries.record(tx, parcel, heard, again):
        return False
    if heard.ok:
        await endpoints.note_ok(tx, parcel.endpoint_id)
        return True
    since = await endpoints.note_failure(tx, parcel.endpoint_id, heard.error or "")
    if heard.gone:
        await _disable(tx, parcel.endpoint_id, Why.GONE)
    elif tx.now - since >= timedelta(days=settings.disable_after_days):
        await _disable(tx, parcel.endpoint_id, Why.FAILING)
    return True


async def _disable(tx: Tx, endpoint_id: UUID, why: Why) -> None:
    organisation_id = await endpoints.disable_endpoint(tx, endpoint_id, why)
    if organisation_id is None:
        return
    await deliveries.drop_waiting(tx, endpoint_id, Failure.DISABLED)
    name = ids.text("whk", endpoint_id)
    entry = Entry(
        action="webhook.disable",
        organisation_id=None,
        object_id=name,
        object_version=why.value,
        concerns=(organisation_id,),
    )
    await audit.append(tx, [entry])

"""Buyer or seller accepts a measurement; with the second acceptance the exchange signs it, and it is charged for."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from contracts import measurements
from contracts import measurements_store as store
from contracts.measurements import Agreed, Answer, Measurement, MeasurementState, Said
from exchange.flows.once import done
from exchange.flows.submit_measurement import MeasurementReceipt, receipt
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring


async def accept_measurement(
    tx: Tx, keyring: Keyring, actor: Actor, measurement_id: UUID, document_sha256: bytes
) -> MeasurementReceipt | Problem:
    """Accept exactly the document of that digest; it binds the actor's organisation.

    errors   answers not-found, measurement-closed, measurement-answered, measurement-differs
    """
    one = await locked(tx, measurement_id)
    if one is None or actor.organisation_id not in {one.buyer_id, one.seller_id}:
        return NOT_FOUND()
    said = Said(actor.organisation_id, actor.client_id, Answer.ACCEPT, document_sha256, tx.now)
    state = measurements.hear(one, said)
    if isinstance(state, Problem):
        return state
    await store.insert_answer(tx, one, said)
    one = measurements.with_answer(one, said)
    signed = {}
    if state is MeasurementState.AGREED:
        document = measurements.conclusion(one, tx.now)
        signature, hashed = keyring.sign(measurements.PURPOSE, document), sha256(document)
        agreed = Agreed(document, hashed, signature.kid, signature.value, measurements.value_of(one), tx.now)
        await store.insert_agreed(tx, one, agreed)
        signed = {"agreed": hashed}
    entry = done(
        actor, "measurement.accept", ids.text("mea", one.id), *others(one, actor), document=one.sha256, **signed
    )
    await audit.append(tx, [entry])
    return receipt(one)


async def locked(tx: Tx, measurement_id: UUID) -> Measurement | None:
    """A measurement that nobody else answers before the commit."""
    one = await store.find(tx, measurement_id)
    if one is None:
        return None
    await store.lock(tx, one.grant_id, one.component)
    # Read again: what was said while we waited counts.
    return await store.find(tx, measurement_id)


def others(one: Measurement, actor: Actor) -> list[UUID]:
    """Whom it concerns beside the actor."""
    return sorted({one.buyer_id, one.seller_id, one.evaluator_id} - {actor.organisation_id})

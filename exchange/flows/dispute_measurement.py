"""A measurement ends without an agreement: a party disputes it, or its evaluator withdraws it. Nothing is charged."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from compliance import store as audit
from contracts import measurements
from contracts import measurements_store as store
from contracts.measurements import REASON_CHARS_MAX, Answer, Measurement, Said, refuse_words
from exchange.flows.accept_measurement import locked, others
from exchange.flows.once import done, worded
from exchange.flows.submit_measurement import MeasurementReceipt, receipt
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


async def dispute_measurement(
    tx: Tx, actor: Actor, measurement_id: UUID, reason: Mapping[str, str]
) -> MeasurementReceipt | Problem:
    """Say that a measurement is wrong; the evaluator may then propose another.

    errors   answers not-found, measurement-invalid, measurement-closed, measurement-answered
    """
    one = await locked(tx, measurement_id)
    if one is None or actor.organisation_id not in {one.buyer_id, one.seller_id}:
        return NOT_FOUND()
    return await _end(tx, actor, one, Answer.DISPUTE, reason)


async def withdraw_measurement(
    tx: Tx, actor: Actor, measurement_id: UUID, reason: Mapping[str, str]
) -> MeasurementReceipt | Problem:
    """Take a measurement back that the actor's organisation proposed.

    errors   answers not-found, measurement-invalid, measurement-closed
    """
    one = await locked(tx, measurement_id)
    if one is None or actor.organisation_id != one.evaluator_id:
        return NOT_FOUND()
    return await _end(tx, actor, one, Answer.WITHDRAW, reason)


async def _end(
    tx: Tx, actor: Actor, one: Measurement, answer: Answer, reason: Mapping[str, str]
) -> MeasurementReceipt | Problem:
    said = Said(actor.organisation_id, actor.client_id, answer, one.sha256, tx.now, reason)
    state = refuse_words("reason", reason, REASON_CHARS_MAX) or measurements.hear(one, said)
    if isinstance(state, Problem):
        return state
    await store.insert_answer(tx, one, said)
    entry = done(actor, f"measurement.{answer}", ids.text("mea", one.id), *others(one, actor), document=one.sha256)
    entry = worded(entry, reason=canonical(dict(reason)))
    await audit.append(tx, [entry])
    return receipt(measurements.with_answer(one, said))

"""The evaluator of an outcome-based deal says what it measured."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import measurements
from contracts import measurements_store as store
from contracts.measurements import Draft, Measurement, Subject
from contracts.measurements_problems import MEASUREMENT_INVALID, NOT_THE_EVALUATOR
from exchange.access.grants import Grant
from exchange.access.store import grants
from exchange.catalog.store.listings import load_offers
from exchange.flows.once import done
from exchange.flows.sale import Sale, Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import Text
from pricing.exact import plain
from pricing.fixed import Outcome
from settlement.store import orders

_NO_OUTCOME = Text("the plan has no outcome component of this id", "价格方案中没有该编号的按效果付费组成项")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is measured, of which grant."""

    grant_id: UUID
    draft: Draft


class MeasurementReceipt(msgspec.Struct, frozen=True):
    """Where a measurement stands; `sha256` is over the document that both sides accept."""

    id: str
    grant: str
    component: str
    state: str
    sha256: str


async def submit_measurement(tx: Tx, sales: Sales, actor: Actor, wish: Wish) -> MeasurementReceipt | Problem:
    """Propose a measurement; it costs nobody anything before buyer and seller have both accepted it.

    errors   answers not-found, not-the-evaluator, measurement-invalid, measurement-agreed, measurement-open,
             measurements-too-many
    """
    grant = (await grants.load(tx, [wish.grant_id])).get(wish.grant_id)
    if grant is None:
        return NOT_FOUND()
    subject = _subject(await _sold(tx, sales, grant), grant, actor, wish.draft.component)
    if isinstance(subject, Problem):
        return subject
    if problem := measurements.refuse_draft(wish.draft, subject, tx.now):
        return problem
    await store.lock(tx, grant.id, wish.draft.component)
    others = await store.of_component(tx, grant.id, wish.draft.component)
    if problem := measurements.refuse_another(wish.draft.component, others):
        return problem
    one = measurements.propose(tx.new_id(), subject, wish.draft, actor.client_id, tx.now)
    await store.insert(tx, one)
    sides = sorted({one.buyer_id, one.seller_id} - {actor.organisation_id})
    await audit.append(tx, [done(actor, "measurement.submit", ids.text("mea", one.id), *sides, document=one.sha256)])
    return receipt(one)


def receipt(one: Measurement) -> MeasurementReceipt:
    """How a measurement stands, as an answer to a command."""
    return MeasurementReceipt(
        id=ids.text("mea", one.id),
        grant=ids.text("grt", one.grant_id),
        component=one.component,
        state=one.state.value,
        sha256=one.sha256.hex(),
    )


async def _sold(tx: Tx, sales: Sales, grant: Grant) -> Sale:
    # A grant is never without its offer and its order.
    offer = (await load_offers(tx, [grant.offer_id]))[grant.offer_id]
    return sales.sold(offer, (await orders.get_orders(tx, [grant.order_id]))[grant.order_id])


def _subject(sale: Sale, grant: Grant, actor: Actor, component: str) -> Subject | Problem:
    """What the actor may measure, or why not; to whom the deal is foreign it does not exist."""
    models = {one.id: one.model for one in sale.plan.outcomes if isinstance(one.model, Outcome)}
    own = ids.text("org", actor.organisation_id)
    if actor.organisation_id not in {grant.buyer_id, grant.seller_id} and own not in {
        m.evaluator for m in models.values()
    }:
        return NOT_FOUND()
    model = models.get(component)
    if model is None:
        return MEASUREMENT_INVALID(field="component", reason=_NO_OUTCOME)
    if model.evaluator != own:
        return NOT_THE_EVALUATOR(evaluator=model.evaluator, component=component)
    return Subject(
        grant_id=grant.id,
        order_id=grant.order_id,
        agreement_id=grant.agreement_id,
        offer_id=grant.offer_id,
        offer_sha256=sale.offer.sha256,
        plan_sha256=sale.plan.sha256,
        buyer_id=grant.buyer_id,
        seller_id=grant.seller_id,
        evaluator_id=actor.organisation_id,
        starts_at=grant.starts_at,
        metric=model.metric,
        unit=model.unit,
        baseline=plain(model.baseline),
        direction="up" if model.up else "down",
    )

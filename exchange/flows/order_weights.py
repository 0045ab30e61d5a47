"""Somebody has contributions to a product measured; those whose data is compared agree first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.store.sealed import sealed_revisions
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import NotCanonical, canonical, sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, INVALID_REQUEST, NOT_FOUND, Problem
from exchange.kernel.jobs import Job
from exchange.kernel.text import Text
from exchange.quality import store as quality
from settlement.contribution import Order, WeightState, state_of
from settlement.problems import WEIGHTS_INVALID, WEIGHTS_STATE
from settlement.store import weights
from settlement.store.weights import OrderStanding
from settlement.weighing import attribution
from settlement.weight_orders import Source, WeightWish, in_order, read_order, refuse_sources, source_document

KIND = "measure-contribution"
OPERATOR = "operator"
_NOT_YOURS = Text("none of them is yours", "其中没有贵机构的版本")
_GROUPS = Text(
    "each group has at least two organisations of the revisions, and none stands in two groups",
    "每组至少包含两个参与机构，且同一机构不得出现在两组中",
)


class WeightsOrdered(msgspec.Struct, frozen=True):
    """Where a weight vector stands; `sha256` is what those who are asked agree to, `job` measures once all have agreed."""

    id: str
    state: str
    sha256: str
    attribution: str
    asked: list[str]
    job: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An order that was read and checked: its document, and the canonical bytes that others agree to."""

    document: Mapping[str, Any]
    text: bytes
    sha256: bytes


def prepare(actor: Actor, wish: WeightWish) -> Prepared | Problem:
    """Read what is ordered; large tables and examples take a second, so this runs beside the event loop.

    errors   answers forbidden, invalid-request, weights-invalid
    """
    if wish.same_owner and OPERATOR not in actor.roles:
        return FORBIDDEN(needs=OPERATOR)
    document = read_order(wish)
    if isinstance(document, Problem):
        return document
    try:
        text = canonical(document | {"ordered_by": ids.text("org", actor.organisation_id)})
    except NotCanonical as error:
        return INVALID_REQUEST(reason=str(error))
    return Prepared(document, text, sha256(text))


async def order_weights(tx: Tx, actor: Actor, prepared: Prepared) -> WeightsOrdered | Problem:
    """Order a weight vector over revisions; with those of others it waits until each of their suppliers agrees.

    To count what two hold in common tells each something of the other's data, so nobody is compared unasked, except by the
    operator, who sees all data anyway.

    errors   answers not-found, invalid-request, weights-invalid
    """
    operator, document = OPERATOR in actor.roles, prepared.document
    sources = await load_sources(tx, document, None if operator else actor)
    if isinstance(sources, Problem):
        return sources
    suppliers = {one.organisation_id for one in sources}
    if not operator and actor.organisation_id not in suppliers:
        return WEIGHTS_INVALID(field="revisions", reason=_NOT_YOURS)
    asked = () if operator else tuple(sorted(suppliers - {actor.organisation_id}))
    order = Order(
        id=tx.new_id(),
        subject=document["subject"],
        method=document["method"],
        utility=document["utility"],
        ordered_by=actor.organisation_id,
        asked=asked,
        sha256=prepared.sha256,
        created_at=tx.now,
    )
    await weights.insert_order(tx, order, prepared.text, sorted({*suppliers, actor.organisation_id}))
    job_id = None if asked else await _queue(tx, order)
    name = ids.text("wgt", order.id)
    await audit.append(tx, [done(actor, "weights.order", name, *asked, order=order.sha256)])
    return _receipt(order, {}, attribution([source_document(one, None) for one in sources]), job_id)


async def answer_weights(
    tx: Tx, actor: Actor, order_id: UUID, order_sha256: bytes, *, agrees: bool
) -> WeightsOrdered | Problem:
    """Agree to be measured by exactly this order, or refuse; the last who agrees has it measured.

    errors   answers not-found, weights-state
    """
    standing = await weights.lock_order(tx, order_id)
    if standing is None or actor.organisation_id not in standing.order.asked:
        return NOT_FOUND()
    order, state = standing.order, _state(standing)
    if order_sha256 != order.sha256:
        return WEIGHTS_STATE(state=f"{state} ({order.sha256.hex()})", needs=order_sha256.hex())
    if state is not WeightState.WAITING or actor.organisation_id in standing.answers:
        return WEIGHTS_STATE(state=state.value, needs=WeightState.WAITING.value)
    await weights.insert_answer(tx, order, actor, agrees=agrees)
    answers = {**standing.answers, actor.organisation_id: agrees}
    complete = state_of(order, answers, measured=False) is WeightState.MEASURING
    job_id = await _queue(tx, order) if complete else None
    action = "weights.agree" if agrees else "weights.decline"
    concerned = sorted({order.ordered_by, *order.asked} - {actor.organisation_id})
    await audit.append(tx, [done(actor, action, ids.text("wgt", order.id), *concerned, order=order.sha256)])
    return _receipt(order, answers, await _attribution(tx, order), job_id)


async def resume_weights(tx: Tx, actor: Actor, order_id: UUID) -> WeightsOrdered | Problem:
    """Measure on after the job was cancelled or buried; what was read before is not read again.

    errors   answers not-found, weights-state
    """
    standing = await weights.lock_order(tx, order_id)
    if standing is None or not (OPERATOR in actor.roles or standing.order.ordered_by == actor.organisation_id):
        return NOT_FOUND()
    order, state = standing.order, _state(standing)
    if state is not WeightState.MEASURING:
        return WEIGHTS_STATE(state=state.value, needs=WeightState.MEASURING.value)
    job_id = await _queue(tx, order, again=True)
    await audit.append(tx, [done(actor, "weights.resume", ids.text("wgt", order.id), order=order.sha256)])
    return _receipt(order, standing.answers, await _attribution(tx, order), job_id)


async def load_sources(tx: Tx, order: Mapping[str, Any], actor: Actor | None) -> list[Source] | Problem:
    """The revisions of an order, the one sealed first in front; with an actor only those that it may know of.

    errors   answers not-found, invalid-request, weights-invalid
    """
    try:
        wanted = [ids.parse("rev", name) for name in order["revisions"]]
        groups = [[ids.parse("org", name) for name in group] for group in order["same_owner"]]
    except ids.BadId as error:
        return INVALID_REQUEST(reason=str(error))
    known = await sealed_revisions(tx, wanted)
    if len(known) != len(wanted):
        return NOT_FOUND()
    if actor and any(not one.published and one.supplier_id != actor.organisation_id for one in known.values()):
        return NOT_FOUND()
    suppliers, grouped = {one.supplier_id for one in known.values()}, [one for group in groups for one in group]
    if len(set(grouped)) != len(grouped) or not set(grouped) <= suppliers or any(len(group) < 2 for group in groups):
        return WEIGHTS_INVALID(field="same_owner", reason=_GROUPS)
    owner = {one: group[0] for group in groups for one in group}
    certified = {one.revision_id for one in await quality.certificates_of(tx, wanted)}
    sources = in_order(
        Source(
            organisation_id=one.supplier_id,
            owner_id=owner.get(one.supplier_id, one.supplier_id),
            revision_id=one.id,
            revision_sha256=one.sha256,
            sealed_at=one.sealed_at,
            certified=one.id in certified,
        )
        for one in known.values()
    )
    return refuse_sources(order, sources) or sources


async def _queue(tx: Tx, order: Order, *, again: bool = False) -> UUID:
    name, job_id = ids.text("wgt", order.id), tx.new_id()
    usual = Job(KIND, name, {"vector": name}, organisation_id=order.ordered_by, id=job_id)
    # A key of its own: the job that was cancelled or buried would swallow this one.
    await jobs.put(tx, replace(usual, dedupe_key=f"{name}:{job_id}") if again else usual)
    return job_id


async def _attribution(tx: Tx, order: Order) -> str:
    sources = await load_sources(tx, msgspec.json.decode(await weights.document_of(tx, order.id)), None)
    return "" if isinstance(sources, Problem) else attribution([source_document(one, None) for one in sources])


def _state(standing: OrderStanding) -> WeightState:
    return state_of(standing.order, standing.answers, measured=standing.vector is not None)


def _receipt(order: Order, answers: Mapping[UUID, bool], named: str, job_id: UUID | None) -> WeightsOrdered:
    waiting: Sequence[UUID] = [one for one in order.asked if one not in answers]
    return WeightsOrdered(
        id=ids.text("wgt", order.id),
        state=state_of(order, answers, measured=False).value,
        sha256=order.sha256.hex(),
        attribution=named,
        asked=[ids.text("org", one) for one in waiting],
        job=ids.text("job", job_id) if job_id else None,
    )

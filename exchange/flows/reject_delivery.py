"""A buyer rejects what was delivered, with a ground and the digest of its evidence: the shares stay on hold."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from exchange.flows.accept_delivery import DeliveryStands, instant, refused
from exchange.flows.inspecting import locked_order, read_facts, stands, window_of
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from settlement.acceptances import Fact, Ground, Said, Standing, may_say, said_at
from settlement.store import acceptances


async def reject_delivery(
    tx: Tx, actor: Actor, order_id: UUID, ground: Ground, evidence_sha256: bytes
) -> DeliveryStands | Problem:
    """Reject a delivery within its window; the operator decides, unless the seller refunds it or the buyer accepts it yet.

    The evidence stays with the buyer; its digest lets whoever decides see that it was not made up since.

    errors   answers not-found, acceptance-state
    """
    source = await locked_order(tx, order_id)
    if source is None or source.order.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    window, facts = await window_of(tx, source.order), await read_facts(tx, order_id)
    where = stands(tx, source.order, window, facts)
    until = window.until(source.order.paid_at or tx.now).isoformat()
    if source.full or not may_say(where, [one.said for one in facts], Said.REJECTED):
        return refused(source, where, Said.REJECTED, until)
    name, order = ids.text("ord", order_id), source.order
    fact = Fact(
        tx.new_id(),
        order.id,
        order.buyer_id,
        order.seller_id,
        Said.REJECTED,
        said_at(facts, tx.now),
        ground=ground,
        evidence_sha256=evidence_sha256,
        organisation_id=actor.organisation_id,
    )
    await acceptances.insert_fact(tx, fact)
    await audit.append(tx, [done(actor, "delivery.reject", name, order.seller_id, evidence=evidence_sha256)])
    return DeliveryStands(name, Standing.REJECTED.value, instant(until))

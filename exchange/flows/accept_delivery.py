"""A buyer accepts what was delivered: its payees get their shares at once."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.inspecting import locked_order, read_facts, release_now, stands, window_of
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from settlement.acceptances import Fact, Said, Standing, may_say, said_at
from settlement.problems import ACCEPTANCE_STATE
from settlement.store import acceptances
from settlement.store.refunds import Source


class DeliveryStands(msgspec.Struct, frozen=True):
    """Where a delivery stands now, and until when it may be inspected."""

    order: str
    standing: str
    inspection_ends_at: str


async def accept_delivery(tx: Tx, actor: Actor, order_id: UUID) -> DeliveryStands | Problem:
    """Accept a delivery in its window, after a rejection, or late where silence refused; the shares are released.

    errors   answers not-found, acceptance-state
    """
    source = await locked_order(tx, order_id)
    if source is None or source.order.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    window, facts = await window_of(tx, source.order), await read_facts(tx, order_id)
    where = stands(tx, source.order, window, facts)
    until = window.until(source.order.paid_at or tx.now)
    if source.full or not may_say(where, [one.said for one in facts], Said.ACCEPTED):
        return refused(source, where, Said.ACCEPTED, until.isoformat())
    name = ids.text("ord", order_id)
    order = source.order
    await acceptances.insert_fact(
        tx,
        Fact(
            tx.new_id(),
            order.id,
            order.buyer_id,
            order.seller_id,
            Said.ACCEPTED,
            said_at(facts, tx.now),
            organisation_id=actor.organisation_id,
        ),
    )
    await release_now(tx, order)
    await audit.append(tx, [done(actor, "delivery.accept", name, order.seller_id)])
    return DeliveryStands(name, Standing.ACCEPTED.value, instant(until.isoformat()))


def refused(source: Source, where: Standing, wanted: Said, until: str) -> Problem:
    """Why this cannot be said of the delivery; one that went back as a whole needs no word any more."""
    return ACCEPTANCE_STATE(
        standing="refunded" if source.full else where.value, wanted=wanted.value, until=instant(until)
    )


def instant(text: str) -> str:
    """A time as the API writes it."""
    return text.replace("+00:00", "Z")

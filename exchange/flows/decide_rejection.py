"""The operator decides a delivery that was rejected, or that silence refused: to the payees, or back to the buyer."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.flows.accept_delivery import refused
from exchange.flows.inspecting import locked_order, read_facts, release_now, stands, window_of
from exchange.flows.once import done
from exchange.flows.refund_order import end_use, give_back, wanted_units
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.money import Money
from settlement.acceptances import Fact, Outcome, Said, may_say, said_at
from settlement.dispute_problems import DISPUTE_EXISTS
from settlement.refunds import Reason
from settlement.store import acceptances, disputes


class RejectionDecided(msgspec.Struct, frozen=True):
    """How a rejection was decided: what went back, and that the rest was released."""

    order: str
    outcome: str
    refunded: dict[str, str]
    refund: str | None


async def decide_rejection(
    tx: Tx, actor: Actor, order_id: UUID, outcome: Outcome, amount: Money | None = None
) -> RejectionDecided | Problem:
    """Release the shares, or refund all that is left of the order, or an amount of it and release the rest.

    errors   answers forbidden, not-found, dispute-exists, acceptance-state, refund-too-large
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    source = await locked_order(tx, order_id)
    if source is None:
        return NOT_FOUND()
    if await disputes.open_disputes(tx, [order_id]):
        # Whoever decides that decides the delivery too.
        return DISPUTE_EXISTS(source=ids.text("ord", order_id))
    order = source.order
    window, facts = await window_of(tx, order), await read_facts(tx, order_id)
    where = stands(tx, order, window, facts)
    if source.full or not may_say(where, [one.said for one in facts], Said.DECIDED):
        until = window.until(order.paid_at or tx.now)
        return refused(source, where, Said.DECIDED, until.isoformat())
    back = 0 if outcome is Outcome.RELEASE else wanted_units(source, amount)
    if isinstance(back, Problem):
        return back
    made = None
    if back:
        made = await give_back(tx, source, back, Reason.REJECTED, made_by=actor.organisation_id)
        await end_use(tx, order, tx.now if made.full else None)
    fact = Fact(
        tx.new_id(),
        order.id,
        order.buyer_id,
        order.seller_id,
        Said.DECIDED,
        said_at(facts, tx.now),
        outcome=outcome,
        refund_id=made.id if made else None,
        organisation_id=actor.organisation_id,
    )
    await acceptances.insert_fact(tx, fact)
    await release_now(tx, order)
    name = ids.text("ord", order_id)
    await audit.append(tx, [done(actor, f"delivery.{outcome.value}", name, order.buyer_id, order.seller_id)])
    returned = Money(back, order.price.currency).to_wire()
    return RejectionDecided(name, outcome.value, returned, ids.text("rfd", made.id) if made else None)

"""Deliveries on hold: where each stands, until when it may be inspected, and what of it went back. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.catalog.store import listings
from exchange.flows.inspecting import windows_of
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.acceptances import ON_HOLD, Inspection, Standing, standing
from settlement.refunds import Refund
from settlement.store.acceptances import Delivery


@dataclass(frozen=True, slots=True)
class Inspected:
    """A delivery as it stands at a moment.

    units    `waiting` is what the asking organisation's own shares of the order come to while they are on hold
    """

    delivery: Delivery
    window: Inspection
    standing: Standing
    ends_at: datetime
    refunded: Money
    waiting: Money


async def windows_for(tx: Tx, found: Sequence[Delivery]) -> Mapping[UUID, Inspection]:
    """The inspection windows of these deliveries' offers, for the app's role: an offer may be off the shelf by now."""
    wanted = sorted({one.order.offer_id for one in found})
    return windows_of(await listings.load_offers(tx, wanted)) if wanted else {}


def inspected(
    found: Sequence[Delivery],
    windows: Mapping[UUID, Inspection],
    refunds: Mapping[UUID, Sequence[Refund]],
    waiting: Mapping[UUID, Sequence[tuple[UUID, Money]]],
    at: datetime,
) -> list[Inspected]:
    """Where each delivery stands at a moment; one that went back as a whole waits for nobody."""
    answers = []
    for one in found:
        order = one.order
        assert order.paid_at is not None, "only paid orders are delivered"
        window = windows.get(order.offer_id, Inspection())
        where = standing(order.paid_at, window, [fact.said for fact in one.facts], at)
        zero = Money.zero(order.price.currency)
        back = [refund for refund in refunds.get(order.id, ()) if refund.source_id == order.id]
        if back and back[-1].full:
            where = Standing.DECIDED
        refunded = sum((refund.amount for refund in back), zero)
        own = sum((amount for _, amount in waiting.get(order.id, ()) if where in ON_HOLD), zero)
        answers.append(Inspected(one, window, where, window.until(order.paid_at), refunded, own))
    return answers

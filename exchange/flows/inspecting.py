"""What acceptance shares between flows: an offer's window, where a delivery stands, and the release of what was accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from exchange.catalog.offers import OfferForSale
from exchange.catalog.store import listings
from exchange.flows.apply_split_rules import split_now
from exchange.flows.dispute_stops import hold_released
from exchange.kernel.db import Tx
from settlement import postings
from settlement.acceptances import Fact, Inspection, Standing, inspection_of, standing
from settlement.journals import Posted
from settlement.orders import Order, PayBy
from settlement.runs import releasable
from settlement.store import acceptances, credit, ledger, refunds, runs


class NotReleased(AssertionError):
    """The ledger did not take a release that was decided with its order locked: a defect."""


def windows_of(offers: Mapping[UUID, OfferForSale]) -> dict[UUID, Inspection]:
    """The inspection window of each offer, from its legal frame."""
    return {one: inspection_of(msgspec.json.decode(offer.document)) for one, offer in offers.items()}


async def window_of(tx: Tx, order: Order) -> Inspection:
    """The inspection window of an order's offer."""
    return windows_of(await listings.load_offers(tx, [order.offer_id]))[order.offer_id]


def stands(tx: Tx, order: Order, window: Inspection, facts: Sequence[Fact]) -> Standing:
    """Where the delivery of a paid order stands now."""
    assert order.paid_at is not None, "only paid orders are delivered"
    return standing(order.paid_at, window, [one.said for one in facts], tx.now)


async def release_now(tx: Tx, order: Order) -> None:
    """Make payable what waits of an accepted order, its paid charges included; the order is locked.

    What waits for a split rule is split at once. Shares of charges that are not paid stay where they are, and so does a
    give-back that they must cover: a settlement run releases them.
    """
    currency = order.price.currency
    dues = [
        one
        for one in await runs.open_dues(tx, [order.seller_id], currency, lock=True)
        if one.buyer_id == order.buyer_id
    ]
    # All charges of these two are seen together; of other orders only what was given back goes, as a run would have it.
    others = frozenset(one.order_id for one in dues if one.order_id is not None) - {order.id}
    free = [one.charge_id for one in releasable(dues, others)]
    known = await ledger.journal_ids(tx, [(postings.RELEASE, order.id)])
    # An order on account waits for its money, like a charge.
    owed = order.payment is PayBy.ACCOUNT and await credit.unpaid(tx, order.id) > 0
    sources = [*([] if known or owed else [order.id]), *free]
    shares = await runs.pending_shares(tx, sources)
    journals = [postings.release(one, shares[one]) for one in sources if one in shares]
    results = await ledger.post(tx, [one for one in journals if one.lines])
    if not all(isinstance(one, Posted) for one in results):
        raise NotReleased(str(results))
    await runs.pay_dues(tx, dict.fromkeys(free, 0), set(free))
    # What has no shares waits on the clearing account; a charge may be of another offer than its order, with a rule of its own.
    if waiting := [one for one in sources if one not in shares]:
        await split_now(tx, currency, waiting)
    await hold_released(tx, sources, journals)


async def read_facts(tx: Tx, order_id: UUID) -> list[Fact]:
    """What was said of an order's delivery so far."""
    return (await acceptances.facts_of(tx, [order_id]))[order_id]


async def locked_order(tx: Tx, order_id: UUID) -> refunds.Source | None:
    """A paid order, locked: what is said of it, refunded of it and released of it happens one by one."""
    source = await refunds.lock_order_source(tx, order_id)
    return source if source is not None and source.order.paid_at is not None else None

"""A buyer ends what it uses: a subscription at the end of the period that is paid or of its term, all else now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.access.grants import Grant, GrantState
from exchange.access.problems import GRANT_ENDED
from exchange.access.store import course, grants
from exchange.catalog.store.listings import load_offers
from exchange.flows.once import done
from exchange.flows.sale import Sale, Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from pricing.models import Packs
from pricing.periods import period, period_at
from settlement.orders import Order
from settlement.store import orders


class GrantEnded(msgspec.Struct, frozen=True):
    """When the use ends; until then an active grant goes on."""

    id: str
    state: str
    ends_at: str


async def end_grant(tx: Tx, sales: Sales, actor: Actor, grant_id: UUID) -> GrantEnded | Problem:
    """Let a grant of the actor's organisation end; no period that begins later is charged.

    errors   answers not-found, grant-ended
    """
    grant = (await grants.load(tx, [grant_id], lock=True)).get(grant_id)
    if grant is None or grant.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    name = ids.text("grt", grant_id)
    if grant.state is GrantState.ENDED or (grant.ends_at is not None and grant.ends_at <= tx.now):
        return GRANT_ENDED(grant=name)
    offers = await load_offers(tx, [grant.offer_id])
    order = (await orders.get_orders(tx, [grant.order_id]))[grant.order_id]
    paid_until = bound_until(sales.sold(offers[grant.offer_id], order), order, grant, tx.now)
    # A grant lasts at least for the moment it began in.
    ends_at = min(
        paid_until or max(tx.now, grant.starts_at + timedelta(microseconds=1)),
        grant.ends_at or datetime.max.replace(tzinfo=UTC),
    )
    if not await course.end_at(tx, grant_id, ends_at):
        return GRANT_ENDED(grant=name)
    if paid_until is None:
        await grants.end(tx, [grant_id])
    await audit.append(tx, [done(actor, "grant.end", name, grant.seller_id)])
    state = GrantState.ENDED if paid_until is None else grant.state
    return GrantEnded(name, state.value, ends_at.isoformat().replace("+00:00", "Z"))


def bound_until(sale: Sale, order: Order, grant: Grant, now: datetime) -> datetime | None:
    """The end of the term, or of the longest period under way that costs something of itself; None: not bound."""
    ends = [term_end(sale, order, grant), *_paid_until(sale, grant, now)]
    return max((end for end in ends if end is not None and end > now), default=None)


def term_end(sale: Sale, order: Order, grant: Grant) -> datetime | None:
    """When the term ends that the buyer committed to for a discount; None where it committed to none."""
    months = None if order.price_basis is None else msgspec.json.decode(order.price_basis).get("term_months")
    return period("month", grant.starts_at, months - 1, sale.plan.time_zone).end if months else None


def _paid_until(sale: Sale, grant: Grant, now: datetime) -> Iterator[datetime | None]:
    plan, at = sale.plan, max(now, grant.starts_at)
    begins = plan.begins(grant.starts_at)
    if at < begins:
        # Nothing is paid during a trial.
        return
    in_advance = (one for one in plan.components if one.meter is None or isinstance(one.model, Packs))
    for unit in {one.period for one in in_advance if one.period is not None}:
        yield period_at(unit, begins, at, plan.time_zone, calendar=plan.calendar).end

"""A buyer ends what it uses: a subscription at the end of the period that is paid, everything else now."""

from __future__ import annotations

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
from pricing.periods import period_at


class GrantEnded(msgspec.Struct, frozen=True):
    """When the use ends; until then an active grant goes on."""

    id: str
    state: str
    ends_at: str


async def end_grant(tx: Tx, sales: Sales, actor: Actor, grant_id: UUID) -> GrantEnded | Problem:
    """Let a grant of the actor's organisation end; no period that begins later is charged.

    errors   answers not-found, grant-ended
    """
    grant = (await grants.load(tx, [grant_id])).get(grant_id)
    if grant is None or grant.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    name = ids.text("grt", grant_id)
    if grant.state is GrantState.ENDED or (grant.ends_at is not None and grant.ends_at <= tx.now):
        return GRANT_ENDED(grant=name)
    offers = await load_offers(tx, [grant.offer_id])
    paid_until = _paid_until(sales.of(offers[grant.offer_id]), grant, tx.now)
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


def _paid_until(sale: Sale, grant: Grant, now: datetime) -> datetime | None:
    """The end of the longest period under way that costs something of itself; None where there is none."""
    paid = {one.period for one in sale.plan.components if one.period is not None and one.meter is None}
    at = max(now, grant.starts_at)
    ends = [period_at(unit, grant.starts_at, at, sale.plan.time_zone).end for unit in paid]
    return max((end for end in ends if end is not None), default=None)

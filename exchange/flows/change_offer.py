"""A buyer changes to another offer of the same listing: the old grant ends and the new one begins in the same moment.

That is the next quarter-hour, or the end of the old plan's period where use is counted over the whole of it. What was paid for the rest of the old period comes back with the next settlement, as far as its price is for a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.access.grants import Grant, GrantState
from exchange.access.problems import GRANT_ENDED, GRANT_SUSPENDED
from exchange.access.store import course, grants
from exchange.catalog.store.listings import load_offers
from exchange.flows.end_grant import term_end
from exchange.flows.once import Command, done
from exchange.flows.problems import (
    CHANGE_TOO_EARLY,
    COUNTED_FOR_LIFE,
    FROZEN,
    GRANT_ENDS_ALREADY,
    OFFER_OF_ANOTHER_LISTING,
    SAME_OFFER,
    TERM_NOT_OVER,
)
from exchange.flows.purchase import OrderReceipt, Purchase, place
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import TryAgain, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from pricing.basis import EMPTY, Basis
from pricing.leaving import kept_whole
from pricing.periods import quarter_hour
from settlement.store import orders

ACTION = "grant.change-offer"
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Change:
    """The grant to leave, the offer to go to, and the choices there; no purposes: those of the grant."""

    grant_id: UUID
    offer_id: UUID
    purposes: tuple[str, ...] = ()
    choices: Basis = EMPTY
    quote_id: UUID | None = None


class OfferChanged(msgspec.Struct, frozen=True):
    """The old grant ends and the new order's grant begins at `changes_at`."""

    grant: str
    changes_at: str
    order: OrderReceipt


async def change_offer(tx: Tx, sales: Sales, keyring: Keyring, actor: Actor, change: Change) -> OfferChanged | Problem:
    """End a grant and begin one on another offer in the same moment; the new offer's price is paid from the wallet now.

    errors   answers not-found, grant-ended, grant-suspended, trade-frozen, change-too-early, same-offer,
             offer-of-another-listing, counted-for-life, term-not-over, grant-ends-already, and what a purchase would refuse
    """
    # Of two changes at once the second waits here, and then sees that the grant ends.
    grant = (await grants.load(tx, [change.grant_id], lock=True)).get(change.grant_id)
    if grant is None or grant.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    name = ids.text("grt", grant.id)
    if problem := await _standing(tx, grant):
        return problem
    at = await _moment(tx, sales, grant, change)
    if isinstance(at, Problem):
        return at
    command = Command(actor, ACTION, "", b"", name)
    purposes = change.purposes or grant.purposes
    wish = Purchase(
        command,
        change.offer_id,
        purposes,
        "wallet",
        change.quote_id,
        choices=change.choices,
        starts_at=at,
    )
    placed = await place(tx, sales, keyring, wish)
    if isinstance(placed, Problem):
        return placed
    if not await course.end_at(tx, grant.id, at):
        raise TryAgain("the grant was ended meanwhile")
    await audit.append(tx, [done(actor, ACTION, name, grant.seller_id)])
    return OfferChanged(name, _said(at), placed.receipt())


async def _standing(tx: Tx, grant: Grant) -> Problem | None:
    """Why a grant as it stands cannot be changed, or None."""
    name = ids.text("grt", grant.id)
    if grant.state is GrantState.ENDED or (grant.ends_at is not None and grant.ends_at <= tx.now):
        return GRANT_ENDED(grant=name)
    if grant.state is GrantState.SUSPENDED:
        return GRANT_SUSPENDED(grant=name)
    if grant.starts_at > tx.now:
        return CHANGE_TOO_EARLY(grant=name, starts_at=_said(grant.starts_at))
    held = {grant.id: "grt", grant.order_id: "ord", grant.agreement_id: "agr", grant.offer_id: "ofr"}
    # What is only delisted may be left.
    for one in await audit.frozen(tx, list(held)):
        return FROZEN(object=ids.text(held[one], one))
    return None


async def _moment(tx: Tx, sales: Sales, grant: Grant, change: Change) -> datetime | Problem:
    """When the change takes place, or why it does not."""
    offers = await load_offers(tx, [grant.offer_id, change.offer_id])
    wanted = offers.get(change.offer_id)
    if wanted is None or not wanted.shown_to(grant.buyer_id):
        return NOT_FOUND()
    if wanted.listing_id != grant.listing_id:
        return OFFER_OF_ANOTHER_LISTING()
    if wanted.offer_id == grant.offer_id:
        return SAME_OFFER()
    order = (await orders.get_orders(tx, [grant.order_id]))[grant.order_id]
    sale, at = sales.sold(offers[grant.offer_id], order), quarter_hour(tx.now) + _QUARTER
    whole = kept_whole(sale.plan, grant.starts_at, tx.now)
    if whole is not None:
        if whole.end is None:
            return COUNTED_FOR_LIFE()
        at = max(at, whole.end)
    if grant.ends_at is not None and grant.ends_at <= at:
        return GRANT_ENDS_ALREADY(grant=ids.text("grt", grant.id), ends_at=_said(grant.ends_at))
    end = term_end(sale, order, grant)
    return TERM_NOT_OVER(ends_at=_said(end)) if end is not None and end > at else at


def _said(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")

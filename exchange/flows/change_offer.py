"""A buyer changes to another offer of the same listing: the old grant ends at the next quarter-hour, the new one begins.

What was paid for the rest of the old period comes back with the next settlement, as far as its price is for a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.access.grants import Grant, GrantState
from exchange.access.problems import GRANT_ENDED
from exchange.access.store import course, grants
from exchange.catalog.store.listings import load_offers
from exchange.flows.end_grant import term_end
from exchange.flows.once import Command, done
from exchange.flows.problems import OFFER_OF_ANOTHER_LISTING, TERM_NOT_OVER
from exchange.flows.purchase import OrderReceipt, Purchase, place
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import TryAgain, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.keys import Keyring
from pricing.basis import EMPTY, Basis
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

    errors   answers not-found, grant-ended, term-not-over, offer-of-another-listing, and what a purchase would refuse
    """
    grant = (await grants.load(tx, [change.grant_id])).get(change.grant_id)
    if grant is None or grant.buyer_id != actor.organisation_id:
        return NOT_FOUND()
    at, name = quarter_hour(tx.now) + _QUARTER, ids.text("grt", grant.id)
    if problem := await _refuse(tx, sales, grant, change, at):
        return problem
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
    return OfferChanged(name, at.isoformat().replace("+00:00", "Z"), placed.receipt())


async def _refuse(tx: Tx, sales: Sales, grant: Grant, change: Change, at: datetime) -> Problem | None:
    if grant.state is not GrantState.ACTIVE or (grant.ends_at is not None and grant.ends_at <= at):
        return GRANT_ENDED(grant=ids.text("grt", grant.id))
    offers = await load_offers(tx, [grant.offer_id, change.offer_id])
    wanted = offers.get(change.offer_id)
    if wanted is None or not wanted.shown_to(grant.buyer_id):
        return NOT_FOUND()
    if wanted.listing_id != grant.listing_id:
        return OFFER_OF_ANOTHER_LISTING()
    order = (await orders.get_orders(tx, [grant.order_id]))[grant.order_id]
    end = term_end(sales.sold(offers[grant.offer_id], order), order, grant)
    if end is not None and end > at:
        return TERM_NOT_OVER(ends_at=end.isoformat().replace("+00:00", "Z"))
    return None

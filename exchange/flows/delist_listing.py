"""A supplier takes a listing off the market, for good; agreements that were made stay."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from exchange.catalog.listings import ListingState, move
from exchange.catalog.store import listings as store
from exchange.flows.auctioned import refuses_delisting
from exchange.flows.draft_listing import ListingReceipt, receipt
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


async def delist_listing(tx: Tx, actor: Actor, listing_id: UUID) -> ListingReceipt | Problem:
    """End a listing: it can be neither found nor bought any more.

    errors   answers not-found, listing-in-auction, listing-state
    """
    listing = await store.lock_listing(tx, listing_id)
    if listing is None or listing.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    if problem := await refuses_delisting(tx, listing_id):
        return problem
    changed = move(listing, ListingState.DELISTED, tx.now)
    if isinstance(changed, Problem):
        return changed
    await store.set_listing(tx, changed)
    await audit.append(tx, [done(actor, "listing.delist", ids.text("lst", listing.id))])
    return receipt(changed)

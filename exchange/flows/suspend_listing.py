"""The operator takes a listing off sale for a while, and lets it back."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from exchange.catalog.listings import ListingState, move
from exchange.catalog.store import listings
from exchange.flows.draft_listing import ListingReceipt, receipt
from exchange.flows.once import done, worded
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.parties.problems import REASON_MISSING
from exchange.parties.settings import PartiesSettings


async def suspend_listing(
    tx: Tx, actor: Actor, listing_id: UUID, reason: str, settings: PartiesSettings, *, resume: bool = False
) -> ListingReceipt | Problem:
    """Stop new sales of a published listing, or resume those of a suspended one; grants go on.

    errors   answers forbidden, not-found, reason-missing, listing-state
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if not 0 < len(reason.strip()) <= settings.reason_max_chars:
        return REASON_MISSING(limit=settings.reason_max_chars)
    listing = await listings.lock_listing(tx, listing_id)
    # A draft is its supplier's own until it is published; resuming is no way around the publication rules.
    if listing is None or listing.state is ListingState.DRAFT:
        return NOT_FOUND()
    changed = move(listing, ListingState.PUBLISHED if resume else ListingState.SUSPENDED, tx.now)
    if isinstance(changed, Problem):
        return changed
    await listings.set_listing(tx, changed)
    action = "listing.resume" if resume else "listing.suspend"
    entry = done(actor, action, ids.text("lst", listing.id), listing.supplier_id)
    entry = worded(entry, reason=reason.strip().encode())
    await audit.append(tx, [entry])
    return receipt(changed)

"""Who had a trial already: an offer is tried once, in whichever version, by each buyer."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from exchange.catalog.offers import OfferForSale
from exchange.catalog.store.listings import load_offers
from exchange.kernel.db import Tx
from settlement.store import orders

# Buyer, listing, and the offer's code there.
Tried = tuple[UUID, UUID, str]


def trial_of(buyer_id: UUID, offer: OfferForSale) -> Tried:
    """What a buyer tries with an offer."""
    return buyer_id, offer.listing_id, offer.code


async def tried(tx: Tx, wished: Iterable[tuple[UUID, OfferForSale]]) -> set[Tried]:
    """Which trials these buyers had; nothing is asked where no offer's document speaks of a trial.

    shapes   wished: (buyer, offer); an order counts unless it was cancelled, whether its trial ran or not
             where something is asked, the same buyers' orders of these listings wait until the transaction ends
    """
    asked = {(buyer, offer.listing_id) for buyer, offer in wished if b'"trial"' in offer.document}
    if not asked:
        return set()
    ordered = await orders.lock_offers_ordered(tx, sorted(asked))
    offers = await load_offers(tx, [offer for _, offer in ordered]) if ordered else {}
    return {trial_of(buyer, offers[offer]) for buyer, offer in ordered}

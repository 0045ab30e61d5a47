"""What belongs to a dataset across its revisions and listings: its files by content, and its offers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from exchange.catalog.listings import ListingState
from exchange.catalog.offers import Offer, OfferStanding
from exchange.catalog.revisions import Asset
from exchange.catalog.store.rows import OFFER, offer_of
from exchange.catalog.tables import asset, listing, offer, offer_standing, revision
from exchange.kernel.db import Tx


async def contents_of(tx: Tx, dataset_id: UUID) -> list[Asset]:
    """Every path and content that a revision of a dataset has had, each pair once, for flows."""
    statement = (
        select(asset.c.path, asset.c.sha256, asset.c.size_bytes, asset.c.media_type, asset.c.node_id)
        .join(revision, revision.c.id == asset.c.revision_id)
        .where(revision.c.dataset_id == dataset_id)
        .distinct()
        .order_by(asset.c.path, asset.c.sha256)
    )
    return [Asset(row[0], bytes(row[1]), row[2], row[3], row[4]) for row in await tx.conn.execute(statement)]


async def offers_of(tx: Tx, dataset_id: UUID) -> list[Offer]:
    """The newest version of each public offer of a dataset, in all its listings, on sale or taken off it."""
    states = (OfferStanding.CURRENT.value, OfferStanding.WITHDRAWN.value)
    statement = (
        _of_dataset(dataset_id)
        .where(offer_standing.c.state.in_(states))
        .ext(distinct_on(offer.c.listing_id, offer.c.code))
        .order_by(offer.c.listing_id, offer.c.code, offer.c.version.desc())
    )
    return [offer_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def offers_on_sale(tx: Tx, dataset_id: UUID) -> list[Offer]:
    """The current public offers of a dataset in all its listings that are, or were, published."""
    statement = (
        _of_dataset(dataset_id)
        .where(offer_standing.c.state == OfferStanding.CURRENT.value, listing.c.state != ListingState.DRAFT.value)
        .order_by(offer.c.id)
    )
    return [offer_of(row) for row in (await tx.conn.execute(statement)).mappings()]


def _of_dataset(dataset_id: UUID) -> Select[Any]:
    return (
        select(*OFFER)
        .join(offer_standing, offer_standing.c.offer_id == offer.c.id)
        .join(listing, listing.c.id == offer.c.listing_id)
        .where(listing.c.dataset_id == dataset_id, ~offer.c.private)
    )

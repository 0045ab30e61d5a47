"""What a supplier reads of its own: every statement narrows to the asking organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from exchange.catalog.datasets import Dataset
from exchange.catalog.listings import Listing
from exchange.catalog.offers import Offer, OfferStanding
from exchange.catalog.revisions import Revision, StoredAsset
from exchange.catalog.store.rows import (
    DATASET,
    LISTING,
    OFFER,
    REVISION,
    UPLOAD,
    asset_of,
    dataset_of,
    listing_of,
    offer_of,
    revision_of,
    upload_of,
)
from exchange.catalog.tables import asset, dataset, listing, offer, offer_standing, revision, upload
from exchange.catalog.uploads import Upload
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine


@dataclass(frozen=True, slots=True)
class OfferVersion:
    """A version of an offer and whether it can still be bought."""

    offer: Offer
    standing: OfferStanding


async def own_datasets(tx: Tx, actor: Actor, page: PageRequest) -> Page[Dataset]:
    """List the supplier's datasets, newest first."""
    statement = select(*DATASET).where(mine(dataset.c.supplier_id, actor)).order_by(dataset.c.id.desc())
    if page.after:
        statement = statement.where(dataset.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([dataset_of(row) for row in rows], page, lambda found: (str(found.id),))


async def own_dataset(tx: Tx, actor: Actor, dataset_id: UUID) -> Dataset | None:
    """Read one of the supplier's datasets."""
    statement = select(*DATASET).where(dataset.c.id == dataset_id, mine(dataset.c.supplier_id, actor))
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return dataset_of(row) if row else None


async def own_current_offers(tx: Tx, actor: Actor, dataset_id: UUID) -> Sequence[Offer]:
    """List the current versions of the offers of every listing of one of the supplier's datasets."""
    statement = (
        select(*OFFER)
        .join(offer_standing, offer_standing.c.offer_id == offer.c.id)
        .join(listing, listing.c.id == offer.c.listing_id)
        .where(listing.c.dataset_id == dataset_id, mine(offer.c.supplier_id, actor))
        .where(offer_standing.c.state == OfferStanding.CURRENT.value)
        .order_by(offer.c.id)
        .limit(1_000)
    )
    return [offer_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def own_upload(tx: Tx, actor: Actor, upload_id: UUID) -> Upload | None:
    """Read one of the supplier's uploads."""
    statement = select(*UPLOAD).where(upload.c.id == upload_id, mine(upload.c.supplier_id, actor))
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return upload_of(row) if row else None


async def own_uploads(tx: Tx, actor: Actor, dataset_id: UUID, page: PageRequest) -> Page[Upload]:
    """List the uploads of one of the supplier's datasets, newest first."""
    statement = (
        select(*UPLOAD)
        .where(upload.c.dataset_id == dataset_id, mine(upload.c.supplier_id, actor))
        .order_by(upload.c.id.desc())
    )
    if page.after:
        statement = statement.where(upload.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([upload_of(row) for row in rows], page, lambda found: (str(found.id),))


async def own_revisions(tx: Tx, actor: Actor, dataset_id: UUID, page: PageRequest) -> Page[Revision]:
    """List the revisions of one of the supplier's datasets, newest first."""
    statement = (
        select(*REVISION)
        .where(revision.c.dataset_id == dataset_id, mine(revision.c.supplier_id, actor))
        .order_by(revision.c.number.desc())
    )
    if page.after:
        statement = statement.where(revision.c.number < int(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([revision_of(row) for row in rows], page, lambda found: (str(found.number),))


async def own_revision(tx: Tx, actor: Actor, revision_id: UUID) -> Revision | None:
    """Read one of the supplier's revisions."""
    statement = select(*REVISION).where(revision.c.id == revision_id, mine(revision.c.supplier_id, actor))
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return revision_of(row) if row else None


async def own_assets(tx: Tx, actor: Actor, revision_id: UUID, page: PageRequest) -> Page[StoredAsset]:
    """List the files of one of the supplier's revisions in manifest order."""
    statement = (
        select(asset)
        .where(asset.c.revision_id == revision_id, mine(asset.c.supplier_id, actor))
        .order_by(asset.c.position)
    )
    if page.after:
        statement = statement.where(asset.c.position > int(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([asset_of(row) for row in rows], page, lambda found: (str(found.position),))


async def own_listings(tx: Tx, actor: Actor, page: PageRequest) -> Page[Listing]:
    """List the supplier's listings in every state, newest first."""
    statement = select(*LISTING).where(mine(listing.c.supplier_id, actor)).order_by(listing.c.id.desc())
    if page.after:
        statement = statement.where(listing.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([listing_of(row) for row in rows], page, lambda found: (str(found.id),))


async def own_listing(tx: Tx, actor: Actor, listing_id: UUID) -> Listing | None:
    """Read one of the supplier's listings."""
    statement = select(*LISTING).where(listing.c.id == listing_id, mine(listing.c.supplier_id, actor))
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return listing_of(row) if row else None


async def own_offers(tx: Tx, actor: Actor, listing_id: UUID) -> Sequence[OfferVersion]:
    """List every version of the offers of one of the supplier's listings, newest version first."""
    statement = (
        select(*OFFER, offer_standing.c.state)
        .join(offer_standing, offer_standing.c.offer_id == offer.c.id)
        .where(offer.c.listing_id == listing_id, mine(offer.c.supplier_id, actor))
        .order_by(offer.c.code, offer.c.version.desc())
        .limit(1_000)
    )
    found = []
    for row in (await tx.conn.execute(statement)).mappings():
        fields = dict(row)
        standing = OfferStanding(fields.pop("state"))
        found.append(OfferVersion(offer_of(fields), standing))
    return found


async def own_offer(tx: Tx, actor: Actor, offer_id: UUID) -> Offer | None:
    """Read one version of one of the supplier's offers."""
    statement = select(*OFFER).where(offer.c.id == offer_id, mine(offer.c.supplier_id, actor))
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return offer_of(row) if row else None

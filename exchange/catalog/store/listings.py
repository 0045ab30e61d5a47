"""What flows read and write of listings and offers. All rows are seen; the flow decides whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import TSVECTOR

from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.offers import Offer, OfferForSale, OfferKind, OfferStanding
from exchange.catalog.store.rows import LISTING, OFFER, listing_of, offer_of
from exchange.catalog.tables import listing, offer, offer_standing
from exchange.kernel.db import Tx
from exchange.kernel.ids import array

DOCUMENTS_MAX = 5_000
# Documents of offers by id; kept per engine, so that two databases in one process never meet.
_documents: WeakKeyDictionary[Engine, dict[UUID, bytes]] = WeakKeyDictionary()
# PostgreSQL guesses ten ids for a plan that serves all batches, and plans a shorter list anew each time: 0.4 ms a batch.
_PADDING = (UUID(int=0),) * 10
_MODALITIES = "SELECT id, modality FROM catalog.listing WHERE id = ANY($1::uuid[])"
_LOAD_OFFERS = """
SELECT o.id AS offer_id, o.listing_id, l.dataset_id, l.revision_id, o.supplier_id, o.code, o.version, o.kind, o.currency,
       CASE WHEN o.id <> ALL ($2::text::uuid[]) THEN o.document END AS document, o.sha256, s.state AS standing, l.state AS listing_state, r.sha256 AS revision_sha256,
       CASE WHEN o.private THEN ARRAY(SELECT a.organisation_id FROM catalog.offer_audience a WHERE a.offer_id = o.id) END
           AS audience
FROM unnest($1::text::uuid[]) AS wanted(id)
JOIN catalog.offer o ON o.id = wanted.id
JOIN catalog.offer_standing s ON s.offer_id = o.id
JOIN catalog.listing l ON l.id = o.listing_id
JOIN catalog.revision r ON r.id = l.revision_id"""


async def insert_listing(tx: Tx, new: Listing, search: str) -> None:
    """Write a new listing with its search words (tsvector text)."""
    await tx.conn.execute(
        insert(listing).values(
            id=new.id,
            dataset_id=new.dataset_id,
            revision_id=new.revision_id,
            supplier_id=new.supplier_id,
            state=new.state.value,
            title=dict(new.title),
            summary=dict(new.summary),
            modality=new.modality.value,
            languages=list(new.languages),
            personal_data=new.personal_data.value,
            licence=new.licence,
            search=cast(search, TSVECTOR),
            created_at=new.created_at,
            published_at=new.published_at,
        )
    )


async def find_listing(tx: Tx, listing_id: UUID) -> Listing | None:
    """Read a listing, whoever's it is."""
    row = (await tx.conn.execute(select(*LISTING).where(listing.c.id == listing_id))).mappings().one_or_none()
    return listing_of(row) if row else None


async def modalities(tx: Tx, listing_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What kind of thing the records of these listings are."""
    rows = await (await tx.driver()).fetch(_MODALITIES, list(listing_ids))
    return {row[0]: row[1] for row in rows}


async def lock_listing(tx: Tx, listing_id: UUID) -> Listing | None:
    """Read a listing and hold it: its state and its offers change one after another."""
    statement = select(*LISTING).where(listing.c.id == listing_id).with_for_update(key_share=True)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return listing_of(row) if row else None


async def set_listing(tx: Tx, changed: Listing) -> None:
    """Write the new state of a listing."""
    await tx.conn.execute(
        update(listing)
        .where(listing.c.id == changed.id)
        .values(state=changed.state.value, published_at=changed.published_at)
    )


async def current_offers(tx: Tx, listing_id: UUID) -> list[Offer]:
    """List the current version of each public offer of a listing."""
    statement = (
        select(*OFFER)
        .join(offer_standing, offer_standing.c.offer_id == offer.c.id)
        .where(offer.c.listing_id == listing_id, offer_standing.c.state == OfferStanding.CURRENT.value)
        .where(~offer.c.private)
        .order_by(offer.c.code)
    )
    return [offer_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def latest_version(tx: Tx, listing_id: UUID, code: str) -> int:
    """Say the number of the newest version of an offer, 0 before the first."""
    statement = select(func.coalesce(func.max(offer.c.version), 0)).where(
        offer.c.listing_id == listing_id, offer.c.code == code
    )
    return int((await tx.conn.execute(statement)).scalar_one())


async def insert_offer(tx: Tx, new: Offer) -> None:
    """Write a version of an offer; the version before it can no longer be bought."""
    await tx.conn.execute(
        update(offer_standing)
        .where(
            offer_standing.c.listing_id == new.listing_id,
            offer_standing.c.code == new.code,
            offer_standing.c.state == OfferStanding.CURRENT.value,
        )
        .values(state=OfferStanding.SUPERSEDED.value, changed_at=tx.now)
    )
    await tx.conn.execute(
        insert(offer).values(
            id=new.id,
            listing_id=new.listing_id,
            supplier_id=new.supplier_id,
            code=new.code,
            version=new.version,
            kind=new.kind.value,
            currency=new.currency,
            entry_units=new.entry_units,
            document=new.document,
            sha256=new.sha256,
            created_at=new.created_at,
        )
    )
    await tx.conn.execute(
        insert(offer_standing).values(
            offer_id=new.id,
            listing_id=new.listing_id,
            supplier_id=new.supplier_id,
            code=new.code,
            state=OfferStanding.CURRENT.value,
            changed_at=tx.now,
        )
    )


async def find_offer(tx: Tx, offer_id: UUID) -> Offer | None:
    """Read one version of an offer, whoever's it is."""
    row = (await tx.conn.execute(select(*OFFER).where(offer.c.id == offer_id))).mappings().one_or_none()
    return offer_of(row) if row else None


async def versions_of(tx: Tx, listing_id: UUID, code: str) -> list[UUID]:
    """The ids of every version of one offer."""
    statement = select(offer.c.id).where(offer.c.listing_id == listing_id, offer.c.code == code)
    return list((await tx.conn.execute(statement)).scalars())


async def load_offers(tx: Tx, offer_ids: Sequence[UUID]) -> Mapping[UUID, OfferForSale]:
    """Load all that a batch of purchases needs of its offers, in one statement; unknown ids are left out.

    A document that this process has read is not sent again: it never changes.
    """
    driver = await tx.driver()
    sync: Any = tx.conn.sync_connection
    read = _documents.setdefault(sync.engine, {})
    wanted = list(dict.fromkeys(offer_ids))
    rows = await driver.fetch(_LOAD_OFFERS, array((*wanted, *_PADDING)), array(one for one in wanted if one in read))
    found = {row["offer_id"]: row["document"] or read[row["offer_id"]] for row in rows}
    if len(read) + len(found) > DOCUMENTS_MAX:
        read.clear()
    read.update(found)
    return {row["offer_id"]: _for_sale(row, found[row["offer_id"]]) for row in rows}


def _for_sale(row: Mapping[str, Any], document: bytes) -> OfferForSale:
    return OfferForSale(
        offer_id=row["offer_id"],
        listing_id=row["listing_id"],
        dataset_id=row["dataset_id"],
        revision_id=row["revision_id"],
        supplier_id=row["supplier_id"],
        code=row["code"],
        version=row["version"],
        kind=OfferKind(row["kind"]),
        currency=row["currency"],
        document=document,
        sha256=row["sha256"],
        standing=OfferStanding(row["standing"]),
        listing_state=ListingState(row["listing_state"]),
        revision_sha256=row["revision_sha256"],
        audience=None if row["audience"] is None else frozenset(row["audience"]),
    )


async def listings_of(tx: Tx, dataset_id: UUID) -> list[Listing]:
    """Every listing of a dataset, the oldest first, whatever its state."""
    statement = select(*LISTING).where(listing.c.dataset_id == dataset_id).order_by(listing.c.id)
    return [listing_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def datasets_behind(tx: Tx, listing_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The dataset of each listing that exists."""
    rows = await tx.conn.execute(select(listing.c.id, listing.c.dataset_id).where(listing.c.id.in_(listing_ids)))
    return {row[0]: row[1] for row in rows}


async def revisions_behind(tx: Tx, listing_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The revision that each listing sells now."""
    rows = await tx.conn.execute(select(listing.c.id, listing.c.revision_id).where(listing.c.id.in_(listing_ids)))
    return {row[0]: row[1] for row in rows}

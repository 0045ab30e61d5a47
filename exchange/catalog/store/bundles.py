"""What a supplier sells as wholes, and which files each of them holds: for finding bundles that undercut each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from exchange.catalog.listings import ListingState
from exchange.catalog.offers import Offer, OfferKind, OfferStanding
from exchange.catalog.store.rows import OFFER, offer_of
from exchange.catalog.tables import asset, listing, offer, offer_standing
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine

_OFFERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class WholeOffer:
    """A current one-off offer and the revision that it sells."""

    offer: Offer
    revision_id: UUID


async def own_whole_offers(tx: Tx, actor: Actor, listing_id: UUID) -> Sequence[WholeOffer]:
    """List the supplier's current public one-off offers of published listings, and of the listing named whatever its state.

    shapes   the named listing's first, then the newest, at most 1,000
    """
    statement = (
        select(*OFFER, listing.c.revision_id)
        .join(offer_standing, offer_standing.c.offer_id == offer.c.id)
        .join(listing, listing.c.id == offer.c.listing_id)
        .where(
            mine(offer.c.supplier_id, actor),
            ~offer.c.private,
            offer.c.kind == OfferKind.ONE_OFF.value,
            offer_standing.c.state == OfferStanding.CURRENT.value,
            or_(listing.c.state == ListingState.PUBLISHED.value, listing.c.id == listing_id),
        )
        .order_by((listing.c.id == listing_id).desc(), offer.c.id.desc())
        .limit(_OFFERS_MAX)
    )
    found = []
    for row in (await tx.conn.execute(statement)).mappings():
        fields = dict(row)
        revision_id = fields.pop("revision_id")
        found.append(WholeOffer(offer_of(fields), revision_id))
    return found


async def own_assets_by_content(tx: Tx, actor: Actor, revision_ids: Sequence[UUID]) -> Mapping[UUID, frozenset[bytes]]:
    """Say which contents (by SHA-256) each of the supplier's revisions holds, whatever the files are called."""
    statement = select(asset.c.revision_id, asset.c.sha256).where(
        mine(asset.c.supplier_id, actor), asset.c.revision_id.in_(set(revision_ids))
    )
    found: dict[UUID, set[bytes]] = {one: set() for one in revision_ids}
    for row in await tx.conn.execute(statement):
        found[row.revision_id].add(bytes(row.sha256))
    return {one: frozenset(contents) for one, contents in found.items()}

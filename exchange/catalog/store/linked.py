"""What belongs to a dataset in the catalogue."""

from __future__ import annotations

from exchange.catalog.tables import listing, offer, revision, upload
from exchange.kernel.store import Link

LINKS = (
    Link("ds", "rev", revision.c.dataset_id, revision.c.id),
    Link("ds", "lst", listing.c.dataset_id, listing.c.id),
    Link("ds", "upl", upload.c.dataset_id, upload.c.id),
    Link("rev", "lst", listing.c.revision_id, listing.c.id),
    Link("lst", "ofr", offer.c.listing_id, offer.c.id),
)

"""What operators and regulators read: every supplier's listings that were published once; for the app's role."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.store.rows import LISTING, listing_of
from exchange.catalog.tables import listing as _listing
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of

# A draft is its supplier's own.
_SHOWN = _listing.c.state != ListingState.DRAFT.value


async def listings(tx: Tx, state: ListingState | None, page: PageRequest) -> Page[Listing]:
    """List listings of everybody, newest first."""
    statement = select(*LISTING).where(_SHOWN).order_by(_listing.c.id.desc())
    if state is not None:
        statement = statement.where(_listing.c.state == state.value)
    if page.after:
        statement = statement.where(_listing.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(statement.limit(page.limit + 1))).mappings()
    return page_of([listing_of(row) for row in rows], page, lambda found: (str(found.id),))


async def listing(tx: Tx, listing_id: UUID) -> Listing | None:
    """Read a listing of anybody."""
    row = (await tx.conn.execute(select(*LISTING).where(_SHOWN, _listing.c.id == listing_id))).mappings().one_or_none()
    return listing_of(row) if row else None

"""Sealed revisions whoever they belong to, with whether anybody may know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

from exchange.catalog.listings import ListingState
from exchange.catalog.tables import listing, revision
from exchange.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class SealedRevision:
    """A revision as others may know it; `published`: a listing on show sells just this revision."""

    id: UUID
    supplier_id: UUID
    sha256: bytes
    sealed_at: datetime
    published: bool


async def sealed_revisions(tx: Tx, revision_ids: Sequence[UUID]) -> dict[UUID, SealedRevision]:
    """Those of the revisions that exist, by id."""
    r = revision.c
    shown = exists().where(listing.c.revision_id == r.id, listing.c.state == ListingState.PUBLISHED.value)
    rows = await tx.conn.execute(
        select(r.id, r.supplier_id, r.sha256, r.created_at, shown).where(r.id.in_(revision_ids))
    )
    return {row[0]: SealedRevision(*row) for row in rows}

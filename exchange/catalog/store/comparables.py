"""Published listings beside which a price is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from exchange.catalog.datasets import Modality
from exchange.catalog.listings import ListingState
from exchange.catalog.tables import listing, revision
from exchange.kernel.db import Tx
from exchange.kernel.text import LocaleMap

NO_LANGUAGE = ""
_SHARING = """
SELECT coalesce(split_part(t.tag, '-', 1), '') AS family, count(DISTINCT l.id) AS listings
FROM catalog.listing l LEFT JOIN LATERAL unnest(l.languages) AS t(tag) ON true
WHERE l.state = 'published' AND l.modality = $1 AND l.dataset_id <> $2 GROUP BY 1"""
_PUBLISHED = listing.c.state == ListingState.PUBLISHED.value


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A published listing of the same modality, and what its revision is made of."""

    listing_id: UUID
    dataset_id: UUID
    revision_id: UUID
    supplier_id: UUID
    title: LocaleMap
    languages: tuple[str, ...]
    size_bytes: int
    revised_at: datetime


async def neighbours(tx: Tx, modality: Modality, but: UUID, limit: int) -> list[Neighbour]:
    """The newest published listings of a modality, those of the dataset `but` left out."""
    statement = (
        select(
            listing.c.id,
            listing.c.dataset_id,
            listing.c.revision_id,
            listing.c.supplier_id,
            listing.c.title,
            listing.c.languages,
            revision.c.size_bytes,
            revision.c.created_at,
        )
        .join(revision, revision.c.id == listing.c.revision_id)
        .where(_PUBLISHED, listing.c.modality == modality.value, listing.c.dataset_id != but)
        .order_by(listing.c.published_at.desc(), listing.c.id.desc())
        .limit(limit)
    )
    return [
        Neighbour(row[0], row[1], row[2], row[3], row[4], tuple(row[5]), row[6], row[7])
        for row in (await tx.conn.execute(statement)).all()
    ]


async def sharing(tx: Tx, modality: Modality, but: UUID) -> Mapping[str, int]:
    """How many published listings of a modality there are per language, those of the dataset `but` left out.

    shapes   keyed by the language's first subtag (zh for zh-Hans); NO_LANGUAGE counts those without any
    """
    driver = await tx.driver()
    return {row["family"]: row["listings"] for row in await driver.fetch(_SHARING, modality.value, but)}

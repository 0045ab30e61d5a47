"""Whose datasets, revisions, listings and offers are, whatever their state: for flows that are handed ids of all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.kernel.db import Tx

_OWNERS = """
SELECT 'dataset', id, supplier_id, id FROM catalog.dataset WHERE id = ANY($1::uuid[])
UNION ALL SELECT 'revision', id, supplier_id, dataset_id FROM catalog.revision WHERE id = ANY($1::uuid[])
UNION ALL SELECT 'listing', id, supplier_id, dataset_id FROM catalog.listing WHERE id = ANY($1::uuid[])
UNION ALL SELECT 'offer', o.id, o.supplier_id, l.dataset_id FROM catalog.offer o
    JOIN catalog.listing l ON l.id = o.listing_id WHERE o.id = ANY($1::uuid[])"""


@dataclass(frozen=True, slots=True)
class Owned:
    """Something of the catalogue: what it is, whose, and of which dataset."""

    kind: str
    id: UUID
    supplier_id: UUID
    dataset_id: UUID


async def owners_of(tx: Tx, ids: Sequence[UUID]) -> dict[tuple[str, UUID], Owned]:
    """Those of these ids that the catalogue knows, by kind and id; one statement."""
    if not ids:
        return {}
    rows = await (await tx.driver()).fetch(_OWNERS, list(ids))
    return {(row[0], row[1]): Owned(*row) for row in rows}

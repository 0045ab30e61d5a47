"""Who has access to what, counted and dated, for reports; all rows are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx

_FIRST = "SELECT grant_id, min(quarter) FROM access.usage_rollup WHERE grant_id = ANY ($1::uuid[]) GROUP BY grant_id"
_HOLDERS = """
SELECT dataset_id, buyer_id, count(*), min(starts_at),
       CASE WHEN bool_or(ends_at IS NULL) THEN NULL ELSE max(ends_at) END
FROM access.grants WHERE dataset_id = ANY ($1::uuid[]) AND created_at <= $2 GROUP BY 1, 2 ORDER BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Holding:
    """How many grants a buyer ever had on a dataset, from when to when; no end where one of them has none."""

    dataset_id: UUID
    buyer_id: UUID
    grants: int
    starts_at: datetime
    ends_at: datetime | None


async def first_uses(tx: Tx, grant_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """The quarter-hour in which a grant was first used, as far as days are sealed."""
    return {row[0]: row[1] for row in await (await tx.driver()).fetch(_FIRST, list(grant_ids))}


async def holdings(tx: Tx, dataset_ids: Sequence[UUID], by: datetime) -> list[Holding]:
    """Who had grants on these datasets by a moment, by dataset and buyer."""
    return [Holding(*row) for row in await (await tx.driver()).fetch(_HOLDERS, list(dataset_ids), by)]

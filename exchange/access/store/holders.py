"""Who has live grants on the revisions of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from exchange.access.grants import GrantState
from exchange.access.tables import grants
from exchange.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class Holder:
    """A live grant: on which revision, whose."""

    grant_id: UUID
    revision_id: UUID
    buyer_id: UUID
    seller_id: UUID


async def holders_of(tx: Tx, dataset_id: UUID) -> list[Holder]:
    """Every grant on a dataset that has not ended, suspended ones included, for flows."""
    statement = select(grants.c.id, grants.c.revision_id, grants.c.buyer_id, grants.c.seller_id).where(
        grants.c.dataset_id == dataset_id,
        grants.c.state != GrantState.ENDED.value,
        or_(grants.c.ends_at.is_(None), grants.c.ends_at > tx.now),
    )
    return [Holder(*row) for row in await tx.conn.execute(statement.order_by(grants.c.id))]

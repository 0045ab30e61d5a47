"""Who has live grants on the revisions of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked after: ids, and beside those that grants have no index by the dataset or the order they belong to."""

    direct: Sequence[UUID] = ()
    """Organisations, datasets, grants and orders."""
    within: Mapping[UUID, UUID] = field(default_factory=dict)
    """Revision, listing or offer -> its dataset."""
    agreed: Mapping[UUID, UUID] = field(default_factory=dict)
    """Agreement -> its order."""


_LIVE = "g.state <> 'ended' AND (g.ends_at IS NULL OR g.ends_at > $6)"
_UNDER = " UNION ".join(
    [
        f"SELECT w.id, g.buyer_id, g.seller_id FROM unnest($1::uuid[]) AS w(id) JOIN access.grants g ON g.{column} = w.id AND {_LIVE}"
        for column in ("buyer_id", "seller_id", "dataset_id", "order_id", "id")
    ]
    + [
        f"""SELECT w.id, g.buyer_id, g.seller_id FROM unnest($2::uuid[], $3::uuid[]) AS w(id, dataset)
            JOIN access.grants g ON g.dataset_id = w.dataset AND g.{column} = w.id AND {_LIVE}"""
        for column in ("revision_id", "listing_id", "offer_id")
    ]
    + [
        f"""SELECT w.id, g.buyer_id, g.seller_id FROM unnest($4::uuid[], $5::uuid[]) AS w(id, ordered)
            JOIN access.grants g ON g.order_id = w.ordered AND g.agreement_id = w.id AND {_LIVE}"""
    ]
)


async def parties_under(tx: Tx, wanted: Wanted) -> list[tuple[UUID, UUID, UUID]]:
    """Who buys and who sells in grants that have not ended, by what they stand under; each way by an index.

    shapes   (what was asked after, buyer, seller), each once
    """
    rows = await (await tx.driver()).fetch(
        _UNDER,
        list(wanted.direct),
        list(wanted.within),
        list(wanted.within.values()),
        list(wanted.agreed),
        list(wanted.agreed.values()),
        tx.now,
    )
    return [(row[0], row[1], row[2]) for row in rows]

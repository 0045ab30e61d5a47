"""Offers taken off sale because a licence to their dataset was sold to one buyer alone, and put back; or because rights narrowed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.kernel.db import Tx

# An upload or a new revision waits too, as it would for any other version; purchases do not.
_HOLD = """
SELECT d.id FROM catalog.dataset d JOIN catalog.listing l ON l.dataset_id = d.id WHERE l.id = $1
FOR NO KEY UPDATE OF d"""
_WITHDRAW = """
UPDATE catalog.offer_standing s SET state = 'withdrawn', changed_at = $2
FROM catalog.listing l WHERE l.id = s.listing_id AND l.dataset_id = $1 AND s.state = 'current' RETURNING s.offer_id"""
_TAKE_OFF = """
UPDATE catalog.offer_standing SET state = 'withdrawn', changed_at = $2
WHERE offer_id = ANY($1::uuid[]) AND state = 'current' RETURNING offer_id"""
# A version that the supplier made meanwhile keeps its place.
_RESTORE = """
UPDATE catalog.offer_standing s SET state = 'current', changed_at = $2
WHERE s.offer_id = ANY($1::uuid[]) AND s.state = 'withdrawn' AND NOT EXISTS (
    SELECT FROM catalog.offer_standing o WHERE o.listing_id = s.listing_id AND o.code = s.code AND o.state = 'current')
RETURNING s.offer_id"""


async def hold_dataset_of(tx: Tx, listing_id: UUID) -> None:
    """Hold the dataset of a listing: what is on sale of it, and whether it is sold to one alone, change one after another.

    Whoever also holds a listing or its offers holds this first; whoever holds an auction held that before.
    """
    await (await tx.driver()).execute(_HOLD, listing_id)


async def withdraw_offers(tx: Tx, dataset_id: UUID) -> list[UUID]:
    """Take every current offer of a dataset off sale, in all its listings; the offers that it concerned."""
    rows = await (await tx.driver()).fetch(_WITHDRAW, dataset_id, tx.now)
    return sorted(row[0] for row in rows)


async def take_off(tx: Tx, offer_ids: Sequence[UUID]) -> list[UUID]:
    """Take these offers off sale where they are on it; the offers that it concerned. The dataset is held."""
    rows = await (await tx.driver()).fetch(_TAKE_OFF, list(offer_ids), tx.now)
    return sorted(row[0] for row in rows)


async def restore_offers(tx: Tx, offer_ids: Sequence[UUID]) -> list[UUID]:
    """Put offers back on sale that `withdraw_offers` took off; the offers that can be bought again."""
    if not offer_ids:
        return []
    rows = await (await tx.driver()).fetch(_RESTORE, list(offer_ids), tx.now)
    return sorted(row[0] for row in rows)

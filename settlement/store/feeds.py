"""What fed a payout, in the database: movements on its account before it, and what an order brought to its payees."""

from __future__ import annotations

from uuid import UUID

from exchange.kernel.db import Tx
from settlement import postings
from settlement.transfer_sources import LOOKED_THROUGH, Moved

# Newest first, and never more than a few: a payee of many sales is decided as quickly as one of a single sale.
_BEFORE = """
SELECT j.kind, j.source_id, b.amount FROM settlement.payout p
JOIN settlement.journal o ON o.kind = $2 AND o.source_id = p.id
CROSS JOIN LATERAL (SELECT x.journal_id, x.line, x.amount FROM settlement.posting x
    WHERE x.account_id = p.account_id AND x.journal_id < o.id ORDER BY x.journal_id DESC LIMIT $3) AS b
JOIN settlement.journal j ON j.id = b.journal_id WHERE p.id = $1 ORDER BY b.journal_id DESC, b.line"""
_RELEASED = """
SELECT coalesce(sum(b.amount), 0)::bigint FROM settlement.journal j JOIN settlement.posting b ON b.journal_id = j.id
WHERE j.kind = $1 AND j.source_id = $2 AND b.amount > 0"""


async def moved_before(tx: Tx, payout_id: UUID) -> list[Moved]:
    """The last movements on a payout's account before it was ordered, newest first."""
    rows = await (await tx.driver()).fetch(_BEFORE, payout_id, postings.PAYOUT, LOOKED_THROUGH)
    return [Moved(row["kind"], row["source_id"], row["amount"]) for row in rows]


async def released(tx: Tx, source_id: UUID) -> int:
    """What an order or charge brought to all its payees together.

    units    millionths
    """
    found: int = await (await tx.driver()).fetchval(_RELEASED, postings.RELEASE, source_id)
    return found

"""SQL of what only a bundle asks: the quote that a negotiation led to."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from contracts import tables as t
from contracts.bundle import SignedDocument
from exchange.kernel.db import Tx


async def quote_of(tx: Tx, agreement_id: UUID) -> SignedDocument | None:
    """The quote that bound both sides of a negotiated agreement, for flows; None for one that was not negotiated."""
    query = (
        select(t.quote.c.document, t.quote.c.kid, t.quote.c.signature)
        .join(t.negotiation, t.negotiation.c.quote_id == t.quote.c.id)
        .where(t.negotiation.c.agreement_id == agreement_id)
    )
    row = (await tx.conn.execute(query)).one_or_none()
    return None if row is None else SignedDocument(row.document, row.kid, row.signature)

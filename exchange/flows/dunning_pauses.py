"""What is disputed, and so not dunned: each way of disputing adds one reader here."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.kernel.db import Tx
from settlement.acceptances import Said
from settlement.dunning import Owed
from settlement.store import acceptances, disputes


async def disputed(tx: Tx, owed: Sequence[Owed]) -> set[UUID]:
    """Which of these sums are disputed, by the id of what they are owed for."""
    return await _rejected(tx, owed) | await _in_a_case(tx, owed)


async def _rejected(tx: Tx, owed: Sequence[Owed]) -> set[UUID]:
    """Sums of an order whose delivery was rejected, as long as nobody has decided."""
    if not owed:
        return set()
    facts = await acceptances.facts_of(tx, list({one.order_id for one in owed}))
    said = {order: {fact.said for fact in found} for order, found in facts.items()}
    rejected = {order for order, words in said.items() if Said.REJECTED in words and Said.DECIDED not in words}
    return {one.source_id for one in owed if one.order_id in rejected}


async def _in_a_case(tx: Tx, owed: Sequence[Owed]) -> set[UUID]:
    """Sums with an open dispute about them, or about their order as a whole."""
    if not owed:
        return set()
    cases = await disputes.open_disputes(tx, list({source for one in owed for source in (one.source_id, one.order_id)}))
    return {one.source_id for one in owed if one.source_id in cases or one.order_id in cases}

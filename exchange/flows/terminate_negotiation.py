"""A side leaves a negotiation."""

from __future__ import annotations

from uuid import UUID

from contracts.negotiation import Said, Side, Verb
from exchange.catalog.store.private import close_private_offer
from exchange.flows.negotiating import NegotiationReceipt, Words, held, receipt, say
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem


async def terminate_negotiation(
    tx: Tx, actor: Actor, negotiation_id: UUID, side: Side, words: Words
) -> NegotiationReceipt | Problem:
    """End a negotiation; a private offer that was made of it can no longer be bought.

    errors   answers not-found, negotiation-state, negotiation-invalid
    """
    one = await held(tx, actor, side, negotiation_id, Said(Verb.TERMINATE, None, words.note))
    if isinstance(one, Problem):
        return one
    if one.offer_id is not None:
        await close_private_offer(tx, one.offer_id)
    said = Said(Verb.TERMINATE, None, words.note, None, {"reason": {"code": "left"}})
    moved = await say(tx, actor, side, one, said)
    return moved if isinstance(moved, Problem) else receipt(moved)

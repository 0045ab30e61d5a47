"""A buyer accepts what the supplier offered."""

from __future__ import annotations

from uuid import UUID

from contracts.negotiation import Said, Side, Verb
from exchange.flows.negotiating import NegotiationReceipt, Words, held, look, on_table, receipt, say
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem


async def accept_terms(tx: Tx, actor: Actor, negotiation_id: UUID, words: Words) -> NegotiationReceipt | Problem:
    """Accept the latest offer, named in the message by its digest; the supplier's agreement comes next.

    errors   answers not-found, negotiation-state, negotiation-expired, negotiation-invalid, and what `look` refuses
    """
    said = Said(Verb.ACCEPT, None, words.note)
    one = await held(tx, actor, Side.CONSUMER, negotiation_id, said)
    if isinstance(one, Problem):
        return one
    scene = await look(tx, one.listing_id, one.buyer_id, Side.CONSUMER)
    if isinstance(scene, Problem):
        return scene
    proposal = await on_table(tx, one)
    named = {"accepts": {"document_sha256": proposal.sha256.hex(), "amounts": dict(proposal.amounts)}}
    moved = await say(tx, actor, Side.CONSUMER, one, Said(Verb.ACCEPT, None, words.note, None, named))
    return moved if isinstance(moved, Problem) else receipt(moved)

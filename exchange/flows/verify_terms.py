"""A buyer confirms what was agreed, by the digest of the supplier's agreement message."""

from __future__ import annotations

from uuid import UUID

from contracts import negotiation_store as store
from contracts.negotiation import Said, Side, Verb
from contracts.negotiation_problems import NEGOTIATION_DIFFERS
from exchange.flows.negotiating import NegotiationReceipt, Words, held, look, receipt, say
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem


async def verify_terms(
    tx: Tx, actor: Actor, negotiation_id: UUID, sha256: bytes, words: Words
) -> NegotiationReceipt | Problem:
    """Confirm exactly this agreement message; the supplier may then have the order placed from the buyer's wallet.

    errors   answers not-found, negotiation-state, negotiation-expired, negotiation-differs, and what `look` refuses
    """
    one = await held(tx, actor, Side.CONSUMER, negotiation_id, Said(Verb.VERIFY, None, words.note))
    if isinstance(one, Problem):
        return one
    agreed = await store.last(tx, one.id, Verb.AGREE)
    assert agreed is not None, "there is one in this state"
    if agreed.sha256 != sha256:
        return NEGOTIATION_DIFFERS(sha256=agreed.sha256.hex())
    scene = await look(tx, one.listing_id, one.buyer_id, Side.CONSUMER)
    if isinstance(scene, Problem):
        return scene
    said = Said(Verb.VERIFY, None, words.note, None, {"confirms": sha256.hex()})
    moved = await say(tx, actor, Side.CONSUMER, one, said)
    return moved if isinstance(moved, Problem) else receipt(moved)

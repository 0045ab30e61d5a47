"""The clock ends negotiations that nobody answered in time."""

from __future__ import annotations

from compliance import store as audit
from compliance.entries import Entry
from contracts import negotiation as rules
from contracts import negotiation_store as store
from contracts.negotiation import Message, Negotiation, Said, Side, Speaker, Verb
from exchange.catalog.store.private import close_private_offer
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem

_EXPIRED = Said(Verb.EXPIRE, None, None, None, {"reason": {"code": "expired"}})
_CLOCK = Speaker(Side.EXCHANGE)


async def expire_negotiations(tx: Tx) -> int:
    """End what is over, a bounded number at a time; how many were ended. May run twice, at any time."""
    due = await store.lock_due(tx)
    ended = []
    for one in due:
        spoken = rules.speak(one, tx.new_id(), _CLOCK, _EXPIRED, tx.now)
        assert not isinstance(spoken, Problem), "the table lets the clock end every open state"
        if one.offer_id is not None:
            await close_private_offer(tx, one.offer_id)
        await store.move(tx, *spoken)
        ended.append(spoken)
    if ended:
        await audit.append(tx, [_entry(*one) for one in ended])
    return len(ended)


def _entry(one: Negotiation, message: Message) -> Entry:
    return Entry(
        action="negotiation.expire",
        organisation_id=None,
        object_id=ids.text("neg", one.id),
        object_version=one.state.value,
        concerns=(one.buyer_id, one.seller_id),
        digests={"message": message.sha256},
    )

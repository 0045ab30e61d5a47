"""A supplier calls an auction off before it closes."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from contracts import auctions_store as store
from contracts.auctions import RUNNING, AuctionState, move, refuse_reason
from contracts.auctions_problems import AUCTION_CLOSED
from exchange.flows.once import done, worded
from exchange.flows.open_auction import AuctionReceipt, receipt
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import LocaleMap

ACTION = "auction.cancel"


async def cancel_auction(tx: Tx, actor: Actor, auction_id: UUID, reason: LocaleMap) -> AuctionReceipt | Problem:
    """Cancel an auction that takes bids or will; whoever bid reads the reason, and no bid is opened.

    A reason is asked for whether there are bids or not: to ask for it only then would tell the supplier that there are.

    errors   answers not-found, auction-invalid, auction-closed, state-conflict
    """
    one = await store.lock_auction(tx, auction_id)
    if one is None or one.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    if problem := refuse_reason(reason):
        return problem
    # Once the end has passed, the bids decide, even before the closer has come by.
    if one.state in RUNNING and tx.now >= one.closes_at:
        return AUCTION_CLOSED(closes_at=one.closes_at.isoformat())
    changed = move(one, AuctionState.CANCELLED, tx.now, dict(reason))
    if isinstance(changed, Problem):
        return changed
    await store.set_state(tx, changed)
    entry = worded(done(actor, ACTION, ids.text("auc", auction_id)), reason=canonical(dict(reason)))
    # Those who bid are not named as concerned: the supplier reads this entry.
    await audit.append(tx, [entry])
    return receipt(changed)

"""A buyer takes its bid out of an auction."""

from __future__ import annotations

from uuid import UUID

from compliance import store as audit
from contracts import auctions_store as store
from contracts.auctions import BidRow, Entry, bid_commitment, refuse_bidding
from contracts.auctions_problems import NO_LIVE_BID
from exchange.flows.once import done
from exchange.flows.place_bid import BidReceipt, receipt
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem

ACTION = "bid.withdraw"


async def withdraw_bid(tx: Tx, actor: Actor, auction_id: UUID, salt: bytes) -> BidReceipt | Problem:
    """Withdraw the organisation's live bid, as long as bids are taken; a later one stands in a new place in line.

    errors   answers not-found, no-live-bid, auction-not-open, auction-closed, auction-cancelled
    """
    one = await store.lock_auction(tx, auction_id)
    if one is None:
        return NOT_FOUND()
    if problem := refuse_bidding(one, tx.now):
        return problem
    bidder_id = actor.organisation_id
    before = await store.bids_of(tx, auction_id, bidder_id)
    if not before or before[-1].entry is Entry.WITHDRAWN:
        return NO_LIVE_BID()
    row = BidRow(
        id=tx.new_id(),
        sequence=0,
        auction_id=auction_id,
        bidder_id=bidder_id,
        entry=Entry.WITHDRAWN,
        amount=None,
        purposes=(),
        salt=salt,
        sha256=bid_commitment(auction_id, bidder_id, None, salt),
        created_at=tx.now,
    )
    await store.insert_bid(tx, row, one.currency)
    await audit.append(tx, [done(actor, ACTION, ids.text("auc", auction_id), bid=row.sha256)])
    return receipt(row)

"""A buyer bids in an auction, or takes the place of its bid before."""

from __future__ import annotations

from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import auctions_store as store
from contracts.auctions import BIDS_MAX, BidRow, Entry, bid_commitment, refuse_bid, refuse_bidding
from contracts.auctions_problems import BIDS_TOO_MANY
from exchange.flows.auctioned import look, refuses_bidder, refuses_sale
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money

ACTION = "bid.place"


class BidReceipt(msgspec.Struct, frozen=True):
    """A bid that stands, or (without an amount) that none stands; `salt` and `sha256` prove later what it was."""

    id: str
    auction: str
    entry: str
    amount: dict[str, str] | None
    purposes: tuple[str, ...]
    salt: str
    sha256: str


async def place_bid(
    tx: Tx, actor: Actor, auction_id: UUID, amount: Money, purposes: tuple[str, ...], salt: bytes
) -> BidReceipt | Problem:
    """Place a sealed bid; one that the organisation placed before no longer counts, nor does its place in line.

    errors   answers not-found, auction-not-open, auction-closed, auction-cancelled, bid-invalid, bid-below-reserve,
             bids-too-many, own-offer, and what a purchase would refuse
    """
    one = await store.lock_auction(tx, auction_id)
    if one is None:
        return NOT_FOUND()
    if problem := refuse_bidding(one, tx.now):
        return problem
    bidder_id = actor.organisation_id
    scene = await look(tx, one, [bidder_id])
    problem = refuses_bidder(tx, scene, bidder_id, purposes) or refuses_sale(scene) or refuse_bid(one, amount)
    if problem is not None:
        return problem
    before = await store.bids_of(tx, auction_id, bidder_id)
    if sum(row.entry is not Entry.WITHDRAWN for row in before) >= BIDS_MAX:
        return BIDS_TOO_MANY(limit=BIDS_MAX)
    stands = bool(before) and before[-1].entry is not Entry.WITHDRAWN
    row = BidRow(
        id=tx.new_id(),
        sequence=0,
        auction_id=auction_id,
        bidder_id=bidder_id,
        entry=Entry.REPLACED if stands else Entry.PLACED,
        amount=amount,
        purposes=purposes,
        salt=salt,
        sha256=bid_commitment(auction_id, bidder_id, amount, salt),
        created_at=tx.now,
    )
    await store.insert_bid(tx, row, one.currency)
    # The supplier is not among whom it concerns: it must not even learn that there is a bid.
    await audit.append(tx, [done(actor, ACTION, ids.text("auc", auction_id), bid=row.sha256)])
    return receipt(row)


def receipt(row: BidRow) -> BidReceipt:
    """What the bidder is told."""
    return BidReceipt(
        id=ids.text("bid", row.id),
        auction=ids.text("auc", row.auction_id),
        entry=row.entry.value,
        amount=None if row.amount is None else row.amount.to_wire(),
        purposes=row.purposes,
        salt=row.salt.hex(),
        sha256=row.sha256.hex(),
    )

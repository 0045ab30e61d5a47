"""The clock ends an auction: bids are no longer taken, the award is decided, an award that nobody uses lapses.

Three steps, each a transaction of its own that reads the auction again under its lock; any of them may be run twice,
at any time, in any order, and does what is due and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from contracts import auctions_store as store
from contracts.auctions import (
    AWARD_GRACE,
    Auction,
    AuctionState,
    Award,
    Lapse,
    award_valid_for,
    decide,
    live,
    move,
    tally,
)
from contracts.auctions_store import AwardRow
from exchange.catalog.store.exclusive import hold_dataset_of, restore_offers, withdraw_offers
from exchange.flows.auctioned import Scene, look, refuses_bidder, refuses_sale, sold_exclusively
from exchange.flows.chain_of_rights import clear_shelf, declared_now, narrowed
from exchange.flows.issue_quote import QuoteReceipt, issue_quote
from exchange.flows.sale import Sales
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import decimal_text
from pricing.basis import Basis
from settlement.orders import Order, OrderState
from settlement.store import orders

JOB = "close_auction"


async def close_auction(tx: Tx, auction_id: UUID) -> AuctionState | None:
    """Take no more bids once the end has passed; the state it is in then, None for no auction."""
    one = await store.lock_auction(tx, auction_id)
    if one is None:
        return None
    if one.state not in (AuctionState.SCHEDULED, AuctionState.OPEN) or tx.now < one.closes_at:
        return one.state
    if one.state is AuctionState.SCHEDULED:
        one = _moved(tx, one, AuctionState.OPEN)
    one = _moved(tx, one, AuctionState.CLOSED)
    await store.set_state(tx, one)
    await audit.append(tx, [_entry(one, "auction.close")])
    return one.state


async def award_auction(tx: Tx, sales: Sales, keyring: Keyring, auction_id: UUID) -> AuctionState | None:
    """Decide a closed auction: open the amounts, sign the winner's quote, and take the dataset's offers off sale.

    Bids of organisations that could no longer buy do not count, and are shown as excluded: one of them ends nothing for the
    others.
    """
    one = await store.lock_auction(tx, auction_id)
    if one is None or one.state is not AuctionState.CLOSED:
        return None if one is None else one.state
    assert one.reserve is not None, "flows see every reserve"
    await hold_dataset_of(tx, one.listing_id)
    bids = live(await store.bids_of(tx, one.id))
    scene = await look(tx, one, [bid.bidder_id for bid in bids])
    if refuses_sale(scene) is not None or await narrowed(tx, [scene.offer]):
        # Nothing could be sold, so no amount is opened: an amount says something of its bidder.
        return await _lapse(tx, one, Lapse.NOT_FOR_SALE)
    out = {bid.bidder_id for bid in bids if refuses_bidder(tx, scene, bid.bidder_id, bid.purposes) is not None}
    while award := decide([bid for bid in bids if bid.bidder_id not in out], one.reserve):
        quote = await _quote(tx, sales, keyring, one, scene, award)
        if not isinstance(quote, Problem):
            await store.insert_tally(tx, one, tally(bids, frozenset(out), one.reserve, award))
            return await _award(tx, one, award, quote)
        # The offer can be sold, only not to this one.
        out.add(award.winner.bidder_id)
    await store.insert_tally(tx, one, tally(bids, frozenset(out), one.reserve, None))
    return await _lapse(tx, one, Lapse.NO_BID)


async def lapse_award(tx: Tx, auction_id: UUID) -> AuctionState | None:
    """End an award whose quote expired and was not paid for; the offers that it took off sale are on sale again.

    They stay off sale where another exclusive licence to the dataset stands. An order that still waits for its money is
    cancelled with it. The second highest does not step in: it bid for another outcome, and must not have to wait for one.
    """
    one = await store.lock_auction(tx, auction_id)
    award = None if one is None else await store.award_of(tx, auction_id)
    if one is None or award is None or one.state is not AuctionState.AWARDED:
        return None if one is None else one.state
    if one.sold or tx.now < award.expires_at + AWARD_GRACE:
        return one.state
    placed = await orders.lock_orders_of(tx, [award.quote_id])
    if any(order.state is OrderState.PAID for order in placed):
        await store.set_sold(tx, one.id)
        return one.state
    await _cancel(tx, placed)
    await hold_dataset_of(tx, one.listing_id)
    if await sold_exclusively(tx, one.dataset_id, besides=one.id) is None:
        await restore_offers(tx, award.withdrawn)
        # Rights may have narrowed while the offers were away.
        if (declared := await declared_now(tx, one.dataset_id)) is not None:
            await clear_shelf(tx, one.dataset_id, one.supplier_id, declared)
    return await _lapse(tx, one, Lapse.QUOTE_UNUSED, award.buyer_id)


async def _quote(
    tx: Tx, sales: Sales, keyring: Keyring, one: Auction, scene: Scene, award: Award
) -> QuoteReceipt | Problem:
    basis = Basis(amounts={one.component: Decimal(decimal_text(award.price.units))})
    return await issue_quote(
        tx,
        sales,
        keyring,
        scene.offer,
        award.winner.bidder_id,
        basis,
        purposes=award.winner.purposes,
        expires_at=tx.now + award_valid_for(one),
        concerning=ids.text("auc", one.id),
    )


async def _award(tx: Tx, one: Auction, award: Award, quote: QuoteReceipt) -> AuctionState:
    winner = award.winner
    row = AwardRow(
        id=tx.new_id(),
        auction_id=one.id,
        buyer_id=winner.bidder_id,
        seller_id=one.supplier_id,
        offer_id=one.offer_id,
        bid_id=winner.id,
        price=award.price,
        quote_id=ids.parse("qte", quote.id),
        withdrawn=tuple(await withdraw_offers(tx, one.dataset_id)),
        created_at=tx.now,
        expires_at=tx.now + award_valid_for(one),
    )
    await store.insert_award(tx, row)
    changed = _moved(tx, one, AuctionState.AWARDED)
    await store.set_state(tx, changed)
    digests = {"bid": winner.sha256, "quote": bytes.fromhex(quote.sha256), "reserve": one.reserve_sha256}
    entry = _entry(changed, "auction.award", winner.bidder_id, **digests)
    await audit.append(tx, [entry])
    return changed.state


async def _lapse(tx: Tx, one: Auction, why: Lapse, *concerns: UUID) -> AuctionState:
    changed = move(one, AuctionState.LAPSED, tx.now, {"code": why.value})
    assert isinstance(changed, Auction)
    await store.set_state(tx, changed)
    await audit.append(tx, [_entry(changed, "auction.lapse", *concerns)])
    return changed.state


async def _cancel(tx: Tx, waiting: Sequence[Order]) -> None:
    """Give up orders that wait for their money; a card that is charged all the same fills the buyer's wallet."""
    cancelled = await orders.mark_cancelled(tx, [order.id for order in waiting])
    gone = [order for order in waiting if order.id in cancelled]
    await audit.append(tx, [_cancelled(order) for order in gone])


def _cancelled(order: Order) -> Entry:
    concerns = (order.buyer_id, order.seller_id)
    return Entry(action="order.cancel", organisation_id=None, object_id=ids.text("ord", order.id), concerns=concerns)


def _moved(tx: Tx, one: Auction, to: AuctionState) -> Auction:
    changed = move(one, to, tx.now)
    assert isinstance(changed, Auction), "the table has this way"
    return changed


def _entry(one: Auction, action: str, *concerns: UUID, **digests: bytes) -> Entry:
    return Entry(
        action=action,
        organisation_id=None,
        object_id=ids.text("auc", one.id),
        object_version=one.state.value,
        concerns=(one.supplier_id, *concerns),
        digests=digests,
    )

"""One auction as one of its sides may see it: sealed before the end, opened after it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from contracts import auctions_store as store
from contracts.auctions import Auction, BidRow, TallyLine
from contracts.auctions_store import AwardRow
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.text import LocaleMap
from exchange.parties import store as parties


@dataclass(frozen=True, slots=True)
class AuctionPage:
    """An auction, the reader's own bid, and what was opened to the reader; `winner` is the name, for the supplier."""

    auction: Auction
    bid: BidRow | None
    lines: list[TallyLine]
    award: AwardRow | None
    winner: LocaleMap


async def show_to_bidder(tx: Tx, actor: Actor, auction_id: UUID) -> AuctionPage | None:
    """An auction for a buyer: the live bid of its own organisation, after the end all amounts if it had bid."""
    one = await store.auction(tx, auction_id)
    if one is None:
        return None
    award = await store.seen_award(tx, actor, auction_id)
    won = award if award is not None and award.buyer_id == actor.organisation_id else None
    bid = await store.own_live_bid(tx, actor, auction_id)
    return AuctionPage(one, bid, await store.tally(tx, actor, auction_id), won, {})


async def show_to_supplier(tx: Tx, actor: Actor, auction_id: UUID) -> AuctionPage | None:
    """An auction for the supplier who holds it: after the end all amounts, and of the names the winner's."""
    one = await store.own_auction(tx, actor, auction_id)
    if one is None:
        return None
    award = await store.seen_award(tx, actor, auction_id)
    names = await parties.public_names(tx, [award.buyer_id]) if award is not None else {}
    winner = names.get(award.buyer_id, {}) if award is not None else {}
    return AuctionPage(one, None, await store.tally(tx, actor, auction_id), award, winner)

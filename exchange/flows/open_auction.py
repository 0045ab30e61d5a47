"""A supplier puts an offer up for auction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import auctions_store as store
from contracts.auctions import (
    Auction,
    AuctionState,
    Exclusivity,
    commitment,
    exclusivity,
    refuse_amount,
    schedule,
)
from contracts.auctions_problems import AUCTION_RUNNING, OFFER_NOT_AUCTIONABLE
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store.exclusive import hold_dataset_of
from exchange.catalog.store.listings import load_offers, lock_listing
from exchange.flows.auctioned import look, refuses_sale, sold_exclusively
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text

ACTION = "auction.open"
# Models of a plan whose price something else has to fix.
_UNPRICED = frozenset({"auction", "negotiated"})
# What would let a winner pay another price than the one that the bids fixed.
_CHANGES_PRICES = ("discounts", "limits", "price_lists")


@dataclass(frozen=True, slots=True)
class AuctionRequest:
    """What is auctioned, how exclusive it is, the least it goes for, and when."""

    offer_id: UUID
    exclusive: Exclusivity
    exclusive_days: int | None
    reserve: Money
    reserve_public: bool
    opens_at: datetime | None
    closes_at: datetime


class AuctionReceipt(msgspec.Struct, frozen=True):
    """An auction as it stands after a command of its supplier; `reserve_sha256` binds a secret reserve."""

    id: str
    offer: str
    state: str
    opens_at: str
    closes_at: str
    reserve_sha256: str


async def open_auction(tx: Tx, actor: Actor, request: AuctionRequest, salt: bytes) -> AuctionReceipt | Problem:
    """Announce an auction of a current offer; `salt` keeps a secret reserve from being guessed from its hash.

    errors   answers not-found, offer-not-auctionable, auction-invalid, bid-invalid for the reserve, auction-running,
             sold-exclusively
    """
    offer = (await load_offers(tx, [request.offer_id])).get(request.offer_id)
    if offer is None or offer.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    # Its offers stay as they are until this commits, and so does whether the dataset is sold to one alone.
    await hold_dataset_of(tx, offer.listing_id)
    await lock_listing(tx, offer.listing_id)
    new = await _decide(tx, offer, request, salt)
    if isinstance(new, Problem):
        return new
    if problem := refuses_sale(await look(tx, new, [])):
        return problem
    if problem := await sold_exclusively(tx, offer.dataset_id):
        return problem
    if not await store.insert_auction(tx, new):
        return AUCTION_RUNNING()
    name = ids.text("auc", new.id)
    await audit.append(tx, [done(actor, ACTION, name, reserve=new.reserve_sha256, offer=offer.sha256)])
    return receipt(new)


async def _decide(tx: Tx, offer: OfferForSale, request: AuctionRequest, salt: bytes) -> Auction | Problem:
    if not offer.for_sale:
        return OFFER_NOT_AUCTIONABLE(reason=Text("it is not on sale", "该方案未在售"))
    component = auctioned_component(msgspec.json.decode(offer.document)["plan"])
    if isinstance(component, Problem):
        return component
    times = schedule(request.opens_at, request.closes_at, tx.now)
    problem = exclusivity(request.exclusive, request.exclusive_days) or refuse_amount(request.reserve, offer.currency)
    if problem is not None or isinstance(times, Problem):
        return problem or times  # type: ignore[return-value]
    auction_id, (opens_at, closes_at) = tx.new_id(), times
    return Auction(
        id=auction_id,
        offer_id=offer.offer_id,
        listing_id=offer.listing_id,
        dataset_id=offer.dataset_id,
        supplier_id=offer.supplier_id,
        component=component,
        exclusive=request.exclusive,
        exclusive_days=request.exclusive_days,
        currency=offer.currency,
        reserve_public=request.reserve_public,
        reserve_sha256=commitment(auction_id, request.reserve, salt),
        opens_at=opens_at,
        closes_at=closes_at,
        state=AuctionState.SCHEDULED if opens_at > tx.now else AuctionState.OPEN,
        created_at=tx.now,
        changed_at=tx.now,
        reserve=request.reserve,
        salt=salt,
    )


def auctioned_component(plan: Mapping[str, Any]) -> str | Problem:
    """The one component of a plan whose price an auction fixes.

    errors   answers offer-not-auctionable where there is none, where another has no price either, or where something
             would change the price after it was fixed
    """
    unpriced = [(one["id"], one["model"]["type"]) for one in plan["components"] if one["model"]["type"] in _UNPRICED]
    if [kind for _, kind in unpriced] != ["auction"]:
        reason = Text(
            f"its plan has {len(unpriced)} components without a price, and it takes exactly one, of the model auction",
            f"其价格方案有 {len(unpriced)} 个未定价组成项，应恰有一个且模型为 auction",
        )
        return OFFER_NOT_AUCTIONABLE(reason=reason)
    if any(plan.get(name) for name in _CHANGES_PRICES):
        reason = Text(
            "its plan has discounts, limits or price lists, and the price that the bids fix must be the price paid",
            "其价格方案含有折扣、限额或价目表，而竞价确定的价格应即为实付价格",
        )
        return OFFER_NOT_AUCTIONABLE(reason=reason)
    component: str = unpriced[0][0]
    return component


def receipt(one: Auction) -> AuctionReceipt:
    """What the supplier is told."""
    return AuctionReceipt(
        id=ids.text("auc", one.id),
        offer=ids.text("ofr", one.offer_id),
        state=one.state.value,
        opens_at=one.opens_at.isoformat(),
        closes_at=one.closes_at.isoformat(),
        reserve_sha256=one.reserve_sha256.hex(),
    )

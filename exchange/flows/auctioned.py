"""What an auction's offer and its bidders must fulfil, at the bid and again at the decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from compliance import store as audit
from contracts import auctions_store as auctions
from contracts import terms as licence
from contracts.auctions import Auction, exclusive_until
from contracts.auctions_problems import LISTING_IN_AUCTION, SOLD_EXCLUSIVELY
from contracts.evaluation import permits
from contracts.store import QuoteRow
from exchange.catalog.listings import ListingState
from exchange.catalog.offers import OfferForSale
from exchange.catalog.store.listings import load_offers
from exchange.flows import problems
from exchange.flows.taxing import taxing
from exchange.kernel import ids
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text
from exchange.parties import store as parties
from exchange.parties.organisations import Standing
from pricing.plans import load
from settlement.orders import OrderState
from settlement.store import orders


@dataclass(frozen=True, slots=True)
class Scene:
    """An auction's offer and the organisations around it, as one moment saw them."""

    offer: OfferForSale
    document: Mapping[str, Any]
    standings: Mapping[UUID, Standing]
    frozen: frozenset[UUID]


async def look(tx: Tx, auction: Auction, bidders: Collection[UUID]) -> Scene:
    """Load what the rules ask about an auction and these bidders."""
    offer = (await load_offers(tx, [auction.offer_id]))[auction.offer_id]
    parts = [*bidders, offer.supplier_id]
    objects = [offer.offer_id, offer.listing_id, offer.dataset_id, offer.revision_id]
    return Scene(
        offer,
        msgspec.json.decode(offer.document),
        await parties.standing(tx, parts),
        frozenset(await audit.off_sale(tx, [*objects, *parts])),
    )


def refuses_sale(scene: Scene) -> Problem | None:
    """Why the offer cannot be sold to anybody now, or None.

    A version of the offer that took the place of the auctioned one changes nothing: bidders bid for this one.
    """
    offer = scene.offer
    for prefix, one in (
        ("org", offer.supplier_id),
        ("lst", offer.listing_id),
        ("ds", offer.dataset_id),
        ("rev", offer.revision_id),
        ("ofr", offer.offer_id),
    ):
        if one in scene.frozen:
            return problems.FROZEN(object=ids.text(prefix, one))
    seller = scene.standings.get(offer.supplier_id)
    if seller is None or not seller.verified:
        return problems.NOT_FOR_SALE(reason=Text("its supplier is not verified", "供应方未通过核验"))
    if offer.listing_state is not ListingState.PUBLISHED:
        state = offer.listing_state.value
        return problems.NOT_FOR_SALE(reason=Text(f"its listing is {state}", f"上架产品状态为 {state}"))
    return None


def refuses_bidder(tx: Tx, scene: Scene, bidder_id: UUID, purposes: tuple[str, ...]) -> Problem | None:
    """Why an organisation could not buy the offer for these purposes now, or None."""
    if bidder_id == scene.offer.supplier_id:
        return problems.OWN_OFFER()
    bidder = scene.standings.get(bidder_id)
    if bidder is None or not bidder.verified:
        return problems.BUYER_NOT_VERIFIED(state=bidder.state.value if bidder else "unknown")
    if bidder_id in scene.frozen:
        return problems.FROZEN(object=ids.text("org", bidder_id))
    terms, plan = licence.load(scene.document["terms"]), load(scene.document["plan"])
    for purpose in purposes:
        decision = permits(terms, purpose, bidder.country, tx.now, starts_at=tx.now, zone=plan.time_zone)
        if problem := decision.problem():
            return problem
    # Whoever cannot be taxed cannot be quoted; who that is may change while the auction runs.
    taxed = taxing((scene.standings[scene.offer.supplier_id], bidder), plan, tx.now)
    return taxed if isinstance(taxed, Problem) else None


async def sold_exclusively(
    tx: Tx, dataset_id: UUID, besides: UUID | None = None, *, to_others_than: UUID | None = None
) -> Problem | None:
    """Why nothing of a dataset may be offered now: somebody was awarded an exclusive licence to it. None otherwise.

    It stays so until the end of a transaction that holds the dataset.

    shapes   besides: an auction that is not asked about; to_others_than: an organisation whose own awards do not count
    """
    for one, awarded_at in await auctions.awarded(tx, dataset_id):
        if one.id == besides:
            continue
        if to_others_than is not None:
            award = await auctions.award_of(tx, one.id)
            if award is not None and award.buyer_id == to_others_than:
                continue
        until = exclusive_until(one, awarded_at)
        if until is None or tx.now < until:
            said = Text("for good", "永久") if until is None else Text(until.isoformat(), until.isoformat())
            return SOLD_EXCLUSIVELY(auction=ids.text("auc", one.id), until=said)
    return None


async def refuses_delisting(tx: Tx, listing_id: UUID) -> Problem | None:
    """Why a supplier may not take a listing off the market: an auction out of it is not settled yet. None otherwise.

    No clock in this: an award whose time is over lapses, or is paid for, and then holds nothing any more.
    """
    found = await auctions.binding(tx, listing_id)
    placed = await orders.lock_orders_of(tx, [quote_id for *_, quote_id in found if quote_id])
    paid = {order.quote_id for order in placed if order.state is OrderState.PAID}
    for auction_id, state, quote_id in found:
        if quote_id is None or quote_id not in paid:
            return LISTING_IN_AUCTION(auction=ids.text("auc", auction_id), state=state.value)
    return None


class _About(msgspec.Struct):
    concerning: str = ""


async def lost_awards(tx: Tx, quotes: Collection[QuoteRow]) -> dict[UUID, str]:
    """Those of these quotes that were the award of an auction and no longer are, each with its auction.

    A quote is signed for a time, and clocks differ; whether an award stands is asked of its auction alone. Those that stand
    are held until the transaction ends. Where no quote is an award, nothing is asked of the database.
    """
    about = {quote.id: msgspec.json.decode(quote.document, type=_About).concerning for quote in quotes}
    named = {quote_id: name for quote_id, name in about.items() if name.startswith("auc_")}
    if not named:
        return {}
    stand = await auctions.standing_awards(tx, {ids.parse("auc", name) for name in named.values()})
    return {quote_id: name for quote_id, name in named.items() if quote_id not in stand}

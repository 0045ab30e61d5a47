"""Whether a supplier's own offers undercut each other: the same files, cheaper as several smaller purchases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from contracts import terms
from contracts.comparing import grants_no_less
from contracts.terms import Terms
from exchange.catalog.offers import Offer
from exchange.catalog.store import bundles as store
from exchange.catalog.store import portal
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from pricing import plans
from pricing.bundles import CheaperCover, PricedSet, cheaper_covers


class OfferOnSale(msgspec.Struct, frozen=True):
    """An offer in a finding: whose price it adds, and where it stands."""

    offer: str
    listing: str
    code: str
    price: dict[str, str]


class CheaperTogether(msgspec.Struct, frozen=True):
    """An offer, and the ones that give the same files for less money with rights that are as wide.

    shapes   cheapest: no other choice of offers is cheaper
    """

    instead_of: OfferOnSale
    buy: list[OfferOnSale]
    cost: dict[str, str]
    saves: dict[str, str]
    cheapest: bool
    why: dict[str, str]


class ArbitrageReceipt(msgspec.Struct, frozen=True):
    """What a check of a listing against all one-off offers of its supplier found."""

    listing: str
    ok: bool
    offers_compared: int
    findings: list[CheaperTogether]


@dataclass(frozen=True, slots=True)
class _Whole:
    """An offer as it is compared: its price at the order, its licence, how it is delivered, what it holds."""

    offer: Offer
    price: Money
    terms: Terms
    delivery: frozenset[str]
    contents: frozenset[bytes]

    @property
    def name(self) -> str:
        return ids.text("ofr", self.offer.id)

    def shown(self) -> OfferOnSale:
        return OfferOnSale(self.name, ids.text("lst", self.offer.listing_id), self.offer.code, self.price.to_wire())


async def check_arbitrage(tx: Tx, actor: Actor, listing_id: UUID) -> ArbitrageReceipt | Problem:
    """Compare a listing's one-off offers with all others of its supplier: revisions, subsets and bundles.

    shapes   an offer of several revisions of one dataset, of parts of it or of collections is the same to this check: a
             set of contents. Only rights as wide, delivery as wide and the same currency count; so do offers that cost
             nothing. Findings name offers of this listing, on either side
    errors   answers not-found
    """
    listing = await portal.own_listing(tx, actor, listing_id)
    if listing is None:
        return NOT_FOUND()
    wholes = await _load(tx, actor, listing_id)
    findings = [finding for one in wholes for finding in _undercut(one, wholes, listing_id)]
    return ArbitrageReceipt(ids.text("lst", listing_id), not findings, len(wholes), findings)


async def _load(tx: Tx, actor: Actor, listing_id: UUID) -> list[_Whole]:
    """The offers that a price stands for; what is negotiated or auctioned has none to compare."""
    offers = await store.own_whole_offers(tx, actor, listing_id)
    contents = await store.own_assets_by_content(tx, actor, [one.revision_id for one in offers])
    found = []
    for one in offers:
        document = json.loads(one.offer.document)
        plan = plans.load(document["plan"])
        if plan.unpriced or plan.outcomes:
            continue
        delivery = frozenset(name for name, given in document["delivery"].items() if given)
        licence = terms.load(document["terms"])
        found.append(_Whole(one.offer, plan.due_now_total, licence, delivery, contents[one.revision_id]))
    return found


def _undercut(one: _Whole, wholes: Sequence[_Whole], listing_id: UUID) -> list[CheaperTogether]:
    mine = {other.name for other in wholes if other.offer.listing_id == listing_id}
    if one.name not in mine and not any(other.contents & one.contents for other in wholes if other.name in mine):
        return []
    others = [other for other in wholes if other is one or _replaces(other, one)]
    sets = [PricedSet(other.name, other.contents, other.price.units) for other in others]
    by_name = {other.name: other for other in others}
    return [
        _finding(one, [by_name[name] for name in cover.cover], cover)
        for cover in cheaper_covers(sets, only=[one.name])
        if one.name in mine or mine & set(cover.cover)
    ]


def _replaces(other: _Whole, one: _Whole) -> bool:
    """Whether a buyer of `other` may do with its files all that a buyer of `one` may."""
    return (
        other.price.currency == one.price.currency
        and other.delivery >= one.delivery
        and grants_no_less(other.terms, one.terms)
    )


def _finding(one: _Whole, cover: Sequence[_Whole], found: CheaperCover) -> CheaperTogether:
    cost = Money(found.cost, one.price.currency)
    names = ", ".join(f"{part.offer.code} ({part.price})" for part in cover)
    why = Text(
        f"{one.offer.code} costs {one.price}, but {names} hold all its files and together cost {cost}",
        f"{one.offer.code} 售价 {one.price}，而 {names} 包含其全部文件，合计仅 {cost}",
    )
    return CheaperTogether(
        one.shown(),
        [part.shown() for part in cover],
        cost.to_wire(),
        (one.price - cost).to_wire(),
        found.exact,
        why.map(),
    )

"""What anybody may read about a listing, from every package that knows something of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from compliance import store as audit
from compliance.store import Stop
from contracts import data_contract_store as data_contracts
from contracts.data_contract_store import Checked, StoredContract
from exchange.catalog.browsing import SearchFilter, Shelf
from exchange.catalog.listings import Listing
from exchange.catalog.offers import Offer
from exchange.catalog.store import public
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest
from exchange.kernel.text import LocaleMap
from exchange.parties import store as parties
from exchange.quality import store as quality
from exchange.quality.certificates import Certificate
from exchange.quality.store import StoredScorecard


@dataclass(frozen=True, slots=True)
class Card:
    """A listing among the results of a search, with its current offers and its score."""

    listing: Listing
    supplier: LocaleMap
    offers: Sequence[Offer]
    score: int | None
    grade: str | None
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class ListingPage:
    """All that stands about one published listing, and what its parties are called."""

    shelf: Shelf
    scorecard: StoredScorecard | None
    certificates: Sequence[Certificate]
    names: dict[UUID, LocaleMap]
    contract: StoredContract | None = None
    checked: Checked | None = None
    stops: Mapping[UUID, Stop] = field(default_factory=dict)

    @property
    def stop(self) -> Stop | None:
        """Why the listing as a whole is not on sale by a regulator's order, or None."""
        return _stop(self.shelf.listing, self.stops)

    @property
    def supplier(self) -> LocaleMap:
        """What the supplier is called; empty when it is not verified now."""
        return self.names.get(self.shelf.listing.supplier_id, {})


async def search_listings(tx: Tx, wanted: SearchFilter, page: PageRequest) -> Page[Card]:
    """A page of published listings with what a reader compares first: five statements.

    errors   BadCursor
    """
    found = await public.search(tx, wanted, page)
    listings = [one.listing for one in found.items]
    names = await parties.public_names(tx, [one.supplier_id for one in listings])
    offers = await public.offers(tx, [one.id for one in listings])
    scores = await quality.disclosed_scores(tx, [one.revision_id for one in listings])
    stops = await audit.stops(tx, list({about for one in listings for about in _about(one)}))
    cards = []
    for one in listings:
        score, grade = scores.get(one.revision_id, (None, None))
        name = names.get(one.supplier_id, {})
        cards.append(Card(one, name, offers[one.id], score, grade, _stop(one, stops)))
    return Page(cards, found.next_cursor)


async def show_listing(tx: Tx, listing_id: UUID) -> ListingPage | None:
    """One published listing with scorecard, certificates and names; None for others."""
    shelf = await public.shelf(tx, listing_id)
    if shelf is None:
        return None
    scorecard = await quality.visible_scorecard(tx, None, shelf.revision.id)
    certificates = await quality.certificates_of(tx, [shelf.revision.id])
    concerned = {shelf.listing.supplier_id, *(one.assessor_id for one in certificates)}
    names = await parties.public_names(tx, sorted(concerned))
    contract = await data_contracts.public_contract(tx, shelf.dataset.id)
    checked = None if contract is None else await data_contracts.check_of(tx, shelf.revision.id)
    stops = await audit.stops(tx, [*_about(shelf.listing), *(one.id for one in shelf.offers)])
    return ListingPage(shelf, scorecard, certificates, names, contract, checked, stops)


def _about(one: Listing) -> tuple[UUID, ...]:
    """What may be frozen or delisted of a listing as a whole, the nearest first."""
    return one.id, one.revision_id, one.dataset_id, one.supplier_id


def _stop(one: Listing, stops: Mapping[UUID, Stop]) -> Stop | None:
    found = [stops[about] for about in _about(one) if about in stops]
    return next((stop for stop in found if stop.kind == "freeze"), found[0] if found else None)

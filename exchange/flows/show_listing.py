"""What anybody may read about a listing, from every package that knows something of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class ListingPage:
    """All that stands about one published listing, and what its parties are called."""

    shelf: Shelf
    scorecard: StoredScorecard | None
    certificates: Sequence[Certificate]
    names: dict[UUID, LocaleMap]
    contract: StoredContract | None = None
    checked: Checked | None = None

    @property
    def supplier(self) -> LocaleMap:
        """What the supplier is called; empty when it is not verified now."""
        return self.names.get(self.shelf.listing.supplier_id, {})


async def search_listings(tx: Tx, wanted: SearchFilter, page: PageRequest) -> Page[Card]:
    """A page of published listings with what a reader compares first: four statements.

    errors   BadCursor
    """
    found = await public.search(tx, wanted, page)
    listings = [one.listing for one in found.items]
    names = await parties.public_names(tx, [one.supplier_id for one in listings])
    offers = await public.offers(tx, [one.id for one in listings])
    scores = await quality.disclosed_scores(tx, [one.revision_id for one in listings])
    cards = []
    for one in listings:
        score, grade = scores.get(one.revision_id, (None, None))
        cards.append(Card(one, names.get(one.supplier_id, {}), offers[one.id], score, grade))
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
    return ListingPage(shelf, scorecard, certificates, names, contract, checked)

"""Listings: what is shown to buyers, and the table of states it moves along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.catalog.datasets import Dataset, Modality, PersonalData, check_both_languages, refuse_inactive
from exchange.catalog.problems import LISTING_INVALID, LISTING_STATE
from exchange.catalog.revisions import Revision
from exchange.catalog.settings import CatalogSettings
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.text import LocaleMap


class ListingState(StrEnum):
    """Where a listing stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUSPENDED = "suspended"
    DELISTED = "delisted"


# draft -> published by the supplier, when the rules pass; published -> suspended by a directive or the operator, and
# back; anything -> delisted for good.
MOVES: Mapping[ListingState, frozenset[ListingState]] = {
    ListingState.DRAFT: frozenset({ListingState.PUBLISHED, ListingState.DELISTED}),
    ListingState.PUBLISHED: frozenset({ListingState.SUSPENDED, ListingState.DELISTED}),
    ListingState.SUSPENDED: frozenset({ListingState.PUBLISHED, ListingState.DELISTED}),
    ListingState.DELISTED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class ListingDraft:
    """What a supplier hands in."""

    revision_id: UUID
    title: LocaleMap
    summary: LocaleMap


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing with what it repeats of its dataset, so that a search reads one table."""

    id: UUID
    dataset_id: UUID
    revision_id: UUID
    supplier_id: UUID
    state: ListingState
    title: LocaleMap
    summary: LocaleMap
    modality: Modality
    languages: tuple[str, ...]
    personal_data: PersonalData
    licence: str
    created_at: datetime
    published_at: datetime | None


def draft(
    request: ListingDraft,
    dataset: Dataset,
    revision: Revision,
    *,
    new_id: UUID,
    now: datetime,
    settings: CatalogSettings,
) -> Listing | Problem:
    """Make a draft listing of a revision, or say why not."""
    if revision.dataset_id != dataset.id or revision.supplier_id != dataset.supplier_id:
        return NOT_FOUND()
    refused = refuse_inactive(dataset)
    if refused is not None:
        return refused
    for field, texts, limit in (
        ("title", request.title, settings.title_max_chars),
        ("summary", request.summary, settings.description_max_chars),
    ):
        reason = check_both_languages(texts, limit)
        if reason is not None:
            return LISTING_INVALID(field=field, reason=reason)
    return Listing(
        id=new_id,
        dataset_id=dataset.id,
        revision_id=revision.id,
        supplier_id=dataset.supplier_id,
        state=ListingState.DRAFT,
        title=dict(request.title),
        summary=dict(request.summary),
        modality=dataset.modality,
        languages=dataset.languages,
        personal_data=dataset.personal_data,
        licence=dataset.licence,
        created_at=now,
        published_at=None,
    )


def move(listing: Listing, wanted: ListingState, now: datetime) -> Listing | Problem:
    """Move a listing along the table; the first publication sets its date."""
    if wanted not in MOVES[listing.state]:
        return LISTING_STATE(state=listing.state.value, wanted=wanted.value)
    published_at = listing.published_at
    if wanted is ListingState.PUBLISHED and published_at is None:
        published_at = now
    return replace(listing, state=wanted, published_at=published_at)


def publish(listing: Listing, now: datetime) -> Listing | Problem:
    """Publish a draft; a suspended listing is resumed by whoever suspended it, never by its supplier."""
    if listing.state is not ListingState.DRAFT:
        return LISTING_STATE(state=listing.state.value, wanted=ListingState.PUBLISHED.value)
    return move(listing, ListingState.PUBLISHED, now)

"""A supplier drafts a listing of a revision."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.catalog import listings, search
from exchange.catalog.datasets import Dataset
from exchange.catalog.listings import Listing, ListingDraft
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import datasets
from exchange.catalog.store import listings as store
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import NOT_FOUND, Problem


class ListingReceipt(msgspec.Struct, frozen=True):
    """A listing as it stands."""

    id: str
    dataset: str
    revision: str
    state: str


async def draft_listing(
    tx: Tx, actor: Actor, draft: ListingDraft, settings: CatalogSettings
) -> ListingReceipt | Problem:
    """Write a draft that only its supplier sees.

    errors   answers not-found, dataset-not-active, listing-invalid
    """
    revision = await datasets.find_revision(tx, draft.revision_id)
    if revision is None or revision.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    dataset = await datasets.find_dataset(tx, revision.dataset_id)
    if dataset is None or dataset.supplier_id != actor.organisation_id:
        return NOT_FOUND()
    listing = listings.draft(draft, dataset, revision, new_id=tx.new_id(), now=tx.now, settings=settings)
    if isinstance(listing, Problem):
        return listing
    await store.insert_listing(tx, listing, search_words(listing, dataset))
    await audit.append(tx, [done(actor, "listing.draft", ids.text("lst", listing.id), revision=revision.sha256)])
    return receipt(listing)


def search_words(listing: Listing, dataset: Dataset) -> str:
    """Write the index of a listing: both languages of its title, then its summary, then what the dataset says."""
    return search.vector(
        [
            *((text, "A") for text in listing.title.values()),
            *((text, "B") for text in listing.summary.values()),
            *((text, "B") for text in dataset.title.values()),
            *((text, "C") for text in dataset.description.values()),
            (f"{dataset.licence} {' '.join(dataset.languages)} {dataset.modality.value}", "D"),
        ]
    )


def receipt(listing: Listing) -> ListingReceipt:
    """Say how a listing stands."""
    return ListingReceipt(
        id=ids.text("lst", listing.id),
        dataset=ids.text("ds", listing.dataset_id),
        revision=ids.text("rev", listing.revision_id),
        state=listing.state.value,
    )

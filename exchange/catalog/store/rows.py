"""Rows of the schema catalog as values of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.catalog.datasets import Dataset, DatasetState, Modality, PersonalData
from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.offers import Offer, OfferKind
from exchange.catalog.revisions import Asset, Revision, StoredAsset
from exchange.catalog.tables import dataset, listing, offer, revision, upload
from exchange.catalog.uploads import Upload, UploadState
from exchange.catalog.upstreams import Upstream

Row = Mapping[Any, Any]
DATASET = tuple(dataset.c)
REVISION = tuple(revision.c)
OFFER = tuple(offer.c)
UPLOAD = tuple(column for column in upload.c if column.name not in ("path_key", "revision_id"))
LISTING = tuple(column for column in listing.c if column.name != "search")


def dataset_of(row: Row) -> Dataset:
    """Read a dataset."""
    return Dataset(
        **{
            **row,
            "modality": Modality(row["modality"]),
            "languages": tuple(row["languages"]),
            "personal_data": PersonalData(row["personal_data"]),
            "state": DatasetState(row["state"]),
            "derived_from": tuple(Upstream(**one) for one in row["derived_from"] or ()),
        }
    )


def upload_of(row: Row) -> Upload:
    """Read an upload."""
    return Upload(**{**row, "state": UploadState(row["state"])})


def revision_of(row: Row) -> Revision:
    """Read a revision."""
    return Revision(**row)


def asset_of(row: Row) -> StoredAsset:
    """Read a file of a revision."""
    asset = Asset(row["path"], bytes(row["sha256"]), row["size_bytes"], row["media_type"], row["node_id"])
    return StoredAsset(row["id"], row["revision_id"], row["position"], asset)


def listing_of(row: Row) -> Listing:
    """Read a listing."""
    return Listing(
        **{
            **row,
            "state": ListingState(row["state"]),
            "modality": Modality(row["modality"]),
            "languages": tuple(row["languages"]),
            "personal_data": PersonalData(row["personal_data"]),
        }
    )


def offer_of(row: Row) -> Offer:
    """Read one version of an offer."""
    return Offer(**{**row, "kind": OfferKind(row["kind"])})

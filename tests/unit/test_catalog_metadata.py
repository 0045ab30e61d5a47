"""A listing in the forms of other catalogues."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from exchange.catalog.browsing import Shelf
from exchange.catalog.datasets import Dataset, DatasetState, Modality, PersonalData
from exchange.catalog.listings import Listing, ListingState
from exchange.catalog.metadata import Addresses, croissant, dcat
from exchange.catalog.revisions import Asset, Revision, StoredAsset

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
BOTH = {"en": "Tang poems", "zh": "唐诗"}
ONE = UUID(int=1)
SHELF = Shelf(
    Listing(
        ONE,
        ONE,
        ONE,
        ONE,
        ListingState.PUBLISHED,
        BOTH,
        BOTH,
        Modality.TEXT,
        ("zh",),
        PersonalData.NONE,
        "MIT",
        NOW,
        NOW,
    ),
    Dataset(
        ONE,
        ONE,
        BOTH,
        BOTH,
        Modality.TEXT,
        ("zh",),
        PersonalData.NONE,
        "MIT",
        BOTH,
        0,
        None,
        None,
        DatasetState.ACTIVE,
        NOW,
    ),
    Revision(ONE, ONE, ONE, 2, b"{}", b"\x01" * 32, 5, 1, NOW),
    (),
)
ASSETS = [StoredAsset(ONE, ONE, 0, Asset("a.jsonl", b"\x02" * 32, 5, "application/x-ndjson", "centre"))]
AT = Addresses("https://x.example/l/1", lambda stored: f"https://x.example/f/{stored.asset.path}", BOTH)


def test_croissant_has_every_required_property() -> None:
    document = croissant(SHELF, ASSETS, AT)
    for name in [
        "@context",
        "@type",
        "conformsTo",
        "description",
        "license",
        "name",
        "url",
        "creator",
        "datePublished",
    ]:
        assert document[name]
    (file,) = document["distribution"]
    assert file["sha256"] == "02" * 32
    assert file["contentUrl"] == "https://x.example/f/a.jsonl"


def test_dcat_says_both_languages() -> None:
    document = dcat(SHELF, ASSETS, AT)
    assert document["dct:title"] == [
        {"@value": "Tang poems", "@language": "en"},
        {"@value": "唐诗", "@language": "zh"},
    ]
    assert document["dcat:distribution"][0]["dcat:accessURL"] == {"@id": "https://x.example/f/a.jsonl"}

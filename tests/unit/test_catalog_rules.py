"""Decisions of the catalogue, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from exchange.catalog import datasets, listings, offers, revisions, uploads
from exchange.catalog.datasets import Dataset, DatasetDraft, DatasetState
from exchange.catalog.listings import MOVES, Listing, ListingDraft, ListingState
from exchange.catalog.offers import OfferRequest
from exchange.catalog.revisions import Asset, Previous, Sealed
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.uploads import Upload, UploadRequest, UploadState
from exchange.kernel import ids
from exchange.kernel.canonical import sha256
from exchange.kernel.errors import Problem

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
SETTINGS = CatalogSettings(asset_size_max_bytes=100, revision_assets_max=3, revision_size_max_bytes=150)
SUPPLIER, STRANGER = UUID(int=1), UUID(int=2)
BOTH = {"en": "Tang poems", "zh": "唐诗"}
DRAFT = DatasetDraft(BOTH, BOTH, "text", ("zh-Hans", "en"), "none", "CC0-1.0", BOTH, 0)


def dataset(**changes: Any) -> Dataset:
    made = datasets.register(DRAFT, new_id=UUID(int=10), supplier_id=SUPPLIER, now=NOW, settings=SETTINGS)
    assert isinstance(made, Dataset)
    return replace(made, **changes)


def upload(path: str = "a.txt", size: int = 5, number: int = 20, content: bytes = b"a") -> Upload:
    made = uploads.start(
        UploadRequest(UUID(int=10), path, size), dataset(), new_id=UUID(int=number), now=NOW, settings=SETTINGS
    )
    assert isinstance(made, Upload)
    done = uploads.complete(made, SUPPLIER, sha256(content))
    assert isinstance(done, Upload)
    return done


def slug(answer: object) -> str:
    assert isinstance(answer, Problem), answer
    for language in ("en", "zh"):
        assert answer.detail(language)
        assert "{" not in answer.detail(language)
    return answer.slug


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": {"en": "only"}}, "title"),
        ({"title": {"en": " ", "zh": "唐诗"}}, "title"),
        ({"title": {**BOTH, "fr": "x"}}, "title"),
        ({"title": {"en": "x" * 201, "zh": "唐诗"}}, "title"),
        ({"title": {"en": "bell\x07", "zh": "唐诗"}}, "title"),
        ({"modality": "smell"}, "modality"),
        ({"languages": ()}, "languages"),
        ({"languages": ("Chinese",)}, "languages"),
        ({"personal_data": "some"}, "personal_data"),
        ({"licence": "a\nb"}, "licence"),
        ({"provenance": {}}, "provenance"),
        ({"synthetic_share": 10_001}, "synthetic_share"),
        ({"legal_basis": " "}, "legal_basis"),
        ({"cross_border_basis": "x" * 1_001}, "cross_border_basis"),
    ],
)
def test_an_incomplete_dataset_names_its_field(change: dict[str, Any], field: str) -> None:
    answer = datasets.register(
        replace(DRAFT, **change), new_id=UUID(int=10), supplier_id=SUPPLIER, now=NOW, settings=SETTINGS
    )
    assert slug(answer) == "dataset-invalid"
    assert isinstance(answer, Problem)
    assert answer.fields["field"] == field


def test_an_upload_is_limited_and_only_goes_into_an_active_dataset() -> None:
    def start(path: str, size: int, state: DatasetState = DatasetState.ACTIVE) -> object:
        request = UploadRequest(UUID(int=10), path, size)
        return uploads.start(request, dataset(state=state), new_id=UUID(int=20), now=NOW, settings=SETTINGS)

    assert slug(start("../x", 5)) == "path-invalid"
    assert slug(start("x", 101)) == "upload-too-large"
    assert slug(start("x", -1)) == "upload-too-large"
    assert slug(start("x", 5, DatasetState.FROZEN)) == "dataset-not-active"
    assert isinstance(start("x", 0), Upload)


def test_completing_twice_is_once_and_another_hash_is_refused() -> None:
    opened = replace(upload(), state=UploadState.OPEN, sha256=None, declared_sha256=sha256(b"right"))
    assert slug(uploads.complete(opened, SUPPLIER, sha256(b"wrong"))) == "upload-hash-mismatch"
    done = uploads.complete(opened, SUPPLIER, sha256(b"right"))
    assert isinstance(done, Upload)
    assert uploads.complete(done, SUPPLIER, sha256(b"right")) == done
    assert slug(uploads.complete(done, SUPPLIER, sha256(b"other"))) == "upload-not-open"
    assert slug(uploads.complete(opened, STRANGER, sha256(b"right"))) == "not-found"
    assert slug(uploads.abandon(opened, STRANGER)) == "not-found"
    assert slug(uploads.abandon(replace(done, state=UploadState.SEALED), SUPPLIER)) == "upload-not-open"


def seal(*given: Upload, previous: Previous | None = None, keep: tuple[str, ...] = ()) -> Sealed | Problem:
    found = revisions.gather(given, [one.id for one in given], keep, previous, dataset())
    if isinstance(found, Problem):
        return found
    return revisions.seal(dataset(), found, previous, new_id=UUID(int=30), now=NOW, settings=SETTINGS)


def test_a_revision_is_named_by_its_manifest() -> None:
    a, b = upload("a.txt", number=20), upload("b.csv", number=21, content=b"b")
    one, other = seal(a, b), seal(b, a)
    assert isinstance(one, Sealed)
    assert one == other
    revision = one.revision
    assert revision.sha256 == sha256(revision.manifest)
    assert msgspec.json.decode(revision.manifest) == {
        "type": "revision",
        "v": 1,
        "dataset": ids.text("ds", UUID(int=10)),
        "number": 1,
        "assets": [
            {"path": "a.txt", "sha256": sha256(b"a").hex(), "size_bytes": 5, "media_type": "text/plain"},
            {"path": "b.csv", "sha256": sha256(b"b").hex(), "size_bytes": 5, "media_type": "text/csv"},
        ],
    }


def test_the_same_files_are_no_new_revision_but_a_kept_path_beside_a_new_one_is() -> None:
    first = seal(upload("a.txt"))
    assert isinstance(first, Sealed)
    previous = Previous(first.revision, first.assets)
    assert slug(seal(upload("a.txt", number=22), previous=previous)) == "revision-unchanged"
    second = seal(upload("b.txt", number=23, content=b"b"), previous=previous, keep=("a.txt",))
    assert isinstance(second, Sealed)
    assert second.revision.number == 2
    assert [asset.path for asset in second.assets] == ["a.txt", "b.txt"]
    assert slug(seal(previous=previous, keep=("zz",))) == "not-found"


def test_a_revision_refuses_what_does_not_fit() -> None:
    assert slug(seal()) == "revision-empty"
    assert slug(seal(upload("a.txt", number=1), upload("A.TXT", number=2))) == "path-taken"
    many = [upload(f"{number}.txt", number=number + 1) for number in range(4)]
    assert slug(seal(*many)) == "revision-too-large"
    large = [upload(f"{number}.txt", size=80, number=number + 1) for number in range(2)]
    assert slug(seal(*large)) == "revision-too-large"
    assert slug(seal(replace(upload(), state=UploadState.OPEN))) == "upload-incomplete"
    assert slug(seal(replace(upload(), state=UploadState.SEALED))) == "upload-not-open"
    assert slug(seal(replace(upload(), supplier_id=STRANGER))) == "not-found"
    assert slug(seal(replace(upload(), dataset_id=UUID(int=99)))) == "not-found"


def listing() -> Listing:
    sealed = seal(upload())
    assert isinstance(sealed, Sealed)
    request = ListingDraft(sealed.revision.id, BOTH, BOTH)
    made = listings.draft(request, dataset(), sealed.revision, new_id=UUID(int=40), now=NOW, settings=SETTINGS)
    assert isinstance(made, Listing)
    return made


@pytest.mark.parametrize("before", list(ListingState))
@pytest.mark.parametrize("after", list(ListingState))
def test_a_listing_moves_along_the_written_table_only(before: ListingState, after: ListingState) -> None:
    moved = listings.move(replace(listing(), state=before), after, NOW)
    if after in MOVES[before]:
        assert isinstance(moved, Listing)
        assert moved.state is after
        assert (moved.published_at == NOW) is (after is ListingState.PUBLISHED)
    else:
        assert slug(moved) == "listing-state"


@pytest.mark.parametrize("state", list(ListingState))
def test_only_a_draft_is_published_so_that_no_supplier_lifts_a_suspension(state: ListingState) -> None:
    answer = listings.publish(replace(listing(), state=state), NOW)
    if state is ListingState.DRAFT:
        assert isinstance(answer, Listing)
    else:
        assert slug(answer) == "listing-state"


BROKER = ids.text("org", UUID(int=7))
DOCUMENT: dict[str, Any] = {
    "type": "offer",
    "v": 1,
    "kind": "one_off",
    "currency": "CNY",
    "plan": {"x": 1},
    "terms": {"x": 1},
    "delivery": {"files": True, "rows": False},
    "shares": [
        {"role": "supplier", "weight": 8000},
        {"role": "broker", "organisation": BROKER, "weight": 800},
        {"role": "platform", "weight": 1200},
    ],
}


def version(document: dict[str, Any], current: tuple[offers.Offer, ...] = (), code: str = "once") -> object:
    return offers.version(
        OfferRequest(UUID(int=40), code, document),
        listing(),
        current,
        entry_units=1,
        latest=len(current),
        new_id=UUID(int=50),
        now=NOW,
        settings=replace_settings(offers_max=1),
    )


def replace_settings(**changes: Any) -> CatalogSettings:
    return msgspec.structs.replace(SETTINGS, **changes)


def test_an_offer_is_versioned_and_the_same_document_is_refused() -> None:
    first = version(DOCUMENT)
    assert isinstance(first, offers.Offer)
    assert first.version == 1
    assert first.sha256 == sha256(first.document)
    assert slug(version(DOCUMENT, (first,))) == "offer-unchanged"
    assert slug(version(DOCUMENT, (first,), code="other")) == "offers-too-many"
    second = version({**DOCUMENT, "plan": {"x": 2}}, (first,))
    assert isinstance(second, offers.Offer)
    assert second.version == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"v": 2}, "type"),
        ({"kind": "gift"}, "kind"),
        ({"currency": "RMB¥"}, "currency"),
        ({"plan": []}, "plan"),
        ({"terms": {}}, "terms"),
        ({"delivery": {"files": False, "rows": False}}, "delivery"),
        ({"delivery": {"files": 1, "rows": True}}, "delivery"),
        ({"delivery": {"files": True}}, "delivery"),
        ({"shares": []}, "shares"),
        ({"shares": [{"role": "supplier", "weight": 9999}]}, "shares"),
        ({"shares": [{"role": "platform", "weight": 10000}]}, "shares"),
        ({"shares": [{"role": "supplier", "weight": 10000.0}]}, "shares"),
        ({"shares": [{"role": "supplier", "weight": True}, {"role": "platform", "weight": 9999}]}, "shares"),
        ({"shares": [{"role": "supplier", "weight": 9000}, {"role": "broker", "weight": 1000}]}, "shares"),
        ({"shares": [{"role": "supplier", "weight": 5000}, {"role": "supplier", "weight": 5000}]}, "shares"),
        ({"plan": {"x": 1.5}}, "document"),
        ({"extra": 1}, "document"),
        ({"plan": {"x": "y" * 70_000}}, "document"),
    ],
)
def test_an_offer_of_a_wrong_form_names_its_field(change: dict[str, Any], field: str) -> None:
    answer = version({**DOCUMENT, **change})
    assert slug(answer) == "offer-invalid"
    assert isinstance(answer, Problem)
    assert answer.fields["field"] == field


def test_assets_are_values() -> None:
    assert Asset("a", b"x", 1, "text/plain", "centre") == Asset("a", b"x", 1, "text/plain", "centre")

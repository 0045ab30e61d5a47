"""Browsing: what a buyer may ask of the catalogue, and what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from exchange.catalog.datasets import Dataset, Modality
from exchange.catalog.listings import Listing
from exchange.catalog.offers import Offer, OfferKind
from exchange.catalog.problems import SEARCH_INVALID
from exchange.catalog.revisions import Revision
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text

WORDS_MAX_CHARS = 500
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z")


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What a search narrows to; an empty field narrows nothing.

    `price_max` bounds what one pays to start: the price, the first period's fee, nothing for pay per use.
    """

    words: str = ""
    modality: str | None = None
    language: str | None = None
    licence: str | None = None
    kind: str | None = None
    currency: str | None = None
    price_max: Money | None = None
    supplier_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A listing in a search result; a higher rank stands earlier."""

    listing: Listing
    rank: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that stands about one published listing."""

    listing: Listing
    dataset: Dataset
    revision: Revision
    offers: tuple[Offer, ...]


def refuse_filter(wanted: SearchFilter) -> Problem | None:
    """Say which filter could never match by its form, or None."""
    if len(wanted.words) > WORDS_MAX_CHARS:
        return _wrong("words", f"there are more than {WORDS_MAX_CHARS} characters", f"超过 {WORDS_MAX_CHARS} 个字符")
    if wanted.modality is not None and wanted.modality not in [one.value for one in Modality]:
        names = ", ".join(one.value for one in Modality)
        return _wrong("modality", f"it is not one of {names}", f"取值应为 {names} 之一")
    if wanted.kind is not None and wanted.kind not in [one.value for one in OfferKind]:
        names = ", ".join(one.value for one in OfferKind)
        return _wrong("kind", f"it is not one of {names}", f"取值应为 {names} 之一")
    if wanted.language is not None and not _TAG.match(wanted.language):
        return _wrong("language", "it is no BCP 47 tag such as zh or en", "应为 BCP 47 标签，例如 zh 或 en")
    if wanted.price_max is not None and wanted.price_max.units < 0:
        return _wrong("price_max", "it is below zero", "不能小于零")
    return None


def _wrong(field: str, english: str, chinese: str) -> Problem:
    return SEARCH_INVALID(field=field, reason=Text(english, chinese))

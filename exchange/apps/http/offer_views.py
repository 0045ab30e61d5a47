"""Offers in plain words: what they cost, and what one may, may not and must do."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from contracts import frame, terms
from exchange.apps.http.wire import MoneyWire, Sha256, Texts, json_of, money_wire
from exchange.catalog.offers import Offer
from exchange.kernel import ids
from pricing import plans, words


class PlainTerms(msgspec.Struct, frozen=True):
    """Licence terms in sentences that begin with "you may", "you may not" and "you must"."""

    you_may: list[Texts]
    you_may_not: list[Texts]
    you_must: list[Texts]
    unclear: Annotated[list[Texts], Meta(description="Not said in the terms, and so not allowed.")]
    instead: Annotated[list[dict[str, Any]], Meta(description="Other sets of terms that one may choose.")]


class FrameSection(msgspec.Struct, frozen=True):
    """One part of the legal frame in plain words; where the offer does not state it, `missing` is true."""

    key: Annotated[str, Meta(examples=["governing_law"])]
    title: Texts
    sentences: list[Texts]
    missing: bool


class PublicOffer(msgspec.Struct, frozen=True):
    """An offer that can be bought now. `document` is what `sha256` is over, in canonical form."""

    id: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"])]
    code: Annotated[str, Meta(examples=["once"])]
    version: int
    kind: Annotated[str, Meta(examples=["one_off"])]
    entry_price: Annotated[MoneyWire, Meta(description="What one pays to start.")]
    price: Annotated[list[Texts], Meta(description="The price plan in plain words.")]
    terms: PlainTerms
    frame: Annotated[
        list[FrameSection],
        Meta(
            description="Law, forum, warranties, liability, likeness, acceptance: every part, missing ones as missing."
        ),
    ]
    delivery: Annotated[dict[str, bool], Meta(examples=[{"files": True, "rows": True}])]
    document: dict[str, Any]
    sha256: Sha256


def public_offer(offer: Offer) -> PublicOffer:
    """An offer as everybody sees it: the document, and the same in plain words."""
    document = json_of(offer.document)
    licence = terms.load(document["terms"])
    plain = terms.plain_words(licence).document()
    return PublicOffer(
        id=ids.text("ofr", offer.id),
        code=offer.code,
        version=offer.version,
        kind=offer.kind.value,
        entry_price=money_wire(offer.entry_units, offer.currency),
        price=[text.map() for text in words.describe(plans.load(document["plan"]))],
        terms=PlainTerms(**plain),
        frame=frame_sections(document, licence.prevailing_language),
        delivery=document["delivery"],
        document=document,
        sha256=offer.sha256.hex(),
    )


def frame_sections(document: dict[str, Any], prevailing_language: str) -> list[FrameSection]:
    """The legal frame of an offer document in plain words, with what it does not state as missing."""
    legal = frame.load(document["frame"]) if "frame" in document else None
    return [FrameSection(**section.document()) for section in frame.words(legal, prevailing_language)]

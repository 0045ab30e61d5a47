"""An offer's terms as everybody may read them: in plain words, as the document, and as an ODRL policy."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from contracts import odrl
from contracts import terms as licence
from exchange.apps.http.offer_views import FrameSection, PlainTerms, frame_sections
from exchange.apps.http.wire import Id, Sha256, json_of
from exchange.catalog.listings import Listing
from exchange.catalog.offers import Offer, OfferStanding
from exchange.kernel import ids


class TermsDocument(msgspec.Struct, frozen=True):
    """An offer's terms and legal frame: sentences in both languages, the documents, and an ODRL 2.2 policy.

    `sha256` is over the canonical form of `document`; an agreement names it as terms_sha256. `policy` says the same as
    `document`; for an SPDX expression it names the licence.
    """

    offer: Id
    listing: Id
    standing: Annotated[str, Meta(examples=["current"])]
    plain: PlainTerms
    frame: list[FrameSection]
    document: dict[str, Any]
    legal: dict[str, Any] | None
    sha256: Sha256
    policy: dict[str, Any]


def terms_document(offer: Offer, listing: Listing, standing: OfferStanding) -> TermsDocument:
    """The terms of one version of an offer as everybody may read them."""
    document = json_of(offer.document)
    terms = licence.load(document["terms"])
    name = ids.text("ofr", offer.id)
    return TermsDocument(
        offer=name,
        listing=ids.text("lst", listing.id),
        standing=standing.value,
        plain=PlainTerms(**licence.plain_words(terms).document()),
        frame=frame_sections(document, terms.prevailing_language),
        document=document["terms"],
        legal=document.get("frame"),
        sha256=terms.sha256,
        policy=odrl.offer(document["terms"], f"urn:uuid:{offer.id}", target=f"urn:uuid:{listing.id}"),
    )

"""What an offer lets its buyer do: in plain words, as the document, and as an ODRL policy."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar.params import FromPath
from msgspec import Meta

from contracts import odrl
from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import show
from exchange.apps.http.offer_views import FrameSection, PlainTerms, frame_sections
from exchange.apps.http.wire import Id, Sha256, json_of, object_id
from exchange.catalog.listings import Listing
from exchange.catalog.offers import Offer, OfferStanding
from exchange.catalog.store import public
from exchange.kernel import ids
from contracts import terms as licence


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


@show("/catalog/v1/offers/{offer:str}/terms", TermsDocument, 404)
async def read_terms(request: Asked, offer: FromPath[str]) -> TermsDocument:
    """What an offer's terms let you do, with its legal frame and as an ODRL policy. 报价方案的许可条款与 ODRL 策略。"""
    async with services_of(request).db.read(None) as tx:
        return terms_document(*found(await public.offer_on_show(tx, object_id("ofr", offer))))


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
        policy=odrl.offer(
            document["terms"], f"urn:uuid:{offer.id}", target=f"urn:uuid:{listing.dataset_id}"
        ),
    )


ROUTES: tuple[Any, ...] = (read_terms,)

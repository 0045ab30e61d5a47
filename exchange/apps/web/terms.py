"""An offer's terms as a page: you may, you may not, you must, what is not said, and the legal frame."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.pages import render
from exchange.apps.http.terms_views import terms_document
from exchange.apps.http.wire import object_id
from exchange.catalog.store import public


@get("/offers/{offer:str}/terms")
async def offer_terms(request: Asked, offer: FromPath[str]) -> Response[bytes]:
    """What an offer lets its buyer do, in the reader's language."""
    async with services_of(request).db.read(None) as tx:
        version, listing, standing = found(await public.offer_on_show(tx, object_id("ofr", offer)))
    page = terms_document(version, listing, standing)
    return render(
        request,
        "terms.html",
        page=page,
        offer=version,
        listing=listing,
        sets=[msgspec.to_builtins(page.plain), *page.plain.instead],
    )


ROUTES: tuple[Any, ...] = (offer_terms,)

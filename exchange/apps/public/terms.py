"""What an offer lets its buyer do, for programs."""

from __future__ import annotations

from typing import Any

from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import show
from exchange.apps.http.terms_views import TermsDocument, terms_document
from exchange.apps.http.wire import object_id
from exchange.catalog.store import public


@show("/catalog/v1/offers/{offer:str}/terms", TermsDocument, 404)
async def read_terms(request: Asked, offer: FromPath[str]) -> TermsDocument:
    """What an offer's terms let you do, with its legal frame and as an ODRL policy. 报价方案的许可条款与 ODRL 策略。"""
    async with services_of(request).db.read(None) as tx:
        return terms_document(*found(await public.offer_on_show(tx, object_id("ofr", offer))))


ROUTES: tuple[Any, ...] = (read_terms,)

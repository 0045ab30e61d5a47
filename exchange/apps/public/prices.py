"""What anybody may read about prices: an offer's price."""

from __future__ import annotations

from typing import Any

from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import show
from exchange.apps.http.price_views import PriceDocument, price_document
from exchange.apps.http.wire import object_id
from exchange.flows.show_price import show_price


@show("/catalog/v1/offers/{offer:str}/price", PriceDocument, 404)
async def read_price(request: Asked, offer: FromPath[str]) -> PriceDocument:
    """An offer's price: in words, as a table, per currency and buyer class, with worked examples. 报价方案的价格说明。"""
    services = services_of(request)
    async with services.db.read(None) as tx:
        page = found(await show_price(tx, object_id("ofr", offer)))
    return price_document(page, services.db.clock.now())


ROUTES: tuple[Any, ...] = (read_price,)

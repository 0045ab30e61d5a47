"""What anybody may read about prices: an offer's price, and the JSON Schema of price plans."""

from __future__ import annotations

import json
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from exchange.apps.http.answers import Asked, found
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers, show
from exchange.apps.http.price_views import PriceDocument, price_document
from exchange.apps.http.wire import object_id
from exchange.flows.show_price import show_price
from pricing.plans import PLAN_SCHEMA

SCHEMA_PATH = "/catalog/v1/schemas/plan.schema.json"
_SCHEMA = json.dumps(PLAN_SCHEMA, ensure_ascii=False, indent=2).encode()


@show("/catalog/v1/offers/{offer:str}/price", PriceDocument, 404)
async def read_price(request: Asked, offer: FromPath[str]) -> PriceDocument:
    """An offer's price: in words, as a table, per currency and buyer class, with worked examples. 报价方案的价格说明。"""
    services = services_of(request)
    async with services.db.read(None) as tx:
        page = found(await show_price(tx, object_id("ofr", offer)))
    return price_document(page, services.db.clock.now())


@get(
    SCHEMA_PATH,
    responses=answers(dict[str, Any], 200, media_type="application/schema+json"),
)
async def read_plan_schema() -> Response[bytes]:
    """The JSON Schema of price plans, for editors and programs. 价格方案的 JSON Schema。"""
    headers = {"cache-control": "public, max-age=3600"}
    return Response(_SCHEMA, media_type="application/schema+json", headers=headers)


ROUTES: tuple[Any, ...] = (read_price, read_plan_schema)

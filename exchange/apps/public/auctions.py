"""The auctions of a listing, as everybody may see them."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath

from contracts import auctions_store
from exchange.apps.http.answers import Asked
from exchange.apps.http.auction_views import AuctionView, auction_view
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import listing
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import object_id


@listing("/catalog/v1/listings/{listing:str}/auctions", AuctionView, 400, 404)
async def read_auctions(
    request: Asked, listing: FromPath[str], limit: Limit = None, cursor: Cursor = None
) -> Response[bytes]:
    """The auctions of a listing's offers, newest first: times, exclusivity, state; no bids. 上架产品的拍卖。"""
    listing_id, now = object_id("lst", listing), services_of(request).db.clock.now()
    return await show_page(
        request,
        None,
        lambda tx, page: auctions_store.listing_auctions(tx, listing_id, page),
        lambda one: auction_view(one, now),
        limit,
        cursor,
    )


ROUTES = (read_auctions,)

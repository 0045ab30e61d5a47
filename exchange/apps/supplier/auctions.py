"""Auctions: exclusive licences sold to the highest of sealed bids, at the second highest price."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import auctions_store
from contracts.auctions import SALT_BYTES, Exclusivity
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.auction_views import (
    AuctionView,
    SupplierAuction,
    auction_view,
    award_view,
    result_view,
    winner_view,
)
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import MoneyWire, Texts, body_id, money, object_id
from exchange.flows import cancel_auction, open_auction
from exchange.flows.open_auction import AuctionReceipt, AuctionRequest
from exchange.flows.show_auction import show_to_supplier

_PATH = "/supplier/v1/auctions/{auction:str}"


class AuctionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An auction of a current offer whose plan has one component of the model auction."""

    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"], max_length=40)]
    exclusive: Annotated[
        Literal["exclusive", "time_exclusive"],
        Meta(description="For good, or for `exclusive_days` from the award.", examples=["time_exclusive"]),
    ]
    reserve: Annotated[MoneyWire, Meta(description="The least it goes for, in the offer's currency.")]
    closes_at: Annotated[
        datetime, Meta(tz=True, description="1 hour to 90 days after it opens.", examples=["2026-02-01T10:00:00Z"])
    ]
    opens_at: (
        Annotated[datetime, Meta(tz=True, description="At once if not given.", examples=["2026-01-20T10:00:00Z"])]
        | None
    ) = None
    exclusive_days: Annotated[int, Meta(ge=1, le=3650, examples=[365])] | None = None
    reserve_public: Annotated[
        bool, Meta(description="A secret reserve is bound by its hash, and opened to the bidders after the end.")
    ] = True


class Cancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an auction is called off, for those who may have bid; in English and Chinese."""

    reason: Annotated[Texts, Meta(examples=[{"en": "The licence changed.", "zh": "许可条款有变。"}])]


@command("/supplier/v1/auctions", AuctionReceipt)
async def add_auction(request: Asked, data: JSONBody[AuctionWish]) -> Response[bytes]:
    """Put an offer up for a sealed-bid second-price auction. 发起密封式第二价格拍卖。"""
    actor, salt = actor_of(request), secrets.token_bytes(SALT_BYTES)
    wish = AuctionRequest(
        offer_id=body_id("ofr", data.offer),
        exclusive=Exclusivity(data.exclusive),
        exclusive_days=data.exclusive_days,
        reserve=money(data.reserve),
        reserve_public=data.reserve_public,
        opens_at=data.opens_at,
        closes_at=data.closes_at,
    )
    return await write(
        request,
        open_auction.ACTION,
        lambda tx: open_auction.open_auction(tx, actor, wish, salt),
        object_id=data.offer,
    )


@listing("/supplier/v1/auctions", AuctionView)
async def list_auctions(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Your auctions, newest first. 我的拍卖。"""
    actor, now = actor_of(request), services_of(request).db.clock.now()
    return await show_page(
        request,
        actor,
        lambda tx, page: auctions_store.own_auctions(tx, actor, page),
        lambda one: auction_view(one, now),
        limit,
        cursor,
    )


@show(_PATH, SupplierAuction)
async def show_auction(request: Asked, auction: FromPath[str]) -> SupplierAuction:
    """One auction: nothing of its bids before the end; then all amounts, and the winner's name. 拍卖详情。"""
    actor, auction_id = actor_of(request), object_id("auc", auction)
    async with services_of(request).db.read(actor) as tx:
        page = found(await show_to_supplier(tx, actor, auction_id))
        return SupplierAuction(
            auction=auction_view(page.auction, tx.now),
            result=result_view(page.auction, page.lines),
            award=award_view(page.award),
            winner=winner_view(page.award, page.winner),
        )


@command(f"{_PATH}/cancellation", AuctionReceipt, status=200)
async def cancel(request: Asked, auction: FromPath[str], data: JSONBody[Cancellation]) -> Response[bytes]:
    """Call an auction off before it closes; no bid is opened. 截止前取消拍卖（不披露任何出价）。"""
    actor, auction_id = actor_of(request), object_id("auc", auction)
    return await write(
        request,
        cancel_auction.ACTION,
        lambda tx: cancel_auction.cancel_auction(tx, actor, auction_id, data.reason),
        status=200,
        object_id=auction,
    )


ROUTES = (add_auction, list_auctions, show_auction, cancel)

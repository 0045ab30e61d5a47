"""Auctions and bids: sealed until the end, and then open to everybody who bid."""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from contracts import auctions_store
from contracts.auctions import SALT_BYTES
from exchange.apps.buyer.orders import Purpose
from exchange.apps.http.answers import Asked, found, write
from exchange.apps.http.auction_views import (
    AuctionView,
    BidderAuction,
    BidView,
    auction_view,
    award_view,
    bid_view,
    result_view,
)
from exchange.apps.http.context import actor_of, services_of
from exchange.apps.http.documented import command, listing, show
from exchange.apps.http.lists import Cursor, Limit, show_page
from exchange.apps.http.wire import MoneyWire, money, object_id
from exchange.flows import place_bid, withdraw_bid
from exchange.flows.place_bid import BidReceipt
from exchange.flows.show_auction import show_to_bidder

_PATH = "/buyer/v1/auctions/{auction:str}"


class BidWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most that the licence is worth to you, and what for. Who wins pays the second highest bid, not its own."""

    amount: MoneyWire
    purposes: Annotated[tuple[Purpose, ...], Meta(min_length=1, max_length=16, examples=[["pretrain"]])]


@listing("/buyer/v1/auctions", AuctionView)
async def list_auctions(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """Auctions that take bids, now or later, newest first. 正在进行或即将开始的拍卖。"""
    actor, now = actor_of(request), services_of(request).db.clock.now()
    return await show_page(
        request, actor, auctions_store.open_auctions, lambda one: auction_view(one, now), limit, cursor
    )


@show(_PATH, BidderAuction)
async def show_auction(request: Asked, auction: FromPath[str]) -> BidderAuction:
    """One auction with your live bid; after the end also its result, if you bid. 拍卖详情与结果。"""
    actor, auction_id = actor_of(request), object_id("auc", auction)
    async with services_of(request).db.read(actor) as tx:
        page = found(await show_to_bidder(tx, actor, auction_id))
        return BidderAuction(
            auction=auction_view(page.auction, tx.now),
            bid=None if page.bid is None else bid_view(page.bid),
            result=result_view(page.auction, page.lines),
            award=award_view(page.award),
        )


@command(f"{_PATH}/bids", BidReceipt, 400, 401, 403, 404, 409, 422)
async def bid(request: Asked, auction: FromPath[str], data: JSONBody[BidWish]) -> Response[bytes]:
    """Place a sealed bid; it takes the place of the one you had. 提交密封出价（将取代此前的出价）。"""
    actor, auction_id = actor_of(request), object_id("auc", auction)
    amount, salt = money(data.amount), secrets.token_bytes(SALT_BYTES)
    return await write(
        request,
        place_bid.ACTION,
        lambda tx: place_bid.place_bid(tx, actor, auction_id, amount, data.purposes, salt),
        object_id=auction,
    )


@command(f"{_PATH}/bids/withdrawal", BidReceipt, 401, 403, 404, 409, status=200)
async def withdraw(request: Asked, auction: FromPath[str]) -> Response[bytes]:
    """Withdraw your bid, as long as bids are taken. 在截止前撤回出价。"""
    actor, auction_id = actor_of(request), object_id("auc", auction)
    salt = secrets.token_bytes(SALT_BYTES)
    return await write(
        request,
        withdraw_bid.ACTION,
        lambda tx: withdraw_bid.withdraw_bid(tx, actor, auction_id, salt),
        status=200,
        object_id=auction,
    )


@listing("/buyer/v1/bids", BidView)
async def list_bids(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Response[bytes]:
    """All your bidding, newest first; nobody else can see it. 我的全部出价记录。"""
    actor = actor_of(request)
    return await show_page(
        request, actor, lambda tx, page: auctions_store.own_bids(tx, actor, page), bid_view, limit, cursor
    )


ROUTES = (list_auctions, show_auction, bid, withdraw, list_bids)

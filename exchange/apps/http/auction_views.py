"""Auctions as the APIs show them: the same form for everybody, with more in it for whom it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from contracts.auctions import LAPSES, Auction, AuctionState, BidRow, Lapse, TallyLine, explain, facts
from contracts.auctions_store import AwardRow
from exchange.apps.http.wire import Id, MoneyWire, Sha256, Texts, Time, stamp
from exchange.kernel import ids
from exchange.kernel.money import Money
from exchange.kernel.text import LocaleMap

AuctionId = Annotated[str, Meta(examples=["auc_01m80jwmabesg81hwe4cc73nw9"])]
Purposes = Annotated[list[str], Meta(examples=[["pretrain"]])]


class AuctionView(msgspec.Struct, frozen=True):
    """A sealed-bid second-price auction. A secret reserve is empty until it is opened; its hash binds it meanwhile."""

    id: AuctionId
    offer: Annotated[str, Meta(examples=["ofr_01m80jwmabesg81hwe4cc73nw9"])]
    listing: Annotated[str, Meta(examples=["lst_01m80jwmabesg81hwe4cc73nw9"])]
    supplier: Annotated[str, Meta(examples=["org_01m80jwmabesg81hwe4cc73nw9"])]
    component: Annotated[str, Meta(description="The component of the plan whose price it fixes.", examples=["licence"])]
    exclusive: Annotated[str, Meta(examples=["time_exclusive"])]
    exclusive_days: Annotated[int | None, Meta(examples=[365])]
    currency: Annotated[str, Meta(examples=["CNY"])]
    opens_at: Time
    closes_at: Time
    state: Annotated[
        str,
        Meta(description="scheduled, open, closed, awarded, lapsed or cancelled.", examples=["open"]),
    ]
    reason: Annotated[Texts | None, Meta(description="Why it was cancelled, or why nothing was sold.")]
    reserve_public: bool
    reserve: MoneyWire | None
    reserve_sha256: Sha256
    reserve_salt: Annotated[str | None, Meta(description="Opens the hash, in hex.", examples=["00ff"])]
    created_at: Time


class BidView(msgspec.Struct, frozen=True):
    """A row of your own bidding: placed, replaced (it took the place of the one before) or withdrawn."""

    id: Annotated[str, Meta(examples=["bid_01m80jwmabesg81hwe4cc73nw9"])]
    auction: AuctionId
    entry: Annotated[str, Meta(examples=["placed"])]
    amount: MoneyWire | None
    purposes: Purposes
    salt: Annotated[str, Meta(description="With it, `sha256` can be shown to stand for this bid.")]
    sha256: Sha256
    created_at: Time


class OpenedBid(msgspec.Struct, frozen=True):
    """One amount after the end, without a name; `position` is its place in line."""

    position: Annotated[int, Meta(ge=1, examples=[1])]
    amount: MoneyWire
    outcome: Annotated[str, Meta(description="won, outbid, below_reserve or excluded.", examples=["outbid"])]
    bid_sha256: Sha256


class ResultView(msgspec.Struct, frozen=True):
    """How an auction came out, from numbers that everybody in it has: whoever recomputes it gets the same."""

    rule: Annotated[str, Meta(examples=["second-price"])]
    reserve: MoneyWire
    bids: list[OpenedBid]
    winner_position: int | None
    price: MoneyWire | None
    explanation: Texts


class AwardView(msgspec.Struct, frozen=True):
    """What was won: order the offer with this quote before it expires."""

    quote: Annotated[str, Meta(examples=["qte_01m80jwmabesg81hwe4cc73nw9"])]
    price: MoneyWire
    expires_at: Time


class Winner(msgspec.Struct, frozen=True):
    """Who won, for the supplier."""

    id: Id
    name: Texts


class BidderAuction(msgspec.Struct, frozen=True):
    """An auction for a buyer: your live bid; after the end, if you bid, all amounts; the award, if it is yours."""

    auction: AuctionView
    bid: BidView | None
    result: ResultView | None
    award: AwardView | None


class SupplierAuction(msgspec.Struct, frozen=True):
    """An auction for the supplier who holds it: nothing of any bid before the end."""

    auction: AuctionView
    result: ResultView | None
    award: AwardView | None
    winner: Winner | None


def auction_view(one: Auction, now: datetime) -> AuctionView:
    """An auction as its reader may see it."""
    return AuctionView(
        id=ids.text("auc", one.id),
        offer=ids.text("ofr", one.offer_id),
        listing=ids.text("lst", one.listing_id),
        supplier=ids.text("org", one.supplier_id),
        component=one.component,
        exclusive=one.exclusive.value,
        exclusive_days=one.exclusive_days,
        currency=one.currency,
        opens_at=stamp(one.opens_at),
        closes_at=stamp(one.closes_at),
        state=one.state_at(now).value,
        reason=_reason(one),
        reserve_public=one.reserve_public,
        reserve=None if one.reserve is None else _money(one.reserve),
        reserve_sha256=one.reserve_sha256.hex(),
        reserve_salt=None if one.salt is None else one.salt.hex(),
        created_at=stamp(one.created_at),
    )


def bid_view(row: BidRow) -> BidView:
    """A row of bidding as its bidder sees it."""
    return BidView(
        id=ids.text("bid", row.id),
        auction=ids.text("auc", row.auction_id),
        entry=row.entry.value,
        amount=None if row.amount is None else _money(row.amount),
        purposes=list(row.purposes),
        salt=row.salt.hex(),
        sha256=row.sha256.hex(),
        created_at=stamp(row.created_at),
    )


def result_view(one: Auction, lines: list[TallyLine]) -> ResultView | None:
    """What was opened, or None while nothing is."""
    if one.reserve is None or not lines:
        return None
    found = facts(lines, one.reserve)
    return ResultView(
        rule=found["rule"],
        reserve=_money(one.reserve),
        bids=[
            OpenedBid(line.position, _money(line.amount), line.outcome.value, line.bid_sha256.hex()) for line in lines
        ],
        winner_position=found["winner_position"],
        price=None if found["price"] is None else MoneyWire(**found["price"]),
        explanation=explain(lines, one.reserve).map(),
    )


def award_view(row: AwardRow | None) -> AwardView | None:
    """An award as its two sides see it."""
    return None if row is None else AwardView(ids.text("qte", row.quote_id), _money(row.price), stamp(row.expires_at))


def winner_view(row: AwardRow | None, name: LocaleMap) -> Winner | None:
    """The winner, for the supplier."""
    return None if row is None else Winner(ids.text("org", row.buyer_id), dict(name))


def _reason(one: Auction) -> dict[str, str] | None:
    if one.reason is None:
        return None
    if one.state is AuctionState.LAPSED:
        return LAPSES[Lapse(one.reason["code"])].map()
    return dict(one.reason)


def _money(amount: Money) -> MoneyWire:
    return MoneyWire(**amount.to_wire())

"""Sealed-bid second-price auctions with a reserve, for exclusive licences: states, bids and the decision. Pure.

The winner is the highest bid that reaches the reserve and pays the second highest, or the reserve where that is more, so
that nobody gains by bidding anything else than what the licence is worth to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from contracts.auctions_problems import (
    AUCTION_CANCELLED,
    AUCTION_CLOSED,
    AUCTION_INVALID,
    AUCTION_NOT_OPEN,
    BID_BELOW_RESERVE,
    BID_INVALID,
)
from exchange.kernel import ids
from exchange.kernel.canonical import digest
from exchange.kernel.errors import CONFLICT, Problem
from exchange.kernel.money import Money, Rounding, round_to_minor
from exchange.kernel.text import LANGUAGES, LocaleMap, Text

LENGTH_MIN, LENGTH_MAX, AHEAD_MAX = timedelta(hours=1), timedelta(days=90), timedelta(days=365)
EXCLUSIVE_DAYS_MAX = 3_650
BIDS_MAX = 50
# Below ten thousand million of a currency, as prices are; in millionths.
AMOUNT_UNITS_END = 10**16
REASON_MAX_CHARS = 500
SALT_BYTES = 16
# How long the winner may order at most, and how long after that an order that was under way may still arrive or be paid.
AWARD_VALID_FOR, AWARD_GRACE = timedelta(days=7), timedelta(minutes=10)


class AuctionState(StrEnum):
    """Where an auction stands."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    CLOSED = "closed"
    AWARDED = "awarded"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


_S = AuctionState
# An award lapses when the winner does not order in time. Nothing leads back: a closed auction never opens again.
TRANSITIONS: Mapping[AuctionState, frozenset[AuctionState]] = {
    _S.SCHEDULED: frozenset({_S.OPEN, _S.CANCELLED}),
    _S.OPEN: frozenset({_S.CLOSED, _S.CANCELLED}),
    _S.CLOSED: frozenset({_S.AWARDED, _S.LAPSED}),
    _S.AWARDED: frozenset({_S.LAPSED}),
    _S.LAPSED: frozenset(),
    _S.CANCELLED: frozenset(),
}
RUNNING = frozenset({_S.SCHEDULED, _S.OPEN, _S.CLOSED})
# From here on everybody in the auction sees all amounts and the reserve.
DECIDED = frozenset({_S.AWARDED, _S.LAPSED})


class Exclusivity(StrEnum):
    """For good, or for a number of days from the award."""

    EXCLUSIVE = "exclusive"
    TIME_EXCLUSIVE = "time_exclusive"


class Entry(StrEnum):
    """What a row of a bid says."""

    PLACED = "placed"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class Lapse(StrEnum):
    """Why nothing was sold."""

    NO_BID = "no-bid"
    NOT_FOR_SALE = "not-for-sale"
    QUOTE_UNUSED = "quote-unused"


LAPSES: Mapping[Lapse, Text] = {
    Lapse.NO_BID: Text("No bid reached the reserve.", "没有出价达到保留价。"),
    Lapse.NOT_FOR_SALE: Text("The offer could not be sold when the auction ended.", "拍卖结束时该报价方案已无法出售。"),
    Lapse.QUOTE_UNUSED: Text("The winner did not order and pay in time.", "中标方未在期限内下单并付款。"),
}


@dataclass(frozen=True, slots=True)
class Auction:
    """One auction of one offer; `reserve` and `salt` are None to whom they are not shown.

    shapes   sold: the award was found paid for when its quote had expired, so that it lapses no more
    """

    id: UUID
    offer_id: UUID
    listing_id: UUID
    dataset_id: UUID
    supplier_id: UUID
    component: str
    exclusive: Exclusivity
    exclusive_days: int | None
    currency: str
    reserve_public: bool
    reserve_sha256: bytes
    opens_at: datetime
    closes_at: datetime
    state: AuctionState
    created_at: datetime
    changed_at: datetime
    reason: LocaleMap | None = None
    sold: bool = False
    reserve: Money | None = None
    salt: bytes | None = None

    def state_at(self, now: datetime) -> AuctionState:
        """The state as a reader sees it: the clock moves it on before its row is written."""
        if self.state is _S.SCHEDULED and now >= self.opens_at:
            return _S.OPEN if now < self.closes_at else _S.CLOSED
        return _S.CLOSED if self.state is _S.OPEN and now >= self.closes_at else self.state


@dataclass(frozen=True, slots=True)
class BidRow:
    """One row of an organisation's bidding; the rows of an auction are in line by `sequence`, never by time."""

    id: UUID
    sequence: int
    auction_id: UUID
    bidder_id: UUID
    entry: Entry
    amount: Money | None
    purposes: tuple[str, ...]
    salt: bytes
    sha256: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Bid:
    """A live bid: an amount and its place in line."""

    id: UUID
    bidder_id: UUID
    sequence: int
    amount: Money
    purposes: tuple[str, ...] = ()
    sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class Award:
    """Who won, what is paid, and whose bid or which reserve set that price."""

    winner: Bid
    price: Money
    runner_up: Bid | None


class Outcome(StrEnum):
    """What became of one amount."""

    WON = "won"
    OUTBID = "outbid"
    BELOW_RESERVE = "below_reserve"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class TallyLine:
    """One amount as everybody in the auction sees it after closing: no name, but its place in line."""

    position: int
    amount: Money
    outcome: Outcome
    bid_sha256: bytes


# ---------------------------------------------------------------- opening


def schedule(opens_at: datetime | None, closes_at: datetime, now: datetime) -> tuple[datetime, datetime] | Problem:
    """When a new auction opens and closes; without `opens_at` it opens now."""
    start = now if opens_at is None else opens_at
    if start.tzinfo is None or closes_at.tzinfo is None:
        return _wrong("closes_at", "times need a time zone", "时间需要带时区")
    if start < now:
        return _wrong("opens_at", "it lies in the past", "该时间已过")
    if start - now > AHEAD_MAX:
        return _wrong("opens_at", f"it is more than {AHEAD_MAX.days} days ahead", f"超过 {AHEAD_MAX.days} 天之后")
    if not LENGTH_MIN <= closes_at - start <= LENGTH_MAX:
        return _wrong(
            "closes_at",
            f"an auction is open for 1 hour to {LENGTH_MAX.days} days",
            f"拍卖开放时间应为 1 小时至 {LENGTH_MAX.days} 天",
        )
    return start, closes_at


def exclusivity(kind: Exclusivity, days: int | None) -> Problem | None:
    """Why a kind of exclusivity and its days do not fit, or None."""
    if kind is Exclusivity.EXCLUSIVE and days is not None:
        return _wrong("exclusive_days", "only a time-exclusive licence names days", "仅限时独占许可填写天数")
    if kind is Exclusivity.TIME_EXCLUSIVE and not (days is not None and 1 <= days <= EXCLUSIVE_DAYS_MAX):
        return _wrong(
            "exclusive_days",
            f"a time-exclusive licence names 1 to {EXCLUSIVE_DAYS_MAX} days",
            f"限时独占许可须填写 1 至 {EXCLUSIVE_DAYS_MAX} 天",
        )
    return None


def commitment(auction_id: UUID, reserve: Money, salt: bytes) -> bytes:
    """What is published of a reserve at the opening: it cannot be moved afterwards, and says nothing until opened."""
    document = {"type": "auction-reserve", "v": 1, "auction": ids.text("auc", auction_id), "salt": salt.hex()}
    return digest({**document, "reserve": reserve.to_wire()})


def bid_commitment(auction_id: UUID, bidder_id: UUID, amount: Money | None, salt: bytes) -> bytes:
    """What the audit log keeps of a bid, or of its withdrawal; its bidder can show what it stands for."""
    return digest(
        {
            "type": "auction-bid",
            "v": 1,
            "auction": ids.text("auc", auction_id),
            "bidder": ids.text("org", bidder_id),
            "amount": None if amount is None else amount.to_wire(),
            "salt": salt.hex(),
        }
    )


def refuse_amount(amount: Money, currency: str) -> Problem | None:
    """Why an amount can be no bid and no reserve in an auction of that currency, or None."""
    if amount.currency != currency:
        reason = Text(f"the auction is held in {currency}", f"本场拍卖使用 {currency}")
    elif amount.units <= 0:
        reason = Text("it is not above zero", "金额须大于零")
    elif amount.units >= AMOUNT_UNITS_END:
        reason = Text("it is too large", "金额过大")
    elif round_to_minor(amount, Rounding.DOWN) != amount:
        reason = Text("it has parts of the smallest coin", "含有不足最小货币单位的部分")
    else:
        return None
    return BID_INVALID(amount=str(amount), reason=reason)


def refuse_reason(reason: LocaleMap) -> Problem | None:
    """Why a reason cannot be shown to bidders, or None: it is there in both languages, and short."""
    if set(reason) == set(LANGUAGES) and all(0 < len(one.strip()) <= REASON_MAX_CHARS for one in reason.values()):
        return None
    return _wrong(
        "reason",
        f"it needs the texts en and zh, of 1 to {REASON_MAX_CHARS} characters",
        f"需要 en 与 zh 两种文本，各 1 至 {REASON_MAX_CHARS} 字",
    )


def _wrong(field: str, english: str, chinese: str) -> Problem:
    return AUCTION_INVALID(field=field, reason=Text(english, chinese))


# ---------------------------------------------------------------- bidding


def move(auction: Auction, to: AuctionState, now: datetime, reason: LocaleMap | None = None) -> Auction | Problem:
    """The auction in another state, along the table."""
    if to not in TRANSITIONS[auction.state]:
        needs = " | ".join(one.value for one, after in TRANSITIONS.items() if to in after)
        return CONFLICT(state=auction.state.value, needs=needs)
    return replace(auction, state=to, changed_at=now, reason=reason)


def refuse_bidding(auction: Auction, now: datetime) -> Problem | None:
    """Why no bid may be placed or withdrawn now, or None.

    Both must hold: the row says that nobody closed the auction, and the clock stands before the end. A clock that ran ahead
    refuses; when it comes back before anybody closed the auction, nothing was lost. One that falls back after the closing
    opens nothing. A bid leaves a scheduled row as it is: everybody reads that row, and would see that there is a bid.
    """
    if auction.state is _S.CANCELLED:
        said = auction.reason or {}
        return AUCTION_CANCELLED(reason=Text(said.get("en", ""), said.get("zh", "")))
    if auction.state not in (_S.SCHEDULED, _S.OPEN) or now >= auction.closes_at:
        return AUCTION_CLOSED(closes_at=auction.closes_at.isoformat())
    if auction.state is _S.SCHEDULED and now < auction.opens_at:
        return AUCTION_NOT_OPEN(opens_at=auction.opens_at.isoformat())
    return None


def refuse_bid(auction: Auction, amount: Money) -> Problem | None:
    """Why an amount cannot be bid here, or None; a secret reserve refuses nothing, so that it stays secret."""
    problem = refuse_amount(amount, auction.currency)
    if problem is not None:
        return problem
    if auction.reserve_public and auction.reserve is not None and amount < auction.reserve:
        return BID_BELOW_RESERVE(reserve=str(auction.reserve), amount=str(amount))
    return None


def live(rows: Sequence[BidRow]) -> list[Bid]:
    """The live bids in line: of each organisation its last row, unless that withdraws."""
    last: dict[UUID, BidRow] = {}
    for row in sorted(rows, key=lambda one: one.sequence):
        last[row.bidder_id] = row
    return [
        Bid(row.id, row.bidder_id, row.sequence, row.amount, row.purposes, row.sha256)
        for row in sorted(last.values(), key=lambda one: one.sequence)
        if row.amount is not None
    ]


# ---------------------------------------------------------------- deciding


def decide(bids: Sequence[Bid], reserve: Money) -> Award | None:
    """The award among live bids, or None where none reaches the reserve.

    shapes   bids in any order, one per bidder, all in the reserve's currency
    errors   ValueError for two bids of one bidder or in one place; CurrencyMismatch
    source   Vickrey 1961, Counterspeculation, Auctions, and Competitive Sealed Tenders; ties go to the earlier bid
    """
    if len({bid.bidder_id for bid in bids}) != len(bids) or len({bid.sequence for bid in bids}) != len(bids):
        raise ValueError("every bidder has one live bid, in a place of its own")
    valid = sorted((bid for bid in bids if reserve <= bid.amount), key=lambda bid: (-bid.amount.units, bid.sequence))
    if not valid:
        return None
    runner_up = valid[1] if len(valid) > 1 else None
    return Award(valid[0], runner_up.amount if runner_up else reserve, runner_up)


def tally(bids: Sequence[Bid], excluded: frozenset[UUID], reserve: Money, award: Award | None) -> list[TallyLine]:
    """What everybody in the auction is shown after closing; `excluded` bidders may no longer buy."""
    lines = []
    for position, bid in enumerate(sorted(bids, key=lambda one: one.sequence), 1):
        if bid.bidder_id in excluded:
            outcome = Outcome.EXCLUDED
        elif award is not None and bid.id == award.winner.id:
            outcome = Outcome.WON
        else:
            outcome = Outcome.BELOW_RESERVE if bid.amount < reserve else Outcome.OUTBID
        lines.append(TallyLine(position, bid.amount, outcome, bid.sha256))
    return lines


def recompute(lines: Sequence[TallyLine], reserve: Money) -> tuple[int, Money] | None:
    """The winner's place in line and the price, from nothing but what everybody in the auction sees; None: not sold."""
    bids = [
        Bid(UUID(int=line.position), UUID(int=line.position), line.position, line.amount)
        for line in lines
        if line.outcome is not Outcome.EXCLUDED
    ]
    award = decide(bids, reserve)
    return None if award is None else (award.winner.sequence, award.price)


def facts(lines: Sequence[TallyLine], reserve: Money) -> dict[str, Any]:
    """The numbers behind an award, as JSON; `recompute` over them gives the award again."""
    found = recompute(lines, reserve)
    return {
        "rule": "second-price",
        "reserve": reserve.to_wire(),
        "bids": [
            {"position": line.position, "amount": line.amount.to_wire(), "outcome": line.outcome.value}
            for line in lines
        ],
        "winner_position": None if found is None else found[0],
        "price": None if found is None else found[1].to_wire(),
    }


def explain(lines: Sequence[TallyLine], reserve: Money) -> Text:
    """Why the price is what it is, in sentences."""
    counted = [line for line in lines if line.outcome is not Outcome.EXCLUDED]
    found = recompute(lines, reserve)
    parts = [_counted(counted, len(lines) - len(counted))]
    if found is None:
        parts.append(
            Text(
                f"None reached the reserve of {reserve}, so nothing was sold.",
                f"没有出价达到保留价 {reserve}，因此未成交。",
            )
        )
    else:
        parts += _why(counted, reserve, *found)
    return Text(" ".join(one.en for one in parts), "".join(one.zh for one in parts))


def _counted(counted: Sequence[TallyLine], excluded: int) -> Text:
    number = len(counted)
    english = "1 bid counted" if number == 1 else f"{number} bids counted"
    if not excluded:
        return Text(f"{english}.", f"有效参与出价 {number} 个。")
    return Text(
        f"{english}; {excluded} did not, because the bidder could no longer buy.",
        f"有效参与出价 {number} 个；另有 {excluded} 个因出价方已不能购买而不计入。",
    )


def _why(counted: Sequence[TallyLine], reserve: Money, winner: int, price: Money) -> list[Text]:
    highest = next(line.amount for line in counted if line.position == winner)
    others = [line.amount for line in counted if line.position != winner and reserve <= line.amount]
    said = [Text(f"The highest was {highest}.", f"最高出价为 {highest}。")]
    if not others:
        said.append(
            Text(
                f"No other bid reached the reserve, so the winner pays the reserve: {price}.",
                f"没有其他出价达到保留价，中标方按保留价支付：{price}。",
            )
        )
    elif max(one.units for one in others) == highest.units:
        said.append(
            Text(
                f"More than one bid named it; the one received first won, and pays that amount: {price}.",
                f"该金额有多个出价，最先收到者中标，并按该金额支付：{price}。",
            )
        )
    else:
        said.append(
            Text(
                f"The winner pays the second highest bid, as it is not below the reserve of {reserve}: {price}.",
                f"第二高出价不低于保留价 {reserve}，中标方按第二高出价支付：{price}。",
            )
        )
    return said


# ---------------------------------------------------------------- exclusivity


def exclusive_until(auction: Auction, awarded_at: datetime) -> datetime | None:
    """When the exclusivity ends; None: never."""
    return None if auction.exclusive_days is None else awarded_at + timedelta(days=auction.exclusive_days)


def award_valid_for(auction: Auction) -> timedelta:
    """How long the winner may order: never beyond the days of exclusivity, which run from the award."""
    days = auction.exclusive_days
    return AWARD_VALID_FOR if days is None else min(AWARD_VALID_FOR, timedelta(days=days))

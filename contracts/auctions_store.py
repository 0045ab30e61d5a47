"""All SQL of auctions: what flows read and write, and what each side may see of a sealed auction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts import tables as t
from contracts.auctions import (
    AWARD_GRACE,
    RUNNING,
    Auction,
    AuctionState,
    BidRow,
    Entry,
    Exclusivity,
    Outcome,
    TallyLine,
)
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import mine

_auction, _bid, _reserve, _tally, _award = (
    t.auction,
    t.auction_bid,
    t.auction_reserve,
    t.auction_tally,
    t.auction_award,
)
_JOINED = _auction.outerjoin(_reserve, _reserve.c.auction_id == _auction.c.id)
_READ = (*_auction.c, _reserve.c.units.label("reserve_units"), _reserve.c.salt.label("reserve_salt"))


@dataclass(frozen=True, slots=True)
class AwardRow:
    """An award as it is kept; `withdrawn` are the offers that it took off sale."""

    id: UUID
    auction_id: UUID
    buyer_id: UUID
    seller_id: UUID
    offer_id: UUID
    bid_id: UUID
    price: Money
    quote_id: UUID
    withdrawn: tuple[UUID, ...]
    created_at: datetime
    expires_at: datetime


# ---------------------------------------------------------------- for flows


async def insert_auction(tx: Tx, new: Auction) -> bool:
    """Write a new auction with its reserve; False when another of the same dataset runs."""
    assert new.reserve is not None
    assert new.salt is not None
    row = {column.name: getattr(new, column.name) for column in _auction.c}
    row |= {"state": new.state.value, "exclusive": new.exclusive.value}
    made = await tx.conn.execute(insert(_auction).values(row).on_conflict_do_nothing().returning(_auction.c.id))
    if made.one_or_none() is None:
        return False
    await tx.conn.execute(
        insert(_reserve).values(
            auction_id=new.id,
            supplier_id=new.supplier_id,
            units=new.reserve.units,
            currency=new.currency,
            salt=new.salt,
            created_at=tx.now,
        )
    )
    return True


async def lock_auction(tx: Tx, auction_id: UUID) -> Auction | None:
    """Read an auction and hold it: bids, their withdrawal, the cancelling and the closing come one after another."""
    statement = select(*_READ).select_from(_JOINED).where(_auction.c.id == auction_id).with_for_update(of=_auction)
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return None if row is None else _auction_of(row)


async def set_state(tx: Tx, changed: Auction) -> None:
    """Write the state that an auction was moved to."""
    reason = None if changed.reason is None else dict(changed.reason)
    values = {"state": changed.state.value, "changed_at": changed.changed_at, "reason": reason}
    await tx.conn.execute(update(_auction).where(_auction.c.id == changed.id).values(values))


async def insert_bid(tx: Tx, row: BidRow, currency: str) -> int:
    """Write one row of bidding and say its place in line; `row.sequence` is not asked for."""
    statement = insert(_bid).values(
        id=row.id,
        auction_id=row.auction_id,
        bidder_id=row.bidder_id,
        entry=row.entry.value,
        units=None if row.amount is None else row.amount.units,
        currency=currency,
        purposes=list(row.purposes),
        salt=row.salt,
        sha256=row.sha256,
        created_at=row.created_at,
    )
    return int((await tx.conn.execute(statement.returning(_bid.c.seq))).scalar_one())


async def bids_of(tx: Tx, auction_id: UUID, bidder_id: UUID | None = None) -> list[BidRow]:
    """Every row of bidding in an auction, or those of one organisation, in line. For flows: nothing is sealed to them."""
    statement = select(_bid).where(_bid.c.auction_id == auction_id).order_by(_bid.c.seq)
    if bidder_id is not None:
        statement = statement.where(_bid.c.bidder_id == bidder_id)
    return [_bid_of(row) for row in (await tx.conn.execute(statement)).mappings()]


async def insert_tally(tx: Tx, one: Auction, lines: Sequence[TallyLine]) -> None:
    """Open the amounts, without names."""
    if lines:
        rows = [
            {
                "auction_id": one.id,
                "position": line.position,
                "supplier_id": one.supplier_id,
                "units": line.amount.units,
                "currency": line.amount.currency,
                "outcome": line.outcome.value,
                "bid_sha256": line.bid_sha256,
            }
            for line in lines
        ]
        await tx.conn.execute(insert(_tally).values(rows))


async def insert_award(tx: Tx, row: AwardRow) -> None:
    """Write an award."""
    await tx.conn.execute(
        insert(_award).values(
            id=row.id,
            auction_id=row.auction_id,
            buyer_id=row.buyer_id,
            seller_id=row.seller_id,
            offer_id=row.offer_id,
            bid_id=row.bid_id,
            price_units=row.price.units,
            currency=row.price.currency,
            quote_id=row.quote_id,
            withdrawn_offers=list(row.withdrawn),
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
    )


async def award_of(tx: Tx, auction_id: UUID) -> AwardRow | None:
    """The award of an auction, whoever's it is."""
    row = (await tx.conn.execute(select(_award).where(_award.c.auction_id == auction_id))).mappings().one_or_none()
    return None if row is None else _award_of(row)


async def set_sold(tx: Tx, auction_id: UUID) -> None:
    """Note that an award was paid for: the clock has nothing more to do."""
    await tx.conn.execute(update(_auction).where(_auction.c.id == auction_id).values(sold=True))


async def standing_awards(tx: Tx, auction_ids: Collection[UUID]) -> set[UUID]:
    """The quotes of those of these auctions whose award stands, held until the end of the transaction, so that none lapses."""
    statement = (
        select(_award.c.quote_id)
        .select_from(_auction.join(_award, _award.c.auction_id == _auction.c.id))
        .where(_auction.c.id.in_(auction_ids), _auction.c.state == AuctionState.AWARDED.value)
        .order_by(_auction.c.id)
        .with_for_update(of=_auction, read=True)
    )
    return set((await tx.conn.execute(statement)).scalars())


async def binding(tx: Tx, listing_id: UUID) -> list[tuple[UUID, AuctionState, UUID | None]]:
    """The auctions that may still end in a sale out of a listing: which, where it stands, and the winner's quote."""
    states = _values(RUNNING | {AuctionState.AWARDED})
    statement = (
        select(_auction.c.id, _auction.c.state, _award.c.quote_id)
        .select_from(_auction.outerjoin(_award, _award.c.auction_id == _auction.c.id))
        .where(_auction.c.listing_id == listing_id, _auction.c.state.in_(states), ~_auction.c.sold)
        .order_by(_auction.c.id)
    )
    return [(row[0], AuctionState(row[1]), row[2]) for row in await tx.conn.execute(statement)]


async def due(tx: Tx, limit: int = 100) -> list[tuple[UUID, AuctionState]]:
    """Auctions for which the clock has something to do: to be closed, to be decided, or an award whose time is over."""
    grace = tx.now - AWARD_GRACE
    statement = (
        select(_auction.c.id, _auction.c.state)
        .select_from(_auction.outerjoin(_award, _award.c.auction_id == _auction.c.id))
        .where(
            or_(
                and_(_auction.c.state.in_(_values(RUNNING)), _auction.c.closes_at <= tx.now),
                and_(_auction.c.state == AuctionState.AWARDED.value, _award.c.expires_at <= grace, ~_auction.c.sold),
            )
        )
        .order_by(_auction.c.closes_at)
        .limit(limit)
    )
    return [(row[0], AuctionState(row[1])) for row in await tx.conn.execute(statement)]


async def awarded(tx: Tx, dataset_id: UUID) -> list[tuple[Auction, datetime]]:
    """The awards that stand over a dataset, each with its moment."""
    statement = (
        select(*_READ, _award.c.created_at.label("awarded_at"))
        .select_from(_JOINED.join(_award, _award.c.auction_id == _auction.c.id))
        .where(_auction.c.dataset_id == dataset_id, _auction.c.state == AuctionState.AWARDED.value)
    )
    rows = [dict(row) for row in (await tx.conn.execute(statement)).mappings()]
    return [(_auction_of(row), row["awarded_at"]) for row in rows]


# ---------------------------------------------------------------- for portals


async def own_auctions(tx: Tx, actor: Actor, page: PageRequest) -> Page[Auction]:
    """The supplier's auctions, newest first.

    errors   BadCursor
    """
    return await _list(tx, _owned(actor), page)


async def own_auction(tx: Tx, actor: Actor, auction_id: UUID) -> Auction | None:
    """One of the supplier's auctions; None for a foreign one."""
    return await _one(tx, _owned(actor).where(_auction.c.id == auction_id))


async def open_auctions(tx: Tx, page: PageRequest) -> Page[Auction]:
    """Auctions in which one can bid, now or later, newest first.

    errors   BadCursor
    """
    waiting = _auction.c.state.in_([AuctionState.SCHEDULED.value, AuctionState.OPEN.value])
    return await _list(tx, _shown().where(waiting, _auction.c.closes_at > tx.now), page)


async def listing_auctions(tx: Tx, listing_id: UUID, page: PageRequest) -> Page[Auction]:
    """The auctions of a listing's offers, newest first.

    errors   BadCursor
    """
    return await _list(tx, _shown().where(_auction.c.listing_id == listing_id), page)


async def auction(tx: Tx, auction_id: UUID) -> Auction | None:
    """One auction as everybody may see it: its reserve is there only for those to whom it is shown."""
    return await _one(tx, _shown().where(_auction.c.id == auction_id))


async def own_bids(tx: Tx, actor: Actor, page: PageRequest, auction_id: UUID | None = None) -> Page[BidRow]:
    """The organisation's own rows of bidding, newest first.

    errors   BadCursor
    """
    statement = select(_bid).where(mine(_bid.c.bidder_id, actor)).order_by(_bid.c.seq.desc()).limit(page.limit + 1)
    if auction_id is not None:
        statement = statement.where(_bid.c.auction_id == auction_id)
    if page.after is not None:
        # By the row's id: the place in line, which everybody's bids count up, would tell how many others there are.
        last = select(_bid.c.seq).where(_bid.c.id == _key(page.after), mine(_bid.c.bidder_id, actor))
        statement = statement.where(_bid.c.seq < last.scalar_subquery())
    rows = [_bid_of(row) for row in (await tx.conn.execute(statement)).mappings()]
    return page_of(rows, page, lambda row: (row.id.hex,))


async def own_live_bid(tx: Tx, actor: Actor, auction_id: UUID) -> BidRow | None:
    """The organisation's live bid in an auction, or None."""
    found = await own_bids(tx, actor, PageRequest(limit=1), auction_id)
    last = found.items[0] if found.items else None
    return None if last is None or last.entry is Entry.WITHDRAWN else last


async def tally(tx: Tx, actor: Actor, auction_id: UUID) -> list[TallyLine]:
    """The opened amounts of an auction in which the actor's organisation bid or which it held; else nothing."""
    bid_here = exists().where(_bid.c.auction_id == _tally.c.auction_id, mine(_bid.c.bidder_id, actor))
    statement = (
        select(_tally)
        .where(_tally.c.auction_id == auction_id, or_(mine(_tally.c.supplier_id, actor), bid_here))
        .order_by(_tally.c.position)
    )
    return [
        TallyLine(row["position"], Money(row["units"], row["currency"]), Outcome(row["outcome"]), row["bid_sha256"])
        for row in (await tx.conn.execute(statement)).mappings()
    ]


async def seen_award(tx: Tx, actor: Actor, auction_id: UUID) -> AwardRow | None:
    """The award of an auction for its winner and its supplier; None for everybody else."""
    sides = or_(mine(_award.c.buyer_id, actor), mine(_award.c.seller_id, actor))
    row = (await tx.conn.execute(select(_award).where(_award.c.auction_id == auction_id, sides))).mappings()
    found = row.one_or_none()
    return None if found is None else _award_of(found)


def _shown() -> Select[Any]:
    return select(*_READ).select_from(_JOINED)


def _owned(actor: Actor) -> Select[Any]:
    # By the reserve, which row security shows to no other supplier while it is secret.
    joined = _auction.join(_reserve, _reserve.c.auction_id == _auction.c.id)
    return select(*_READ).select_from(joined).where(mine(_reserve.c.supplier_id, actor))


async def _one(tx: Tx, statement: Select[Any]) -> Auction | None:
    row = (await tx.conn.execute(statement)).mappings().one_or_none()
    return None if row is None else _auction_of(row)


async def _list(tx: Tx, statement: Select[Any], page: PageRequest) -> Page[Auction]:
    statement = statement.order_by(_auction.c.id.desc()).limit(page.limit + 1)
    if page.after is not None:
        statement = statement.where(_auction.c.id < _key(page.after))
    rows = [_auction_of(row) for row in (await tx.conn.execute(statement)).mappings()]
    return page_of(rows, page, lambda one: (one.id.hex,))


def _key(after: tuple[str, ...]) -> UUID:
    try:
        (text,) = after
        return UUID(hex=text)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error


def _values(states: frozenset[AuctionState]) -> list[str]:
    return sorted(state.value for state in states)


def _auction_of(row: Any) -> Auction:
    units, salt = row["reserve_units"], row["reserve_salt"]
    plain = {column.name: row[column.name] for column in _auction.c}
    plain |= {"state": AuctionState(row["state"]), "exclusive": Exclusivity(row["exclusive"])}
    return replace(Auction(**plain), reserve=None if units is None else Money(units, row["currency"]), salt=salt)


def _bid_of(row: Any) -> BidRow:
    return BidRow(
        id=row["id"],
        sequence=row["seq"],
        auction_id=row["auction_id"],
        bidder_id=row["bidder_id"],
        entry=Entry(row["entry"]),
        amount=None if row["units"] is None else Money(row["units"], row["currency"]),
        purposes=tuple(row["purposes"]),
        salt=row["salt"],
        sha256=row["sha256"],
        created_at=row["created_at"],
    )


def _award_of(row: Any) -> AwardRow:
    return AwardRow(
        id=row["id"],
        auction_id=row["auction_id"],
        buyer_id=row["buyer_id"],
        seller_id=row["seller_id"],
        offer_id=row["offer_id"],
        bid_id=row["bid_id"],
        price=Money(row["price_units"], row["currency"]),
        quote_id=row["quote_id"],
        withdrawn=tuple(row["withdrawn_offers"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )

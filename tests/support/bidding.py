"""An auction in the database, flow by flow: one offer that can be auctioned, and a clock that only the test moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts import auctions_store as store
from contracts.auctions import AuctionState, Exclusivity
from contracts.auctions_store import AwardRow
from exchange.flows.close_auction import award_auction, close_auction, lapse_award
from exchange.flows.open_auction import AuctionReceipt, AuctionRequest, open_auction
from exchange.flows.place_bid import BidReceipt, place_bid
from exchange.flows.withdraw_bid import withdraw_bid
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from tests.support.settlement_market import BUYER, SELLER, Market, actor, open_market

LICENCE = {"id": "licence", "meter": None, "period": None, "model": {"type": "auction"}}
HOUR = 3600.0
SALT = b"0123456789abcdef"


def cny(major: int) -> Money:
    """An amount in yuan."""
    return Money(major * 1_000_000, "CNY")


def slug(answer: object) -> str:
    """What was refused, or nothing."""
    return answer.slug if isinstance(answer, Problem) else ""


@dataclass
class House:
    """A market with one offer that can be auctioned."""

    market: Market
    clock: FixedClock

    @property
    def db(self) -> Database:
        """Its database."""
        return self.market.database

    async def open(
        self, *, reserve: int = 500, public: bool = True, days: int | None = None, wait_h: float = 0, by: UUID = SELLER
    ) -> Any:
        """What came of opening an auction."""
        kind = Exclusivity.EXCLUSIVE if days is None else Exclusivity.TIME_EXCLUSIVE
        now = self.clock.now()
        request = AuctionRequest(
            self.market.offers["auction"],
            kind,
            days,
            cny(reserve),
            public,
            now + timedelta(hours=wait_h) if wait_h else None,
            now + timedelta(hours=wait_h + 24),
        )
        return await self.db.run(lambda tx: open_auction(tx, actor(by, "supplier"), request, SALT))

    async def bid(self, auction: UUID, who: UUID, major: int) -> BidReceipt | Problem:
        """What came of a bid for pretraining."""
        return await self.db.run(lambda tx: place_bid(tx, actor(who), auction, cny(major), ("pretrain",), SALT))

    async def withdraw(self, auction: UUID, who: UUID) -> BidReceipt | Problem:
        """What came of withdrawing the bid."""
        return await self.db.run(lambda tx: withdraw_bid(tx, actor(who), auction, SALT))

    async def tick(self, auction: UUID) -> AuctionState | None:
        """What the worker's step does."""
        await self.db.run(lambda tx: close_auction(tx, auction))
        await self.db.run(lambda tx: award_auction(tx, self.market.sales, self.market.keyring, auction))
        return await self.db.run(lambda tx: lapse_award(tx, auction))

    async def opened(self, **more: Any) -> UUID:
        """A new auction."""
        receipt = await self.open(**more)
        assert isinstance(receipt, AuctionReceipt), receipt
        return ids.parse("auc", receipt.id)

    async def scalar(self, statement: str, *values: Any) -> Any:
        """One value out of the database."""

        async def flow(tx: Tx) -> Any:
            return await (await tx.driver()).fetchval(statement, *values)

        return await self.db.run(flow)

    async def awarded(self, major: int = 800, **more: Any) -> tuple[UUID, AwardRow]:
        """An auction that BUYER won, and its award."""
        auction = await self.opened(**more)
        await self.bid(auction, BUYER, major)
        self.clock.advance(24 * HOUR)
        assert await self.tick(auction) is AuctionState.AWARDED
        award = await self.db.run(lambda tx: store.award_of(tx, auction))
        assert award is not None
        return auction, award


async def furnished(database: Database, keyring: Keyring, clock: FixedClock) -> House:
    """A house in a market of its own."""
    market = await open_market(database, keyring)
    await market.offer("auction", LICENCE, kind="one_off")
    return House(market, clock)

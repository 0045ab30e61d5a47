"""A run that is done again from the same facts writes the same bytes, however fast, how often stopped, in what portions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from exchange.flows import settle_period
from exchange.flows.refund_order import RefundReceipt, RefundWish, refund_order
from exchange.flows.sale import Sales
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement.refunds import Reason
from settlement.store import audit
from tests.support.clones import Clones
from tests.support.papered import agree, operated, profiled
from tests.support.ruled import put_rule, ruled_offer, step, waterfall
from tests.support.settlement_market import (
    BROKER,
    BUYER,
    MONTHLY,
    ONE_OFF,
    OPERATOR,
    OTHER,
    PER_RECORD,
    Market,
    actor,
    open_market,
)

YUAN = 1_000_000
SELLERS = [UUID(int=0xA000 + 7 * n) for n in range(13)]
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "CNY")
FEBRUARY = Period(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), "CNY")
# All that a run leaves behind, by what it says: numbers of accounts and of bookings come from sequences, which a
# transaction that was given up leaves a gap in.
ROWS = {
    "run": "SELECT * FROM settlement.run",
    "run_item": "SELECT id, run_id, side, organisation_id, state, position FROM settlement.run_item",
    "charge": "SELECT * FROM settlement.charge",
    "due": "SELECT * FROM settlement.due",
    "journal": "SELECT * FROM settlement.journal",
    "posting": "SELECT p.journal_id, p.line, a.organisation_id, a.kind, p.amount, p.currency, p.tag "
    "FROM settlement.posting p JOIN settlement.account a ON a.id = p.account_id",
    "account": "SELECT organisation_id, kind, currency, created_at FROM settlement.account",
    "invoice": "SELECT * FROM settlement.invoice",
    "invoice_line": "SELECT * FROM settlement.invoice_line",
    "statement": "SELECT * FROM settlement.statement",
    "statement_line": "SELECT * FROM settlement.statement_line",
    "split_run": "SELECT id, rule_id, currency, until, journal_id, created_at FROM settlement.split_run",
    "split_source": "SELECT * FROM settlement.split_source",
    "split_booked": "SELECT id, run_id, step, per, period, role, organisation_id, cumulative, amount, journal_id, created_at "
    "FROM settlement.split_booked",
    "orders": "SELECT id, settled_in FROM settlement.orders",
    "series": "SELECT * FROM settlement.series",
    "fiscal_document": "SELECT * FROM settlement.fiscal_document",
    "fiscal_source": "SELECT * FROM settlement.fiscal_source",
    "fiscal_missing": "SELECT * FROM settlement.fiscal_missing",
}


@pytest.fixture
async def traded(clones: Clones, database_url: str, keyring: Keyring, clock: FixedClock) -> str:
    """Two months of trade of many sellers with two short buyers; January is settled, with debts, and use came late."""
    database = Database(DatabaseUrls.from_one(database_url), clock, ids=IdSource(b"trade"))
    market = await open_market(database, keyring)
    rule = await put_rule(
        market, waterfall(step("fee", "share_of_gross", percent="10", at_most="2", per="month"), per="month")
    )
    await ruled_offer(market, "ruled", rule, "pay_per_use", PER_RECORD)
    await ruled_offer(market, "ruled once", rule, "one_off", ONE_OFF)
    for seller in SELLERS:
        await market.join(seller)
    await papered(market)
    await market.offer("fee", MONTHLY)
    await market.fund(BUYER, 1_700 * YUAN)
    await market.fund(OTHER, 500 * YUAN)
    grants = {}
    for n, seller in enumerate(SELLERS):
        buyer = (BUYER, OTHER)[n % 2]
        name = f"{('per_use', 'monthly')[n % 3 == 0]}/{seller.hex[-4:]}"
        grants[name] = (await market.buy(buyer, name)).grant
    ruled = (await market.buy(BUYER, "ruled")).grant
    once = [await market.buy(BUYER, "ruled once") for _ in range(2)]
    at = clock.now() + timedelta(minutes=5)
    used = [name for name in grants if name.startswith("per_use")]
    for n, name in enumerate(used):
        await market.use(grants[name], 1_500 + 1_000 * n, at)
    await market.use(ruled, 700, at)
    clock.advance(20 * 86_400)
    await settle(market, JANUARY)
    for name in used[::2]:
        await market.use(grants[name], 333, at)
        await market.use(grants[name], 50, at + timedelta(days=20))
    await market.use(ruled, 900, at + timedelta(days=19))
    wish = RefundWish(("order", ids.parse("ord", once[0].id)), Reason.GOODWILL, Money(100 * YUAN, "CNY"))
    back = await database.run(lambda tx: refund_order(tx, actor(OPERATOR, "operator"), wish))
    assert isinstance(back, RefundReceipt), back
    await market.fund(OTHER, 90 * YUAN)
    clock.advance(30 * 86_400)
    await database.close()
    return database_url


async def papered(market: Market) -> None:
    """All but one seller have what papers need; shares and fees are taxed, so that papers book money."""
    await operated(market)
    await profiled(market, *SELLERS[1:], BUYER, OTHER, taxed=False)
    await profiled(market, BROKER, OPERATOR)
    await agree(market, BROKER)


async def settle(market: Market, period: Period) -> None:
    found = await market.database.run(lambda tx: start_run(tx, period))
    while isinstance(found, RunProgress) and not found.finished:
        named = ids.parse("run", found.run)
        found = await market.database.run(lambda tx, named=named: settle_next(tx, market.sales, named))  # type: ignore[misc]
    assert isinstance(found, RunProgress), found


class Crash(Exception):
    pass


async def steady(database: Database, clock: FixedClock, run_id: UUID, sales: Callable[[], Sales]) -> bool:
    """One part, as a worker does it that is left alone."""
    kept = sales()
    found = await database.run(lambda tx: settle_next(tx, kept, run_id))
    assert isinstance(found, RunProgress)
    return found.finished


async def troubled(database: Database, clock: FixedClock, run_id: UUID, sales: Callable[[], Sales]) -> bool:
    """One part, which is first killed before its commit, by a worker that starts anew half an hour later."""

    async def dies(tx: Tx) -> None:
        await settle_next(tx, sales(), run_id)
        raise Crash

    clock.advance(1_700.123)
    with pytest.raises(Crash):
        await database.run(dies)
    clock.advance(99.5)
    return await steady(database, clock, run_id, Sales)


async def beside(database: Database, clock: FixedClock, run_id: UUID, sales: Callable[[], Sales]) -> bool:
    """Four at a time, of whom one is killed before its commit and one is told by PostgreSQL to do its part again."""
    stumbled = False

    async def dies(tx: Tx) -> None:
        await settle_next(tx, sales(), run_id)
        raise Crash

    async def stumbles(tx: Tx) -> RunProgress | Problem:
        nonlocal stumbled
        found = await settle_next(tx, sales(), run_id)
        if not stumbled:
            stumbled = True
            raise asyncpg.DeadlockDetectedError
        return found

    async def lane(flow: Callable[[Tx], Awaitable[RunProgress | Problem]]) -> bool:
        found = await database.run(flow)
        assert isinstance(found, RunProgress)
        return found.finished

    killed = asyncio.create_task(database.run(dies))
    kept = partial(settle_next, sales=Sales(), run_id=run_id)
    finished = await asyncio.gather(lane(kept), lane(stumbles), lane(kept))
    with pytest.raises(Crash):
        await killed
    return any(finished)


async def rows(database: Database) -> dict[str, list[str]]:
    async def look(tx: Tx) -> dict[str, list[str]]:
        driver = await tx.driver()
        found = {}
        for table, query in ROWS.items():
            skipped = {"closed_at"}
            found[table] = sorted(
                json.dumps({k: _plain(v) for k, v in row.items() if k not in skipped}, sort_keys=True)
                for row in await driver.fetch(query)
            )
        return found

    return await database.run(look)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


PORTIONS = (
    *((10, 50, steady), (1, 1, troubled), (3, 2, troubled), (1_000, 1_000, steady)),
    *((1, 1, beside), (2, 5, beside), (1_000, 1_000, beside)),
)


async def test_the_same_facts_give_the_same_bytes(
    traded: str, clones: Clones, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, list[str]]] = []
    for sellers, payees, part in PORTIONS:
        monkeypatch.setattr(settle_period, "SELLERS_PER_STEP", sellers)
        monkeypatch.setattr(settle_period, "PAYEES_PER_STEP", payees)
        url, own = await clones.copy(traded), FixedClock(clock.now())
        database = Database(DatabaseUrls.from_one(url), own, ids=IdSource())
        started = await database.run(lambda tx: start_run(tx, FEBRUARY))
        assert isinstance(started, RunProgress), started
        run_id, kept = ids.parse("run", started.run), Sales()
        while not await part(database, own, run_id, lambda kept=kept: kept):  # type: ignore[misc]
            pass
        assert await database.run(audit.check) == []
        found.append(await rows(database))
        await database.close()
        await clones.drop(url)
    first, *others = found
    assert [len(first[table]) for table in ("run", "invoice", "statement")] == [2, 24, 26]
    assert len(first["split_run"]) == 2
    for other in others:
        for table, expected in first.items():
            assert other[table] == expected, table

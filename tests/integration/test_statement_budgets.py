"""How many statements the hot flows send: the same few for one command as for a hundred.

Run with -s to see them. A budget that is too low is a reason to think, not to raise it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio

from exchange.access.meters import Meter
from exchange.access.settings import AccessSettings
from exchange.access.store import usage
from exchange.access.store.usage import Source
from exchange.access.usage import GrantCache, read_events
from exchange.flows.access_data import access_data
from exchange.flows.ingest_usage import Report, ingest_usage
from exchange.flows.once import Answered, Command
from exchange.flows.purchase import Purchase, purchase
from exchange.flows.record_payment import PaymentResult, Recorded, record_payment
from exchange.flows.top_up import TopUp, TopUpReceipt, top_up
from exchange.kernel import ids as ids_of
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from pricing.basis import EMPTY, Basis
from tests.support import access
from tests.support.settlement_market import BUYER, ONE_OFF, SELLER, Market, actor, open_market

SETTINGS = AccessSettings()
MANY = 100


@dataclass
class Watched:
    """A database that tells its statements."""

    database: Database
    said: list[str] = field(default_factory=list)

    async def count(self, flow: Callable[[Tx], Awaitable[Any]]) -> tuple[int, Any]:
        """How many statements a transaction takes, BEGIN and COMMIT included, and what came of it."""
        await asyncio.sleep(0.01)  # the driver tells of a statement a turn of the loop later
        self.said.clear()
        made = await self.database.run(flow)
        await asyncio.sleep(0.01)
        return len(self.said), made


@pytest_asyncio.fixture
async def watched(database_url: str, clock: FixedClock, ids: IdSource) -> AsyncIterator[Watched]:
    """A database of the test's own that tells every statement."""
    said: list[str] = []
    made = Watched(Database(DatabaseUrls.from_one(database_url), clock, ids=ids, observer=said.append), said)
    yield made
    await made.database.close()


def within(budget: int, name: str, one: int, many: int) -> None:
    """Say the numbers, and hold them."""
    print(f"{name}: {one} statements for 1, {many} for {MANY}, budget {budget}")
    assert many <= one, f"{name}: more commands take more statements"
    assert one <= budget, f"{name}: {one} statements, budget {budget}"
    assert one > 3, "the observer hears nothing"


async def test_the_observer_hears_every_kind_of_statement(watched: Watched) -> None:
    async def flow(tx: Tx) -> None:
        await tx.conn.exec_driver_sql("SELECT 'core'")
        driver = await tx.driver()
        await driver.execute("SELECT 'simple'")
        await driver.fetch("SELECT $1::int", 1)

    count, _ = await watched.count(flow)
    heard = " | ".join(watched.said)
    assert count == 5, heard
    for word in ("BEGIN", "'core'", "'simple'", "$1::int", "COMMIT"):
        assert word in heard, heard


async def test_purchase(watched: Watched, keyring: Keyring) -> None:
    market = await open_market(watched.database, keyring)
    await market.fund(BUYER, 100_000_000_000)
    half = {"id": "half", "type": "term", "months": 1, "percent": "50"}
    await market.offer("taxed", ONE_OFF, kind="one_off", discounts=[half])
    for name in ("one_off", "per_use", "taxed"):
        if name == "taxed":
            await market.register_for_tax(SELLER)
        for _ in range(3):
            # The process remembers offers, and accounts once their first transaction is behind everybody.
            await market.buy(BUYER, name)
        one, first = await watched.count(_purchases(market, name, "one", 1))
        many, others = await watched.count(_purchases(market, name, "many", MANY))
        assert all(isinstance(answer, Answered) for answer in [*first, *others]), (first, others)
        within(16, f"purchase {name}", one, many)
    replayed, again = await watched.count(_purchases(market, "one_off", "many", MANY))
    assert all(answer.replayed for answer in again)
    assert replayed <= 6, watched.said


def _purchases(market: Market, offer: str, key: str, count: int) -> Callable[[Tx], Awaitable[Any]]:
    wishes = []
    for n in range(count):
        digest = hashlib.sha256(f"{offer} {key} {n}".encode()).digest()
        command = Command(actor(BUYER, "buyer"), "purchase", f"{offer}-{key}-{n}", digest)
        choices = Basis(term_months=1 + n % 3) if offer == "taxed" else EMPTY
        wishes.append(Purchase(command, market.offers[offer], ("pretrain",), "wallet", choices=choices))
    return lambda tx: purchase(tx, market.sales, market.keyring, wishes)


async def test_access_data(watched: Watched) -> None:
    for name, quota in (("without quota", {}), ("with quota", {"records": 100_000})):
        grants = await access.open_market(watched.database, quota, count=MANY)
        flow = partial(access_data, holder=UUID(int=7), settings=SETTINGS)
        warm = [access.read(grant, records=1, bytes=10) for grant in grants]
        await watched.database.run(lambda tx, warm=warm, flow=flow: flow(tx, warm))  # type: ignore[misc]
        one, first = await watched.count(lambda tx, warm=warm, flow=flow: flow(tx, warm[:1]))  # type: ignore[misc]
        many, others = await watched.count(lambda tx, warm=warm, flow=flow: flow(tx, warm))  # type: ignore[misc]
        assert not any(isinstance(answer, Problem) for answer in [*first, *others])
        within(10, f"access_data {name}", one, many)


async def test_ingest_usage(watched: Watched) -> None:
    database = watched.database
    (grant,) = await access.open_market(database, {}, meters=(Meter.TOKENS,))
    client = database.ids.new(database.clock.now())
    number = await database.run(lambda tx: usage.register_source(tx, access.SELLER, client))
    source, known = Source(number, access.SELLER), GrantCache(10)
    flow = partial(ingest_usage, known=known, settings=SETTINGS)

    def report(batch: int, events: int) -> Report:
        body = msgspec.json.encode([_event(grant, batch * 1_000 + n, database.clock.now()) for n in range(events)])
        read = read_events(body, SETTINGS)
        assert not isinstance(read, Problem)
        return Report(source, f"batch-{batch}", hashlib.sha256(body).digest(), read)

    await database.run(lambda tx: flow(tx, [report(0, 1)]))
    one, _ = await watched.count(lambda tx: flow(tx, [report(1, 1)]))
    events, _ = await watched.count(lambda tx: flow(tx, [report(2, 1_000)]))
    many, answers = await watched.count(lambda tx: flow(tx, [report(10 + n, 10) for n in range(MANY)]))
    assert all(msgspec.json.decode(answer.answer)["accepted"] == 10 for answer in answers)
    assert events == one
    # COPY is not among them: the driver tells of it to nobody; it is one per day of use in the batch.
    within(8, "ingest_usage", one, many)


def _event(grant: Any, number: int, at: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(UUID(int=number)),
        "source": "urn:shelf:1",
        "type": "exchange.usage",
        "subject": ids_of.text("grt", grant.id),
        "time": at.isoformat(),
        "data": {"meter": "tokens", "value": 1},
    }


async def test_record_payment(watched: Watched, keyring: Keyring) -> None:
    """Stripe tells of payments one by one, so there is a budget for one, and no more than that for each further."""
    market = await open_market(watched.database, keyring)
    payments = [await _payment(watched.database) for _ in range(12)]

    def flow(part: list[UUID]) -> Callable[[Tx], Awaitable[Any]]:
        said = [PaymentResult(one, "succeeded", f"pi_{one.hex}") for one in part]
        return lambda tx: record_payment(tx, market.sales, said)

    await watched.database.run(flow(payments[:1]))
    one, first = await watched.count(flow(payments[1:2]))
    ten, others = await watched.count(flow(payments[2:]))
    assert all(isinstance(answer, Recorded) and not answer.replayed for answer in [*first, *others])
    again, replayed = await watched.count(flow(payments[2:]))
    print(f"record_payment: {one} statements for 1, {ten} for 10, {again} for 10 known ones")
    assert all(answer.replayed for answer in replayed)
    assert one <= 14, watched.said
    assert ten <= one * 10
    assert again <= 5


async def _payment(database: Database) -> UUID:
    wish = TopUp(Money(50_000_000, "CNY"), "card", "pm_card_visa")
    made = await database.run(lambda tx: top_up(tx, actor(BUYER, "buyer"), wish))
    assert isinstance(made, TopUpReceipt), made
    return ids_of.parse("pay", made.id)

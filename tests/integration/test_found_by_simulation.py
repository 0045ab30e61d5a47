"""What seeds of the fault suite found once, each told again on its own."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from exchange.access.store import seal
from exchange.flows.accept_delivery import DeliveryStands
from exchange.flows.decide_rejection import RejectionDecided
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseAway, DatabaseSettings, DatabaseUrls, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from settlement.acceptances import Outcome
from settlement.store import audit
from tests.support.refunding import accept, decide, reject, run_to
from tests.support.ruled import purses, put_rule, ruled_offer, step, waterfall
from tests.support.settlement_market import BUYER, PER_RECORD, Market, actor, open_market

YUAN = 1_000_000
LATER = step("bonus", "fixed", amount="1.00", per="lifetime")


async def pid_of(tx: Tx) -> int:
    return int(await (await tx.driver()).fetchval("SELECT pg_backend_pid()"))


async def test_a_connection_that_died_in_the_pool_is_not_given_out_for_ever(
    database_url: str, clock: FixedClock
) -> None:
    database = Database(DatabaseUrls.from_one(database_url), clock, settings=DatabaseSettings(app_connections_max=1))
    pid = await database.run(pid_of)
    other = await asyncpg.connect(database_url)
    await other.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await other.close()
    # The flow begins with a statement of the driver, so SQLAlchemy does not see that it fails.
    with pytest.raises(DatabaseAway):
        await database.run(pid_of)
    assert await database.run(pid_of) != pid
    await database.close()


async def test_what_is_committed_after_a_cancelled_flow_is_committed(database_url: str, clock: FixedClock) -> None:
    database = Database(DatabaseUrls.from_one(database_url), clock, settings=DatabaseSettings(app_connections_max=1))
    other = await asyncpg.connect(database_url)

    async def write(tx: Tx, key: str) -> None:
        await (await tx.driver()).execute(
            "INSERT INTO kernel.job (id, kind, dedupe_key, payload, attempts_max, run_at, created_at) "
            "VALUES ($1, 'x', $3, '{}', 1, $2, $2)",
            *(tx.new_id(), tx.now, key),
        )

    told = set()
    for moment in range(60):
        # The caller hangs up after so many turns of the loop: before the beginning, in the middle of it, later.
        task = asyncio.create_task(database.run(lambda tx, n=moment: write(tx, f"cancelled {n}")))  # type: ignore[misc]
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        key = f"kept {moment}"
        await database.run(lambda tx, key=key: write(tx, key))  # type: ignore[misc]
        told.add(key)
        rows = await other.fetch("SELECT dedupe_key FROM kernel.job WHERE dedupe_key LIKE 'kept%'")
        assert {row[0] for row in rows} == told
    await other.close()
    await database.close()


async def test_two_who_make_the_same_day_at_once_both_go_on(database: Database) -> None:
    day, made = date(2026, 5, 5), asyncio.Event()

    async def first(tx: Tx) -> int:
        count = await seal.ensure_days(tx, [day])
        made.set()
        for _ in range(500):
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            if (await tx.conn.execute(text(waits))).scalar_one():
                return count
            await asyncio.sleep(0.01)
        raise AssertionError("nobody waited")

    async def second(tx: Tx) -> int:
        # Its cache of the catalogue knows that there is no such table.
        await tx.conn.execute(text("SELECT to_regclass('access.usage_record_20260505')"))
        await made.wait()
        return await seal.ensure_days(tx, [day])

    assert sorted(await asyncio.gather(database.run(first), database.run(second))) == [0, 1]


async def metered(database: Database, keyring: Keyring) -> tuple[Market, Any]:
    """Something sold by use under a rule with a memory, and used."""
    market = await open_market(database, keyring)
    await market.fund(BUYER, 1_000 * YUAN)
    rule = await put_rule(market, waterfall(LATER, per="lifetime"))
    assert not rule.stateless
    await ruled_offer(market, "ruled", rule, "pay_per_use", PER_RECORD)
    order = await market.buy(BUYER, "ruled")
    await market.use(order.grant, 2_000, database.clock.now() + timedelta(minutes=5))
    return market, order


async def test_use_under_a_rule_is_split_by_the_run_that_charges_it(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market, _ = await metered(database, keyring)
    clock.advance(20 * 86_400)
    # As always, the run is made after its period has ended.
    await run_to(market, (clock.now() - timedelta(days=1)).replace(hour=0))
    assert await purses(market, "payable") == {"platform": YUAN, "seller": 29 * YUAN}
    assert await database.run(audit.check) == []


async def test_use_under_a_rule_that_waited_for_its_delivery_is_split_after_it_was_accepted(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market, order = await metered(database, keyring)
    clock.advance(2 * 86_400)
    await run_to(market, clock.now().replace(hour=0))
    assert await purses(market) == {"clearing": 30 * YUAN}
    assert isinstance(await accept(market, order), DeliveryStands)
    clock.advance(86_400)
    await run_to(market, clock.now().replace(hour=0))
    assert await purses(market, "payable") == {"platform": YUAN, "seller": 29 * YUAN}
    assert await database.run(audit.check) == []


async def test_what_is_said_of_a_delivery_stands_in_its_order_whatever_the_clocks_say(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    await market.fund(BUYER, 1_000 * YUAN)
    order = await market.buy(BUYER, "one_off")
    clock.advance(3_600)
    assert isinstance(await reject(market, order), DeliveryStands)
    # Another process, whose clock is behind.
    clock.advance(-1_800)
    assert isinstance(await accept(market, order), DeliveryStands)
    refused = await decide(market, order, Outcome.REFUND)
    assert isinstance(refused, Problem), refused
    assert not isinstance(refused, RejectionDecided)
    assert await database.run(audit.check) == []
    assert ids.parse("ord", order.id)
    assert actor(BUYER)

"""The fixtures keep their promises."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_its_own_database(database: Database, turn: int) -> None:
    async def flow(tx: Tx) -> int:
        driver = await tx.driver()
        await driver.execute(
            "INSERT INTO kernel.party (object_id, organisation_id, role) VALUES ($1, $1, 'broker')", tx.new_id()
        )
        return int(await driver.fetchval("SELECT count(*) FROM kernel.party"))

    await database.check_walls()
    assert await database.run(flow) == 1
    async with database.read(None) as tx:
        assert (await tx.conn.execute(text("SELECT count(*) FROM kernel.party"))).scalar_one() == 0


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_rolled_back_transaction_leaves_nothing(rollback_tx: Tx, turn: int) -> None:
    driver = await rollback_tx.driver()
    assert await driver.fetchval("SELECT count(*) FROM kernel.party") == 0
    await driver.execute("INSERT INTO kernel.party VALUES ($1, $1, 'broker')", rollback_tx.new_id())


def test_the_clock_moves_only_when_told(clock: FixedClock) -> None:
    before = clock.now()
    assert clock.advance(60) == clock.now()
    assert (clock.now() - before).total_seconds() == 60

"""A run that other processes help with: it books what one alone books, and it ends when they do not."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from exchange.flows import settle_period, settle_run
from exchange.flows.sale import Sales
from exchange.flows.settle_period import RunProgress, settle_next, start_run
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from settlement.store import audit
from tests.integration.test_settlement_same_bytes import FEBRUARY, JANUARY, rows, traded
from tests.support.clones import Clones
from tests.support.settlement_market import BUYER, open_market

__all__ = ["traded"]
YUAN = 1_000_000
SELLERS = [UUID(int=0xA000 + n) for n in range(4)]


class Crash(Exception):
    pass


async def test_who_comes_after_a_lane_that_is_killed_does_not_overtake_it(
    database: Database, keyring: Keyring, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle_period, "SELLERS_PER_STEP", 1)
    market = await open_market(database, keyring)
    for seller in SELLERS:
        await market.join(seller)
    await market.fund(BUYER, 100 * YUAN)
    for seller in SELLERS:
        grant = (await market.buy(BUYER, f"per_use/{seller.hex[-4:]}")).grant
        await market.use(grant, 4_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    started = await database.run(lambda tx: start_run(tx, JANUARY))
    assert isinstance(started, RunProgress)
    run_id, has_booked, may_die = ids.parse("run", started.run), asyncio.Event(), asyncio.Event()

    async def dies(tx: Tx) -> None:
        await settle_next(tx, market.sales, run_id)
        has_booked.set()
        await may_die.wait()
        raise Crash

    killed = asyncio.create_task(database.run(dies))
    await has_booked.wait()
    behind = [asyncio.create_task(database.run(partial(settle_next, sales=market.sales, run_id=run_id))) for _ in "ab"]
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while await database.run(lambda tx: _one(tx, waits)) < len(behind):
        await asyncio.sleep(0.01)
    may_die.set()
    with pytest.raises(Crash):
        await killed
    await asyncio.gather(*behind)
    ended = await settle_run.settle_run(database, market.sales, run_id, _quiet)
    assert isinstance(ended, RunProgress)
    assert ended.finished
    owed = "SELECT array_agg(unpaid_units ORDER BY seller_id) FROM settlement.due WHERE unpaid_units > 0 OR released"
    assert await database.run(lambda tx: _one(tx, owed)) == [0, 20 * YUAN, 60 * YUAN, 60 * YUAN]
    assert await database.run(audit.check) == []


async def _one(tx: Tx, query: str) -> Any:
    return await (await tx.driver()).fetchval(query)


async def _quiet(_done: int, _of: int) -> None:
    return None


@pytest.mark.parametrize("fault", ["none", "killed at once", "killed later", "cannot start"])
async def test_another_process_changes_no_byte_and_is_not_needed(
    traded: str, clones: Clones, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(settle_run, "SHARED_FROM", 1)
    monkeypatch.setattr(settle_period, "SELLERS_PER_STEP", 1)
    others: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def kept(*command: str, **more: Any) -> asyncio.subprocess.Process:
        broken = ["-c", "raise SystemExit(3)"] if fault == "cannot start" else command[1:]
        others.append(await start(command[0], *broken, **more))
        return others[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", kept)
    found: list[dict[str, list[str]]] = []
    for processes in (1, 3):
        url, own = await clones.copy(traded), FixedClock(clock.now())
        database = Database(DatabaseUrls.from_one(url), own, ids=IdSource())
        started = await database.run(lambda tx: start_run(tx, FEBRUARY))
        assert isinstance(started, RunProgress), started

        async def show(done: int, of: int) -> None:
            assert done <= of
            await asyncio.sleep(0.3 if fault == "none" else 0.05)
            for one in others:
                if one.returncode is None and fault in ("killed at once", "killed later"):
                    if fault == "killed later":
                        await asyncio.sleep(1.2)
                    # On a slow machine the run may have ended meanwhile, and the other process with it.
                    with suppress(ProcessLookupError):
                        one.kill()

        run_id = ids.parse("run", started.run)
        ended = await settle_run.settle_run(database, Sales(), run_id, show, processes=processes)
        assert isinstance(ended, RunProgress)
        assert ended.finished
        assert await database.run(audit.check) == []
        found.append(await rows(database))
        await database.close()
        await clones.drop(url)
    assert len(others) == 2
    allowed = {"none": {0}, "cannot start": {3}, "killed at once": {-9}, "killed later": {-9, 0}}[fault]
    assert {one.returncode for one in others} <= allowed
    assert found[0] == found[1]

"""A run that other processes help with: it books what one alone books, and it ends when they do not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from exchange.flows import settle_period, settle_run
from exchange.flows.sale import Sales
from exchange.flows.settle_period import RunProgress, start_run
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.ids import IdSource
from settlement.store import audit
from tests.integration.test_settlement_same_bytes import FEBRUARY, rows, traded
from tests.support.clones import Clones

__all__ = ["traded"]


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
    assert {one.returncode for one in others} == {{"none": 0, "cannot start": 3}.get(fault, -9)}
    assert found[0] == found[1]

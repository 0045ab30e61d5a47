"""`exchange sequencer`: what an operator does with the log, and that a process signs it until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from compliance import store, tree_store
from compliance.entries import Entry
from exchange import main
from exchange.cli import commands
from exchange.flows import checkpoint_log
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.keys import Keyring
from exchange.process import Ground
from tests.support.api import settings_for

Command = Callable[..., Awaitable[tuple[int, Any]]]


async def put(database: Database, name: str) -> None:
    async def flow(tx: Tx) -> None:
        await store.append(tx, [Entry(action="test", organisation_id=UUID(int=1), object_id=name)])

    await database.run(flow)


@pytest.fixture
def command(database_url: str, keyring: Keyring, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `exchange ...` on the test's database: its exit code and what it says."""
    settings = settings_for(tmp_path)

    @asynccontextmanager
    async def ground(*_: Any) -> AsyncIterator[Ground]:
        yield Ground(settings, DatabaseUrls.from_one(database_url), keyring, None)

    tools = replace(main.tools(settings), ground=ground)

    async def run(*arguments: str) -> tuple[int, Any]:
        chosen = commands.parser().parse_args(arguments)
        code = await chosen.run(chosen, tools)
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return run


async def test_an_operator_logs_adopts_and_rebases(command: Command, database: Database, tmp_path: Path) -> None:
    await put(database, "a")
    assert await command("sequencer", "once", "--json") == (0, {"size": 1, "shown": 1})
    (tmp_path / "log.mark").unlink()
    await put(database, "b")
    code, said = await command("sequencer", "once", "--json")
    assert code == 1
    assert "exchange sequencer adopt" in said["refused"]
    assert await command("sequencer", "adopt", "--json") == (0, {"adopted": ["file"]})
    assert await command("sequencer", "adopt", "--json") == (0, {"adopted": []})
    assert await command("sequencer", "once", "--json") == (0, {"size": 3, "shown": 3})
    await put(database, "c")
    assert await command("log", "rebase", "--json") == (0, {"entries": 1})
    # The rebase itself is in the log, behind the entry that waited.
    assert await command("sequencer", "once", "--json") == (0, {"size": 5, "shown": 5})


@pytest.mark.parametrize("leashed", [False, True])
async def test_it_signs_until_it_is_stopped(
    command: Command, database: Database, leashed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    give, take = os.pipe()
    with os.fdopen(give) as given:
        monkeypatch.setattr("sys.stdin", given)
        running = asyncio.create_task(command("sequencer", *(("run", "--leashed") if leashed else ())))
        for size in (1, 2):
            await put(database, f"e{size}")
            async with asyncio.timeout(30):
                while (await database.run(tree_store.waiting)).signed != size:
                    await asyncio.sleep(0.05)
            async with asyncio.timeout(30):
                while await database.run(tree_store.oldest_unsigned) != (size, None):
                    await asyncio.sleep(0.05)
        if leashed:
            os.close(take)
        else:
            os.kill(os.getpid(), signal.SIGTERM)
        assert (await asyncio.wait_for(running, 30))[0] == 0
        if not leashed:
            os.close(take)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(name)


async def test_the_age_counts_from_the_oldest_entry_that_is_not_signed(
    command: Command, database: Database, clock: Any
) -> None:
    assert await database.run(tree_store.oldest_unsigned) == (0, None)
    first = clock.now()
    await put(database, "a")
    clock.advance(5)
    await put(database, "b")
    assert await database.run(tree_store.oldest_unsigned) == (0, first)
    assert (await command("sequencer", "once", "--json"))[0] == 0
    assert await database.run(tree_store.oldest_unsigned) == (2, None)
    second = clock.now()
    await put(database, "c")
    clock.advance(5)
    await put(database, "d")
    # One of them has its leaf already, and is not under a checkpoint.
    await database.run(lambda tx: checkpoint_log.integrate(tx, origin="o", batch_max=1))
    assert await database.run(tree_store.oldest_unsigned) == (2, second)

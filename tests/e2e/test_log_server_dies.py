"""The database server itself is killed while the log is signed, and an older copy of its files comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from compliance import notes, store, tree_store
from compliance.entries import Entry
from compliance.log import LogBehind
from compliance.marks import FileMark
from exchange.flows.audit_log import LogReport, audit_log
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseAway, DatabaseUrls, Tx
from exchange.kernel.embedded import EmbeddedServer, Settings
from exchange.kernel.files import FilesSettings, FileStore
from exchange.migrations.run import upgrade
from exchange.worker.log_files import LogFiles, StoreMark
from exchange.worker.sequencer import Sequencer
from tests.e2e.dying_sequencer import KEYS, ORIGIN
from tests.support.server import leave, run_server

KILLS = 3
# Fsync, full pages and all: what a killed server has confirmed must be there.
DURABLE = Settings(shared_buffers_mb=64, options={"max_wal_size": "1GB"})


@pytest.fixture
def mortal() -> Iterator[EmbeddedServer]:
    """A durable server that belongs to one test."""
    server = run_server(DURABLE)
    try:
        yield server
    finally:
        leave(server)


@asynccontextmanager
async def opened(server: EmbeddedServer) -> AsyncIterator[Database]:
    made = Database(DatabaseUrls.from_one(server.url), SystemClock())
    try:
        yield made
    finally:
        await made.close()


def sequencer(db: Database, folder: Path) -> Sequencer:
    """As the exchange puts it together."""
    files = FileStore.open(FilesSettings(url=(folder / "files").as_uri()))
    kept = [FileMark(folder / "log.mark"), StoreMark(files)]
    return Sequencer(db, [notes.log_signer(KEYS, ORIGIN)], ORIGIN, kept, files=LogFiles(db, files), every_s=0.05)


async def write(db: Database, count: int) -> None:
    async def flow(tx: Tx) -> None:
        await store.append(tx, [Entry(action="test", organisation_id=UUID(int=1)) for _ in range(count)])

    await db.run(flow)


async def audited(made: Sequencer) -> LogReport:
    async def quiet(_done: int, _total: int) -> None:
        return None

    keys = notes.log_verifiers(KEYS, ORIGIN)
    return await audit_log(made.db, keys, ORIGIN, quiet, marks=await made.known())


@pytest.mark.slow
async def test_the_database_server_dies_under_the_sequencer(mortal: EmbeddedServer, tmp_path: Path) -> None:
    """What was confirmed is in the log once; what was signed stays signed; the same process goes on by itself."""
    await upgrade(DatabaseUrls.from_one(mortal.url).migrate)
    async with opened(mortal) as db:
        made, confirmed, signed = sequencer(db, tmp_path), 0, [-1]
        running = asyncio.create_task(made.run())
        try:
            for _ in range(KILLS):
                until = confirmed + 300
                while confirmed < until:
                    # A connection that was idle when the server died says so when it is used next.
                    with contextlib.suppress(DatabaseAway):
                        await write(db, 10)
                        confirmed += 10
                # Among its own doings: the log is behind what is written.
                pid = mortal.pid()
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                await asyncio.to_thread(mortal.revive)
                while True:
                    with contextlib.suppress(DatabaseAway):
                        signed.append((await db.run(tree_store.waiting)).signed or 0)
                        break
                    await asyncio.sleep(0.05)
            # It goes on by itself; how soon depends on what else this machine does.
            async with asyncio.timeout(120):
                while signed[-1] < confirmed:
                    with contextlib.suppress(DatabaseAway):
                        signed.append((await db.run(tree_store.waiting)).signed or 0)
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert signed == sorted(signed)
    # An entry whose confirmation the kill cut off may be there too, and is then logged like any other.
    async with opened(mortal) as db:
        report = await audited(sequencer(db, tmp_path))
        assert (report.faults, report.waiting) == ([], 0)
        assert confirmed <= report.signed <= confirmed + KILLS * 10


@pytest.mark.slow
async def test_an_older_copy_of_the_servers_files_signs_nothing(mortal: EmbeddedServer, tmp_path: Path) -> None:
    """A real backup: the server's folder as it was, transaction counter and all, in the place of what came after it."""
    await upgrade(DatabaseUrls.from_one(mortal.url).migrate)
    copy = mortal.data.with_name("copy")
    async with opened(mortal) as db:
        await write(db, 5)
        assert (await sequencer(db, tmp_path).step()) is not None
        mortal.psql("CHECKPOINT")
    mortal.stop()
    subprocess.run(["cp", "-a", mortal.data, copy], check=True)
    mortal.start()
    async with opened(mortal) as db:
        await write(db, 5)
        head = await sequencer(db, tmp_path).step()
        assert head is not None
        assert head.size == 10
    mortal.stop()
    mortal.data.rename(mortal.data.with_name("newer"))
    copy.rename(mortal.data)
    mortal.start()
    async with opened(mortal) as db:
        # As many entries as were lost, so that sizes alone would not tell.
        await write(db, 5)
        made = sequencer(db, tmp_path)
        for _ in range(2):
            with pytest.raises(LogBehind, match="file knows another log of 10 leaves"):
                await made.step()
        assert (await db.run(tree_store.waiting)).signed == 5
        assert {one.rule for one in (await audited(made)).faults} >= {"log-behind"}

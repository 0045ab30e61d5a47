"""Audit entries per second from concurrent transactions to a signed checkpoint, beside the bare insert of the same rows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.result import Result, result
from compliance import store, tree_store
from compliance.entries import Entry
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseSettings, DatabaseUrls, Tx
from exchange.kernel.embedded import EmbeddedServer
from exchange.process import ground
from tests.support.api import settings_for

NAME, FLOOR, AIM = "sequencing", 5_000, 20_000
WRITERS, SECONDS, LAG_S_MAX = 16, 10.0, 2.0
PER_TRANSACTION = (1, 8, 64)
# Writers rest while more than this waits for its checkpoint, as they would behind a limit on requests.
BEHIND_S = 1.2
_LOOK_S = 0.05
_BARE = (
    "INSERT INTO bare (id, node_id, organisation_ids, action, object_id, envelope, created_at) "
    "SELECT e.id, e.node, e.organisations::uuid[], e.action, e.object, e.envelope, $7 "
    "FROM unnest($1::text::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[]) "
    "AS e(id, node, organisations, action, object, envelope)"
)
_BARE_TABLE = (
    "DROP TABLE IF EXISTS bare; CREATE TABLE bare (id uuid, node_id text, organisation_ids uuid[], action text, "
    "object_id text, envelope bytea, created_at timestamptz); GRANT INSERT ON bare TO exchange_app"
)


@dataclass
class Run:
    """What was written when, and when it was under a checkpoint."""

    database: Database
    per_transaction: int
    committed: int = 0
    written: deque[tuple[int, float]] = field(default_factory=deque)
    lags_s: list[float] = field(default_factory=list)
    over: bool = False

    @property
    def behind_s(self) -> float:
        """Since when the oldest commit waits."""
        return time.perf_counter() - self.written[0][1] if self.written else 0.0

    def saw(self, size: int) -> None:
        """A checkpoint of this run's first `size` entries is there: the leaves' order differs from the commits' within a batch only."""
        now = time.perf_counter()
        while self.written and self.written[0][0] <= size:
            self.lags_s.append(now - self.written.popleft()[1])


async def measure() -> Result:
    """Write from 16 connections while the sequencer signs in its own process; compare with the bare insert."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as folder:
        Path(folder).chmod(0o711)
        more = {"EXCHANGE_HOME": folder}
        async with ground(settings_for(Path(folder), **more)) as on:
            assert on.server is not None
            sizes = DatabaseSettings(app_connections_max=WRITERS + 2)
            database = Database(on.urls, SystemClock(), settings=sizes)
            log = Path(folder, "sequencer.log").open("wb")  # noqa: SIM115  # the child holds it
            command = [sys.executable, "-m", "exchange", "sequencer"]
            child = subprocess.Popen(command, env={**os.environ, **more}, stdout=log, stderr=log)
            try:
                await _until_signed(database, child)
                found = {count: await _drive(database, count) for count in PER_TRANSACTION}
            finally:
                child.terminate()
                child.wait(30)
            bare = await _bare(on.server, database, PER_TRANSACTION[-1])
            await database.close()
    rates = {count: rate for count, (rate, _) in found.items()}
    rate, lag_s = found[PER_TRANSACTION[-1]]
    line = result(
        NAME,
        rate,
        "entries/s",
        bare,
        floor=FLOOR / bare,
        aim=AIM / bare,
        includes=f"floor {FLOOR:,}/s, aim {AIM:,}/s, each under a signed checkpoint at most {LAG_S_MAX:.0f} s after its commit "
        f"(worst {lag_s:.2f} s). {PER_TRANSACTION[-1]} entries a transaction, {WRITERS} connections; "
        + ", ".join(f"{count} a transaction: {rates[count]:,.0f}/s" for count in PER_TRANSACTION[:-1])
        + ". Includes envelopes, all indexes and row security, fsync, leaves, tiles, marks in a file and in the object "
        "store, signatures, tiles and bundles written to the object store; writers and sequencer share two cores. Baseline: "
        "the same rows from the same connections into a bare table, without index, and without the log.",
    )
    return replace(line, ok=line.ok and max(one for _, one in found.values()) <= LAG_S_MAX)


async def _drive(database: Database, per_transaction: int) -> tuple[float, float]:
    """Entries per second, and the worst time from a commit to a checkpoint over it."""
    run = Run(database, per_transaction)
    began_at = await _signed(database)
    watch = asyncio.create_task(_watch(run, began_at))
    started = time.perf_counter()
    await asyncio.gather(*(_write(run, started + SECONDS, number) for number in range(WRITERS)))
    while run.written:
        await asyncio.sleep(_LOOK_S)
    took = time.perf_counter() - started
    run.over = True
    await watch
    assert await _signed(database) == began_at + run.committed
    return run.committed / took, max(run.lags_s)


async def _write(run: Run, until: float, number: int) -> None:
    organisation = UUID(int=number + 1)
    while time.perf_counter() < until:
        if run.behind_s > BEHIND_S:
            await asyncio.sleep(_LOOK_S)
            continue
        entries = _entries(organisation, run.per_transaction)

        async def flow(tx: Tx, entries: list[Entry] = entries) -> None:
            await store.append(tx, entries)

        await run.database.run(flow)
        run.committed += len(entries)
        run.written.append((run.committed, time.perf_counter()))


def _entries(organisation: UUID, count: int) -> list[Entry]:
    digest = {"agreement": organisation.bytes * 2}
    return [
        Entry(action="purchase", organisation_id=organisation, object_id=f"ord_{n:026d}", digests=digest)
        for n in range(count)
    ]


async def _watch(run: Run, began_at: int) -> None:
    while not run.over:
        run.saw(await _signed(run.database) - began_at)
        await asyncio.sleep(_LOOK_S)


async def _signed(database: Database) -> int:
    async def read(tx: Tx) -> int:
        return (await tree_store.waiting(tx)).signed or 0

    return await database.run(read)


async def _until_signed(database: Database, child: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        waiting = await database.run(tree_store.waiting)
        if waiting.signed is not None:
            return
        assert child.poll() is None, "the sequencer ended"
        await asyncio.sleep(0.1)
    raise TimeoutError("the sequencer did not sign")


async def _bare(server: EmbeddedServer, database: Database, per_transaction: int) -> float:
    """The same statement into a table that has nothing but its columns."""
    owner: asyncpg.Connection[Any] = await asyncpg.connect(server.url)
    await owner.execute(_BARE_TABLE)
    await owner.close()
    original, store._APPEND = store._APPEND, _BARE
    run = Run(Database(DatabaseUrls.from_one(server.url), SystemClock(), settings=database.settings), per_transaction)
    try:
        started = time.perf_counter()
        run.written = deque(maxlen=0)
        await asyncio.gather(*(_write(run, started + SECONDS / 2, number) for number in range(WRITERS)))
        return run.committed / (time.perf_counter() - started)
    finally:
        store._APPEND = original
        await run.database.close()

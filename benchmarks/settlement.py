"""Raw usage records to money: sealed, rolled up, rated, split, posted, invoiced and stated, in one run.

SETTLEMENT_RECORDS=1000000 makes it small; `python -m benchmarks.settlement` prints how it grows.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import asyncpg
import uvloop

from benchmarks import baselines
from benchmarks.month import CURRENCY, MONTH, ORDERS, Made, lay_down
from benchmarks.result import Result, result
from exchange.access.settings import AccessSettings
from exchange.flows.check_books import check_books
from exchange.flows.seal_usage import SEALED, root_usage, seal_usage
from exchange.flows.settle_period import Period, RunProgress, start_run
from exchange.flows.settle_run import settle_run
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.embedded import EmbeddedServer, Settings
from exchange.kernel.keys import PURPOSES, Keyring, new_key
from exchange.migrations.run import upgrade

NAME = "settlement"
# Seconds of the bare statements as a share of ours: at least a quarter (four times as long), wanted a half.
FLOOR, AIM = 1 / 4, 1 / 2
RECORDS = int(os.environ.get("SETTLEMENT_RECORDS", "10000000"))
GROWTH = tuple(int(one) for one in os.environ.get("SETTLEMENT_GROWTH", "1,3,10,30").split(","))
END = datetime(2026, 2, 1, tzinfo=UTC)
# What is used was bought the month before, and its orders are settled with that month.
BOUGHT, BEFORE = MONTH - timedelta(days=20), MONTH - timedelta(days=31)
LANES = 2


@dataclass
class Told:
    """What one size of it took: seconds of each part, what was written, and the memory at its highest."""

    records: int
    bare: dict[str, float] = field(default_factory=dict)
    before: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    parts: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    steps: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    after: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: dict[str, int] = field(default_factory=dict)
    mib: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """From the first day that is closed to the run that is closed."""
        return sum(self.parts.values())

    @property
    def run(self) -> float:
        """The same from roll-ups: the settlement run alone."""
        return sum(seconds for name, seconds in self.parts.items() if name.startswith("run"))

    @property
    def baseline(self) -> float:
        """Seconds of the bare statements."""
        return sum(self.bare.values())


async def measure(_house: object = None) -> Result:
    """Settle a month of `RECORDS` and hold it against the bare unique index and the bare grouping of the same rows."""
    told = await settled(RECORDS)
    return result(
        NAME,
        told.records / told.total,
        "records/s",
        told.records / told.baseline,
        floor=FLOOR,
        aim=AIM,
        includes=f"floor 4 times the bare seconds, aim 2 times: {told.total / told.baseline:.2f} times. {_words(told)}",
    )


def _words(told: Told) -> str:
    def seconds(parts: Mapping[str, float]) -> str:
        return ", ".join(f"{name} {took:.1f}" for name, took in parts.items())

    return (
        f"{told.records:,} records in {told.total:.1f} s ({seconds(told.parts)}); sealed in two lanes, their steps added up: {seconds(told.steps)}; from roll-ups {told.run:.1f} s. "
        f"The run of the month before, which releases and invoices {ORDERS:,} new orders, took {sum(told.before.values()):.1f} s. "
        f"After the money, by jobs of their own: {seconds(told.after) or 'nothing'} s. "
        f"{', '.join(f'{name} {count:,}' for name, count in told.counts.items())}. "
        f"Memory at its highest: {', '.join(f'{name} {mib} MiB' for name, mib in told.mib.items())}. "
        "Includes copies within a day and across days put aside, late events, row security, fsync, audit entries, plans of eight "
        "kinds, six payees, wallets, release after acceptance, invoices, statements, and the trial balance; all books checked "
        "afterwards. Not: reporting over HTTP, what orders cost, signing checkpoints. Baseline: CREATE UNIQUE INDEX (source_id, "
        f"event_id) and CREATE TABLE AS of the grouping by grant, meter and quarter-hour, of the same rows in a bare table on "
        f"the same server ({seconds(told.bare)} s)."
    )


async def settled(records: int) -> Told:
    """Lay a month down on a server of its own, measure, and check all books."""
    told = Told(records)
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as folder:
        Path(folder).chmod(0o711)
        server = await asyncio.to_thread(EmbeddedServer(Path(folder), Settings()).start)
        try:
            urls = DatabaseUrls.from_one(server.url)
            await upgrade(urls.migrate)
            clock = FixedClock(BOUGHT)
            database = Database(urls, clock)
            connection = await asyncpg.connect(server.url)
            try:
                await _settled(server, database, clock, connection, told)
            finally:
                await connection.close()
                await database.close()
        finally:
            await asyncio.to_thread(server.stop)
    return told


async def _settled(server: EmbeddedServer, database: Database, clock: FixedClock, connection: Any, told: Told) -> None:
    keyring = Keyring([new_key(purpose, MONTH, bytes([n + 1]) * 32) for n, purpose in enumerate(PURPOSES)])
    made = await lay_down(database, clock, keyring, connection, told.records)
    told.records = made.records
    # A day is written over a day, and the server has looked through most of it by its end.
    await connection.execute("VACUUM (ANALYZE)")
    await connection.execute("CHECKPOINT")
    told.bare = await baselines.indexed_and_grouped(connection)
    await connection.execute("DROP TABLE bare.record; CHECKPOINT")
    clock.advance((MONTH + timedelta(hours=2) - clock.now()).total_seconds())
    await _run(database, made, Period(BEFORE, MONTH, CURRENCY), told.before)
    await connection.execute("CHECKPOINT")
    clock.advance((END + timedelta(hours=2) - clock.now()).total_seconds())
    with _memory(server, told):
        await _seal(database, made, told)
        await _run(database, made, Period(MONTH, END, CURRENCY), told.parts)
        await _later(database, made, told)
    await _check(database, connection, keyring, made, told)


async def _seal(database: Database, made: Made, told: Told) -> None:
    """As a worker does it: two lanes, each a day at a time."""
    settings, days = AccessSettings(), list(made.days)

    async def lane() -> None:
        while days:
            day, state = days.pop(0), ""
            while state != SEALED:
                started = time.perf_counter()
                reached = await database.run(partial(seal_usage, day=day, settings=settings))
                assert reached is not None
                state = reached
                told.steps[state] += time.perf_counter() - started

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    told.parts["seal"] += time.perf_counter() - started


async def _run(database: Database, made: Made, period: Period, parts: dict[str, float]) -> None:
    """As a worker does it: two processes, each a part at a time."""
    started = time.perf_counter()
    at = await database.run(lambda tx: start_run(tx, period))
    assert isinstance(at, RunProgress), at
    sellers, settled = at.sellers[1], started

    async def show(done: int, _of: int) -> None:
        nonlocal settled
        if done <= sellers:
            settled = time.perf_counter()

    at = await settle_run(database, made.sales, ids.parse("run", at.run), show)
    assert isinstance(at, RunProgress), at
    assert at.finished
    parts["run: sellers"] += settled - started
    parts["run: payees and close"] += time.perf_counter() - settled


async def _later(database: Database, made: Made, told: Told) -> None:
    """What the money does not wait for: the Merkle roots of all days."""
    for day in made.days:
        started = time.perf_counter()
        told.counts["roots"] = told.counts.get("roots", 0) + (await database.run(partial(root_usage, day=day)) or 0)
        told.after["roots"] += time.perf_counter() - started


async def _check(database: Database, connection: Any, keyring: Keyring, made: Made, told: Told) -> None:
    async def quiet(_what: str, _done: int, _total: int | None) -> None:
        return None

    found = await check_books(database, keyring, "bench", quiet)
    assert not found, found[:5]
    row = await connection.fetchrow("SELECT sum(quantity), sum(n), count(*) FROM access.usage_rollup")
    assert (int(row[0]), int(row[1])) == (made.quantity, made.records), (row, made.quantity, made.records)
    assert await connection.fetchval("SELECT count(*) FROM access.usage_copy") == made.copies
    assert await connection.fetchval("SELECT count(*) FROM access.usage_exception") == made.put_aside
    told.counts |= {
        "roll-up rows": row[2],
        "charges": await connection.fetchval("SELECT count(*) FROM settlement.charge WHERE created_at > $1", END),
        "journal lines of the run": await connection.fetchval(
            "SELECT count(*) FROM settlement.posting p JOIN settlement.journal j ON j.id = p.journal_id WHERE j.created_at > $1", END
        ),
        "invoices": await connection.fetchval("SELECT count(*) FROM settlement.invoice WHERE issued_at > $1", END),
        "statements": await connection.fetchval("SELECT count(*) FROM settlement.statement WHERE issued_at > $1", END),
    }  # fmt: skip
    assert told.counts["charges"] > 0
    assert told.counts["statements"] > 0


@contextmanager
def _memory(server: EmbeddedServer, told: Told) -> Iterator[None]:
    """Look at the memory that this process and the server's backends have for themselves, many times."""
    # What laying the records down left behind is said too: only what comes on top of it is the settlement's.
    before = _own_mib(os.getpid()) if sys.platform == "linux" else 0
    done, highest = Event(), {"this process": 0, "its helper": 0, "all backends": 0, "one backend": 0}

    def watch() -> None:
        while not done.wait(0.1):
            backends = [_own_mib(pid) for pid in _children(server.pid() or 0)] or [0]
            for name, mib in (
                ("this process", _own_mib(os.getpid())),
                ("its helper", sum(_own_mib(pid) for pid in _children(os.getpid()))),
                ("all backends", sum(backends)),
                ("one backend", max(backends)),
            ):
                highest[name] = max(highest[name], mib)

    if sys.platform != "linux":
        yield
        return
    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        told.mib = {"this process before it": before, **highest}


def _children(parent: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def _own_mib(pid: int) -> int:
    """Anonymous memory: what is shared with others or belongs to files is left out."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) // 1024
    except OSError:
        pass
    return 0


async def _grow() -> None:
    print(
        "| records | bare s | seal s | run s | total s | times bare | records/s | before it MiB | this process MiB | one backend MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for millions in GROWTH:
        told = await settled(millions * 1_000_000)
        print(
            f"| {told.records:,} | {told.baseline:.1f} | {told.total - told.run:.1f} | {told.run:.1f} | {told.total:.1f} | "
            f"{told.total / told.baseline:.2f} | {told.records / told.total:,.0f} | "
            f"{told.mib.get('this process before it', 0)} | {told.mib.get('this process', 0)} | "
            f"{told.mib.get('one backend', 0)} |",
            flush=True,
        )
        print(f"  {_words(told)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_grow())

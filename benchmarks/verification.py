"""Entries verified per second: the whole log against its tiles, checkpoints and columns."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from benchmarks.result import Result, result
from compliance import notes, store
from compliance.entries import Entry
from exchange.flows import audit_lanes
from exchange.flows.audit_log import audit_log
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.embedded import EmbeddedServer, Settings
from exchange.kernel.keys import PURPOSES, Keyring, new_key
from exchange.migrations.run import upgrade
from tests.support.logged import ORIGIN, sequenced

NAME, FLOOR, AIM = "verification", 150_000, 250_000
ENTRIES, TOGETHER, LANES = 1_000_000, 4_000, 2
BUYERS, SUPPLIERS = 997, 61
RUNS = 2
_PART = 8192
# What somebody would write first: every row, hashed.
_BARE = f"""
SELECT l.leaf_hash, e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = 'centre' AND l.leaf_index >= $1 AND l.leaf_index < $1 + {_PART} ORDER BY l.leaf_index"""


async def measure() -> Result:
    """Verify a whole log, and compare with reading its rows one by one and hashing each."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as folder:
        Path(folder).chmod(0o711)
        server = await asyncio.to_thread(EmbeddedServer(Path(folder), Settings()).start)
        try:
            urls = DatabaseUrls.from_one(server.url)
            await upgrade(urls.migrate)
            database = Database(urls, SystemClock())
            try:
                return await _measure(database)
            finally:
                await database.close()
        finally:
            await asyncio.to_thread(server.stop)


async def _measure(database: Database) -> Result:
    made_at = datetime(2026, 1, 15, tzinfo=UTC)
    keyring = Keyring([new_key(purpose, made_at, bytes([n + 1]) * 32) for n, purpose in enumerate(PURPOSES)])
    laid_s = await _laid(database, keyring)
    # What the building left is not looked through again by the collector of garbage.
    gc.collect()
    gc.freeze()
    keys, checkpoints = notes.log_verifiers(keyring, ORIGIN), 0

    async def quiet(_done: int, _total: int) -> None:
        return None

    async def verified() -> int:
        nonlocal checkpoints
        report = await audit_log(database, keys, ORIGIN, quiet)
        assert not report.faults, report.faults[:3]
        checkpoints = report.checkpoints
        return report.done

    async def bare() -> int:
        return sum([await database.run(partial(_hashed, low=at)) for at in range(0, ENTRIES, _PART)])

    # One run of each to warm the server, then the best of some: whoever else works on the machine only slows it down.
    plain, rate, before = 0.0, 0.0, 0.0
    for number in range(RUNS + 1):
        plain, rate = max(plain, await _rate(bare)), max(rate, await _rate(verified))
        before = before if number else _memory_mb()
    grown = _memory_mb() - before
    line = result(
        NAME,
        rate,
        "entries/s",
        plain,
        floor=FLOOR / plain,
        aim=AIM / plain,
        includes=f"floor {FLOOR:,}/s, aim {AIM:,}/s. The whole log of {ENTRIES:,} entries of six kinds, half of them purchases, best of {RUNS}: each envelope hashed, "
        "canonical, equal to its columns, to its leaf and its tile; the tree rebuilt and every upper tile and the "
        f"{checkpoints} signed checkpoints compared; entries passed over, rows rewritten, state. {audit_lanes.PROCESSES} processes, the start of the second included, and one server, cache "
        f"warm. Memory at most {before + grown:.0f} MB, {grown:.0f} MB more in the last runs than in the first, and {_memory_mb(resource.RUSAGE_CHILDREN):.0f} MB beside it. Laid down and sequenced in {laid_s:.0f} s. "
        "Baseline: the same rows read one by one and each hashed once, nothing compared but the leaf's hash.",
    )
    return replace(line, ok=line.ok and rate >= FLOOR)


async def _laid(database: Database, keyring: Keyring) -> float:
    """Write the entries, thousands in a statement and two at a time, and have them sequenced; how long it took."""
    started, lows = time.perf_counter(), iter(range(0, ENTRIES, TOGETHER))

    async def lane() -> None:
        for low in lows:
            await database.run(partial(_append, low=low))

    await asyncio.gather(*(lane() for _ in range(LANES)))
    await sequenced(database, keyring)
    return time.perf_counter() - started


async def _append(tx: Tx, low: int) -> None:
    await store.append(tx, [entry(number) for number in range(low, low + TOGETHER)])


def _memory_mb(whose: int = resource.RUSAGE_SELF) -> float:
    """The most memory that this process has held, or one that it started and that has ended."""
    return resource.getrusage(whose).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


async def _rate(run: Callable[[], Awaitable[int]]) -> float:
    started = time.perf_counter()
    done = await run()
    assert done == ENTRIES
    return done / (time.perf_counter() - started)


async def _hashed(tx: Tx, low: int) -> int:
    rows = await (await tx.driver()).fetch(_BARE, low)
    assert all(sha256(b"\0" + row[1]).digest() == row[0] for row in rows)
    return len(rows)


def entry(number: int) -> Entry:
    """One of the kinds that a log has most of: half are purchases."""
    kind, buyer = number % 10, UUID(int=2**120 + number % BUYERS)
    client, supplier = UUID(int=2**119 + number % BUYERS), UUID(int=2**121 + number % SUPPLIERS)
    digest = sha256(str(number).encode()).digest()
    match kind:
        case 4:
            return Entry(
                action="token.issue",
                organisation_id=buyer,
                client_id=client,
                object_id=f"tok_{number:026d}",
                agreement_id=f"agr_{number:026d}",
                concerns=(supplier,),
            )
        case 5:
            return Entry(
                action="usage.report", organisation_id=buyer, object_id=f"ubt_{number:026d}", digests={"body": digest}
            )
        case 6:
            return Entry(
                action="token.issue",
                organisation_id=buyer,
                client_id=client,
                outcome="refused",
                problem="quota-exhausted",
                concerns=(supplier,),
            )
        case 7:
            return Entry(
                action="sample.judge",
                organisation_id=buyer,
                member_id=client,
                object_id=f"sample/{number}",
                object_version=f"{number % 1000}/{number % 77}",
                rule_set="sampling/1",
                concerns=(supplier,),
            )
        case 8:
            return Entry(
                action="split.apply",
                organisation_id=None,
                object_id=f"ord_{number:026d}",
                object_version=f"rul_{number:026d}",
                digests={"rule": digest},
                concerns=(supplier, UUID(int=2**121 + number % 7)),
            )
    return Entry(
        action="purchase",
        organisation_id=buyer,
        client_id=client,
        object_id=f"ord_{number:026d}",
        agreement_id=f"agr_{number:026d}",
        rule_set="publication/2",
        digests={"agreement": digest, "price": digest[::-1]},
        concerns=(supplier,),
    )

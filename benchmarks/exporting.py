"""Seconds and memory of an export of a million entries with proofs and all forms, beside a bare COPY of the same rows."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.exporter import keyring
from benchmarks.result import Result, result
from benchmarks.verification import entry
from compliance import notes, store
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.embedded import EmbeddedServer, Settings
from exchange.migrations.run import upgrade
from tests.support.logged import ORIGIN
from tests.support.sequencing import sequencer

NAME = "exporting"
ENTRIES = int(os.environ.get("EXPORT_ENTRIES", "1000000"))
TOGETHER = 5_000
SECONDS_MAX, MEMORY_MAX_MB = 180.0, 300.0
_BARE = """
SELECT l.leaf_index, e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = 'centre' ORDER BY l.leaf_index"""


async def measure() -> Result:
    """Export a whole log in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as folder:
        Path(folder).chmod(0o711)
        server = await asyncio.to_thread(EmbeddedServer(Path(folder) / "postgres", Settings()).start)
        try:
            urls = DatabaseUrls.from_one(server.url)
            await upgrade(urls.migrate)
            database = Database(urls, SystemClock())
            try:
                await _lay(database)
                copied = await _copied(database)
            finally:
                await database.close()
            return _line(copied, await _exported(server.url, Path(folder) / "files"))
        finally:
            await asyncio.to_thread(server.stop)


async def _lay(database: Database) -> None:
    for low in range(0, ENTRIES, TOGETHER):
        high = min(low + TOGETHER, ENTRIES)
        await database.run(lambda tx, low=low, high=high: store.append(tx, [entry(n) for n in range(low, high)]))  # type: ignore[misc]
    log = sequencer(database, [notes.log_signer(keyring(), ORIGIN)], ORIGIN)
    while (head := await log.step()) is None or head.size < ENTRIES:
        pass


async def _copied(database: Database) -> float:
    """Seconds that the same rows take to leave the server, as they are, into nowhere."""

    async def flow(tx: Tx) -> float:
        driver = await tx.driver()
        started = time.perf_counter()
        with Path(os.devnull).open("wb") as nowhere:
            await driver.copy_from_query(_BARE, output=nowhere, format="binary")
        return time.perf_counter() - started

    return min([await database.run(flow) for _ in range(2)])


async def _exported(url: str, files: Path) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.exporter", url, str(files)]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    assert child.returncode == 0, "the export failed"
    return out.decode().split()


def _line(copied: float, said: list[str]) -> Result:
    took, memory_mb, lag = float(said[0]), int(said[1]) / 1024, float(said[2])
    rate, plain = ENTRIES / took, ENTRIES / copied
    line = result(
        NAME,
        rate,
        "entries/s",
        plain,
        floor=ENTRIES / SECONDS_MAX / plain,
        aim=2 * ENTRIES / SECONDS_MAX / plain,
        includes=f"{ENTRIES:,} entries in {took:.1f} s (at most {SECONDS_MAX:.0f}), {memory_mb:.0f} MB at its peak, both processes together "
        f"(at most {MEMORY_MAX_MB:.0f}), the loop never kept longer than {lag * 1000:.0f} ms, a bundle of {int(said[4]) / 1e6:,.0f} MB: events, "
        "every entry held against its tile, hashes and proofs, CSV, Parquet, OCSF, PROV, packed, hashed, kept in parts and put "
        f"together. Baseline: COPY of index and envelope in the log's order into nowhere ({copied:.1f} s).",
    )
    return replace(line, ok=took <= SECONDS_MAX * ENTRIES / 1e6 and memory_mb <= MEMORY_MAX_MB)

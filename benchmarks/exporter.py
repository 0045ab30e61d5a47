"""One export in a process that does nothing else, so that its memory is its own.

It prints seconds, peak KiB of itself and of the process that makes the parts, the loop's longest pause in seconds, entries,
bytes, and SHA-256.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from compliance import notes
from compliance.export_store import BundleKept
from compliance.scopes import Scope
from exchange.flows import export_audit
from exchange.flows.export_audit import Details
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.errors import Problem
from exchange.kernel.files import FilesSettings, FileStore
from exchange.kernel.keys import PURPOSES, Keyring, new_key
from exchange.worker.exporting import Exporting
from tests.support.exported import REGULATOR
from tests.support.logged import ORIGIN


def keyring() -> Keyring:
    """The same keys in both processes."""
    made_at = datetime(2026, 1, 15, tzinfo=UTC)
    return Keyring([new_key(purpose, made_at, bytes([n + 1]) * 32) for n, purpose in enumerate(PURPOSES)])


async def main(url: str, folder: str, formats: tuple[str, ...] | None) -> None:
    """Ask for the whole log and make it."""
    database = Database(DatabaseUrls.from_one(url), SystemClock())
    files = FileStore.open(FilesSettings(url=Path(folder).as_uri()))
    signer = notes.log_signer(keyring(), ORIGIN)
    try:
        who: Actor = REGULATOR
        receipt = await database.run(lambda tx: export_audit.request(tx, who, Scope(), Details(formats=formats)))
        assert not isinstance(receipt, Problem), receipt
        lag = 0.0

        async def beat() -> None:
            # How long the loop was ever kept from its other work.
            nonlocal lag
            while True:
                before = time.perf_counter()
                await asyncio.sleep(0.01)
                lag = max(lag, time.perf_counter() - before - 0.01)

        async def quiet(_done: int, _total: int | None) -> None:
            return None

        beating = asyncio.create_task(beat())
        started = time.perf_counter()
        made = await Exporting(database, files, signer, ()).make(ids.parse("exp", receipt.id), quiet)
        took = time.perf_counter() - started
        beating.cancel()
        assert isinstance(made, BundleKept), made
        peaks = [resource.getrusage(one).ru_maxrss for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        print(f"{took:.3f} {sum(peaks)} {lag:.3f} {made.entries} {made.size_bytes} {made.sha256.hex()}", flush=True)
    finally:
        await database.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], tuple(sys.argv[3].split(",")) if len(sys.argv) > 3 else None))

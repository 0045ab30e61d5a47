"""A worker that makes one export and ends: `python -m tests.e2e.exporting_process URL FOLDER EXPORT [DIE_AT]`.

It prints the bundle's hash. With DIE_AT it kills itself when it says for that time how far it is.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from benchmarks.exporter import keyring
from compliance import notes
from compliance.export_store import BundleKept
from exchange.kernel import ids
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.files import FilesSettings, FileStore
from exchange.worker.exporting import Exporting
from tests.support.exported import ORIGIN

PART = 256


async def main(url: str, folder: str, export: str, die_at: int) -> None:
    """Make it."""
    database = Database(DatabaseUrls.from_one(url), SystemClock())
    files = FileStore.open(FilesSettings(url=Path(folder).as_uri()))
    left = die_at

    async def progress(_done: int, _total: int | None) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        exporting = Exporting(database, files, notes.log_signer(keyring(), ORIGIN), (), part=PART)
        made = await exporting.make(ids.parse("exp", export), progress)
        assert isinstance(made, BundleKept), made
        print(made.sha256.hex())
    finally:
        await database.close()


if __name__ == "__main__":
    address, place, wanted, *at = sys.argv[1:]
    asyncio.run(main(address, place, wanted, int(at[0]) if at else 0))

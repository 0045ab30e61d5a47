"""The log's sequencer, as a process that kills itself at its n-th step towards the outside.

    python -m tests.e2e.dying_sequencer

Reads one JSON object a line and answers each with one line:

    {"start": {...}}   fork one life (everything is imported already) -> its process id
    {"wait": pid}      until that life is over -> [how it ended, points it came by]

Points are: after every SQL statement, after every call to the system with which a mark is written, after every call of the
object store and of what flushes it. A life logs what waits, publishes it and shows it in the object store; it ends with 0, with
3 where it refused to sign, or by its own hand. "late": true breaks it on purpose: its mark would be written after its checkpoint.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import mmap
import os
import signal
import struct
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from compliance import marks, notes
from compliance.log import LogBehind, MarkMissing
from exchange.kernel import files
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseSettings, DatabaseUrls
from exchange.kernel.files import FilesSettings, FileStore
from exchange.kernel.keys import PURPOSES, Keyring, new_key
from exchange.worker.log_files import LogFiles, StoreMark
from exchange.worker.sequencer import Sequencer
from tests.e2e.crashing_server import watch_statements

ORIGIN = "exchange.example/log"
REFUSED = 3
COUNT = struct.Struct("<Q")
KEYS = Keyring([new_key(one, datetime(2026, 1, 15, tzinfo=UTC), bytes([n + 1]) * 32) for n, one in enumerate(PURPOSES)])


class Counted:
    """A module whose functions are points."""

    def __init__(self, module: ModuleType, names: frozenset[str], at_point: Callable[[str], None]) -> None:
        self._module, self._names, self._at_point = module, names, at_point

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if name not in self._names:
            return value

        def called(*arguments: Any, **named: Any) -> Any:
            done = value(*arguments, **named)
            if inspect.isawaitable(done):
                return self._later(name, done)
            self._at_point(name)
            return done

        return called

    async def _later(self, name: str, done: Any) -> Any:
        answer = await done
        self._at_point(name)
        return answer


def count_points(shared: mmap.mmap, limit: int, told: Path) -> None:
    """Count, and die at the limit."""

    def at_point(name: str) -> None:
        count = COUNT.unpack_from(shared)[0] + 1
        COUNT.pack_into(shared, 0, count)
        if count == limit:
            with told.open("a") as log:
                log.write(" ".join(name.split())[:100] + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    watch_statements(at_point)
    calls = frozenset({"open", "read", "write", "fsync", "close", "replace", "flock"})
    marks.os = Counted(os, calls, at_point)  # type: ignore[assignment]
    marks.fcntl = Counted(marks.fcntl, calls, at_point)  # type: ignore[assignment]
    files.os = Counted(os, frozenset({"fsync"}), at_point)  # type: ignore[assignment]
    store = frozenset({"put_async", "get_async", "delete_async"})
    files.obstore = Counted(files.obstore, store, at_point)  # type: ignore[assignment]


def sequencer(url: str, home: Path) -> Sequencer:
    """A sequencer as the exchange puts it together."""
    # With an observer the driver reports its unprepared statements, too.
    settings = DatabaseSettings(app_connections_max=2)
    db = Database(DatabaseUrls.from_one(url), SystemClock(), settings=settings, observer=lambda _statement: None)
    store = FileStore.open(FilesSettings(url=(home / "files").as_uri()))
    kept = [marks.FileMark(home / "log.mark"), StoreMark(store)]
    return Sequencer(db, [notes.log_signer(KEYS, ORIGIN)], ORIGIN, kept, files=LogFiles(db, store), batch_max=300)


class Unwritten:
    """A mark that is read and not written."""

    def __init__(self, mark: marks.Mark) -> None:
        self.where, self.known = mark.where, mark.known

    async def keep(self, head: notes.Checkpoint) -> None:
        """Leave it for later."""


async def publish_unmarked(made: Sequencer) -> None:
    """The defect that the test must find: the checkpoint is public before its mark is written, and the process dies between."""
    made.marks = [Unwritten(mark) for mark in made.marks]
    await made.step()
    os.kill(os.getpid(), signal.SIGKILL)


async def live(url: str, home: Path, *, late: bool) -> int:
    """One life."""
    made = sequencer(url, home)
    try:
        await (publish_unmarked(made) if late else made.step())
        assert made.files is not None
        await made.files.step()
    except (LogBehind, MarkMissing):
        return REFUSED
    finally:
        await made.db.close()
    return 0


def _start(shared: mmap.mmap, url: str, home: str, limit: int, late: bool) -> int:
    COUNT.pack_into(shared, 0, 0)
    pid = os.fork()
    if pid:
        return pid
    os.dup2(2, 1)
    code = 1
    try:
        count_points(shared, limit, Path(home) / "points.log")
        code = asyncio.run(live(url, Path(home), late=late))
    finally:
        os._exit(code)


def obey() -> None:
    """Obey standard input; its end is the end."""
    lives: dict[int, mmap.mmap] = {}
    for line in sys.stdin:
        (word, value), *_ = json.loads(line).items()
        if word == "start":
            shared = mmap.mmap(-1, COUNT.size)
            pid = _start(shared, **value)
            lives[pid] = shared
            print(pid, flush=True)
        else:
            status = os.waitstatus_to_exitcode(os.waitpid(value, 0)[1])
            print(json.dumps([status, COUNT.unpack_from(lives.pop(value))[0]]), flush=True)


if __name__ == "__main__":
    obey()

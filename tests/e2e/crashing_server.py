"""The real `exchange serve`, as a process that kills itself after the n-th SQL statement.

    python -m tests.e2e.crashing_server

Reads commands on standard input, one a line, and answers each with one line:

    start    fork one life of the server (everything is imported already, so that a life begins fast) -> its process id
    wait     until that life is over -> how it ended

A life shares three numbers with the test through the file that CRASH_POINTS names: statements so far, the number of the
statement after which it dies (0 = never), and statements of the regular work (the log's sequencer and the like), which
are not counted. CRASH_LATE_AUDIT=1 breaks the exchange on purpose: audit entries are written after the commit.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import importlib
import mmap
import os
import pkgutil
import select
import signal
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from asyncpg.connection import Connection
from asyncpg.prepared_stmt import PreparedStatement

import exchange
from compliance import store as audit
from compliance.entries import Entry
from exchange import main
from exchange.cli import commands
from exchange.kernel.db import Database, Tx
from exchange.settings import load
from exchange.worker import loop
from exchange.worker.schedule import Schedule
from exchange.worker.sequencer import Sequencer
from tests.support.api import STATE_ALONE

T = TypeVar("T")
NUMBERS = struct.Struct("<QQQ")
# What a dead worker had taken comes back after this long.
LOCK_S = 1
_regular: contextvars.ContextVar[bool] = contextvars.ContextVar("regular", default=False)
_late: contextvars.ContextVar[list[Entry] | None] = contextvars.ContextVar("late", default=None)


def count_statements(points: Path) -> None:
    """Count every statement at the moment when its answer is here and nothing else was sent, and die when told so."""
    with points.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), NUMBERS.size)
    killed = points.with_suffix(".log")

    def at_boundary(query: str) -> None:
        count, limit, regular = NUMBERS.unpack_from(shared)
        if _regular.get():
            NUMBERS.pack_into(shared, 0, count, limit, regular + 1)
            return
        count += 1
        NUMBERS.pack_into(shared, 0, count, limit, regular)
        if 0 < limit <= count:
            with killed.open("a") as log:
                log.write(" ".join(query.split())[:160] + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    watch_statements(at_boundary)


def watch_statements(at_boundary: Callable[[str], None]) -> None:
    """Hear of a statement in the driver itself: its own loggers are called a turn of the loop later, with the next one sent."""
    logged, prepared, copied = (
        Connection._time_and_log,
        PreparedStatement._PreparedStatement__do_execute,
        Connection._copy_in,
    )

    @contextlib.contextmanager
    def time_and_log(self: Any, query: str, args: Any, timeout: Any) -> Iterator[None]:
        with logged(self, query, args, timeout):
            yield
        at_boundary(query)

    async def do_execute(self: Any, executor: Any) -> Any:
        done = await prepared(self, executor)
        at_boundary(self._query)
        return done

    async def copy_in(self: Any, statement: str, *more: Any, **named: Any) -> Any:
        done = await copied(self, statement, *more, **named)
        at_boundary(statement)
        return done

    Connection._time_and_log = time_and_log
    PreparedStatement._PreparedStatement__do_execute = do_execute
    Connection._copy_in = copy_in


def mark_regular_work() -> None:
    """Tell the statements of the schedule and of the sequencer from those of the trade."""
    for work in (Schedule, Sequencer):

        async def run(self: Any, original: Callable[[Any], Awaitable[None]] = work.run) -> None:
            _regular.set(True)
            await original(self)

        work.run = run  # type: ignore[method-assign]


def append_late() -> None:
    """The defect that the crash test must find: audit entries in a transaction of their own, after the commit."""
    append, run = audit.append, Database.run

    async def stash(tx: Tx, entries: Sequence[Entry]) -> list[Any]:
        waiting = _late.get()
        if waiting is None:
            return await append(tx, entries)
        waiting.extend(entries)
        return []

    async def run_then_append(self: Database, flow: Callable[[Tx], Awaitable[T]], *, where: str | None = None) -> T:
        waiting: list[Entry] = []
        token = _late.set(waiting)
        try:
            made = await run(self, flow, where=where)
        finally:
            _late.reset(token)
        if waiting:
            await run(self, lambda tx: append(tx, waiting), where=where)
        return made

    audit.append = stash  # type: ignore[assignment]
    Database.run = run_then_append  # type: ignore[method-assign]


def live() -> int:
    """One life: the command `exchange serve`, as anybody would run it."""
    count_statements(Path(os.environ["CRASH_POINTS"]))
    mark_regular_work()
    loop.LOCK_S = LOCK_S
    loop.POLL_S = 0.05
    if os.environ.get("CRASH_LATE_AUDIT"):
        append_late()
    # With an observer the driver reports its unprepared statements, too.
    opened = partial(main.opened, observer=lambda _statement: None)
    tools = replace(main.tools(load(os.environ)), opened=opened)
    return commands.main(["serve", "--quiet"], os.environ, lambda _environment: tools)


def _start() -> int:
    pid = os.fork()
    if pid:
        return pid
    # The command's own handlers come later; until then a stop is a stop.
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 0)
    os.dup2(2, 1)
    code = 1
    try:
        code = live()
    finally:
        os._exit(code)


def import_everything() -> None:
    """The whole exchange, which imports its parts only when they are asked for."""
    for module in pkgutil.walk_packages(exchange.__path__, "exchange."):
        if not module.name.startswith(("exchange.__main__", "exchange.migrations.")):
            importlib.import_module(module.name)
    importlib.import_module("settlement.gateway.stripe")


def build_apps() -> None:
    """Those that know their exchange by their state alone, so that a life has to do no more than to fill that in."""
    for name in STATE_ALONE:
        module: Any = importlib.import_module(f"exchange.apps.{name}.app")
        module.app = partial(_belonging, module.app(None))


def _belonging(app: Any, services: Any) -> Any:
    app.state.services = services
    return app


def serve_lives() -> None:
    """Obey standard input; its end is the end."""
    import_everything()
    build_apps()
    # What is here already never changes: a life's own collector need not look at it, nor copy its pages.
    gc.collect()
    gc.freeze()
    pid = 0
    for line in sys.stdin:
        word = line.strip()
        if word == "start":
            pid = _start()
            print(pid, flush=True)
        elif word == "wait" and pid:
            print(os.waitpid(pid, 0)[1], flush=True)
            pid = 0
    if pid:
        _end(pid)


def _end(pid: int) -> None:
    """Ask the last life to leave, so that the embedded database is stopped, then make it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        watch = os.pidfd_open(pid)
        if not select.select([watch], [], [], 15)[0]:
            os.kill(pid, signal.SIGKILL)
        os.close(watch)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    serve_lives()

"""exchange serve: the web, and the worker beside it unless told otherwise."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys
from typing import Any

from exchange.cli import market, webs
from exchange.cli.tools import Tools

GC_ALLOCATIONS = 20_000
WEB_PROCESSES_MAX = 16
# Kept so that a task nobody waits for is not collected.
_WATCHES: set[asyncio.Task[None]] = set()


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser("serve", help="serve every API and page", description="Serve every API and page.")
    command.add_argument("--no-worker", action="store_true", help="leave jobs and the log to `exchange worker`")
    command.add_argument(
        "--market", action="store_true", help="a sandbox with a pretend Stripe and the demo's market in it"
    )
    command.add_argument("--quiet", action="store_true", help="no log line per request")
    command.add_argument(
        "--processes",
        type=processes,
        default=1,
        help="web processes beside the worker's: a number, or auto (one per core)",
    )
    command.add_argument("--leashed", action="store_true", help=argparse.SUPPRESS)
    command.set_defaults(run=run)


def processes(text: str) -> int:
    """Read the flag; `auto` is 0.

    errors   ValueError, which the parser tells
    """
    count = 0 if text == "auto" else int(text)
    if not 0 <= count <= WEB_PROCESSES_MAX:
        raise ValueError(text)
    return count


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Serve until asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if chosen.leashed:
        await on_end_of_input(stop)
    async with contextlib.AsyncExitStack() as stack:
        if chosen.market:
            tools = await stack.enter_async_context(market.sandboxed(tools))
        on = await stack.enter_async_context(tools.ground(tools.settings))
        made = await stack.enter_async_context(tools.opened(on))
        if chosen.processes == 1:
            await serve(chosen, tools, made, stop)
        else:
            await oversee(chosen, tools, made, stop)
    return 0


async def oversee(chosen: argparse.Namespace, tools: Tools, made: Any, stop: asyncio.Event) -> None:
    """Work here, and leave the web to processes of their own that listen on the same port."""
    count = chosen.processes or min(os.cpu_count() or 1, WEB_PROCESSES_MAX)
    settle_memory()
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
    tasks += [asyncio.create_task(webs.keep(tools.settings, webs.web(quiet=chosen.quiet))) for _ in range(count)]
    if not chosen.no_worker:
        tasks += working(tools, made)
    tasks.append(asyncio.create_task(welcome(chosen, tools, made)))
    try:
        await until_over(tasks, stop)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def working(tools: Tools, made: Any) -> list[asyncio.Task[Any]]:
    """The worker, and the log's sequencer in a process of its own unless the settings say otherwise."""
    tasks = [asyncio.create_task(tools.work_on(made))]
    if tools.settings.process.sequencer == "process":
        tasks.append(asyncio.create_task(webs.keep(tools.settings, webs.SEQUENCER)))
    return tasks


async def welcome(chosen: argparse.Namespace, tools: Tools, made: Any) -> None:
    """Say where the exchange is, and in a market how to come in."""
    if chosen.market:
        await market.open_market(tools, made)
    elif not chosen.leashed:
        print(f"Corpus Exchange listens on {tools.settings.origin}", flush=True)


async def on_end_of_input(stop: asyncio.Event) -> None:
    """Set `stop` when standard input ends: so a process never outlives the one that started it."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def watch() -> None:
        await reader.read()
        stop.set()

    _WATCHES.add(asyncio.create_task(watch()))


async def serve(chosen: argparse.Namespace, tools: Tools, made: Any, stop: asyncio.Event) -> None:
    """Listen, work, and end both when `stop` is set or either fails."""
    # Imported late: only this command needs the HTTP server.
    from granian.constants import Interfaces
    from granian.server.embed import Server

    process = tools.settings.process
    app = tools.root(made, log_requests=not chosen.quiet)
    settle_memory()
    server = Server(
        app, address=process.host, port=process.port, interface=Interfaces.ASGI, log_access=False, log_enabled=False
    )
    tasks = [asyncio.create_task(server.serve()), asyncio.create_task(stop.wait())]
    if not chosen.no_worker:
        tasks += working(tools, made)
    tasks.append(asyncio.create_task(welcome(chosen, tools, made)))
    try:
        await until_over(tasks, stop)
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def settle_memory() -> None:
    """Take what start-up made out of the collector's sight.

    Routes and schemas live as long as the process, so there is nothing to find in them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 20, 50)


async def until_over(tasks: list[asyncio.Task[Any]], stop: asyncio.Event) -> None:
    """Wait until `stop` is set; raise what a task raised.

    errors   whatever ended a task early
    """
    waiting = set(tasks)
    while waiting and not stop.is_set():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

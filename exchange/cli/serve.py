"""exchange serve: the web, and the worker beside it unless told otherwise."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
from typing import Any

from exchange.cli import market
from exchange.cli.tools import Tools


GC_ALLOCATIONS = 20_000


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser("serve", help="serve every API and page", description="Serve every API and page.")
    command.add_argument("--no-worker", action="store_true", help="leave jobs and the log to `exchange worker`")
    command.add_argument(
        "--market", action="store_true", help="a sandbox with a pretend Stripe and the demo's market in it"
    )
    command.add_argument("--quiet", action="store_true", help="no log line per request")
    command.set_defaults(run=run)


async def run(chosen: argparse.Namespace, tools: Tools) -> int:
    """Serve until asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        if chosen.market:
            tools = await stack.enter_async_context(market.sandboxed(tools))
        on = await stack.enter_async_context(tools.ground(tools.settings))
        made = await stack.enter_async_context(tools.opened(on))
        await serve(chosen, tools, made, stop)
    return 0


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
        tasks.append(asyncio.create_task(tools.work_on(made)))
    if chosen.market:
        tasks.append(asyncio.create_task(market.open_market(tools, made)))
    else:
        print(f"Corpus Exchange listens on {tools.settings.origin}", flush=True)
    try:
        await until_over(tasks, stop)
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def settle_memory() -> None:
    """Take what start-up made out of the collector's sight.

    Routes and schemas live as long as the process; walking them again and again cost a fifth of the time of a purchase.
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

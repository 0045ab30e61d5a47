"""exchange worker: jobs and the regular work, without the web, and the log's sequencer in a process beside it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from typing import Any

from exchange.cli.serve import working
from exchange.cli.tools import Tools


def add(subs: Any) -> None:
    """Put the command into the parser."""
    command = subs.add_parser(
        "worker", help="run jobs and the regular work", description="Run jobs and the regular work."
    )
    command.set_defaults(run=run)


async def run(_chosen: argparse.Namespace, tools: Tools) -> int:
    """Work until asked to stop."""
    async with tools.ground(tools.settings) as on, tools.opened(on) as made:
        work = asyncio.gather(*working(tools, made))
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, work.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await work
    return 0

"""The processes under one that works, for the web and for the log: started, started again when one falls, ended with it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

import structlog

from exchange.settings import Settings, environment_of

END_S = 15.0
AGAIN_S = 1.0
_LOG = structlog.get_logger("webs")


def web(*, quiet: bool) -> tuple[str, ...]:
    """The command of a web process; it shares the port with its like."""
    return ("serve", "--no-worker", "--leashed", *(["--quiet"] if quiet else []))


SEQUENCER = ("sequencer", "run", "--leashed")


async def keep(settings: Settings, command: Sequence[str]) -> None:
    """Have one process up until cancelled."""
    while True:
        child = await start(settings, command)
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            await end(child)
            raise
        _LOG.error("process-ended", command=command[0], code=code)
        await asyncio.sleep(AGAIN_S)


async def start(settings: Settings, command: Sequence[str]) -> asyncio.subprocess.Process:
    """Start a process with the same settings; it ends when our end of its standard input closes."""
    environment = {**os.environ, **environment_of(settings)}
    whole = [sys.executable, "-m", "exchange", *command]
    return await asyncio.create_subprocess_exec(*whole, env=environment, stdin=asyncio.subprocess.PIPE)


async def end(child: asyncio.subprocess.Process) -> None:
    """Let a process finish what it serves, and insist after a while."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), END_S)
    except TimeoutError:
        child.kill()
        await child.wait()

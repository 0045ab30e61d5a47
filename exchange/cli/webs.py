"""The web processes under one that works: started, started again when one falls, ended with it."""

from __future__ import annotations

import asyncio
import os
import sys

import structlog

from exchange.settings import Settings, environment_of

END_S = 15.0
AGAIN_S = 1.0
_LOG = structlog.get_logger("webs")


async def keep(settings: Settings, *, quiet: bool) -> None:
    """Have one web process up until cancelled; it shares the port with its like."""
    while True:
        child = await start(settings, quiet=quiet)
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            await end(child)
            raise
        _LOG.error("web-process-ended", code=code)
        await asyncio.sleep(AGAIN_S)


async def start(settings: Settings, *, quiet: bool) -> asyncio.subprocess.Process:
    """Start a web process with the same settings; it ends when our end of its standard input closes."""
    command = [sys.executable, "-m", "exchange", "serve", "--no-worker", "--leashed", *(["--quiet"] if quiet else [])]
    environment = {**os.environ, **environment_of(settings)}
    return await asyncio.create_subprocess_exec(*command, env=environment, stdin=asyncio.subprocess.PIPE)


async def end(child: asyncio.subprocess.Process) -> None:
    """Let a process finish what it serves, and insist after a while."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), END_S)
    except TimeoutError:
        child.kill()
        await child.wait()

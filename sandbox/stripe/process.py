"""Run the sandbox as a process of its own, for tests, simulations and the demo."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

START_S_MAX = 15.0


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(port: int, *options: str) -> list[str]:
    """The command line that runs the sandbox until its standard input ends: it never outlives who started it."""
    leash = Path(__file__).parent.parent / "leash.py"
    return [
        *(sys.executable, "-I", "-S", str(leash)),
        *(sys.executable, "-m", "sandbox.stripe", "--port", str(port), *options),
    ]


@contextlib.asynccontextmanager
async def running(*options: str, port: int | None = None) -> AsyncIterator[str]:
    """Start `python -m sandbox.stripe` and give its address; it ends with the block.

    shapes   options as on the command line, without --port
    errors   RuntimeError when it does not answer in time
    """
    chosen = port or free_port()
    origin = f"http://127.0.0.1:{chosen}"
    process = await asyncio.create_subprocess_exec(
        *command(chosen, *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await _answers(origin, process)
        yield origin
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(origin: str, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + START_S_MAX
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                await client.get(origin)
                return
            except httpx.TransportError as error:
                if process.returncode is not None or time.monotonic() > deadline:
                    raise RuntimeError("the Stripe sandbox did not start") from error
                await asyncio.sleep(0.03)

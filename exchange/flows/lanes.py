"""Processes beside this one: Python on other cores. They only make something faster; whoever starts them does what they leave."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import msgspec
import structlog
import uvloop

# A part's answer fits, so that it is read in one go.
_LIMIT_BYTES = 1 << 20
_LOG = structlog.get_logger("lanes")
T = TypeVar("T")


# ---------------------------------------------------------------- who starts them


@asynccontextmanager
async def beside(
    module: str, order: msgspec.Struct, count: int, *, end_s: float, answers: bool = False
) -> AsyncIterator[list[Process]]:
    """Have as many processes run a module, or fewer where the machine has no room. They end when this does.

    They are told over a pipe; its other end closes whatever becomes of this process, and they end by that.

    units    end_s: seconds that they get to end by themselves
    """
    command, told = [sys.executable, "-m", module], msgspec.json.encode(order) + b"\n"
    others: list[Process] = []
    try:
        for _ in range(count):
            try:
                # A session of its own, so that an interrupt of the terminal reaches only this process.
                other = await asyncio.create_subprocess_exec(
                    *command, stdin=PIPE, stdout=PIPE if answers else None, limit=_LIMIT_BYTES, start_new_session=True
                )
            except OSError as error:
                _LOG.warning("process-not-started", module=module, why=str(error))
                break
            others.append(other)
            assert other.stdin is not None
            other.stdin.write(told)
        yield others
    finally:
        await asyncio.gather(*(_end(other, module, end_s) for other in others))


async def _end(other: Process, module: str, end_s: float) -> None:
    """Let a process end by itself, and insist after a while, or when nobody waits for that."""
    assert other.stdin is not None
    other.stdin.close()
    try:
        # What it still says is taken, so that it is not held up by that.
        with suppress(TimeoutError):
            await asyncio.wait_for(other.communicate(), end_s)
    finally:
        if other.returncode is None:
            with suppress(ProcessLookupError):  # it may have ended just now
                other.kill()
    await other.communicate()
    if other.returncode:
        _LOG.warning("process-failed", module=module, code=other.returncode)


# ---------------------------------------------------------------- such a process


async def told(kind: type[T]) -> tuple[T, asyncio.StreamReader]:
    """What this process is to do, and where it hears more, until the other end closes."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return msgspec.json.decode(await reader.readline(), type=kind), reader


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run such a process to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)

"""Whether running downloads may go on: asked for all of them together, on a connection of its own, once a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import AsyncGeneratorType

import structlog

from exchange.access.reads import Read
from exchange.kernel.errors import Problem

# A suspension, a termination, a revoked token or a directive cuts a download within this, and what the question takes.
ASK_EVERY_S = 1.0
# So long does a download go on without an answer, as when the database is overloaded; then it is cut. Nobody is let
# through because the one who would say no is busy: the reader resumes with a Range once the answer is there.
GRACE_S = 3.0
_TOGETHER_MAX = 1_000
# So long does a process that ends wait until what its downloads sent is on record.
END_S = 5.0
_LOOK_S = 0.01
_LOG = structlog.get_logger("watch")


@dataclass(slots=True, eq=False)
class Watched:
    """A running download: what it reads, as of when it was known to be allowed, whether it was refused since, its bytes.

    units    clear_at by the loop's clock
    """

    read: Read
    clear_at: float
    refused: bool = False
    body: AsyncGenerator[bytes, None] | None = None

    def may_go_on(self) -> bool:
        """Whether the next bytes may leave."""
        return not self.refused and asyncio.get_running_loop().time() - self.clear_at <= GRACE_S


class Watch:
    """The downloads that run in this process; asks about them for as long as there are any."""

    def __init__(self, ask: Callable[[Sequence[Read]], Awaitable[Sequence[Problem | None]]]) -> None:
        """Ask with `ask`, which answers for each read why it may not go on."""
        self._ask = ask
        self._running: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    def begin(self, one: Watched) -> None:
        """Watch a download from now on."""
        self._running.add(one)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go())

    def end(self, one: Watched) -> None:
        """Watch it no longer."""
        self._running.discard(one)

    async def stop(self) -> None:
        """Cut what runs; when this ends, it is on record what of it left, unless that takes too long."""
        clock = asyncio.get_running_loop().time
        until = clock() + END_S
        while self._running and clock() < until:
            for one in list(self._running):
                one.refused = True
                # One that is at work ends at its next bytes; one that waits for its reader would wait on.
                if isinstance(one.body, AsyncGeneratorType) and not one.body.ag_running:
                    await self._cut(one.body)
            await asyncio.sleep(_LOOK_S)

    async def _cut(self, body: AsyncGenerator[bytes, None]) -> None:
        try:
            await body.aclose()
        except Exception as error:  # noqa: BLE001  # the process ends all the same, and its holds go back
            _LOG.warning("download-not-recorded", error=repr(error))

    async def _go(self) -> None:
        clock, rest = asyncio.get_running_loop().time, ASK_EVERY_S
        while True:
            # What has just begun was asked as it was admitted, and a short download is never asked about again.
            await asyncio.sleep(rest)
            began = clock()
            running = list(self._running)
            if not running:
                return
            for at in range(0, len(running), _TOGETHER_MAX):
                await self._look(running[at : at + _TOGETHER_MAX])
            rest = max(0.0, ASK_EVERY_S - (clock() - began))

    async def _look(self, running: Sequence[Watched]) -> None:
        # What is true is true as of the moment of asking, however long the answer takes.
        asked_at = asyncio.get_running_loop().time()
        try:
            answers = await asyncio.wait_for(self._ask([one.read for one in running]), GRACE_S)
        except Exception as error:  # noqa: BLE001  # no answer is no permission: what runs is cut once its grace is over
            _LOG.warning("downloads-not-asked", running=len(running), error=repr(error))
            return
        for one, refused in zip(running, answers, strict=True):
            if refused is None:
                one.clear_at = asked_at
            else:
                one.refused = True

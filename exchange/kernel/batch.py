"""Group commit: concurrent requests become one batch, one transaction, and one answer each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from exchange.kernel.errors import BUSY, Problem

C = TypeVar("C")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How large a batch grows, how long it gathers, and how many may wait."""

    items_max: int = 256
    gather_ms: float = 3.0
    waiting_max: int = 8_192
    writers: int = 1


class Batcher(Generic[C, A]):
    """Collects commands for at most a few milliseconds and runs them together."""

    def __init__(
        self, run: Callable[[Sequence[C]], Awaitable[Sequence[A]]], settings: BatchSettings | None = None
    ) -> None:
        """Run batches with `run`, which answers each command in order after its commit."""
        self._run, self._settings = run, settings or BatchSettings()
        self._waiting: deque[tuple[C, asyncio.Future[A | Problem]]] = deque()
        self._some = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._free = self._settings.writers
        self._over = False

    def start(self) -> None:
        """Begin to serve, on the running loop."""
        self._tasks = [asyncio.create_task(self._serve()) for _ in range(self._settings.writers)]

    async def stop(self) -> None:
        """Finish what waits, then end; whoever comes later is told so."""
        while self._waiting:
            self._some.set()
            await asyncio.sleep(0.005)
        self._over = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def put(self, command: C) -> A | Problem:
        """The answer to `command`, after the batch that held it committed.

        errors   answers BUSY where too many wait or all is over; raises what the flow raised for this command alone
        """
        # Nobody would answer it any more, and a process that ends would wait for that for ever.
        if self._over or len(self._waiting) >= self._settings.waiting_max:
            return BUSY()
        future: asyncio.Future[A | Problem] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        self._some.set()
        return await future

    async def _serve(self) -> None:
        while True:
            await self._some.wait()
            if len(self._waiting) < self._settings.items_max:
                await asyncio.sleep(self._settings.gather_ms / 1000)
            # What waits is shared among the writers that are free, so that one decides while another one writes.
            take = min(-(-len(self._waiting) // max(1, self._free)), self._settings.items_max)
            batch = [self._waiting.popleft() for _ in range(take)]
            if not self._waiting:
                self._some.clear()
            self._free -= 1
            try:
                await self._settle(batch)
            except asyncio.CancelledError:
                for _, future in batch:
                    future.cancel()
                raise
            finally:
                self._free += 1

    async def _settle(self, batch: Sequence[tuple[C, asyncio.Future[A | Problem]]]) -> None:
        if not batch:
            return
        try:
            answers = await self._run([command for command, _ in batch])
        except Exception as error:  # noqa: BLE001  # handed to the one who asked
            # A defect must not fail its neighbours: halve the batch until it stands alone.
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

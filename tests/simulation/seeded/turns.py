"""Whose statement comes next: one round trip to PostgreSQL at a time, and the seed says whose.

Every hand stops before each of its statements and waits for its turn. A statement that waits for another's lock gives the
turn back; when it went through, its hand waits for a turn again before it reads the answer. So what runs between two turns
is one hand alone, and the same seed gives the same interleaving.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

# How long a statement may take before it is asked whether it waits for a lock. Longer than deadlock_timeout (1 ms): of a
# circle the last to wait is then always the one that PostgreSQL ends, because all others have looked around already.
_QUICK_S = 0.006
_BLOCKED = "SELECT cardinality(pg_blocking_pids($1)) > 0"
# Not with the time-out that pg_terminate_backend offers: it looks ten times a second.
_KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1"


_STUCK_S = 20.0


class Stuck(RuntimeError):
    """A lock is held by a connection that nobody uses any more."""


class Watch:
    """The superuser's eye on other backends, over a connection of its own."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection
        self._one = asyncio.Lock()

    async def blocked(self, pid: int) -> bool:
        """Whether a backend waits for a lock of another."""
        async with self._one:
            return bool(await self._connection.fetchval(_BLOCKED, pid))

    async def kill(self, pid: int) -> None:
        """End a backend, and wait until it has gone."""
        async with self._one:
            while await self._connection.fetchval(_KILL, pid) is not None:
                await asyncio.sleep(0.0005)


class Turns:
    """Lets one hand go on at a time."""

    def __init__(self, chance: random.Random, watch: Watch) -> None:
        self.watch = watch
        self.count = 0
        self._chance = chance
        self._hands: set[int] = set()
        self._ready: dict[int, asyncio.Future[None]] = {}
        self._blocked: dict[int, tuple[int, asyncio.Future[Any]]] = {}
        self._stopped = asyncio.Event()
        self._over = False

    def __str__(self) -> str:
        """Who waits for what."""
        ready, blocked = sorted(self._ready), sorted(self._blocked)
        return f"{sorted(self._hands)} at work, {ready} wait for their turn, {blocked} for locks"

    async def run(self, *hands: Callable[[], Awaitable[None]]) -> None:
        """Let these hands work until all have ended; what one raises ends all."""
        self._hands, self._over = set(range(len(hands))), False
        async with asyncio.TaskGroup() as group:
            for number, hand in enumerate(hands):
                group.create_task(self._lead(number, hand))
            group.create_task(self._deal())

    async def take(self, hand: int) -> None:
        """Wait for this hand's turn.

        errors   Stuck when nobody gives turns any more
        """
        if self._over:
            raise Stuck(str(self))
        self._ready[hand] = asyncio.get_running_loop().create_future()
        self._stopped.set()
        await self._ready[hand]

    async def trip(self, hand: int, pid: int, call: Callable[[], Awaitable[Any]]) -> Any:
        """A round trip within a turn, which goes to others while it waits for a lock."""
        answer = asyncio.ensure_future(call())
        while not (await asyncio.wait({answer}, timeout=_QUICK_S))[0]:
            if await self.watch.blocked(pid) and not answer.done():
                self._blocked[hand] = pid, answer
                self._stopped.set()
                await asyncio.wait({answer})
                await self.take(hand)
                break
        return answer.result()

    async def _lead(self, number: int, hand: Callable[[], Awaitable[None]]) -> None:
        await self.take(number)
        try:
            await hand()
        finally:
            self._hands.discard(number)
            self._stopped.set()

    async def _deal(self) -> None:
        try:
            await self._deal_all()
        finally:
            # What a hand still does to clean up has nobody to wait for.
            self._over = True
            for waiting in self._ready.values():
                if not waiting.done():
                    waiting.set_exception(Stuck(str(self)))
            self._ready.clear()

    async def _deal_all(self) -> None:
        stuck = 0.0
        while self._hands:
            await self._freed()
            if not all(one in self._ready or one in self._blocked for one in self._hands):
                await self._stopped.wait()
                self._stopped.clear()
                continue
            if not self._ready:
                # All wait for locks: PostgreSQL ends one of them at once.
                stuck = stuck or time.monotonic()
                if time.monotonic() - stuck > _STUCK_S:
                    raise Stuck(f"all of {sorted(self._blocked)} wait for locks that none of them holds")
                await asyncio.sleep(_QUICK_S)
                continue
            stuck = 0.0
            self._stopped.clear()
            chosen = self._chance.choice(sorted(self._ready))
            self.count += 1
            self._ready.pop(chosen).set_result(None)
            await self._stopped.wait()
            self._stopped.clear()

    async def _freed(self) -> None:
        """Wait until each blocked statement is through or waits for a lock still, and its hand has noticed."""
        for hand in sorted(self._blocked):
            pid, answer = self._blocked[hand]
            while not answer.done() and not await self.watch.blocked(pid):
                await asyncio.wait({answer}, timeout=_QUICK_S)
            if answer.done():
                del self._blocked[hand]
                while hand not in self._ready:
                    await asyncio.sleep(0)


__all__ = ["Turns", "Watch"]

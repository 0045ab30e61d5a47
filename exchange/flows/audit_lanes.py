"""The parts of a log looked at by this process and, where they are many, by others beside it; given in their order."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import msgspec

from compliance.tiles import WIDTH
from exchange.flows import audit_lane, lanes
from exchange.flows.audit_lane import ASKED, LaneOrder, Look, Part, Rows, SeenPart
from exchange.kernel.db import Database

PROCESSES = 2
TILES_PER_PART = 32
# Entries from which another process is worth its start, of about half a second.
SHARED_FROM = 300_000
# Parts taken before their turn, whose answers wait for it: a slow lane holds up the other one rather than fill the memory.
EARLY_MAX = 16
# How long a lane may take for a part once nothing else is left to do.
PATIENCE_S = 30.0
# It only reads: nothing is lost with it.
END_S = 2.0


@asynccontextmanager
async def opened(db: Database, order: LaneOrder, first: int, end: int, *, processes: int) -> AsyncIterator[Lanes]:
    """Look at the entries [first, end), whole tiles at a time. Other processes only make it faster: what one leaves, this does."""
    last = -(-end // WIDTH)
    lows = range(first // WIDTH, last, TILES_PER_PART) if first < end else ()
    made = Lanes(db, order, [Part(low, min(low + TILES_PER_PART, last)) for low in lows])
    others = processes - 1 if end - first >= SHARED_FROM else 0
    beside = [asyncio.create_task(made.beside()) for _ in range(others)]
    try:
        yield made
    finally:
        await made.leave()
        await asyncio.gather(*beside)


class Lanes:
    """Parts under way. Each is taken by one lane, in the order of the log.

    shapes   `theirs`: what others are at or have done, None where they failed; `done`: what this process did before its turn
    """

    def __init__(self, db: Database, order: LaneOrder, parts: Iterable[Part]) -> None:
        """Begin to read the first part."""
        self._db, self._order, self._look = db, order, Look(order)
        self._parts = list(parts)
        self._free = deque(self._parts)
        self._theirs: dict[Part, asyncio.Future[SeenPart | None]] = {}
        self._done: dict[Part, SeenPart] = {}
        self._moved = asyncio.Event()
        self._left = False
        self._leading: list[asyncio.Task[None]] = []
        self._ahead: tuple[Part, asyncio.Task[Rows]] | None = None
        self._take()

    async def parts(self) -> AsyncIterator[SeenPart]:
        """All parts in the order of the log."""
        for part in self._parts:
            while part not in self._done:
                await self._step(part)
            yield self._done.pop(part)
            self._moved.set()

    async def _step(self, part: Part) -> None:
        """Come nearer to a part: by looking at another one while another process is at it."""
        theirs = self._theirs.get(part)
        if theirs is not None and (theirs.done() or self._ahead is None or not self._room()):
            await asyncio.wait({theirs}, timeout=PATIENCE_S)
            if not theirs.done():
                self._dismiss()
                await asyncio.wait({theirs})
            del self._theirs[part]
            self._done[part] = theirs.result() or await self._look.at(await self._read(part))
            return
        assert self._ahead is not None
        mine, reading = self._ahead
        rows = await reading
        self._take()
        self._done[mine] = await self._look.at(rows)

    def _take(self) -> None:
        """Take the next free part for this process: it is read while another one is looked at."""
        part = self._free.popleft() if self._free else None
        self._ahead = None if part is None else (part, asyncio.create_task(self._read(part)))

    async def _read(self, part: Part) -> Rows:
        return await self._db.run(partial(audit_lane.read, order=self._order, part=part))

    def _room(self) -> bool:
        return len(self._theirs) + len(self._done) < EARLY_MAX

    async def leave(self) -> None:
        """Leave what is under way as it is."""
        self._left = True
        self._dismiss()
        if self._ahead is not None:
            await ended(self._ahead[1])

    def _dismiss(self) -> None:
        for task in self._leading:
            task.cancel()

    async def beside(self) -> None:
        """Have another process look at parts, until none is free; whatever becomes of it, each of its parts is answered for."""
        module = "exchange.flows.audit_lane"
        async with lanes.beside(module, self._order, 1, end_s=END_S, answers=True) as others:
            # What leads them is what is cancelled, so that nothing disturbs their end.
            made = [asyncio.create_task(self._lead(other)) for other in others if not self._left]
            self._leading += made
            if made:
                await asyncio.wait(made)

    async def _lead(self, other: Process) -> None:
        told, says = other.stdin, other.stdout
        assert told is not None
        assert says is not None
        asked: deque[asyncio.Future[SeenPart | None]] = deque()
        try:
            # Nothing is left to it before it is ready.
            await says.readexactly(len(audit_lane.READY))
            while self._free or asked:
                while self._free and len(asked) < ASKED and self._room():
                    part = self._free.popleft()
                    asked.append(asyncio.get_running_loop().create_future())
                    self._theirs[part] = asked[-1]
                    told.write(msgspec.json.encode(part) + b"\n")
                if asked:
                    found = await audit_lane.answered(says)
                    asked.popleft().set_result(found)
                else:
                    self._moved.clear()
                    await self._moved.wait()
        except (OSError, EOFError, RuntimeError, msgspec.MsgspecError):
            pass  # how it ended is told where it is ended
        finally:
            for one in asked:
                one.set_result(None)


async def ended(task: asyncio.Task[Any]) -> None:
    """Let nothing run on behind what was broken off."""
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task

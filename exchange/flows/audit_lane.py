"""Parts of the log read and looked at: by the audit, and by a process that does so beside it, Python on another core. Only reads.

It only says yes or no for a tile: what is wrong with it is named by the audit. The process looks at the parts that it is asked for
on its standard input, and ends when the other end of that closes.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec

from compliance import audit_store, auditing, tile_audit
from compliance.auditing import StoredCheckpoint, TileRows
from compliance.tiles import WIDTH
from exchange.flows import lanes
from exchange.kernel import merkle
from exchange.kernel.clock import SystemClock
from exchange.kernel.db import Database, DatabaseSettings, DatabaseUrls, Tx

# Their columns are compared together: among more entries there are more of each kind.
TILES_TOGETHER = 8
# As many parts a process is asked for at once: one is read while the other is looked at.
ASKED = 2
READY = b"."
_LENGTH = 4


class LaneOrder(msgspec.Struct, frozen=True):
    """What a lane is told: where the database is, and which log, of how many entries, it is to look at.

    shapes   `points`: with the checkpoints that lie in a part
    """

    urls: DatabaseUrls
    node_id: str
    size: int
    floor_seq: int
    points: bool


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Tiles [first, end) of the log's leaves."""

    first: int
    end: int


class SeenTile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tile that was looked at.

    shapes   `hashes`: its leaves' hashes in one piece, None where something is wrong; `root`: over them, of a full tile
             `fits`: nothing says that the tile as it is stored is another one than the tile above it holds
    """

    number: int
    count: int
    rewritten: list[int]
    hashes: bytes | None
    root: bytes | None
    fits: bool


class SeenPart(msgspec.Struct, frozen=True, array_like=True):
    """A part that was looked at, with its checkpoints; `newest` is the latest time at the end of one of its tiles."""

    tiles: list[SeenTile]
    points: list[StoredCheckpoint]
    newest: datetime


Rows = tuple[list[TileRows], list[StoredCheckpoint]]
ASK, ANSWER = msgspec.json.Decoder(Part), msgspec.msgpack.Decoder(SeenPart)


async def read(tx: Tx, order: LaneOrder, part: Part) -> Rows:
    """Read a part, and the checkpoints in it."""
    node_id, size = order.node_id, order.size
    rows = await audit_store.tile_rows(tx, node_id, part.first, part.end - 1, size, order.floor_seq)
    low, high = part.first * WIDTH, min(part.end * WIDTH, size)
    return rows, await audit_store.checkpoints(tx, node_id, low, high) if order.points else []


class Look:
    """Looks at tiles, and remembers what kinds of entries it has seen."""

    def __init__(self, order: LaneOrder) -> None:
        """Begin with nothing known of the log's entries."""
        self._size, self._columns = order.size, tile_audit.Columns(order.node_id)

    async def at(self, rows: Rows) -> SeenPart:
        """Look at the tiles of a part."""
        part, points = rows
        seen: list[SeenTile] = []
        for low in range(0, len(part), TILES_TOGETHER):
            seen += await self._some(part[low : low + TILES_TOGETHER])
        return SeenPart(seen, points, max(map(tile_audit.last_time, part)))

    async def _some(self, some: Sequence[TileRows]) -> list[SeenTile]:
        made = []
        for one in some:
            # A tile takes half a millisecond. In between the loop goes on: it fetches what the server has ready of the
            # next part, and answers whoever shares it.
            await asyncio.sleep(0)
            made.append(tile_audit.hashes(one, self._size))
        whole = [one for one, hashes in zip(some, made, strict=True) if hashes is not None]
        unfit = self._columns.unfit(whole) if whole else set()
        seen = []
        for one, hashes in zip(some, made, strict=True):
            await asyncio.sleep(0)
            seen.append(_seen(one, None if one.number in unfit else hashes))
        return seen


def _seen(one: TileRows, hashes: list[bytes] | None) -> SeenTile:
    root = auditing.root_of(hashes) if hashes is not None and len(hashes) == WIDTH else None
    stored, held = one.tile or b"", None
    if one.above and len(stored) == WIDTH * merkle.HASH_BYTES:
        # A tile whose hashes are all right is as it is stored.
        held = root or auditing.root_of(auditing.slots(stored))
    joined = None if hashes is None else b"".join(hashes)
    return SeenTile(one.number, one.count, one.rewritten or [], joined, root, held in (None, one.above))


async def answered(says: asyncio.StreamReader) -> SeenPart:
    """The next answer of a lane; raises IncompleteReadError when it is gone."""
    length = int.from_bytes(await says.readexactly(_LENGTH), "big")
    return ANSWER.decode(await says.readexactly(length))


async def main() -> None:
    """Look at the parts that are asked for, in that order, until nobody can ask any more."""
    order, told = await lanes.told(LaneOrder)
    out, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.BaseProtocol, sys.stdout)
    db, look = Database(order.urls, SystemClock(), settings=DatabaseSettings(app_connections_max=ASKED)), Look(order)
    asked: asyncio.Queue[asyncio.Task[Rows]] = asyncio.Queue()

    async def listen() -> None:
        while line := await told.readline():
            asked.put_nowait(asyncio.create_task(db.run(partial(read, order=order, part=ASK.decode(line)))))

    async def answer() -> None:
        out.write(READY)
        while True:
            made = msgspec.msgpack.encode(await look.at(await (await asked.get())))
            out.write(len(made).to_bytes(_LENGTH, "big") + made)

    # What is loaded by now stays: the collector of garbage need not look through it again and again.
    gc.freeze()
    both = [asyncio.create_task(one()) for one in (listen, answer)]
    try:
        ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in ended:
            one.result()
    finally:
        left = [asked.get_nowait() for _ in range(asked.qsize())]
        for task in (*both, *left):
            task.cancel()
        await asyncio.gather(*both, *left, return_exceptions=True)
        await db.close()


if __name__ == "__main__":
    lanes.run(main())

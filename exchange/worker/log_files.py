"""The log in the object store: its mark, and the tiles, bundles and checkpoint that anybody with the right may read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from compliance import publishing, tiles, tree_store
from compliance.entries import CENTRE
from compliance.log import LogBehind
from compliance.marks import parse_mark
from compliance.notes import Checkpoint, checkpoint_text, parse_checkpoint, parse_note
from compliance.tiles import Address
from exchange.kernel.db import Database, Tx
from exchange.kernel.files import FileStore

FOLDER = "log"
MARKS_KEPT = 3
_AT_ONCE = 8
# How many leaves are shown before the checkpoint over them follows; a multiple of a tile.
_STEP = 64 * tiles.WIDTH


class StoreMark:
    """Marks in the object store: one file per size, made once and never overwritten.

    Two logs under one key, each with a database of its own, both come here: whoever makes its file second sees the other's when
    it looks again, before it signs.
    """

    where = "store"

    def __init__(self, files: FileStore, node_id: str = CENTRE) -> None:
        """Keep marks of a node's log."""
        self._files, self._folder = files, f"marks/{node_id}"
        self._read: dict[str, Checkpoint] = {}

    async def known(self) -> Sequence[Checkpoint]:
        """The newest marks, oldest first.

        errors   BadNote
        """
        found = []
        for name in (await self._files.names(self._folder))[-MARKS_KEPT:]:
            checkpoint = self._read.get(name) or await self._load(name)
            if checkpoint is not None:
                found.append(checkpoint)
        return found

    async def keep(self, head: Checkpoint) -> None:
        """Make the mark of a size, and let old ones go.

        errors   LogBehind where this size belongs to another log
        """
        name, data = f"{self._folder}/{head.size:020d}", checkpoint_text(head)
        if not await self._files.put_named(name, data, replace=False):
            there = await self._load(name)
            if there is None:
                # An empty file: a machine lost its power before the mark was whole, so nothing was signed on it.
                await self._files.put_named(name, data, replace=True)
            elif there.root != head.root:
                raise LogBehind(f"{self.where} knows another log of {head.size} leaves than this one")
        self._read[name] = head
        for old in (await self._files.names(self._folder))[:-MARKS_KEPT]:
            await self._files.remove_named(old)
            self._read.pop(old, None)

    async def _load(self, name: str) -> Checkpoint | None:
        data = await self._files.read_named(name)
        if not data:
            return None
        self._read[name] = parse_mark(data)
        return self._read[name]


@dataclass(slots=True)
class LogFiles:
    """Shows the newest checkpoint in the object store, with everything that it covers."""

    db: Database
    files: FileStore
    node_id: str = CENTRE
    shown: int | None = None

    async def step(self) -> int | None:
        """Bring the store up to the newest checkpoint: its tiles and bundles first, the checkpoint last; its size.

        Whatever was cut off in between is written again: each file has one content.
        """
        note = await self.db.run(lambda tx: tree_store.checkpoint(tx, self.node_id))
        if note is None:
            return None
        size = _size(note)
        if self.shown is None:
            there = await self.files.read_named(f"{FOLDER}/{publishing.CHECKPOINT}")
            self.shown = 0 if there is None else _size(there)
            if self.shown == size and there is not None:
                return size
        elif self.shown >= size:
            return self.shown
        at = self.shown
        outgrown: list[str] = []
        while at < size:
            until = min(size, (at // _STEP + 1) * _STEP)
            await self._show(at, until)
            outgrown += publishing.outgrown(at, until)
            at = until
        if await self._newest_shown() <= size:
            await self.files.put_named(f"{FOLDER}/{publishing.CHECKPOINT}", note, replace=True)
        for folder in outgrown:
            for name in await self.files.names(f"{FOLDER}/{folder}"):
                await self.files.remove_named(name)
        self.shown = size
        return size

    async def _show(self, old: int, new: int) -> None:
        wanted = list(publishing.grown(old, new))
        for first in range(0, len(wanted), _AT_ONCE):
            part = wanted[first : first + _AT_ONCE]
            read = await self.db.run(lambda tx, part=part: self._read(tx, part))  # type: ignore[misc]
            await asyncio.gather(*(self._put(one, data) for one, data in zip(part, read, strict=True)))

    async def _read(self, tx: Tx, wanted: Sequence[Address]) -> list[bytes]:
        found = []
        for one in wanted:
            if one.level is None:
                data = await tree_store.entry_bundle(tx, one.number, one.width, self.node_id)
            else:
                data = await tree_store.tile(tx, one.level, one.number, one.width, self.node_id)
            if data is None:
                raise LookupError(f"the log has no {tiles.path(one.level, one.number, one.width)}")
            found.append(data)
        return found

    async def _put(self, at: Address, data: bytes) -> None:
        await self.files.put_named(f"{FOLDER}/{tiles.path(at.level, at.number, at.width)}", data, replace=True)

    async def _newest_shown(self) -> int:
        """What the store shows now: another sequencer may have been quicker, and nobody sees the log become shorter."""
        there = await self.files.read_named(f"{FOLDER}/{publishing.CHECKPOINT}")
        return 0 if there is None else _size(there)


def _size(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size

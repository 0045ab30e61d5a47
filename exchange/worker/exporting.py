"""Make an audit export: parts in a process of their own, one after another, each kept; then the zip, put together from them.

The event loop reads, sends and waits; it never packs, hashes or encodes more than a moment's worth. An export that was cut
at any point goes on after its last whole part, and comes out the same to the byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

import msgspec

from compliance import disclosure_store, export_store
from compliance.disclosures import Tally, ground_of
from compliance.export_store import BundleKept
from compliance.exports.bundle import BundleWriter, MemberPlan, PieceKept, Source, starts
from compliance.exports.delivery import delivery_note
from compliance.exports.parts import PART, SLICE, PartWish
from compliance.notes import Ed25519Signer
from compliance.verify_bundle import line_digests
from compliance.verify_evidence import EVENTS
from exchange.flows import export_audit
from exchange.flows.disclose_sealed import opened_lines
from exchange.flows.export_audit import Made
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore, NotStored
from exchange.kernel.subjects import Vault
from exchange.worker import export_child as child

T = TypeVar("T")
Progress = Callable[[int, int | None], Awaitable[None]]
_BYTES_MAX = 1 << 62
_UNPACKED_AT_ONCE = 1 << 17
# Up to this size the manifest has a digest for each opened record.
_NAMED_BYTES_MAX = 1 << 20
_EMPTY = bytes(32)
# The process that makes the parts, and how long it may take to end by itself.
CHILD = (sys.executable, "-m", "exchange.worker.export_child")
END_S = 5.0


class ExportStopped(Exception):
    """Somebody cancelled the export."""


class LogBroken(Exception):
    """An entry in the database is not the one that the log holds."""


class PiecesGone(Exception):
    """Kept pieces are not there any more: they are made anew."""


class DisclosureChanged(Exception):
    """Somebody was erased while their records were disclosed: the export is made anew, without them."""


@dataclass(frozen=True, slots=True)
class Exporting:
    """What making exports needs; `part` is the number of places of the log in a part."""

    db: Database
    files: FileStore
    signer: Ed25519Signer
    vkeys: Sequence[str]
    quorum: int = 0
    part: int = PART
    vault: Vault | None = None

    async def make(self, export_id: UUID, progress: Progress) -> BundleKept | Problem:
        """Make the bundle of an export and keep it; one that was made before for an equal request is taken as it is.

        errors   answers NOT_FOUND, EXPORT_ENDED; raises ExportStopped, LogBroken, PiecesGone, DisclosureChanged, what
                 `progress` raises
        """
        vkeys = tuple(dict.fromkeys((self.signer.verifier.vkey, *self.vkeys)))
        begin = partial(export_audit.begin, export_id=export_id, origin=self.signer.name, vkeys=vkeys)
        made = await self.db.run(partial(begin, quorum=self.quorum, part=self.part))
        if isinstance(made, Problem):
            return made
        try:
            return await self._make(made, progress)
        except (ExportStopped, DisclosureChanged):
            await self._drop(made)
            raise

    async def _make(self, made: Made, progress: Progress) -> BundleKept:
        # Listing and hashing what is in every bundle is done once, but not in the loop.
        parts = key = await asyncio.to_thread(made.facts.key)
        if made.export.disclosure is not None:
            await self._drop(made)
            made = await self._disclose(made)
            # The parts hold nothing that is disclosed: they are the same as in a redacted bundle.
            key = await asyncio.to_thread(made.facts.key)
        bundle = await self.db.run(partial(export_store.find_bundle, bundle=key))
        if bundle is None or await self.files.stat(bundle.sha256) is None:
            kept = await self._parts(made, parts, progress)
            bundle = await self._bundle(made, parts, kept, progress)
        elif made.facts.disclosed is not None:
            await self._note(made, bundle.sha256)
        note = delivery_note(made.delivery(bundle), made.facts, self.signer)
        if not await self.db.run(partial(export_audit.finish, made=made, bundle=bundle, delivery=note)):
            raise ExportStopped
        await self._forget(parts)
        return bundle

    # ------------------------------------------------------------ parts

    async def _parts(self, made: Made, key: bytes, progress: Progress) -> list[PieceKept]:
        """The pieces of all parts; those that are there already are not made again."""
        kept = await self.db.run(partial(export_store.kept_pieces, bundle=key))
        numbers = made.facts.numbers()
        there = {one.number for one in kept}
        wanted = [number for number in numbers if number not in there]
        if not wanted:
            return kept
        async with child_at_work() as maker:
            for number in wanted:
                pieces = await self._part(made, number, kept, maker, progress)
                await self.db.run(partial(export_store.keep_part, bundle=key, pieces=pieces))
                kept += pieces
        return kept

    async def _part(
        self, made: Made, number: int, kept: Sequence[PieceKept], maker: _Child, progress: Progress
    ) -> list[PieceKept]:
        scope, size = made.facts.scope, made.facts.checkpoint.size
        assert scope.to_index is not None, "an export runs over a pinned scope"
        first, end = max(number * self.part, scope.from_index), min((number + 1) * self.part, scope.to_index)
        at = starts(made.facts.formats)
        for one in kept:
            if one.member in at:
                at[one.member] += one.size
        await maker.ask(child.Begin(PartWish(first, end, size, scope.complete, made.facts.formats, at)))
        entries = sum(one.entries for one in kept if one.member == EVENTS)
        start = first
        while start < end:
            # By fixed places of the log, so that the slices of a part are always the same.
            until = min((start // SLICE + 1) * SLICE, end)
            found = await self.db.run(
                partial(export_audit.read_slice, made=made, first=start, end=until, before=entries)
            )
            if not found.more:
                raise ExportStopped
            tiles = [(level, number, data) for (level, number), data in found.tiles.items()]
            await maker.ask(child.Slice([(index, envelope) for index, envelope in found.leaves], found.numbers, tiles))
            entries += len(found.leaves)
            await progress(until - scope.from_index, scope.to_index - scope.from_index)
            start = until
        await maker.ask(child.End())
        return [one async for one in self._keep(number, maker)]

    async def _keep(self, number: int, maker: _Child) -> AsyncIterator[PieceKept]:
        """Put a part's pieces into the file store as they come; nothing of what is empty but that the part is there."""
        found: list[PieceKept] = []
        while True:
            said = await maker.answer()
            if isinstance(said, child.Bad):
                raise LogBroken(f"entry {said.index} in the database is not what the log holds")
            if isinstance(said, child.Made):
                break
            packed = await maker.raw(said.packed_bytes)
            if said.size or said.notes or said.member == EVENTS:
                blob = (await self.files.put(packed)).sha256 if said.size else _EMPTY
                found.append(PieceKept(number, said.member, blob, len(packed), said.crc32, said.size, said.notes, 0))
        for one in found:
            yield one._replace(entries=said.entries)

    # ------------------------------------------------------------ what is disclosed

    async def _disclose(self, made: Made) -> Made:
        """Look at what is to be opened: it is a part of the bundle's name."""
        assert made.export.disclosure is not None, "nothing is opened unasked"
        tally, vault = Tally(), self._vault()
        async for data, subjects in opened_lines(self.db, vault, made.export, made.facts):
            tally.add(data, subjects)
        disclosed = tally.disclosed(ground_of(made.export.disclosure).kind)
        return replace(made, facts=replace(made.facts, disclosed=disclosed), subjects=tally.subjects())

    async def _opened(self, writer: BundleWriter, made: Made) -> AsyncIterator[bytes]:
        """The opened records once more, into the bundle.

        errors   DisclosureChanged where they are not what was looked at
        """
        wanted = made.facts.disclosed
        if wanted is None:
            return
        yield writer.open_disclosed(wanted)
        hashed, digests = hashlib.sha256(), list[str]()
        async for data, _ in opened_lines(self.db, self._vault(), made.export, made.facts):
            hashed.update(data)
            if wanted.size_bytes <= _NAMED_BYTES_MAX:
                digests += line_digests(data)
            yield data
        if hashed.digest() != wanted.sha256:
            raise DisclosureChanged
        if wanted.size_bytes <= _NAMED_BYTES_MAX:
            writer.close_disclosed(digests)

    async def _note(self, made: Made, sha256: bytes) -> None:
        """Write down whom a bundle tells of.

        errors   DisclosureChanged where one of them is erased by now, or the export has ended
        """
        note = partial(disclosure_store.note_opened, export_id=made.export.id, sha256=sha256, subjects=made.subjects)
        if not await self.db.run(note):
            raise DisclosureChanged

    async def _drop(self, made: Made) -> None:
        """Drop what an attempt left of a bundle with opened records."""
        if made.export.disclosure is None:
            return
        for sha256 in await self.db.run(partial(disclosure_store.own_bundles, export_id=made.export.id)):
            await self.files.remove(sha256)
        await self.files.discard(made.export.id)

    def _vault(self) -> Vault:
        assert self.vault is not None, "who opens sealed records has a vault"
        return self.vault

    # ------------------------------------------------------------ the bundle

    async def _bundle(self, made: Made, key: bytes, kept: Sequence[PieceKept], progress: Progress) -> BundleKept:
        """Put the bundle together and keep it as a file; what an earlier attempt left half-way is dropped first."""
        export_id, total = made.export.id, len(made.facts.numbers()) * self.part
        writer = await asyncio.to_thread(BundleWriter, made.facts, kept)
        await self.files.discard(export_id)
        if made.facts.disclosed is not None:
            await self._note(made, _EMPTY)
        try:
            hashed = hashlib.sha256()
            chunks = _hashing(self._chunks(writer, made, progress, total), hashed)
            size = await self.files.append(export_id, 0, chunks, _BYTES_MAX)
        except (NotStored, ValueError) as error:
            await self.db.run(partial(export_store.forget_parts, bundle=key))
            raise PiecesGone(str(error)) from error
        if made.facts.disclosed is not None:
            # Before it is kept under its name, so that no erasure can miss it.
            await self._note(made, hashed.digest())
        blob = await self.files.keep(export_id, size)
        await self.files.discard(export_id)
        return BundleKept(blob.sha256, blob.size_bytes, writer.entries)

    async def _chunks(self, writer: BundleWriter, made: Made, progress: Progress, total: int) -> AsyncIterator[bytes]:
        for plan in writer.plans:
            async for chunk in self._member(writer, plan):
                yield chunk
            # Whoever cancelled is heard here too, and the lock is kept.
            await progress(total, total)
        async for data in self._opened(writer, made):
            yield data
        for data in await asyncio.to_thread(lambda: list(writer.rest(self.signer))):
            yield data

    async def _member(self, writer: BundleWriter, plan: MemberPlan) -> AsyncIterator[bytes]:
        head, measured = writer.open(plan)
        yield head
        for source in plan.sources:
            async for chunk in self._source(source):
                # What was packed well is much larger again.
                for at in range(0, len(chunk), _UNPACKED_AT_ONCE):
                    await asyncio.to_thread(measured.add, chunk[at : at + _UNPACKED_AT_ONCE])
                yield chunk
        writer.close(plan, measured)

    async def _source(self, source: Source) -> AsyncIterator[bytes]:
        if source.data is not None:
            yield source.data
            return
        assert source.sha256 is not None, "a source is at hand or kept"
        async for chunk in self.files.open_range(source.sha256):
            yield chunk

    async def _forget(self, key: bytes) -> None:
        """Drop the pieces: the bundle has them all."""
        for sha256 in await self.db.run(partial(export_store.forget_parts, bundle=key)):
            if sha256 != _EMPTY:
                await self.files.remove(sha256)


async def _hashing(chunks: AsyncIterable[bytes], digest: hashlib._Hash) -> AsyncIterator[bytes]:
    """What passes by, hashed."""
    async for chunk in chunks:
        await asyncio.to_thread(digest.update, chunk)
        yield chunk


# ---------------------------------------------------------------- the process that makes the parts


class _Child:
    """Our end of the process that makes parts."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._decode = msgspec.msgpack.Decoder(child.Answer).decode

    async def ask(self, message: msgspec.Struct) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(child.framed(message))
        await self._process.stdin.drain()

    async def answer(self) -> child.Told | child.Made | child.Bad:
        (length,) = child.LENGTH.unpack(await self.raw(child.LENGTH.size))
        said: child.Told | child.Made | child.Bad = self._decode(await self.raw(length))
        return said

    async def raw(self, size: int) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.readexactly(size)


@asynccontextmanager
async def child_at_work(command: Sequence[str] = CHILD) -> AsyncIterator[_Child]:
    """A process for one export; it is ended with it, whatever happens."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield _Child(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(_ended(process), END_S)
        except TimeoutError:
            process.kill()
            await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for its end; what it still says is let go, for with a full pipe it would never see that nobody asks any more."""
    assert process.stdout is not None
    while await process.stdout.read(_UNPACKED_AT_ONCE):
        pass
    await process.wait()

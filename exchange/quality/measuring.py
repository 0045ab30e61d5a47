"""Feeds the files of a revision to the profiler, chunk by chunk, beside a running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from exchange.quality.profile import Profiler, Signals
from exchange.quality.record_digests import RecordDigests

# How many bytes go by between two reports; each report may cost a transaction.
REPORT_EVERY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MeasuredFile:
    """A file to measure, and where its bytes are."""

    path: str
    media_type: str
    sha256: bytes
    size_bytes: int


class Named(Protocol):
    """A file by its path, its type and where its bytes are."""

    @property
    def path(self) -> str:
        """Its name in the revision."""
        ...

    @property
    def media_type(self) -> str:
        """What it says it is."""
        ...

    @property
    def sha256(self) -> bytes:
        """The hash of its content."""
        ...


class Bytes(Protocol):
    """Something that streams a blob's bytes (kernel.files.FileStore does)."""

    def open_range(self, sha256: bytes, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The blob's bytes from `start`, a chunk at a time."""
        ...


# Told the bytes done and in all; raises to stop the measuring between two chunks.
Progress = Callable[[int, int], Awaitable[None]]


async def unwatched(_done: int, _total: int) -> None:
    """A progress that nobody watches."""


async def measure(files: Sequence[MeasuredFile], source: Bytes, progress: Progress = unwatched) -> Signals:
    """Measure all `files`; no transaction may be open meanwhile.

    errors   what `source` and `progress` raise
    """
    total, done, reported = sum(file.size_bytes for file in files), 0, 0
    profiler = Profiler()
    try:
        for file in files:
            profiler.begin(file.path, file.media_type)
            async for chunk in source.open_range(file.sha256):
                # In a thread, so that a large chunk does not keep the loop's other work waiting.
                await asyncio.to_thread(profiler.feed, chunk)
                done += len(chunk)
                if done - reported >= REPORT_EVERY_BYTES:
                    reported = done
                    await progress(done, total)
            await asyncio.to_thread(profiler.end)
        await progress(done, total)
        return await asyncio.to_thread(profiler.signals)
    finally:
        profiler.close()


async def note_records(
    files: Iterable[Named], source: Bytes, digests: RecordDigests, progress: Callable[[int], Awaitable[None]]
) -> int:
    """Note the records of all `files` in `digests`, no transaction open meanwhile; how many bytes were read.

    errors   what `source` and `progress` raise
    """
    done = reported = 0
    for file in files:
        digests.begin(file.path, file.media_type, file.sha256)
        async for chunk in source.open_range(file.sha256, 0, None if digests.reads else 0):
            await asyncio.to_thread(digests.feed, chunk)
            done += len(chunk)
            if done - reported >= REPORT_EVERY_BYTES:
                reported = done
                await progress(done)
        await asyncio.to_thread(digests.end)
    return done

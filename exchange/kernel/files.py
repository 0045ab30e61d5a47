"""Files: bytes kept under the hash of what they say, and uploads that survive a cut.

A blob lives at `blobs/sha256/ab/cd/<hex>` and never changes. A named file lies at the name that its readers know, such as
`log/checkpoint`: these are what the exchange publishes through the store. An upload lies in parts at
`staging/<upload>/<offset>` until it is whole; each part is created once and never overwritten, so two
writers at one offset cannot both win, and what was received is read off the part names after a crash.
This works the same on a folder and on S3, Google and Azure stores.

Callers are apps and the worker. A flow never comes here: it gets the hash and the size handed in.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import msgspec
import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, ObjectStore, from_url

SHA256_BYTES = 32
_OFFSET_DIGITS = 20
_NAME = re.compile(r"(?!(blobs|staging)(/|$))[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*", re.ASCII)
# What a local store shows of a file that is being written.
_DRAFT = re.compile(r"#[0-9]+$")


class FilesSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where files lie and how they are cut."""

    url: str
    """`file:///folder`, or any `s3://`, `gs://`, `az://` address; keys come from that store's own variables."""
    part_bytes: int = 8 * 1024 * 1024
    """How much of an upload is held in memory before it is written down."""
    chunk_bytes: int = 1024 * 1024
    """How much is read at once when a file is sent."""
    parts_max: int = 10_000
    """How many parts one upload may have; many tiny appends are refused here."""


class FilesError(Exception):
    """A file or an upload is not as the caller believed."""


class WrongOffset(FilesError):
    """Somebody appended at a place that is not the end of the upload; `expected` is the end."""

    def __init__(self, expected: int) -> None:
        super().__init__(f"the next byte goes to offset {expected}")
        self.expected = expected


class TooLong(FilesError):
    """More bytes came than the upload may hold."""


class TooManyParts(FilesError):
    """The upload came in too many small pieces."""


class Incomplete(FilesError):
    """The upload was to be kept before all its bytes were there."""


class NotStored(FilesError):
    """There is no blob with this hash."""


@dataclass(frozen=True, slots=True)
class Blob:
    """One stored file: the hash is its address."""

    sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Part:
    offset: int
    size_bytes: int
    path: str


def blob_path(sha256: bytes) -> str:
    """Give the place of a blob; only a digest gets in, so no name can point elsewhere."""
    if len(sha256) != SHA256_BYTES:
        raise ValueError("a SHA-256 digest has 32 bytes")
    name = sha256.hex()
    return f"blobs/sha256/{name[:2]}/{name[2:4]}/{name}"


class FileStore:
    """Keep blobs by hash and uploads by part, in one object store."""

    def __init__(self, store: ObjectStore, settings: FilesSettings) -> None:
        self._store = store
        self._settings = settings
        root = store.prefix if isinstance(store, LocalStore) else None
        self._root: Path | None = Path(root) if root is not None else None

    @classmethod
    def open(cls, settings: FilesSettings) -> FileStore:
        """Open the store that `settings.url` names; a local folder is made when it is missing."""
        parts = urlsplit(settings.url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            return cls(LocalStore(prefix=folder, mkdir=True, automatic_cleanup=True), settings)
        return cls(from_url(settings.url), settings)

    async def stat(self, sha256: bytes) -> Blob | None:
        """Say how large a blob is, or None when it is not stored."""
        try:
            meta = await obstore.head_async(self._store, blob_path(sha256))
        except FileNotFoundError:
            return None
        return Blob(sha256, meta["size"])

    async def open_range(self, sha256: bytes, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Send the bytes from `start` up to but without `end`, a chunk at a time.

        shapes   0 <= start <= end; None or an end past the blob means up to its last byte
        errors   NotStored before the first chunk
        """
        if start < 0 or (end is not None and end < start):
            raise ValueError("a range runs forward from zero")
        blob = await self.stat(sha256)
        if blob is None:
            raise NotStored(sha256.hex())
        stop = blob.size_bytes if end is None else min(end, blob.size_bytes)
        if start >= stop:
            return
        async for chunk in self._stream(blob_path(sha256), start, stop):
            yield chunk

    async def read(self, sha256: bytes, size_max_bytes: int) -> bytes:
        """Read a small blob whole; a larger one is refused, not buffered.

        errors   NotStored, TooLong
        """
        blob = await self.stat(sha256)
        if blob is None:
            raise NotStored(sha256.hex())
        if blob.size_bytes > size_max_bytes:
            raise TooLong(f"{blob.size_bytes} bytes, at most {size_max_bytes}")
        return b"".join([chunk async for chunk in self.open_range(sha256)])

    async def put(self, content: bytes) -> Blob:
        """Keep bytes that are already in memory; keeping them twice changes nothing."""
        blob = Blob(hashlib.sha256(content).digest(), len(content))
        try:
            await obstore.put_async(self._store, blob_path(blob.sha256), content, mode="create")
        except AlreadyExistsError:
            return blob
        await self._flush(blob_path(blob.sha256))
        return blob

    async def received(self, upload_id: UUID) -> int:
        """Say how many bytes of an upload are safely here: the offset of the next append."""
        parts = await self._parts(upload_id)
        return parts[-1].offset + parts[-1].size_bytes if parts else 0

    async def append(self, upload_id: UUID, offset: int, chunks: AsyncIterable[bytes], size_max_bytes: int) -> int:
        """Write `chunks` at the end of an upload and give the new end.

        What arrived before a broken connection stays, so the sender goes on from `received`.

        errors   WrongOffset (also when another writer was quicker), TooLong, TooManyParts
        """
        parts = await self._parts(upload_id)
        end = parts[-1].offset + parts[-1].size_bytes if parts else 0
        if offset != end:
            raise WrongOffset(end)
        writer = _PartWriter(self, upload_id, end, len(parts))
        try:
            async for chunk in chunks:
                if writer.end + len(chunk) > size_max_bytes:
                    raise TooLong(f"the upload holds at most {size_max_bytes} bytes")
                await writer.add(chunk)
        except WrongOffset:
            raise
        except Exception:
            await writer.flush()
            raise
        await writer.flush()
        return writer.end

    async def keep(self, upload_id: UUID, size_bytes: int) -> Blob:
        """Turn a whole upload into a blob: hash it while it is copied, then move it to its address.

        Can be called again after a crash at any point; the parts stay until `discard`.

        errors   Incomplete
        """
        parts = await self._parts(upload_id)
        end = parts[-1].offset + parts[-1].size_bytes if parts else 0
        if end != size_bytes:
            raise Incomplete(f"{end} of {size_bytes} bytes are here")
        digest = hashlib.sha256()

        async def hashed() -> AsyncIterator[bytes]:
            for part in parts:
                async for chunk in self._stream(part.path, 0, part.size_bytes):
                    digest.update(chunk)
                    yield chunk

        # Another place than the parts': two callers may keep one upload at once, and each writes the same bytes.
        whole = _whole(upload_id)
        if parts:
            await obstore.put_async(self._store, whole, hashed(), chunk_size=self._settings.part_bytes)
        else:
            await obstore.put_async(self._store, whole, b"")
        blob = Blob(digest.digest(), size_bytes)
        await self._flush(whole)
        await self._move(whole, blob)
        return blob

    async def discard(self, upload_id: UUID) -> None:
        """Remove what is staged of an upload; nothing happens when nothing is there."""
        places = [part.path for part in await self._parts(upload_id)]
        for path in (*places, _whole(upload_id)):
            try:
                await obstore.delete_async(self._store, path)
            except FileNotFoundError:
                continue

    async def remove(self, sha256: bytes) -> None:
        """Erase a blob's bytes for good; the facts that name its hash stay."""
        try:
            await obstore.delete_async(self._store, blob_path(sha256))
        except FileNotFoundError:
            return

    async def put_named(self, name: str, content: bytes, *, replace: bool) -> bool:
        """Publish a file under a name, whole or not at all; False where it is there already and may not be replaced.

        errors   ValueError for a name of blobs or uploads, or one that leads elsewhere
        """
        path = _published(name)
        try:
            await obstore.put_async(self._store, path, content, mode="overwrite" if replace else "create")
        except AlreadyExistsError:
            return False
        await self._flush(path)
        return True

    async def read_named(self, name: str) -> bytes | None:
        """Read a published file whole, None where there is none."""
        try:
            got = await obstore.get_async(self._store, _published(name))
        except FileNotFoundError:
            return None
        return bytes(await got.bytes_async())

    async def remove_named(self, name: str) -> None:
        """Remove a published file for good; nothing happens when nothing is there."""
        path = _published(name)
        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            return
        if self._root is not None:
            await asyncio.to_thread(_fsync_folder, self._root / path)

    async def names(self, folder: str) -> list[str]:
        """The names of the published files under a folder, in order."""
        found: list[str] = []
        async for batch in obstore.list(self._store, prefix=_published(folder)):
            found += [meta["path"] for meta in batch if not _DRAFT.search(meta["path"])]
        return sorted(found)

    async def put_part(self, upload_id: UUID, offset: int, content: bytes) -> None:
        """Create the part at `offset`; a part that is there already is never overwritten.

        errors   WrongOffset
        """
        path = f"{_folder(upload_id)}/{offset:0{_OFFSET_DIGITS}d}"
        try:
            await obstore.put_async(self._store, path, content, mode="create")
        except AlreadyExistsError:
            raise WrongOffset(await self.received(upload_id)) from None
        await self._flush(path)

    @property
    def settings(self) -> FilesSettings:
        """The settings this store was opened with."""
        return self._settings

    async def _parts(self, upload_id: UUID) -> list[_Part]:
        found: list[_Part] = []
        async for batch in obstore.list(self._store, prefix=_folder(upload_id)):
            for meta in batch:
                name = meta["path"].rsplit("/", 1)[1]
                # An object store may show a half-written temporary file of another writer: not a part.
                if len(name) == _OFFSET_DIGITS and name.isascii() and name.isdigit():
                    found.append(_Part(int(name), meta["size"], meta["path"]))
        found.sort(key=lambda part: part.offset)
        end = 0
        for part in found:
            if part.offset != end:
                raise FilesError(f"upload {upload_id} has a hole at {end}")
            end += part.size_bytes
        return found

    async def _stream(self, path: str, start: int, stop: int) -> AsyncIterator[bytes]:
        if start >= stop:
            return
        got = await obstore.get_async(self._store, path, options={"range": (start, stop)})
        async for chunk in got.stream(min_chunk_size=self._settings.chunk_bytes):
            yield bytes(chunk)

    async def _move(self, source: str, blob: Blob) -> None:
        """Rename into place; a second caller that comes late finds the blob there already."""
        try:
            await obstore.rename_async(self._store, source, blob_path(blob.sha256))
        except FileNotFoundError:
            there = await self.stat(blob.sha256)
            if there != blob:
                raise
            return
        await self._flush(blob_path(blob.sha256))

    async def _flush(self, path: str) -> None:
        """Force a local file and its folder to the disk; a remote store has done so when it answers."""
        if self._root is not None:
            await asyncio.to_thread(_fsync, self._root / path)


class _PartWriter:
    """Gather small chunks into parts."""

    def __init__(self, files: FileStore, upload_id: UUID, end: int, parts: int) -> None:
        self._files = files
        self._upload_id = upload_id
        self._buffer = bytearray()
        self._written = end
        self._parts = parts

    @property
    def end(self) -> int:
        return self._written + len(self._buffer)

    async def add(self, chunk: bytes) -> None:
        size = self._files.settings.part_bytes
        for start in range(0, len(chunk), size):
            self._buffer += chunk[start : start + size]
            if len(self._buffer) >= size:
                await self.flush()

    async def flush(self) -> None:
        if not self._buffer:
            return
        if self._parts >= self._files.settings.parts_max:
            self._buffer.clear()
            raise TooManyParts(f"at most {self._files.settings.parts_max} parts")
        content = bytes(self._buffer)
        self._buffer.clear()
        await self._files.put_part(self._upload_id, self._written, content)
        self._written += len(content)
        self._parts += 1


def _published(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a published file: {name!r}")
    return name


def _folder(upload_id: UUID) -> str:
    return f"staging/{upload_id.hex}"


def _whole(upload_id: UUID) -> str:
    return f"whole/{upload_id.hex}"


def _fsync(path: Path) -> None:
    try:
        for place in (path, path.parent):
            handle = os.open(place, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except FileNotFoundError:
        # Another writer of the same bytes moved it on: that writer flushes it.
        return


def _fsync_folder(path: Path) -> None:
    """Force to the disk that a file is gone; its folder may have gone with it, so the next one above is forced too."""
    for place in (path.parent, path.parent.parent):
        try:
            handle = os.open(place, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

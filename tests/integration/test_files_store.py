"""The file store on a folder and in memory: resumed uploads, rivals, ranges, crashes."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from obstore.store import MemoryStore

from exchange.kernel.files import (
    Blob,
    FilesSettings,
    FileStore,
    Incomplete,
    NotStored,
    TooLong,
    TooManyParts,
    WrongOffset,
    blob_path,
)

UPLOAD = UUID(int=7)


class Cut(Exception):
    """The sender is gone."""


async def pieces(content: bytes, size: int, cut_after: int | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        if cut_after is not None and start >= cut_after:
            raise Cut
        yield content[start : start + size]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    settings = FilesSettings(url=(tmp_path / "a folder/文件").as_uri(), part_bytes=1000, chunk_bytes=300, parts_max=50)
    if request.param == "memory":
        return FileStore(MemoryStore(), settings)
    return FileStore.open(settings)


async def whole(store: FileStore, sha256: bytes, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.open_range(sha256, start, end)])


async def test_an_upload_goes_on_after_a_cut_and_a_restart(store: FileStore) -> None:
    content = random.Random(1).randbytes(5_555)
    with pytest.raises(Cut):
        await store.append(UPLOAD, 0, pieces(content, 70, cut_after=2_345), len(content))
    here = await store.received(UPLOAD)
    assert here == 2_380, "what came before the cut is kept, also the part that was not full"
    again = FileStore(store._store, store.settings)
    with pytest.raises(WrongOffset) as wrong:
        await again.append(UPLOAD, 0, pieces(content, 70), len(content))
    assert wrong.value.expected == here
    with pytest.raises(Incomplete):
        await again.keep(UPLOAD, len(content))
    assert await again.append(UPLOAD, here, pieces(content[here:], 999), len(content)) == len(content)
    blob = await again.keep(UPLOAD, len(content))
    assert blob == Blob(hashlib.sha256(content).digest(), len(content))
    assert await again.keep(UPLOAD, len(content)) == blob, "a second try after a crash changes nothing"
    await again.discard(UPLOAD)
    await again.discard(UPLOAD)
    assert await again.received(UPLOAD) == 0
    assert await whole(again, blob.sha256) == content


async def test_of_rivals_at_one_offset_one_wins_and_no_byte_is_mixed(store: FileStore) -> None:
    contents = [bytes([65 + number]) * 3_500 for number in range(6)]
    answers = await asyncio.gather(
        *(store.append(UPLOAD, 0, pieces(content, 400), 3_500) for content in contents), return_exceptions=True
    )
    winners = [answer for answer in answers if answer == 3_500]
    losers = [answer for answer in answers if isinstance(answer, WrongOffset)]
    assert len(winners) + len(losers) == 6
    assert len(winners) <= 1
    end = await store.received(UPLOAD)
    rest = 3_500 - end
    if rest:
        assert await store.append(UPLOAD, end, pieces(b"z" * rest, 400), 3_500) == 3_500
    blob = await store.keep(UPLOAD, 3_500)
    kept = await whole(store, blob.sha256)
    assert len(kept) == 3_500
    assert hashlib.sha256(kept).digest() == blob.sha256


async def test_rivals_that_finish_one_upload_agree(store: FileStore) -> None:
    await store.append(UPLOAD, 0, pieces(b"q" * 2_500, 100), 2_500)
    blobs = await asyncio.gather(*(store.keep(UPLOAD, 2_500) for _ in range(8)))
    assert set(blobs) == {Blob(hashlib.sha256(b"q" * 2_500).digest(), 2_500)}
    assert await whole(store, blobs[0].sha256) == b"q" * 2_500


async def test_limits_hold(store: FileStore) -> None:
    with pytest.raises(TooLong):
        await store.append(UPLOAD, 0, pieces(b"x" * 1_001, 500), 1_000)
    assert await store.received(UPLOAD) == 1_000
    with pytest.raises(TooLong):
        await store.append(UPLOAD, 1_000, pieces(b"x", 1), 1_000)
    other = UUID(int=8)
    with pytest.raises(TooManyParts):
        for offset in range(60):
            await store.append(other, offset, pieces(b"x", 1), 1_000)
    assert await store.received(other) == 50


async def test_ranges(store: FileStore) -> None:
    content = random.Random(2).randbytes(2_000)
    blob = await store.put(content)
    assert await store.put(content) == blob
    assert await store.stat(blob.sha256) == blob
    for start, end in (
        (0, None),
        (0, 1),
        (1_999, 2_000),
        (500, 1_501),
        (1_500, 9_999),
        (2_000, None),
        (5_000, 6_000),
        (3, 3),
    ):
        assert await whole(store, blob.sha256, start, end) == content[start:end]
    for start, end in ((-1, 5), (5, 4)):
        with pytest.raises(ValueError, match="range"):
            await whole(store, blob.sha256, start, end)
    assert await store.read(blob.sha256, 2_000) == content
    with pytest.raises(TooLong):
        await store.read(blob.sha256, 1_999)


async def test_empty_and_missing_files(store: FileStore) -> None:
    assert await store.append(UPLOAD, 0, pieces(b"", 1), 0) == 0
    blob = await store.keep(UPLOAD, 0)
    assert blob == Blob(hashlib.sha256(b"").digest(), 0)
    assert await whole(store, blob.sha256) == b""
    missing = b"\x01" * 32
    assert await store.stat(missing) is None
    with pytest.raises(NotStored):
        await whole(store, missing)
    await store.remove(missing)
    await store.remove(blob.sha256)
    assert await store.stat(blob.sha256) is None


def test_only_a_digest_names_a_blob() -> None:
    assert blob_path(b"\xab" * 32) == "blobs/sha256/ab/ab/" + "ab" * 32
    for trick in (b"", b"../../etc/passwd", b"x" * 33):
        with pytest.raises(ValueError, match="32 bytes"):
            blob_path(trick)


async def test_a_half_written_part_is_not_a_part(tmp_path: Path) -> None:
    store = FileStore.open(FilesSettings(url=tmp_path.as_uri()))
    await store.append(UPLOAD, 0, pieces(b"abc", 1), 10)
    folder = tmp_path / "staging" / UPLOAD.hex
    (folder / ("0" * 19 + "3#1")).write_bytes(b"half")
    (folder / "other").write_bytes(b"x")
    assert await store.received(UPLOAD) == 3


async def test_a_large_stream_never_lies_in_memory_whole(tmp_path: Path) -> None:
    import tracemalloc

    store = FileStore.open(FilesSettings(url=tmp_path.as_uri(), part_bytes=1 << 20, chunk_bytes=1 << 18))
    size = 32 << 20

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(size >> 16):
            yield b"\x07" * (1 << 16)

    tracemalloc.start()
    await store.append(UPLOAD, 0, stream(), size)
    blob = await store.keep(UPLOAD, size)
    read = 0
    async for chunk in store.open_range(blob.sha256):
        read += len(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == size
    assert peak < 16 << 20


async def test_a_published_file_has_a_name_of_its_own_and_is_replaced_only_on_purpose(store: FileStore) -> None:
    assert await store.read_named("log/checkpoint") is None
    assert await store.put_named("log/checkpoint", b"one", replace=False)
    assert not await store.put_named("log/checkpoint", b"two", replace=False)
    assert await store.read_named("log/checkpoint") == b"one"
    assert await store.put_named("log/checkpoint", b"two", replace=True)
    assert await store.put_named("log/tile/0/x001/067.p/5", b"", replace=False)
    assert await store.read_named("log/checkpoint") == b"two"
    assert await store.names("log") == ["log/checkpoint", "log/tile/0/x001/067.p/5"]


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "log/../blobs/x", "blobs/sha256/aa", "staging/x", "log//x", "Log/x", "log/x/"]
)
async def test_no_published_name_leads_elsewhere(store: FileStore, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        await store.put_named(name, b"x", replace=True)

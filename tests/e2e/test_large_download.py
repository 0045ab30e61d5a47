"""A large export through the real route: the web process does not grow with it, cut downloads go on, slow readers cost nothing.

The bundle is noise of the wanted size (`DOWNLOAD_MB`, 256): what is looked at is the way from the file store to the reader.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from benchmarks.exporter import keyring
from compliance import notes
from compliance.scopes import Scope
from exchange.kernel import ids
from exchange.kernel.db import Database
from exchange.kernel.files import Blob, FilesSettings, FileStore
from tests.support.exported import ORIGIN, actor, asked, fill

ROOT = Path(__file__).resolve().parents[2]
SIZE = int(os.environ.get("DOWNLOAD_MB", "256")) << 20
FIRST_BYTE_MAX_S, READERS, STOPPED = 2.0, 4, 20
# What one reader may cost, however large the file is: some chunks of a megabyte on their way.
ALONE_MAX_MB, EACH_MAX_MB = 64, 16
_CHUNK = 1 << 20
_DONE = "UPDATE compliance.export SET state = 'done', sha256 = $2, size_bytes = $3, file_key = $4 WHERE id = $1"


@dataclass
class Web:
    """The web process."""

    pid: int
    address: str
    token: str
    organisation: UUID
    top: float = 0.0
    watching: bool = True
    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def resident(self) -> float:
        """Its memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def watch(self) -> None:
        """Remember the most that it ever had."""
        while self.watching:
            self.top = max(self.top, self.resident())
            time.sleep(0.02)

    def ask(self, path: str, **more: str) -> http.client.HTTPResponse:
        """One request."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", path, headers={"authorization": f"Bearer {self.token}", **more})
        self.connections.append(connection)
        return connection.getresponse()

    def hang_up(self) -> None:
        """End every connection, whatever was still to come."""
        while self.connections:
            self.connections.pop().close()


@contextlib.contextmanager
def serving(url: str, home: Path) -> Iterator[Web]:
    """Start it; it ends with the block."""
    command = [sys.executable, "-m", "tests.e2e.web_process", url, str(home)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        origin, token, organisation = json.loads(process.stdout.readline())
        web = Web(process.pid, origin.removeprefix("http://"), token, UUID(organisation))
        thread = threading.Thread(target=web.watch)
        thread.start()
        try:
            yield web
        finally:
            web.watching = False
            thread.join()
            web.hang_up()
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


async def noise(seed: int) -> AsyncIterator[bytes]:
    """Bytes without any pattern."""
    chance = random.Random(seed)
    for _ in range(SIZE // _CHUNK):
        yield chance.randbytes(_CHUNK)


def read(answer: http.client.HTTPResponse, most: int | None = None) -> tuple[int, str]:
    """How many bytes come, and their hash; the connection is cut after `most`."""
    digest, size = hashlib.sha256(), 0
    while chunk := answer.read(min(_CHUNK, (most or 1 << 62) - size)):
        digest.update(chunk)
        size += len(chunk)
    answer.close()
    return size, digest.hexdigest()


@pytest.mark.slow
async def test_a_large_export_streams(
    database: Database, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signer = notes.log_signer(keyring(), ORIGIN)
    await fill(database, signer, 0, 10)
    with serving(database_url, tmp_path / "home") as web:
        export_id = await asked(database, actor(web.organisation, "regulator"), Scope())
        files = FileStore.open(FilesSettings(url=(tmp_path / "home" / "files").as_uri()))
        await files.append(export_id, 0, noise(1), 1 << 40)
        blob = await files.keep(export_id, SIZE)
        assert blob.size_bytes == SIZE
        connection = await asyncpg.connect(database_url)
        await connection.execute(_DONE, export_id, blob.sha256, SIZE, blob.sha256.hex())
        await connection.close()
        path = f"/regulator/v1/exports/{ids.text('exp', export_id)}/file"
        with capsys.disabled():
            print(f"\n  {fetched(web, path, blob)}")


def fetched(web: Web, path: str, blob: Blob) -> str:
    """Fetch it in every way; what there is to say of it."""
    assert read(web.ask(path), 1)[0] == 1
    web.hang_up()
    before, started = web.resident(), time.perf_counter()
    web.top = before
    answer = web.ask(path)
    assert answer.read(1)
    first, etag = time.perf_counter() - started, answer.headers["etag"]
    assert (answer.status, answer.headers["x-sha256"]) == (200, blob.sha256.hex())
    rest, _ = read(answer)
    took = time.perf_counter() - started
    assert rest + 1 == SIZE
    assert first < FIRST_BYTE_MAX_S
    alone = web.top - before
    assert alone < ALONE_MAX_MB, f"{before:.0f} MB, and {web.top:.0f} MB at its peak"
    # Cut in the middle, and gone on with: together it is the file.
    digest, at = hashlib.sha256(), 0
    for most in (SIZE // 3, SIZE // 3, None):
        part = web.ask(path, range=f"bytes={at}-", **{"if-range": etag})
        assert (part.status, part.headers["content-range"]) == (206, f"bytes {at}-{SIZE - 1}/{SIZE}")
        while chunk := part.read(min(_CHUNK, SIZE if most is None else most)):
            digest.update(chunk)
            at += len(chunk)
            most = None if most is None else most - len(chunk)
        part.close()
        web.hang_up()
    assert (at, digest.digest()) == (SIZE, blob.sha256)
    # Some at once, and some who stopped reading.
    stopped = [web.ask(path) for _ in range(STOPPED)]
    found: list[tuple[int, str]] = []
    readers = [threading.Thread(target=lambda: found.append(read(web.ask(path)))) for _ in range(READERS)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    assert found == [(SIZE, blob.sha256.hex())] * READERS
    for answer in stopped:
        answer.close()
    grown = web.top - before
    assert grown < EACH_MAX_MB * (READERS + STOPPED), f"{before:.0f} MB, and {web.top:.0f} MB at its peak"
    return (
        f"{SIZE >> 20} MB: first byte after {first * 1000:.0f} ms, {SIZE / 1e6 / took:.0f} MB/s; the web process has "
        f"{before:.0f} MB, {alone:.0f} MB more with one reader, {grown:.0f} with {READERS} and {STOPPED} who stopped reading"
    )

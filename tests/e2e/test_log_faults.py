"""The sequencer is killed at every step towards the outside, and old backups come back: the log never has two histories.

`KILLS=500 pytest tests/e2e/test_log_faults.py` kills more often; `SEED=7` takes other points.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from compliance import notes, publishing, tiles
from compliance.tiles import WIDTH
from exchange.kernel import merkle
from tests.e2e.dying_sequencer import KEYS, ORIGIN, REFUSED
from tests.support.clones import Clones

SEED = int(os.environ.get("SEED", "1"))
KILLS = int(os.environ.get("KILLS", "15"))
_WRITE = (
    "INSERT INTO compliance.audit_entry (id, node_id, organisation_ids, action, object_id, envelope, created_at) "
    "SELECT gen_random_uuid(), 'centre', '{}', 'test', n, convert_to(n || repeat('.', 100), 'UTF8'), now() "
    "FROM unnest($1::text[]) AS n"
)


@dataclass
class Lives:
    """Lives of a sequencer, one after the other or two at once."""

    process: subprocess.Popen[str]
    home: Path

    def start(self, url: str, limit: int, *, late: bool = False) -> int:
        return int(self._ask({"start": {"url": url, "home": str(self.home), "limit": limit, "late": late}}))

    def wait(self, pid: int) -> tuple[int, int]:
        status, points = json.loads(self._ask({"wait": pid}))
        return status, points

    def live(self, url: str, limit: int = 0, *, late: bool = False) -> tuple[int, int]:
        return self.wait(self.start(url, limit, late=late))

    def _ask(self, what: dict[str, Any]) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@contextlib.contextmanager
def lives(home: Path) -> Iterator[Lives]:
    """A process that forks lives over one home."""
    home.mkdir()
    command = [sys.executable, "-m", "tests.e2e.dying_sequencer"]
    with (home / "lives.log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield Lives(process, home)
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


@dataclass
class Observer:
    """Reads as anybody would, keeps every signed checkpoint it ever saw, and computes the tree by itself."""

    home: Path
    seen: dict[int, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    tree: merkle.Range = field(default_factory=lambda: merkle.Range(0, []))
    roots: dict[int, bytes] = field(default_factory=lambda: {0: merkle.EMPTY_ROOT})
    files_until: int = 0

    async def look(self, url: str) -> int:
        """See what this database and the object store say; how many leaves are in the log."""
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch(
                "SELECT l.leaf_index, e.envelope, e.seq FROM compliance.audit_leaf l "
                "JOIN compliance.audit_entry e ON e.seq = l.entry_seq ORDER BY 1"
            )
            signed = await connection.fetch("SELECT note FROM compliance.checkpoint ORDER BY size")
        finally:
            await connection.close()
        if [row[0] for row in rows] != list(range(len(rows))) or len({row[2] for row in rows}) != len(rows):
            self.faults.append("leaves have a gap, or an entry has two")
        hashes = [sha256(b"\0" + row[1]).digest() for row in rows]
        if hashes[: len(self.hashes)] != self.hashes:
            self.hashes, self.tree, self.roots = [], merkle.Range(0, []), {0: merkle.EMPTY_ROOT}
        for one in hashes[len(self.hashes) :]:
            self.tree.append(one)
            self.roots[self.tree.size] = self.tree.root()
        self.hashes, roots = hashes, self.roots
        shown = self.home / "files" / "log" / "checkpoint"
        stored = [shown.read_bytes()] if shown.exists() else []
        for note in [*(row[0] for row in signed), *stored]:
            self._believe(note)
        for size, root in self.seen.items():
            if roots.get(size) != root:
                self.faults.append(
                    f"a checkpoint of {size} leaves was signed that this log of {len(rows)} does not have"
                )
        if stored:
            self._tiles(notes.parse_checkpoint(notes.parse_note(stored[0]).text).size, [row[1] for row in rows])
        return len(rows)

    def _believe(self, note: bytes) -> None:
        found = notes.open_checkpoint(note, ORIGIN, notes.log_verifiers(KEYS, ORIGIN))
        if self.seen.setdefault(found.size, found.root) != found.root:
            self.faults.append(f"two checkpoints of {found.size} leaves: a fork")

    def _tiles(self, size: int, entries: list[bytes]) -> None:
        """Every file under the checkpoint that the store shows is there, and says what it should."""
        whole = {(one.level, one.number): one.data for one in tiles.grow(merkle.Range(0, []), self.hashes[:size])}
        # What was looked at before is looked at again in the end.
        since, self.files_until = min(self.files_until, size), size
        for at in publishing.grown(since, size):
            path = self.home / "files" / "log" / tiles.path(at.level, at.number, at.width)
            if at.level is None:
                first = at.number * WIDTH
                wanted = tiles.bundle(entries[first : first + at.width])
            else:
                wanted = whole[at.level, at.number]
            if not path.exists() or path.read_bytes() != wanted:
                self.faults.append(f"{path.name} of {tiles.path(at.level, at.number, at.width)} is wrong or missing")


class Databases:
    """The database of the log, and backups of it."""

    def __init__(self, clones: Clones, url: str) -> None:
        self.clones, self.url, self._chance = clones, url, random.Random(SEED)
        self._count = self._copies = 0

    async def write(self, url: str, mark: str = "e") -> None:
        """Some entries, in transactions of different sizes."""
        connection = await asyncpg.connect(url)
        for _ in range(self._chance.randint(1, 3)):
            size = self._chance.choice((1, 7, 40, 200))
            names = [f"{mark}{self._count + n}" for n in range(size)]
            self._count += size
            await connection.execute(_WRITE, names)
        await connection.close()

    async def backup(self) -> str:
        """A copy as it is now."""
        name = self.url.split("@/", 1)[1].split("?", 1)[0]
        self._copies += 1
        copy = f"{name.partition('_backup')[0]}_backup_{self._copies}"
        async with self.clones._one:
            await self.clones._connection.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}" STRATEGY FILE_COPY')
        return self.url.replace(f"@/{name}?", f"@/{copy}?")


@pytest.fixture
async def databases(clones: Clones) -> AsyncIterator[Databases]:
    made = Databases(clones, await clones.make())
    yield made
    await clones.drop(made.url)


async def _suffer(made: Databases, living: Lives, kills: int) -> tuple[Observer, Counter[str]]:
    """Kill, restore, run two at once; everything that an observer saw."""
    chance, observer, told = random.Random(SEED), Observer(living.home), Counter[str]()
    await made.write(made.url)
    status, points = living.live(made.url)
    assert status == 0
    while told["killed"] < kills and not observer.faults:
        backup = await made.backup()
        await made.write(made.url)
        # Spread over the whole life, whatever its length is this time.
        limit = 1 + (told["killed"] * 7919 + chance.randrange(max(points // 8, 1))) % points
        first = living.start(made.url, limit)
        second = living.start(made.url, chance.randint(1, points)) if chance.random() < 0.2 else None
        for pid in (first, second):
            if pid is not None:
                status, count = living.wait(pid)
                assert status in (0, -signal.SIGKILL, REFUSED), status
                told["killed"] += status == -signal.SIGKILL
                told["two at once"] += pid == second
                points = max(points, count)
        await observer.look(made.url)
        if chance.random() < 0.35:
            await made.write(backup, "other")
            status, _ = living.live(backup)
            if status == 0:
                # Nothing had been signed since: the backup is the exchange from here on.
                await made.clones.drop(made.url)
                made.url, backup = backup, made.url
                told["went on from a backup"] += 1
                await observer.look(made.url)
            else:
                told["backup refused"] += 1
        await made.clones.drop(backup)
    if not observer.faults:
        status, _ = living.live(made.url)
        assert status == 0
        observer.files_until = 0
        leaves = await observer.look(made.url)
        connection = await asyncpg.connect(made.url)
        assert leaves == await connection.fetchval("SELECT count(*) FROM compliance.audit_entry"), "an entry was lost"
        await connection.close()
    return observer, told


@pytest.mark.slow
@pytest.mark.timeout(240 + 8 * KILLS)
async def test_a_sequencer_that_dies_anywhere_never_forks_its_log(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lives(tmp_path / "home") as living:
        observer, told = await _suffer(databases, living, KILLS)
        points = Counter((living.home / "points.log").read_text().splitlines())
    with capsys.disabled():
        print(f"\nseed {SEED}: {dict(told)}, {len(observer.seen)} checkpoints seen, killed after {dict(points)}")
    assert observer.faults == []
    if KILLS >= 100:
        assert told["backup refused"]
        assert told["went on from a backup"]
        assert told["two at once"]
    if KILLS >= 500:
        # The driver may begin with an isolation level, or without one.
        places = {point.split()[0].rstrip(";") for point in points}
        assert {"open", "write", "fsync", "replace", "put_async", "COMMIT", "BEGIN"} <= places


@pytest.mark.parametrize("late", [False, True], ids=["as it is", "mark after the checkpoint"])
async def test_a_mark_written_after_its_checkpoint_would_be_found_to_fork(
    databases: Databases, tmp_path: Path, late: bool
) -> None:
    with lives(tmp_path / "home") as living:
        observer = Observer(living.home)
        await databases.write(databases.url)
        assert living.live(databases.url)[0] == 0
        backup = await databases.backup()
        await databases.write(databases.url)
        assert living.live(databases.url, late=late)[0] == (-signal.SIGKILL if late else 0)
        await observer.look(databases.url)
        await databases.write(backup, "other")
        assert living.live(backup)[0] == (0 if late else REFUSED)
        await observer.look(backup if late else databases.url)
        await databases.clones.drop(backup)
    assert bool(observer.faults) is late, observer.faults

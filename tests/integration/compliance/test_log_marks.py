"""What is known of the log outside its database: backups, clones, missing marks, clocks that go back."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from compliance import log, notes, store, tree_store
from compliance.entries import Entry
from compliance.log import Known
from compliance.marks import FileMark, Mark, parse_mark, write_mark
from compliance.notes import Checkpoint
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls, Tx
from exchange.kernel.files import FilesSettings, FileStore
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from exchange.worker.log_files import LogFiles, StoreMark
from exchange.worker.sequencer import Sequencer
from tests.support.clones import Clones
from tests.support.sequencing import sequencer

ORIGIN = "exchange.example/log"


class Place:
    """A log with a database, a home and an object store, each of which can be set back alone."""

    def __init__(self, clones: Clones, url: str, folder: Path, keyring: Keyring) -> None:
        self.clones, self.url, self.folder = clones, url, folder
        self.signer = notes.log_signer(keyring, ORIGIN)
        self.clock, self.made = FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC)), [url]
        self.db = self._open()

    def _open(self) -> Database:
        return Database(DatabaseUrls.from_one(self.url), self.clock, ids=IdSource())

    def marks(self) -> list[Mark]:
        files = FileStore.open(FilesSettings(url=(self.folder / "files").as_uri()))
        return [FileMark(self.folder / "log.mark"), StoreMark(files)]

    def sequencer(self, db: Database | None = None, **more: object) -> Sequencer:
        return sequencer(db or self.db, [self.signer], ORIGIN, **{"marks": self.marks(), **more})

    async def put(self, *names: str, db: Database | None = None) -> None:
        async def flow(tx: Tx) -> None:
            await store.append(
                tx, [Entry(action="test", organisation_id=UUID(int=1), object_id=name) for name in names]
            )

        await (db or self.db).run(flow)

    async def backup(self) -> str:
        """A copy of the database as it is now."""
        await self.db.close()
        name = self.url.split("@/", 1)[1].split("?", 1)[0]
        copy = f"{name}_copy{len(self.made)}"
        async with self.clones._one:
            await self.clones._connection.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}" STRATEGY FILE_COPY')
        self.made.append(self.url.replace(f"@/{name}?", f"@/{copy}?"))
        return self.made[-1]

    async def restore(self, url: str) -> None:
        await self.db.close()
        self.url = url
        self.db = self._open()

    async def close(self) -> None:
        await self.db.close()
        for url in self.made:
            await self.clones.drop(url)


@pytest.fixture
async def place(clones: Clones, tmp_path: Path, keyring: Keyring) -> AsyncIterator[Place]:
    made = Place(clones, await clones.make(), tmp_path, keyring)
    yield made
    await made.close()


async def signed(db: Database) -> list[tuple[int, datetime]]:
    async with db.inspect() as tx:
        rows = await (await tx.driver()).fetch("SELECT size, created_at FROM regulator.checkpoint ORDER BY size")
        return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("left", ["file", "store"])
async def test_a_restored_backup_is_refused_whichever_mark_is_left(place: Place, left: str) -> None:
    await place.put("a", "b")
    await place.sequencer().step()
    old_file, old_store = (place.folder / "log.mark").read_bytes(), place.folder / "old"
    shutil.copytree(place.folder / "files", old_store)
    backup = await place.backup()
    await place.put("c")
    assert (await place.sequencer().step()).size == 3  # type: ignore[union-attr]
    await place.restore(backup)
    if left == "file":
        shutil.rmtree(place.folder / "files")
        shutil.copytree(old_store, place.folder / "files")
    else:
        (place.folder / "log.mark").write_bytes(old_file)
    await place.put("another")
    with pytest.raises(log.LogBehind, match=left):
        await place.sequencer().step()
    await place.put("and", "more")
    with pytest.raises(log.LogBehind, match=left):
        await place.sequencer().step()
    with pytest.raises(log.LogBehind, match=left):
        await place.sequencer().adopt()
    assert [size for size, _ in await signed(place.db)] == [0, 2]


@pytest.mark.parametrize("lost", ["log.mark", "files"])
async def test_without_a_mark_nothing_is_signed_until_somebody_adopts_the_log(place: Place, lost: str) -> None:
    await place.put("a", "b")
    await place.sequencer().step()
    gone = place.folder / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    where = "file" if lost == "log.mark" else "store"
    await place.put("c")
    with pytest.raises(log.MarkMissing, match=where):
        await place.sequencer().step()
    assert [size for size, _ in await signed(place.db)] == [0, 2]
    assert await place.sequencer().adopt() == [where]
    assert await place.sequencer().adopt() == []
    head = await place.sequencer().step()
    assert head is not None
    assert head.size == 4
    async with place.db.inspect() as tx:
        last = json.loads((await tree_store.envelopes(tx, 3, 1))[0])
    assert (last["action"], last["object"]["id"]) == ("log.adopt", f"mark/{where}")


async def test_what_somebody_else_saw_signed_stops_a_shorter_log(place: Place) -> None:
    await place.put("a")
    await place.sequencer().step()
    seen = notes.sign_checkpoint(Checkpoint(ORIGIN, 9, bytes(32)), [place.signer])
    older = notes.sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), [place.signer])
    write_mark(place.folder / "log.mark", older)
    assert await place.sequencer().step() is not None
    write_mark(place.folder / "log.mark", seen)
    with pytest.raises(log.LogBehind, match="9 leaves"):
        await place.sequencer().step()


async def test_a_new_log_makes_its_marks_and_an_earlier_one_its_second(place: Place) -> None:
    await place.sequencer().step()
    assert [parse_mark((place.folder / "log.mark").read_bytes()).size] == [0]
    await place.put("a")
    # As an earlier version left it: one mark, a whole note, and nothing in the object store.
    note = await place.db.run(tree_store.checkpoint)
    assert note is not None
    (place.folder / "log.mark").write_bytes(note)
    shutil.rmtree(place.folder / "files")
    await place.db.run(lambda tx: _mark_places(tx, ["file"]))
    head = await place.sequencer().step()
    assert [one.size for one in await place.marks()[1].known()] == [head.size if head else None] == [1]


async def _mark_places(tx: Tx, places: Sequence[str]) -> None:
    await (await tx.driver()).execute("UPDATE compliance.log_state SET marks = $1", list(places))


async def test_of_two_databases_under_one_key_at_most_one_signs_a_size(place: Place) -> None:
    """A clone that runs beside its original: each writes its mark before it looks again."""
    await place.put("a")
    await place.sequencer().step()
    clone_url = await place.backup()
    clone = Database(DatabaseUrls.from_one(clone_url), place.clock, ids=IdSource(b"clone"))
    await place.put("b")
    await place.put("other", "others", db=clone)
    ours, theirs = place.sequencer(), place.sequencer(clone)
    for one in (ours, theirs):
        await one.integrate()
    # Both have looked and found nothing wrong; both write; then both look again.
    heads = [await one._checked() for one in (ours, theirs)]
    for one, head in zip((ours, theirs), heads, strict=True):
        await one.marks[1].keep(Checkpoint(ORIGIN, head.size, head.root))
    refused = 0
    for one in (ours, theirs):
        try:
            await one.publish()
        except log.LogBehind:
            refused += 1
    assert refused >= 1
    sizes = [size for db in (place.db, clone) for size, _ in await signed(db) if size > 1]
    assert len(sizes) <= 1
    await clone.close()


async def test_a_clock_that_goes_back_does_not_turn_checkpoints_round(place: Place) -> None:
    await place.put("a")
    await place.sequencer().step()
    place.clock.advance(-3600)
    await place.put("b")
    assert (await place.sequencer().step()).size == 2  # type: ignore[union-attr]
    times = [at for _, at in await signed(place.db)]
    assert times == sorted(times)


async def test_marks_are_whole_or_not_there(tmp_path: Path, files: FileStore) -> None:
    three, other = Checkpoint(ORIGIN, 3, bytes([3]) * 32), Checkpoint(ORIGIN, 3, bytes([4]) * 32)
    for mark in (FileMark(tmp_path / "log.mark"), StoreMark(files)):
        assert await mark.known() == []
        await mark.keep(three)
        await mark.keep(three)
        await mark.keep(Checkpoint(ORIGIN, 2, bytes(32)))
        assert (await mark.known())[-1] == three
        with pytest.raises(log.LogBehind):
            await mark.keep(other)
    (tmp_path / "log.mark").write_bytes(b"nonsense")
    with pytest.raises(notes.BadNote):
        await FileMark(tmp_path / "log.mark").known()
    # A machine that lost its power may leave an empty file of a mark on which nothing was signed yet.
    await files.put_named(f"marks/centre/{9:020d}", b"", replace=True)
    nine = Checkpoint(ORIGIN, 9, bytes(32))
    assert (await StoreMark(files).known())[-1] == three
    await StoreMark(files).keep(nine)
    assert (await StoreMark(files).known())[-1] == nine
    for size in range(10, 20):
        await StoreMark(files).keep(Checkpoint(ORIGIN, size, bytes(32)))
    assert [one.size for one in await StoreMark(files).known()] == [17, 18, 19]


class Witness:
    """Knows a size, or fails."""

    def __init__(self, *known: Known) -> None:
        self._known, self.asked = known, 0

    async def sizes(self) -> Sequence[Known]:
        self.asked += 1
        if not self._known:
            raise TimeoutError("away")
        return self._known


async def test_witnesses_stop_a_log_that_they_know_longer_before_its_first_signature(place: Place) -> None:
    await place.put("a")
    longer = Witness(Known("witness w1", Checkpoint(ORIGIN, 9, b"")))
    made = place.sequencer(witnesses=longer)
    for _ in range(2):
        with pytest.raises(log.LogBehind, match="witness w1"):
            await made.step()
    assert await place.db.run(tree_store.checkpoint) is None
    away, content = Witness(), Witness(Known("witness w1", None))
    for witness in (away, content):
        made = place.sequencer(witnesses=witness)
        for mark in ("b", "c"):
            await place.put(mark)
            assert await made.step() is not None
    # One that could not be asked is asked again before the next signature.
    assert away.asked >= 2
    assert content.asked == 1


async def test_the_object_store_shows_the_log_as_tiles(place: Place) -> None:
    files = FileStore.open(FilesSettings(url=(place.folder / "files").as_uri()))
    shown = LogFiles(place.db, files)
    assert await shown.step() is None
    for count in (3, 300, 1, 600):
        await place.put(*(f"e{n}" for n in range(count)))
        head = await place.sequencer().step()
        assert head is not None
        assert await shown.step() == head.size
        assert await files.read_named("log/checkpoint") == await place.db.run(tree_store.checkpoint)
    names = set(await files.names("log"))
    full = {f"log/tile/{level}/00{n}" for n in range(3) for level in ("0", "entries")}
    assert names == {"log/checkpoint", *full, *(f"log/tile/{at}.p/{n}" for at, n in _RIGHT_EDGE)}
    # Another process begins from what is there; a lost file of the checkpoint only means that all is written again.
    assert await LogFiles(place.db, files).step() == 904
    await files.remove_named("log/checkpoint")
    await files.remove_named("log/tile/0/001")
    assert await LogFiles(place.db, files).step() == 904
    assert await files.read_named("log/tile/0/001") is not None


_RIGHT_EDGE = [("0/003", 136), ("entries/003", 136), ("1/000", 1), ("1/000", 3)]

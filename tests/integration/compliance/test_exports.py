"""Exports from the database to the regulator's own Python: complete, resumable, the same bytes, nobody else's business."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from compliance import export_store, notes, proofs, store
from compliance.export_store import BundleKept
from compliance.scopes import Scope
from exchange.flows import export_audit
from exchange.flows.export_audit import Details
from exchange.kernel import ids, jobs
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.worker.exporting import END_S, ExportStopped, LogBroken, child_at_work
from tests.support.exported import (
    BUYER,
    ORIGIN,
    REGULATOR,
    THIRD,
    WATCH,
    Maker,
    actor,
    asked,
    check_folder,
    check_outside,
    fill,
    known,
    nothing,
)

OTHER = actor(UUID(int=5), "regulator")


@pytest.fixture
def signer(keyring: Keyring) -> notes.Ed25519Signer:
    return notes.log_signer(keyring, ORIGIN)


@pytest.fixture
def maker(database: Database, files: FileStore, signer: notes.Ed25519Signer) -> Maker:
    return Maker(database, files, signer)


async def test_an_export_is_checked_by_python_alone(
    database: Database, keyring: Keyring, signer: notes.Ed25519Signer, maker: Maker, tmp_path: Path
) -> None:
    await fill(database, signer, 0, 100)
    await fill(database, signer, 100, 700)
    data, made, export_id = await maker.export(REGULATOR, Scope(), Details(earlier_size=100, legal_basis="DGA 12(o)"))
    assert made.entries == 700
    export = await known(database, export_id)
    assert (export.state, export.entry_count, export.next_index) == ("done", 700, 700)
    assert export.delivery is not None
    note, zipped = tmp_path / "delivery.json", tmp_path / "export.zip"
    note.write_bytes(export.delivery)
    zipped.write_bytes(data)
    folder = tmp_path / "out"
    done = check_outside(folder, data, str(zipped), "--vkey", signer.verifier.vkey, "--delivery", str(note))
    assert done.returncode == 0, done.stderr
    assert "700 events canonical and proven to be in the log (no gap)" in done.stdout
    assert done.stdout.count("since its checkpoint of 100 entries") == 2
    assert f"delivered as {ids.text('exp', export_id)}" in done.stdout
    assert "核验通过" in done.stdout
    assert json.loads(export.delivery)["delivery"]["legal_basis"] == "DGA 12(o)"
    assert check_folder(folder, "--vkey", signer.verifier.vkey).returncode == 0
    with (folder / "events.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["object"] for row in rows] == [f"ord_{i}" for i in range(700)]
    events = (folder / "events.jsonl").read_bytes().splitlines()
    for index in (0, 255, 256, 511, 699):
        proof = check_folder(folder, "--proof", str(index)).stdout.encode()
        proofs.verify(proofs.decode(proof), events[index], ORIGIN, notes.log_verifiers(keyring, ORIGIN))
    assert check_folder(folder, "--proof", "700").returncode == 1
    (folder / "events.csv").write_text("x")
    broken = check_folder(folder)
    assert broken.returncode == 1
    assert "FAILED: events.csv, line 1" in broken.stderr


async def test_the_same_scope_gives_the_same_bytes_whoever_asks_and_whenever(
    database: Database, signer: notes.Ed25519Signer, maker: Maker, files: FileStore
) -> None:
    await fill(database, signer, 0, 600)
    data, made, first = await maker.export(REGULATOR, Scope(), Details(checkpoint_size=600, legal_basis="one"))
    # The log has grown meanwhile, by the export's own entries too.
    await fill(database, signer, 600, 700)
    again, same, second = await maker.export(OTHER, Scope(), Details(checkpoint_size=600, legal_basis="another"))
    assert (again, same) == (data, made)
    # Made anew, with nothing of the first: not only taken out of the store.
    await files.remove(made.sha256)
    anew, rebuilt, _ = await maker.export(OTHER, Scope(), Details(checkpoint_size=600))
    assert (anew, rebuilt) == (data, made)
    notes_of = [(await known(database, one)).delivery for one in (first, second)]
    assert notes_of[0] != notes_of[1]
    longer, _, third = await maker.export(REGULATOR, Scope())
    assert longer != data
    delivery = (await known(database, third)).delivery
    assert delivery is not None
    # Nobody said so: what the requester had before is what growth is proven from.
    assert json.loads(delivery)["delivery"]["earlier"]["checkpoint"].splitlines()[1] == "600"


@pytest.mark.parametrize("scope", [Scope(), Scope(actions=("purchase",)), Scope(from_index=300, to_index=1000)])
async def test_an_export_goes_on_after_each_part_where_it_was_cut(
    database: Database, files: FileStore, signer: notes.Ed25519Signer, maker: Maker, scope: Scope
) -> None:
    await fill(database, signer, 0, 1100)
    wanted = Details(checkpoint_size=1100)
    whole, made, _ = await maker.export(REGULATOR, scope, wanted)
    end = 1100 if scope.to_index is None else scope.to_index
    parts = -(-end // 256) - scope.from_index // 256
    for cut in range(1, parts + 2):
        await files.remove(made.sha256)
        export_id = await asked(database, REGULATOR, scope, wanted)
        calls = Cut(cut)
        with pytest.raises(Killed):
            await maker.exporting.make(export_id, calls.progress)
        assert (await known(database, export_id)).state == "running"
        seen: list[tuple[int, int | None]] = []

        async def told(done: int, total: int | None, seen: list[tuple[int, int | None]] = seen) -> None:
            seen.append((done, total))

        again = await maker.exporting.make(export_id, told)
        assert again == made
        assert await files.read(made.sha256, 1 << 30) == whole
        # What was whole before is not made again: only the parts that were missing are told of, and the putting together.
        making = [one for one in seen if one[0] < (one[1] or 0)] + [one for one in seen if one[0] == one[1]][:1]
        assert len(making) <= parts - cut + 2


class Killed(Exception):
    pass


class Cut:
    """Ends everything at a call, as a killed process does."""

    def __init__(self, at: int) -> None:
        self.left = at

    async def progress(self, _done: int, _total: int | None) -> None:
        self.left -= 1
        if not self.left:
            raise Killed


async def test_lost_pieces_are_made_anew(
    database: Database, files: FileStore, signer: notes.Ed25519Signer, maker: Maker
) -> None:
    await fill(database, signer, 0, 600)
    whole, made, _ = await maker.export(REGULATOR, Scope(), Details(checkpoint_size=600))
    await files.remove(made.sha256)
    export_id = await asked(database, REGULATOR, Scope(), Details(checkpoint_size=600))
    with pytest.raises(Killed):
        await maker.exporting.make(export_id, Cut(3).progress)
    found = await database.run(lambda tx: _pieces(tx))
    assert found
    await files.remove(found[0])
    with pytest.raises(Exception, match=r"."):
        await maker.exporting.make(export_id, nothing)
    assert await maker.exporting.make(export_id, nothing) == made
    assert await files.read(made.sha256, 1 << 30) == whole
    assert await database.run(lambda tx: _pieces(tx)) == []
    assert await files.stat(found[1]) is None


async def _pieces(tx: Tx) -> list[bytes]:
    rows = await (await tx.driver()).fetch("SELECT sha256 FROM compliance.export_part WHERE size_bytes > 0 ORDER BY 1")
    return [row[0] for row in rows]


async def test_selections_are_proven_one_by_one(
    database: Database, signer: notes.Ed25519Signer, maker: Maker, tmp_path: Path
) -> None:
    await fill(database, signer, 0, 900)
    wanted = {
        "party": (actor(THIRD, "supplier"), Scope(), 300),
        "actions": (REGULATOR, Scope(actions=("quote",), from_index=10, to_index=20), 5),
        "object": (REGULATOR, Scope(object_id="ord_777"), 1),
        "rules": (REGULATOR, Scope(rule_set="price/2"), 180),
        "prefix": (REGULATOR, Scope(rule_set="price/"), 0),
        "nobody": (REGULATOR, Scope(organisation_id=UUID(int=77)), 0),
        "none": (REGULATOR, Scope(from_index=40, to_index=40), 0),
    }
    for name, (who, scope, count) in wanted.items():
        data, made, _ = await maker.export(who, scope)
        assert made.entries == count, name
        done = check_outside(tmp_path / name, data, "--vkey", signer.verifier.vkey)
        assert done.returncode == 0, (name, done.stderr)
    proof = check_folder(tmp_path / "object", "--proof", "777").stdout.encode()
    event = (tmp_path / "object" / "events.jsonl").read_bytes()[:-1]
    proofs.verify(proofs.decode(proof), event, ORIGIN, [signer.verifier])


async def test_a_party_sees_its_own_exports_only(database: Database, signer: notes.Ed25519Signer, maker: Maker) -> None:
    await fill(database, signer, 0, 90)
    third = actor(THIRD, "supplier")
    _, made, export_id = await maker.export(third, Scope())
    async with database.read(third) as tx:
        found = await export_store.own_export(tx, third, export_id)
        assert found is not None
        assert (found.state, found.entry_count, found.sha256) == ("done", 30, made.sha256)
        assert [one.id for one in await export_store.own_exports(tx, third)] == [export_id]
    async with database.read(actor(BUYER)) as tx:
        assert await export_store.own_export(tx, actor(BUYER), export_id) is None
        assert await export_store.find_export(tx, export_id) is None
    for flow in (export_audit.cancel, export_audit.hand_over):
        refused = await database.run(lambda tx, flow=flow: flow(tx, actor(BUYER, "buyer"), export_id))
        assert isinstance(refused, Problem)
        assert refused.slug == "not-found"


async def test_every_export_and_every_download_is_in_the_log(
    database: Database, signer: notes.Ed25519Signer, maker: Maker
) -> None:
    await fill(database, signer, 0, 10)
    _, _, export_id = await maker.export(REGULATOR, Scope())
    for _ in range(2):
        assert not isinstance(await database.run(lambda tx: export_audit.hand_over(tx, REGULATOR, export_id)), Problem)
    found = await database.run(lambda tx: store.entries_of(tx, ids.text("exp", export_id)))
    actions = [json.loads(one.envelope)["action"] for one in found]
    assert actions == ["export.request", "export.done", "export.download", "export.download"]
    assert json.loads(found[-1].envelope)["actor"]["organisation"] == ids.text("org", WATCH)


async def test_a_cancelled_export_stops_at_the_next_slice(
    database: Database, signer: notes.Ed25519Signer, maker: Maker
) -> None:
    await fill(database, signer, 0, 600)
    export_id = await asked(database, REGULATOR, Scope())

    async def cancelled(done: int, _total: int | None) -> None:
        if done == 256:
            receipt = await database.run(lambda tx: export_audit.cancel(tx, REGULATOR, export_id))
            assert not isinstance(receipt, Problem)

    with pytest.raises(ExportStopped):
        await maker.exporting.make(export_id, cancelled)
    assert (await known(database, export_id)).state == "cancelled"
    job = await database.run(lambda tx: jobs.of_key(tx, export_audit.JOB, ids.text("exp", export_id)))
    assert job is not None
    assert job.state == "cancelled"
    for flow in (export_audit.cancel, export_audit.hand_over):
        refused = await database.run(lambda tx, flow=flow: flow(tx, REGULATOR, export_id))
        assert isinstance(refused, Problem)
        assert refused.slug in ("export-ended", "export-not-ready")
    ended = await maker.exporting.make(export_id, nothing)
    assert isinstance(ended, Problem)


@pytest.mark.parametrize(
    ("scope", "details", "slug"),
    [
        (Scope(to_index=6), Details(), "export-scope-invalid"),
        (Scope(from_index=4, to_index=3), Details(), "export-scope-invalid"),
        (Scope(from_index=-1), Details(), "export-scope-invalid"),
        (Scope(), Details(earlier_size=4), "export-scope-invalid"),
        (Scope(), Details(checkpoint_size=4), "export-scope-invalid"),
        (Scope(), Details(formats=("exe",)), "export-scope-invalid"),
        (Scope(rule_set='x"y'), Details(), "export-scope-invalid"),
        (Scope(about="nonsense"), Details(), "export-scope-invalid"),
        (Scope(about="ds_zzz"), Details(), "export-scope-invalid"),
        (Scope(about="job_01m80jwmabesg81hwe4cc73nw9"), Details(), "export-scope-invalid"),
        (Scope(about="ds_01m80jwmabesg81hwe4cc73nw9"), Details(), "not-found"),
        (Scope(about="dir_01m80jwmabesg81hwe4cc73nw9"), Details(), "not-found"),
    ],
)
async def test_exports_that_cannot_be(
    database: Database, signer: notes.Ed25519Signer, scope: Scope, details: Details, slug: str
) -> None:
    early = await database.run(lambda tx: export_audit.request(tx, REGULATOR, Scope()))
    assert isinstance(early, Problem)
    assert early.slug == "log-not-started"
    await fill(database, signer, 0, 5)
    found = await database.run(lambda tx: export_audit.request(tx, REGULATOR, scope, details))
    assert isinstance(found, Problem)
    assert found.slug == slug


async def test_an_export_that_is_not_there(database: Database, signer: notes.Ed25519Signer, maker: Maker) -> None:
    await fill(database, signer, 0, 5)
    missing = await maker.exporting.make(UUID(int=7), nothing)
    assert isinstance(missing, Problem)
    export_id = await asked(database, REGULATOR, Scope())
    job = await database.run(lambda tx: jobs.take(tx, [export_audit.JOB]))
    assert job is not None
    assert job.payload == {"export": ids.text("exp", export_id)}
    assert await database.run(lambda tx: export_store.fail_export(tx, export_id, "disk full"))
    assert isinstance(await maker.exporting.make(export_id, nothing), Problem)


async def test_an_entry_that_was_changed_in_the_database_is_not_exported(
    database: Database, database_url: str, signer: notes.Ed25519Signer, maker: Maker
) -> None:
    await fill(database, signer, 0, 600)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SET session_replication_role = replica")
        forged = "convert_to(replace(convert_from(envelope, 'UTF8'), 'ord_300', 'ord_301'), 'UTF8')"
        change = f"UPDATE compliance.audit_entry SET envelope = {forged} WHERE object_id = 'ord_300'"
        assert await connection.execute(change) == "UPDATE 1"
    finally:
        await connection.close()
    for scope in (Scope(), Scope(actions=("quote",))):
        export_id = await asked(database, REGULATOR, scope)
        with pytest.raises(LogBroken, match="entry 300 "):
            await maker.exporting.make(export_id, nothing)
    _, made, _ = await maker.export(REGULATOR, Scope(to_index=256))
    assert made.entries == 256


async def test_a_maker_that_dies_costs_only_its_part(
    database: Database, signer: notes.Ed25519Signer, maker: Maker
) -> None:
    await fill(database, signer, 0, 600)
    export_id = await asked(database, REGULATOR, Scope())

    async def murder(done: int, _total: int | None) -> None:
        if done == 512:
            for one in children_of(os.getpid()):
                os.kill(one, signal.SIGKILL)

    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await maker.exporting.make(export_id, murder)
    seen: list[int] = []

    async def told(done: int, _total: int | None) -> None:
        seen.append(done)

    assert isinstance(await maker.exporting.make(export_id, told), BundleKept)
    assert seen[0] == 512


def children_of(parent: int) -> list[int]:
    """The processes that make exports, started by this one."""
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        for one in (task / "children").read_text().split():
            if b"exchange.worker.export_child" in Path(f"/proc/{one}/cmdline").read_bytes():
                found.append(int(one))
    assert found
    return found


async def test_a_maker_that_nobody_listens_to_ends_by_itself() -> None:
    """It has more to say than a pipe and a reader hold, and only afterwards looks whether anybody still asks."""
    speech = "import sys; sys.stdout.buffer.write(bytes(1 << 22)); sys.stdin.read()"
    began = asyncio.get_running_loop().time()
    async with child_at_work([sys.executable, "-c", speech]) as maker:
        await maker.raw(1)
    assert asyncio.get_running_loop().time() - began < END_S


async def test_the_zip_opens_with_anything(database: Database, signer: notes.Ed25519Signer, maker: Maker) -> None:
    await fill(database, signer, 0, 300)
    data, _, _ = await maker.export(REGULATOR, Scope())
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}

"""Sealed records opened for a regulator: on a legal basis, checked by Python alone, and gone with the person."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from compliance import disclosure_store, notes
from compliance.disclosures import Ground
from compliance.export_store import BundleKept
from compliance.notes import sign_note
from compliance.scopes import Scope
from compliance.verify_bundle import line_digests, manifest_text
from compliance.verify_disclosed import DISCLOSED
from exchange.flows import export_audit, issue_directive
from exchange.flows.erase_subject import StillDisclosed, complete_erasure, request_erasure
from exchange.flows.export_audit import Details
from exchange.flows.issue_directive import DirectiveReceipt
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore
from exchange.kernel.keys import Keyring
from exchange.kernel.vault import StoredVault
from exchange.worker.erasing import drop_disclosed, erase
from exchange.worker.exporting import DisclosureChanged, ExportStopped
from tests.support.directives import order
from tests.support.erasing import EMAIL, NAME, join, member_of, vault_in
from tests.support.exported import (
    BUYER,
    ORIGIN,
    REGULATOR,
    THIRD,
    Maker,
    actor,
    asked,
    check_folder,
    check_outside,
    fill,
    known,
    nothing,
)
from tests.support.sequencing import sequence

LAW = Ground(law="cn-dsl", article="35")


@pytest.fixture
def signer(keyring: Keyring) -> notes.Ed25519Signer:
    return notes.log_signer(keyring, ORIGIN)


@pytest.fixture
def vault(tmp_path: Path, keyring: Keyring) -> StoredVault:
    return vault_in(tmp_path, keyring)


@pytest.fixture
def maker(database: Database, files: FileStore, signer: notes.Ed25519Signer, vault: StoredVault) -> Maker:
    return Maker(database, files, signer, vault=vault)


def member(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return archive.read(name)


def records(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in member(data, DISCLOSED).splitlines()]


async def gone(database: Database, vault: StoredVault, files: FileStore, who: Any) -> None:
    """Erase a person, as the worker does."""
    await database.run(partial(request_erasure, actor=None, subject_id=member_of(who)))
    assert (await erase(database, vault, files, {"subject": who.member}))["outcome"] == "erased"


async def test_what_is_disclosed_is_checked_by_python_alone(
    database: Database,
    database_url: str,
    files: FileStore,
    vault: StoredVault,
    signer: notes.Ed25519Signer,
    maker: Maker,
    tmp_path: Path,
) -> None:
    who, other = await join(database, vault), await join(database, vault, "Li Hua", "li@example.com")
    await fill(database, signer, 0, 300)
    plain, _, _ = await maker.export(REGULATOR, Scope(), Details(checkpoint_size=302))
    assert DISCLOSED not in zipfile.ZipFile(BytesIO(plain)).namelist()
    assert json.loads(member(plain, "manifest.json"))["redacted"] is True
    wanted = Details(checkpoint_size=302, disclosure=LAW, legal_basis="Case 17")
    data, made, export_id = await maker.export(REGULATOR, Scope(), wanted)
    assert [one["fields"].get("name") for one in records(data)].count(NAME) == 1
    assert {value for one in records(data) for value in one["fields"].values()} >= {NAME, EMAIL, "Li Hua"}
    manifest = json.loads(member(data, "manifest.json"))
    assert (manifest["redacted"], manifest["disclosure"]) == (
        False,
        {"basis": "cn-dsl", "records": len(records(data)), "subjects": 4},
    )
    assert b"Case 17" not in member(data, "manifest.json")
    assert member(data, "events.jsonl") == member(plain, "events.jsonl")
    done = check_outside(tmp_path / "out", data, "--vkey", signer.verifier.vkey)
    assert done.returncode == 0, done.stderr
    assert "sealed records of 4 subjects disclosed on the basis cn-dsl" in done.stdout
    zipped = tmp_path / "one.zip"
    zipped.write_bytes(data)
    assert check_folder(tmp_path / "out", str(zipped)).returncode == 0
    export = await known(database, export_id)
    assert export.delivery is not None
    delivery = json.loads(export.delivery)["delivery"]
    assert delivery["disclosure"] == {"article": "35", "directive": None, "law": "cn-dsl"}
    # Asked again by somebody else on the same basis, and made anew: the same bytes.
    await files.remove(made.sha256)
    again, same, _ = await maker.export(actor(THIRD, "regulator"), Scope(), wanted)
    assert (again, same) == (data, made)
    entries = await logged(database_url)
    told = [one for one in entries if one["action"] == "export.disclose"]
    assert [one["object"]["version"] for one in told] == [f"records:{len(records(data))}/subjects:4"] * 2
    assert told[0]["rule_set"] == "cn-dsl"
    assert NAME not in json.dumps(entries)

    # Who is erased is absent; what was made before is gone.
    await gone(database, vault, files, who)
    assert await files.stat(made.sha256) is None
    assert (await known(database, export_id)).state == "erased"
    refused = await database.run(partial(export_audit.hand_over, actor=REGULATOR, export_id=export_id))
    assert isinstance(refused, Problem)
    assert refused.slug == "export-ended"
    later, anew, _ = await maker.export(REGULATOR, Scope(), wanted)
    assert anew.sha256 != made.sha256
    assert {value for one in records(later) for value in one["fields"].values()} & {NAME, EMAIL, "Li Hua"} == {"Li Hua"}
    assert check_outside(tmp_path / "later", later, "--vkey", signer.verifier.vkey).returncode == 0
    assert other.member != who.member
    # An old copy of the files comes back: it goes again.
    back = await files.put(data)
    await drop_disclosed(database, files)
    assert await files.stat(back.sha256) is None
    assert await files.stat(anew.sha256) is not None


async def logged(database_url: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT envelope FROM compliance.audit_entry ORDER BY seq")
    await connection.close()
    return [json.loads(row[0]) for row in rows]


@pytest.mark.parametrize("scope", [Scope(), Scope(from_index=1), Scope(actions=("organisation.register",))])
async def test_each_forged_record_is_named(
    database: Database, vault: StoredVault, signer: notes.Ed25519Signer, maker: Maker, tmp_path: Path, scope: Scope
) -> None:
    for number in range(3):
        await join(database, vault, f"Person {number}", f"p{number}@example.com")
    await sequence(database, [signer], ORIGIN)
    data, _, _ = await maker.export(REGULATOR, scope, Details(disclosure=LAW))
    folder = tmp_path / "out"
    assert check_outside(folder, data).returncode == 0
    right = member(data, DISCLOSED).splitlines(keepends=True)
    assert len(right) >= 3
    first = json.loads(right[1])
    salt = first["salt"]

    def bent(**change: Any) -> bytes:
        return canonical({**first, **change}) + b"\n"

    forged = {
        "field": (2, bent(fields={**first["fields"], "name": "Somebody"})),
        "salt": (2, bent(salt=salt[:-1] + ("0" if salt[-1] != "0" else "1"))),
        "short salt": (2, bent(salt=salt[:-2])),
        "index": (2, bent(index=first["index"] + 100)),
        "entry": (
            2,
            bent(entry=json.loads(right[-1])["entry"] if first["index"] != json.loads(right[-1])["index"] else "aud_x"),
        ),
        "spaces": (2, right[1].replace(b":", b": ", 1)),
        "no JSON": (2, b"x\n"),
        "more": (2, bent(note="x")),
    }
    for what, (line, text) in forged.items():
        (folder / DISCLOSED).write_bytes(b"".join([right[0], text, *right[2:]]))
        told = check_folder(folder)
        assert (told.returncode, f"FAILED: {DISCLOSED}, line {line}" in told.stderr) == (1, True), (what, told.stderr)
        # The log's own key signs it: the entries' commitments still say which line.
        resign(folder, signer)
        told = check_folder(folder)
        assert (told.returncode, f"FAILED: {DISCLOSED}, line {line}" in told.stderr) == (1, True), (what, told.stderr)
        (folder / DISCLOSED).write_bytes(b"".join(right))
        resign(folder, signer)
        assert check_folder(folder).returncode == 0
    for rows in ([right[1], right[0], *right[2:]], [right[0], right[0], *right[1:]], right[1:], right[:-1]):
        (folder / DISCLOSED).write_bytes(b"".join(rows))
        told = check_folder(folder)
        assert (told.returncode, f"FAILED: {DISCLOSED}, line" in told.stderr) == (1, True), told.stderr
    (folder / DISCLOSED).write_bytes(b"".join([right[0], *right]))
    resign(folder, signer)
    assert f"FAILED: {DISCLOSED}, line 2" in check_folder(folder).stderr
    (folder / DISCLOSED).unlink()
    assert f"FAILED: {DISCLOSED}" in check_folder(folder).stderr


def resign(folder: Path, signer: notes.Ed25519Signer) -> None:
    """Make the manifest fit the disclosed records, as whoever holds the log's key could."""
    manifest, data = json.loads((folder / "manifest.json").read_bytes()), (folder / DISCLOSED).read_bytes()
    manifest["files"][DISCLOSED] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "lines": line_digests(data),
    }
    text = canonical(manifest)
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.json.sig").write_bytes(sign_note(manifest_text(text), [signer]))


async def test_only_a_regulator_with_a_basis_is_shown_anything(
    database: Database, vault: StoredVault, signer: notes.Ed25519Signer, maker: Maker
) -> None:
    who = await join(database, vault)
    await sequence(database, [signer], ORIGIN)

    async def slug(asker: Actor, ground: Ground) -> str | None:
        found = await database.run(lambda tx: export_audit.request(tx, asker, Scope(), Details(disclosure=ground)))
        return found.slug if isinstance(found, Problem) else None

    for role in ("buyer", "supplier", "operator", "assessor"):
        assert await slug(actor(BUYER, role), LAW) == "regulator-only"
    bad = [
        Ground(),
        Ground(law="cn-dsl"),
        Ground(law="cn-dsl", article=" "),
        Ground(law="cn-dsl", article="3\n5"),
        Ground(law="cn-dsl", article="3" * 81),
        Ground(law="mine", article="1"),
        Ground(law="cn-dsl", article="35", directive="dir_x"),
        Ground(article="35"),
    ]
    for ground in bad:
        assert await slug(REGULATOR, ground) == "disclosure-invalid", ground
    other = actor(THIRD, "regulator")
    issued = {}
    for name, issuer, kind in (
        ("own", REGULATOR, "disclose"),
        ("theirs", other, "disclose"),
        ("freeze", REGULATOR, "freeze"),
    ):
        receipt = await database.run(
            partial(
                issue_directive.issue,
                actor=issuer,
                order=order(
                    kind,
                    ("organisation", ids.parse("org", who.organisation)),
                    deadline=database.clock.now() + timedelta(days=3),
                ),
            )
        )
        assert isinstance(receipt, DirectiveReceipt), receipt
        issued[name] = receipt.id
    unfit = "disclosure-directive-unfit"
    for name in ("dir_x", ids.text("dir", BUYER), issued["theirs"], issued["freeze"]):
        assert await slug(REGULATOR, Ground(directive=name)) == unfit, name
    data, _, export_id = await maker.export(REGULATOR, Scope(), Details(disclosure=Ground(directive=issued["own"])))
    assert json.loads(member(data, "manifest.json"))["disclosure"]["basis"] == "directive"
    assert issued["own"].encode() not in data
    assert (await known(database, export_id)).disclosure == {"article": None, "directive": issued["own"], "law": None}
    late = await asked(database, REGULATOR, Scope(), Details(disclosure=Ground(directive=issued["own"])))
    lift = partial(issue_directive.lift, actor=REGULATOR, directive_id=ids.parse("dir", issued["own"]))
    await database.run(lift)
    # What was granted and not yet made is not opened any more.
    answer = await maker.exporting.make(late, nothing)
    assert isinstance(answer, Problem)
    assert answer.slug == unfit
    assert (await known(database, late)).state == "failed"
    assert await slug(REGULATOR, Ground(directive=issued["own"])) == unfit


@pytest.mark.parametrize(("at", "state"), [(1, "running"), (3, "failed")])
async def test_an_erasure_while_records_are_being_disclosed_leaves_nothing(
    at: int,
    state: str,
    database: Database,
    files: FileStore,
    vault: StoredVault,
    signer: notes.Ed25519Signer,
    maker: Maker,
    tmp_path: Path,
) -> None:
    who = await join(database, vault)
    await join(database, vault, "Li Hua", "li@example.com")
    await fill(database, signer, 0, 10)
    export_id = await asked(database, REGULATOR, Scope(), Details(disclosure=LAW))
    calls = 0

    async def erasing(done: int, total: int | None) -> None:
        nonlocal calls
        # First with the last part, before anything is written down of what was opened; then with each member of the zip.
        calls += done == total
        if done == total and calls == at:
            await gone(database, vault, files, who)

    with pytest.raises((DisclosureChanged, ExportStopped)):
        await maker.exporting.make(export_id, erasing)
    assert calls >= at
    assert not holding_name(tmp_path), "neither the bundle nor anything half-way"
    assert (await known(database, export_id)).state == state
    if state == "running":
        assert isinstance(await maker.exporting.make(export_id, nothing), BundleKept)
    data, _, _ = await maker.export(REGULATOR, Scope(), Details(disclosure=LAW))
    assert "Li Hua" in {value for one in records(data) for value in one["fields"].values()}
    assert NAME.encode() not in data


def holding_name(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file() and NAME.encode() in one.read_bytes()]


async def test_an_erasure_does_not_end_before_a_bundle_that_came_meanwhile(
    database: Database, files: FileStore, vault: StoredVault, signer: notes.Ed25519Signer, maker: Maker
) -> None:
    who = await join(database, vault)
    await sequence(database, [signer], ORIGIN)
    _, made, export_id = await maker.export(REGULATOR, Scope(), Details(disclosure=LAW))
    await database.run(partial(request_erasure, actor=None, subject_id=member_of(who)))
    await vault.destroy(member_of(who))
    with pytest.raises(StillDisclosed):
        await database.run(partial(complete_erasure, subject_id=member_of(who)))
    await gone(database, vault, files, who)
    assert await files.stat(made.sha256) is None
    note = partial(
        disclosure_store.note_opened, export_id=export_id, sha256=made.sha256, subjects=[member_of(who).bytes]
    )
    assert not await database.run(note)

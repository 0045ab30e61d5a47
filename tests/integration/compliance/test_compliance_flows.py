"""Exports from the database to the regulator's own Python, and directives."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest

from compliance import directive_store, export_store, notes, proofs, store
from compliance.entries import Entry
from compliance.exports import BundleReport
from compliance.scopes import Scope
from exchange.flows import export_audit, issue_directive
from exchange.kernel import ids as kernel_ids
from exchange.kernel import jobs
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from tests.support.sequencing import sequence

ORIGIN = "exchange.example/log"
BUYER, SELLER, THIRD, WATCH = (UUID(int=i) for i in range(1, 5))


def actor(organisation: UUID, *roles: str) -> Actor:
    return Actor(organisation, UUID(int=99), frozenset(roles), frozenset(), "jti")


REGULATOR = actor(WATCH, "regulator")


async def fill(database: Database, signer: notes.Ed25519Signer, low: int, high: int) -> None:
    async def flow(tx: Tx) -> None:
        await store.append(
            tx,
            [
                Entry(
                    action="purchase" if i % 2 else "quote",
                    organisation_id=BUYER,
                    object_id=f"ord_{i}",
                    concerns=(SELLER,) if i % 3 else (THIRD,),
                )
                for i in range(low, high)
            ],
        )

    await database.run(flow)
    await sequence(database, [signer], ORIGIN)


async def nothing(_done: int, _total: int | None) -> None:
    return None


async def export(
    database: Database, signer: notes.Ed25519Signer, who: Actor, scope: Scope, earlier_size: int | None = None
) -> tuple[bytes, BundleReport, UUID]:
    receipt = await database.run(
        lambda tx: export_audit.request(tx, who, scope, earlier_size=earlier_size, legal_basis="DGA 12(o)")
    )
    assert not isinstance(receipt, Problem)
    export_id = kernel_ids.parse("exp", receipt.id)
    out = BytesIO()
    report = await export_audit.make(database, export_id, signer, out, nothing, chunk=37)
    assert isinstance(report, BundleReport)
    assert await database.run(lambda tx: export_audit.finish(tx, export_id, report, "key"))
    assert not await database.run(lambda tx: export_audit.finish(tx, export_id, report, "key"))
    return out.getvalue(), report, export_id


def check_outside(tmp_path: Path, data: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bundle's own verifier with an isolated interpreter that has no site packages."""
    folder = tmp_path / "out"
    with zipfile.ZipFile(BytesIO(data)) as archive:
        archive.extractall(folder)
    command = [sys.executable, "-I", "-S", "-B", "verify.py", *arguments]
    return subprocess.run(command, cwd=folder, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)


async def test_an_export_is_checked_by_python_alone(
    database: Database, keyring: Keyring, tmp_path: Path, clock: FixedClock
) -> None:
    signer = notes.log_signer(keyring, ORIGIN)
    await fill(database, signer, 0, 100)
    await fill(database, signer, 100, 300)
    data, report, export_id = await export(database, signer, REGULATOR, Scope(), earlier_size=100)
    assert report.entries == 300
    done = check_outside(tmp_path, data, "--vkey", signer.verifier.vkey)
    assert done.returncode == 0, done.stderr
    assert "300 events canonical and proven to be in the log (no gap)" in done.stdout
    assert "since its checkpoint of 100 entries" in done.stdout
    assert "核验通过" in done.stdout
    with (tmp_path / "out" / "events.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["object"] for row in rows] == [f"ord_{i}" for i in range(300)]
    proof = check_outside(tmp_path, data, "--proof", "299").stdout.encode()
    event = (tmp_path / "out" / "events.jsonl").read_bytes().splitlines()[299]
    proofs.verify(proofs.decode(proof), event, ORIGIN, notes.log_verifiers(keyring, ORIGIN))

    # The log has grown meanwhile, by the export's own entries too: the same export still gives the same bytes.
    await fill(database, signer, 300, 400)
    again = BytesIO()
    assert await export_audit.make(database, export_id, signer, again, nothing, chunk=500) == report
    assert again.getvalue() == data
    (tmp_path / "out" / "events.csv").write_text("x")
    broken = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"], cwd=tmp_path / "out", capture_output=True, text=True, check=False
    )
    assert broken.returncode == 1
    assert "FAILED: events.csv" in broken.stderr


async def test_a_party_gets_what_concerns_it(database: Database, keyring: Keyring, tmp_path: Path) -> None:
    signer = notes.log_signer(keyring, ORIGIN)
    await fill(database, signer, 0, 90)
    data, report, export_id = await export(database, signer, actor(THIRD, "supplier"), Scope())
    assert report.entries == 30
    assert check_outside(tmp_path, data).returncode == 0
    async with database.read(actor(THIRD)) as tx:
        found = await export_store.own_export(tx, actor(THIRD), export_id)
        assert found is not None
        assert (found.state, found.entry_count, found.sha256) == ("done", 30, report.sha256)
        assert [one.id for one in await export_store.own_exports(tx, actor(THIRD))] == [export_id]
    async with database.read(actor(BUYER)) as tx:
        assert await export_store.own_export(tx, actor(BUYER), export_id) is None
        assert await export_store.find_export(tx, export_id) is None
    data, report, _ = await export(database, signer, REGULATOR, Scope(actions=("quote",), from_index=10, to_index=20))
    assert report.entries == 5


async def test_exports_that_cannot_be(database: Database, keyring: Keyring) -> None:
    def ask(scope: Scope, earlier_size: int | None = None) -> object:
        return database.run(lambda tx: export_audit.request(tx, REGULATOR, scope, earlier_size=earlier_size))

    found = await ask(Scope())  # type: ignore[misc]
    assert isinstance(found, Problem)
    assert found.slug == "log-not-started"
    signer = notes.log_signer(keyring, ORIGIN)
    await fill(database, signer, 0, 5)
    for scope, earlier in [(Scope(to_index=6), None), (Scope(), 4)]:
        found = await ask(scope, earlier)  # type: ignore[misc]
        assert isinstance(found, Problem)
        assert found.slug == "export-scope-invalid"
    missing = await export_audit.make(database, UUID(int=7), signer, BytesIO(), nothing)
    assert isinstance(missing, Problem)
    receipt = await database.run(lambda tx: export_audit.request(tx, REGULATOR, Scope()))
    assert not isinstance(receipt, Problem)
    job = await database.run(lambda tx: jobs.take(tx, [export_audit.JOB]))
    assert job is not None
    assert job.payload == {"export": receipt.id}
    assert await database.run(lambda tx: export_store.fail_export(tx, kernel_ids.parse("exp", receipt.id), "disk full"))


async def test_directives_bind_until_they_are_lifted(database: Database) -> None:
    listing, other = UUID(int=50), UUID(int=51)
    for kind in ("freeze", "delist", "preserve"):
        receipt = await database.run(
            lambda tx, kind=kind: issue_directive.issue(tx, REGULATOR, kind, "listing", listing, {"zh": "涉嫌侵权"})
        )
        assert not isinstance(receipt, Problem)
    await database.run(lambda tx: issue_directive.issue(tx, REGULATOR, "delist", "listing", other, {"en": "expired"}))

    async def look(tx: Tx) -> tuple[set[UUID], set[UUID], set[UUID]]:
        asked = [listing, other, UUID(int=52)]
        return await store.frozen(tx, asked), await store.off_sale(tx, asked), await store.preserved(tx, asked)

    assert await database.run(look) == ({listing}, {listing, other}, {listing})
    assert await database.run(lambda tx: store.frozen(tx, [])) == set()
    async with database.inspect() as tx:
        listed = await directive_store.directives(tx, active_only=True)
        assert [one.kind for one in listed] == ["delist", "preserve", "delist", "freeze"]
        freeze = next(one for one in listed if one.kind == "freeze")
        assert freeze.reason == {"zh": "涉嫌侵权"}
        driver = await tx.driver()
        assert await driver.fetchval("SELECT count(*) FROM regulator.directive WHERE state = 'active'") == 4
    for who, slug in [(actor(BUYER, "buyer"), "regulator-only"), (actor(THIRD, "regulator"), "not-found")]:
        refused = await database.run(lambda tx, who=who: issue_directive.lift(tx, who, freeze.id))
        assert isinstance(refused, Problem)
        assert refused.slug == slug
    lifted = await database.run(lambda tx: issue_directive.lift(tx, REGULATOR, freeze.id))
    assert not isinstance(lifted, Problem)
    assert (lifted.state, lifted.target) == ("lifted", kernel_ids.text("lst", listing))
    again = await database.run(lambda tx: issue_directive.lift(tx, REGULATOR, freeze.id))
    assert isinstance(again, Problem)
    assert again.slug == "directive-already-lifted"
    assert await database.run(look) == (set(), {listing, other}, {listing})
    entries = await database.run(lambda tx: store.entries_of(tx, kernel_ids.text("dir", freeze.id)))
    assert len(entries) == 2
    assert all("侵权" not in one.envelope.decode() for one in entries)


@pytest.mark.parametrize("role", ["app", "portal", "regulator"])
async def test_the_regulators_views_are_the_regulators(database: Database, role: str) -> None:
    views = ("audit_entry", "audit_leaf", "checkpoint", "directive", "export")

    async def look(tx: Tx) -> list[bool]:
        driver = await tx.driver()
        rows = await driver.fetch(
            "SELECT has_table_privilege('regulator.' || v, 'SELECT') FROM unnest($1::text[]) v", views
        )
        return [row[0] for row in rows]

    if role == "regulator":
        async with database.inspect() as tx:
            assert all(await look(tx))
        return
    if role == "app":
        seen = await database.run(lambda tx: _has_usage(tx))
    else:
        async with database.read(None) as tx:
            seen = await _has_usage(tx)
    assert not seen


async def _has_usage(tx: Tx) -> bool:
    found: bool = await (await tx.driver()).fetchval("SELECT has_schema_privilege('regulator', 'USAGE')")
    return found

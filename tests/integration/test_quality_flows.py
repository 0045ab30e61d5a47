"""From a sealed revision to a signed certificate, on a real database and a real file store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text

from compliance import store as audit
from exchange.catalog import revisions
from exchange.catalog.datasets import Dataset, DatasetDraft, register
from exchange.catalog.revisions import Asset, Sealed
from exchange.catalog.settings import CatalogSettings
from exchange.catalog.store import datasets as catalog
from exchange.flows import profile_revision as profiling
from exchange.flows.answer_assessment import answer_assessment
from exchange.flows.profile_revision import ScorecardReceipt, profile_revision
from exchange.flows.request_assessment import AssessmentReceipt, request_assessment
from exchange.flows.sign_certificate import CertificateReceipt, sign_certificate
from exchange.kernel import ids as id_texts
from exchange.kernel import jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import Problem
from exchange.kernel.files import FileStore, NotStored
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from exchange.parties.organisations import State
from exchange.parties.roles import Role
from exchange.quality import store
from exchange.quality.certificates import CertificateDraft, verify
from exchange.quality.tables import metadata

DATA = Path(__file__).resolve().parents[2] / "sandbox" / "data"
DRAFT = CertificateDraft({"en": "We read a sample of 200 poems.", "zh": "我们抽查了 200 首诗。"}, "sample", 365)


@dataclass(frozen=True)
class World:
    """A supplier with a sealed revision, an assessor, a stranger."""

    supplier: Actor
    assessor: Actor
    stranger: Actor
    revision_id: UUID


async def _organisation(tx: Tx, role: Role, state: State = State.VERIFIED) -> Actor:
    organisation_id = tx.new_id()
    await tx.conn.execute(
        text(
            "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) "
            "VALUES (:id, '{\"en\": \"x\"}', :roles, 'CN', :state, :now)"
        ),
        {"id": organisation_id, "roles": [role.value], "state": state.value, "now": tx.now},
    )
    return Actor(organisation_id, tx.new_id(), frozenset({role.value}), frozenset({role.value}), "jti")


async def _world(tx: Tx, assets: list[Asset]) -> World:
    supplier, assessor, stranger = [
        await _organisation(tx, role) for role in (Role.SUPPLIER, Role.ASSESSOR, Role.BUYER)
    ]
    words = {"en": "Poems", "zh": "诗歌"}
    draft = DatasetDraft(words, words, "text", ("zh",), "none", "MIT", words)
    settings = CatalogSettings()
    dataset = register(draft, new_id=tx.new_id(), supplier_id=supplier.organisation_id, now=tx.now, settings=settings)
    assert isinstance(dataset, Dataset)
    await catalog.insert_dataset(tx, dataset)
    sealed = revisions.seal(dataset, assets, None, new_id=tx.new_id(), now=tx.now, settings=settings)
    assert isinstance(sealed, Sealed)
    await catalog.insert_revision(tx, sealed, [])
    return World(supplier, assessor, stranger, sealed.revision.id)


@pytest_asyncio.fixture
async def world(database: Database, files: FileStore) -> World:
    assets = []
    for path in sorted((DATA / "zh_poems").glob("s*.jsonl")):
        blob = await files.put(path.read_bytes())
        assets.append(Asset(path.name, blob.sha256, blob.size_bytes, "application/x-ndjson", "centre"))
    return await database.run(partial(_world, assets=assets))


async def _measured(database: Database, files: FileStore, world: World) -> ScorecardReceipt:
    receipt = await profile_revision(database, files, world.revision_id)
    assert isinstance(receipt, ScorecardReceipt)
    return receipt


async def _asked(database: Database, world: World) -> UUID:
    receipt = await database.run(
        lambda tx: request_assessment(tx, world.supplier, world.revision_id, world.assessor.organisation_id)
    )
    assert isinstance(receipt, AssessmentReceipt), receipt
    return id_texts.parse("asm", receipt.assessment)


async def _signed(database: Database, world: World, assessment_id: UUID, keyring: Keyring) -> CertificateReceipt:
    await database.run(lambda tx: answer_assessment(tx, world.assessor, assessment_id, accept=True))
    receipt = await database.run(lambda tx: sign_certificate(tx, world.assessor, assessment_id, DRAFT, keyring))
    assert isinstance(receipt, CertificateReceipt), receipt
    return receipt


async def _actions(database: Database, object_id: str) -> list[str]:
    entries = await database.run(lambda tx: audit.entries_of(tx, object_id))
    return [msgspec.json.decode(entry.envelope)["action"] for entry in entries]


async def test_a_revision_is_measured_once(database: Database, files: FileStore, world: World) -> None:
    seen: list[tuple[int, int]] = []

    async def watch(done: int, total: int) -> None:
        seen.append((done, total))

    first = await profile_revision(database, files, world.revision_id, watch)
    assert isinstance(first, ScorecardReceipt)
    assert (first.made, first.grade) == (True, "A")
    assert seen[-1][0] == seen[-1][1] > 0
    again = await _measured(database, files, world)
    assert (again.scorecard, again.sha256, again.made) == (first.scorecard, first.sha256, False)
    assert await _actions(database, first.revision) == ["revision.measured"]


async def test_two_workers_that_measure_at_once_make_one_scorecard(
    database: Database, files: FileStore, world: World
) -> None:
    receipts = await asyncio.gather(*(_measured(database, files, world) for _ in range(4)))
    assert len({receipt.scorecard for receipt in receipts}) == 1
    assert await _actions(database, receipts[0].revision) == ["revision.measured"]


async def test_a_cancelled_or_failed_measuring_leaves_nothing(
    database: Database, files: FileStore, world: World
) -> None:
    async def stop(_done: int, _total: int) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await profile_revision(database, files, world.revision_id, stop)
    stored = await database.run(lambda tx: catalog.assets_of(tx, world.revision_id))
    await files.remove(stored[0].asset.sha256)
    with pytest.raises(NotStored):
        await profile_revision(database, files, world.revision_id)
    assert await database.run(lambda tx: store.latest_scorecard(tx, world.revision_id)) is None


async def test_the_job_is_put_once(database: Database, world: World) -> None:
    job = profiling.job(world.revision_id, world.supplier.organisation_id)
    for _ in range(2):
        await database.run(lambda tx: jobs.put(tx, job))
    assert [count for kind, _, count in await database.run(jobs.waiting) if kind == profiling.KIND] == [1]


async def test_an_unknown_revision_is_not_found(database: Database, files: FileStore, world: World) -> None:
    answer = await profile_revision(database, files, world.supplier.organisation_id)
    assert isinstance(answer, Problem)
    assert answer.slug == "not-found"


async def test_an_assessor_signs_and_everybody_can_check(
    database: Database, files: FileStore, world: World, keyring: Keyring
) -> None:
    card = await _measured(database, files, world)
    assessment_id = await _asked(database, world)
    receipt = await _signed(database, world, assessment_id, keyring)
    async with database.read(None) as tx:
        certificate = await store.find_certificate(tx, id_texts.parse("crt", receipt.certificate))
        shown = await store.visible_scorecard(tx, None, world.revision_id)
        listed = await store.certificates_of(tx, [world.revision_id])
        now = tx.now
    assert certificate is not None
    assert shown is not None
    assert listed == [certificate]
    assert shown.sha256.hex() == card.sha256
    faults = verify(
        certificate.document,
        certificate.kid,
        certificate.signature,
        keys=keyring.verify,
        now=now,
        scorecard_sha256=shown.sha256,
    )
    assert faults == []
    assert await _actions(database, receipt.certificate) == ["certificate.signed"]
    name = id_texts.text("asm", assessment_id)
    assert await _actions(database, name) == ["assessment.requested", "assessment.accepted"]


async def test_before_a_certificate_only_the_two_sides_see_anything(
    database: Database, files: FileStore, world: World
) -> None:
    await _measured(database, files, world)
    seen_by = {"supplier": world.supplier, "assessor": world.assessor, "stranger": world.stranger, "nobody": None}

    async def who_sees(query: str) -> set[str]:
        found = set()
        for name, actor in seen_by.items():
            async with database.read(actor) as tx:
                # Without the store's own filter: row-level security alone.
                behind = (await tx.conn.execute(text(query))).all()
                through = await store.visible_scorecard(tx, actor, world.revision_id)
            if "scorecard" in query:
                assert bool(behind) == (through is not None)
            if behind:
                found.add(name)
        return found

    assert await who_sees("SELECT id FROM quality.scorecard") == {"supplier"}
    assessment_id = await _asked(database, world)
    assert await who_sees("SELECT id FROM quality.scorecard") == {"supplier", "assessor"}
    assert await who_sees("SELECT id FROM quality.assessment") == {"supplier", "assessor"}
    async with database.read(world.stranger) as tx:
        assert await store.own_assessment(tx, world.stranger, assessment_id) is None
    async with database.read(world.assessor) as tx:
        page = await store.own_assessments(tx, world.assessor, PageRequest(limit=1))
        assert [one.id for one in page.items] == [assessment_id]
        assert page.next_cursor is None
    await database.run(lambda tx: _disclose(tx, world.revision_id))
    assert await who_sees("SELECT id FROM quality.scorecard") == {"supplier", "assessor", "stranger", "nobody"}


async def _disclose(tx: Tx, revision_id: UUID) -> None:
    card = await store.latest_scorecard(tx, revision_id)
    assert card is not None
    for _ in range(2):
        await store.disclose(tx, card.id)


async def test_requests_are_refused_for_a_reason(database: Database, files: FileStore, world: World) -> None:
    async def ask(actor: Actor, assessor_id: UUID) -> str:
        answer = await database.run(lambda tx: request_assessment(tx, actor, world.revision_id, assessor_id))
        return answer.slug if isinstance(answer, Problem) else "done"

    unverified = await database.run(lambda tx: _organisation(tx, Role.ASSESSOR, State.SUBMITTED))
    assessor_id = world.assessor.organisation_id
    assert await ask(world.stranger, assessor_id) == "not-found"
    assert await ask(world.supplier, assessor_id) == "scorecard-missing"
    await _measured(database, files, world)
    assert await ask(world.supplier, world.supplier.organisation_id) == "assessor-unsuitable"
    assert await ask(world.supplier, world.stranger.organisation_id) == "assessor-unsuitable"
    assert await ask(world.supplier, unverified.organisation_id) == "assessor-unsuitable"
    assert await ask(world.supplier, assessor_id) == "done"
    assert await ask(world.supplier, assessor_id) == "assessment-open"


async def test_only_the_asked_assessor_signs_and_only_once(
    database: Database, files: FileStore, world: World, keyring: Keyring
) -> None:
    await _measured(database, files, world)
    assessment_id = await _asked(database, world)

    async def sign(actor: Actor, draft: CertificateDraft = DRAFT) -> str:
        answer = await database.run(lambda tx: sign_certificate(tx, actor, assessment_id, draft, keyring))
        return answer.slug if isinstance(answer, Problem) else "done"

    async def answer(actor: Actor, *, accept: bool) -> str:
        found = await database.run(lambda tx: answer_assessment(tx, actor, assessment_id, accept=accept))
        return found.slug if isinstance(found, Problem) else found.state

    assert await sign(world.assessor) == "assessment-state"
    assert await answer(world.supplier, accept=True) == "not-found"
    assert await answer(world.assessor, accept=True) == "accepted"
    assert await sign(world.supplier) == "not-found"
    assert await sign(world.assessor, CertificateDraft({"en": "x"}, "full", 1)) == "certificate-invalid"
    assert sorted(await asyncio.gather(*(sign(world.assessor) for _ in range(3)))) == [
        "assessment-state",
        "assessment-state",
        "done",
    ]
    assert await answer(world.assessor, accept=False) == "assessment-state"


async def test_a_declined_assessment_may_be_asked_for_again(database: Database, files: FileStore, world: World) -> None:
    await _measured(database, files, world)
    first = await _asked(database, world)
    await database.run(lambda tx: answer_assessment(tx, world.assessor, first, accept=False))
    assert await _asked(database, world) != first


@pytest.mark.parametrize("table", ["scorecard", "disclosure", "certificate"])
async def test_facts_stay_as_they_are(database: Database, table: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await database.run(lambda tx: tx.conn.execute(text(f"DELETE FROM quality.{table}")))


async def test_tables_mirror_the_migration(rollback_tx: Tx) -> None:
    rows = await rollback_tx.conn.execute(
        text(
            "SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'quality'"
        )
    )
    there = {(row[0], row[1], row[2] == "YES") for row in rows}
    mirrored = {(t.name, c.name, bool(c.nullable)) for t in metadata.tables.values() for c in t.columns}
    assert there == mirrored

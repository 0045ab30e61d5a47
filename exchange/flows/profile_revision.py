"""Measure a revision and keep its scorecard: a job's step, once per revision and method."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

import msgspec

from compliance import store as audit
from compliance.entries import Entry
from exchange.catalog.store import datasets as catalog
from exchange.flows.check_data_contract import follow_contract
from exchange.kernel import ids
from exchange.kernel.db import Database, Tx
from exchange.kernel.errors import NOT_FOUND, Problem
from exchange.kernel.jobs import Job
from exchange.quality import scorecards, store
from exchange.quality.measuring import Bytes, MeasuredFile, Progress, measure, unwatched
from exchange.quality.profile import Signals

KIND = "profile-revision"


class ScorecardReceipt(msgspec.Struct, frozen=True):
    """Which scorecard a revision has now; `made` is false when it was there already."""

    scorecard: str
    revision: str
    sha256: str
    score: int | None
    grade: str | None
    made: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be measured."""

    revision_id: UUID
    supplier_id: UUID
    sha256: bytes
    files: tuple[MeasuredFile, ...]


def job(revision_id: UUID, supplier_id: UUID) -> Job:
    """The job that measures a revision; put twice, it runs once."""
    name = ids.text("rev", revision_id)
    return Job(KIND, f"{name}:{scorecards.METHOD}", {"revision": name}, organisation_id=supplier_id)


async def profile_revision(
    db: Database, source: Bytes, revision_id: UUID, progress: Progress = unwatched
) -> ScorecardReceipt | Problem:
    """Measure with no transaction open, then write scorecard and audit entry in one; then its data contract is asked.

    errors   answers NOT_FOUND; raises what `source` and `progress` raise
    """
    found = await db.run(partial(load, revision_id=revision_id))
    if isinstance(found, Subject):
        signals = await measure(found.files, source, progress)
        found = await db.run(partial(record, subject=found, signals=signals))
    if isinstance(found, ScorecardReceipt):
        # Also where it was measured before: the first worker may have stopped between the two.
        await follow_contract(db, revision_id)
    return found


async def load(tx: Tx, revision_id: UUID) -> Subject | ScorecardReceipt | Problem:
    """What to measure, or the scorecard that is there already."""
    revision = await catalog.find_revision(tx, revision_id)
    if revision is None:
        return NOT_FOUND()
    existing = await store.latest_scorecard(tx, revision_id)
    if existing is not None and existing.method == scorecards.METHOD:
        return _receipt(existing, made=False)
    stored = await catalog.assets_of(tx, revision_id)
    files = (MeasuredFile(s.asset.path, s.asset.media_type, s.asset.sha256, s.asset.size_bytes) for s in stored)
    return Subject(revision_id, revision.supplier_id, revision.sha256, tuple(files))


async def record(tx: Tx, subject: Subject, signals: Signals) -> ScorecardReceipt:
    """Keep the scorecard; a second worker that measured the same finds the first one's."""
    card = scorecards.make(subject.revision_id, subject.sha256, signals)
    made = await store.insert_scorecard(tx, tx.new_id(), subject.revision_id, subject.supplier_id, card)
    if made is not None:
        entry = Entry(
            action="revision.measured",
            object_id=ids.text("rev", subject.revision_id),
            organisation_id=None,
            rule_set=scorecards.METHOD,
            digests={"scorecard": card.sha256, "revision": subject.sha256},
            concerns=(subject.supplier_id,),
        )
        await audit.append(tx, [entry])
    kept = await store.latest_scorecard(tx, subject.revision_id)
    assert kept is not None
    return _receipt(kept, made=made is not None)


def _receipt(card: store.StoredScorecard, *, made: bool) -> ScorecardReceipt:
    return ScorecardReceipt(
        scorecard=ids.text("scr", card.id),
        revision=ids.text("rev", card.revision_id),
        sha256=card.sha256.hex(),
        score=card.score,
        grade=card.grade,
        made=made,
    )

"""All SQL of scorecards, assessments and certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Row, Select, cast, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import Link, mine, ours
from exchange.quality.assessments import OPEN, Assessment, AssessmentState
from exchange.quality.certificates import Certificate
from exchange.quality.scorecards import METHOD, Scorecard
from exchange.quality.tables import assessment, certificate, disclosure, scorecard


@dataclass(frozen=True, slots=True)
class StoredScorecard:
    """A scorecard as it is kept."""

    id: UUID
    revision_id: UUID
    supplier_id: UUID
    method: str
    document: bytes
    sha256: bytes
    score: int | None
    grade: str | None
    created_at: datetime


_SCORECARD = tuple(scorecard.c[name] for name in StoredScorecard.__dataclass_fields__)
_ASSESSMENT = tuple(assessment.c[name] for name in Assessment.__dataclass_fields__)
_CERTIFICATE = tuple(certificate.c[name] for name in Certificate.__dataclass_fields__)
# What belongs to a revision in quality.
LINKS = (
    Link("rev", "scr", scorecard.c.revision_id, scorecard.c.id),
    Link("rev", "asm", assessment.c.revision_id, assessment.c.id),
    Link("rev", "crt", certificate.c.revision_id, certificate.c.id),
)

# ---------------------------------------------------------------- flows: every row is seen, the flow decides whose it is


async def insert_scorecard(tx: Tx, new_id: UUID, revision_id: UUID, supplier_id: UUID, card: Scorecard) -> UUID | None:
    """Write a revision's scorecard; None when this method has measured it before."""
    statement = (
        insert(scorecard)
        .values(
            id=new_id,
            revision_id=revision_id,
            supplier_id=supplier_id,
            method=METHOD,
            document=card.document,
            sha256=card.sha256,
            score=card.score,
            grade=card.grade,
            created_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["revision_id", "method"])
        .returning(scorecard.c.id)
    )
    made: UUID | None = (await tx.conn.execute(statement)).scalar_one_or_none()
    return made


async def latest_scorecard(tx: Tx, revision_id: UUID) -> StoredScorecard | None:
    """The newest scorecard of a revision, whoever's it is."""
    return _scorecard_of((await tx.conn.execute(_newest(revision_id))).one_or_none())


async def find_scorecard(tx: Tx, scorecard_id: UUID) -> StoredScorecard | None:
    """A scorecard by id, whoever's it is."""
    statement = select(*_SCORECARD).where(scorecard.c.id == scorecard_id)
    return _scorecard_of((await tx.conn.execute(statement)).one_or_none())


async def disclose(tx: Tx, scorecard_id: UUID) -> None:
    """Open a scorecard to everybody, for good; a second time changes nothing."""
    await tx.conn.execute(
        insert(disclosure).values(scorecard_id=scorecard_id, created_at=tx.now).on_conflict_do_nothing()
    )


async def insert_assessment(tx: Tx, new: Assessment) -> bool:
    """Write a new assessment; False when this assessor has an open one for the revision."""
    statement = (
        insert(assessment)
        .values(**{name: getattr(new, name) for name in Assessment.__dataclass_fields__})
        .on_conflict_do_nothing(
            index_elements=["revision_id", "assessor_id"],
            index_where=assessment.c.state.in_([state.value for state in OPEN]),
        )
        .returning(assessment.c.id)
    )
    return (await tx.conn.execute(statement)).one_or_none() is not None


async def open_assessment(tx: Tx, revision_id: UUID, assessor_id: UUID) -> Assessment | None:
    """The assessor's open assessment of a revision, if there is one."""
    statement = select(*_ASSESSMENT).where(
        assessment.c.revision_id == revision_id,
        assessment.c.assessor_id == assessor_id,
        assessment.c.state.in_([state.value for state in OPEN]),
    )
    return _assessment_of((await tx.conn.execute(statement)).one_or_none())


async def lock_assessment(tx: Tx, assessment_id: UUID) -> Assessment | None:
    """Read an assessment and hold it, whoever's it is."""
    statement = select(*_ASSESSMENT).where(assessment.c.id == assessment_id).with_for_update(key_share=True)
    return _assessment_of((await tx.conn.execute(statement)).one_or_none())


async def set_assessment(tx: Tx, assessment_id: UUID, state: AssessmentState) -> None:
    """Write the new state of an assessment."""
    await tx.conn.execute(
        update(assessment).where(assessment.c.id == assessment_id).values(state=state.value, changed_at=tx.now)
    )


async def insert_certificate(tx: Tx, new: Certificate, assessment_id: UUID, sha256: bytes) -> None:
    """Write a signed certificate."""
    values = {name: getattr(new, name) for name in Certificate.__dataclass_fields__}
    await tx.conn.execute(insert(certificate).values(**values, assessment_id=assessment_id, sha256=sha256))


# ---------------------------------------------------------------- portals and the public


async def visible_scorecard(tx: Tx, actor: Actor | None, revision_id: UUID) -> StoredScorecard | None:
    """The newest scorecard of a revision, if the actor may see it.

    Its supplier may, an assessor who was asked may, and everybody once it is disclosed.
    """
    statement = _newest(revision_id).where(_may_see(actor))
    return _scorecard_of((await tx.conn.execute(statement)).one_or_none())


async def visible_scorecard_by_id(tx: Tx, actor: Actor | None, scorecard_id: UUID) -> StoredScorecard | None:
    """A scorecard by id, if the actor may see it."""
    statement = select(*_SCORECARD).where(scorecard.c.id == scorecard_id, _may_see(actor))
    return _scorecard_of((await tx.conn.execute(statement)).one_or_none())


async def disclosed_scores(tx: Tx, revision_ids: Sequence[UUID]) -> dict[UUID, tuple[int | None, str | None]]:
    """Score and grade of the newest disclosed scorecard of several revisions, for a page of results."""
    c = scorecard.c
    statement = (
        select(c.revision_id, c.score, c.grade)
        .ext(distinct_on(c.revision_id))
        .where(c.revision_id.in_(revision_ids), _may_see(None))
        .order_by(c.revision_id, c.created_at.desc(), c.id.desc())
    )
    return {row.revision_id: (row.score, row.grade) for row in await tx.conn.execute(statement)}


async def disclosed_sizes(tx: Tx, revision_ids: Sequence[UUID]) -> dict[UUID, tuple[int | None, int, int]]:
    """Score, records and tokens of the newest disclosed scorecard of several revisions, for comparing their prices."""
    c = scorecard.c
    signals = cast(func.convert_from(c.document, "UTF8"), JSONB)["signals"]
    statement = (
        select(
            c.revision_id,
            c.score,
            cast(signals["records"].astext, BigInteger),
            cast(signals["tokens"].astext, BigInteger),
        )
        .ext(distinct_on(c.revision_id))
        .where(c.revision_id.in_(revision_ids), _may_see(None))
        .order_by(c.revision_id, c.created_at.desc(), c.id.desc())
    )
    return {row[0]: (row[1], row[2], row[3]) for row in await tx.conn.execute(statement)}


async def own_assessment(tx: Tx, actor: Actor, assessment_id: UUID) -> Assessment | None:
    """An assessment in which the actor is the supplier or the assessor."""
    statement = select(*_ASSESSMENT).where(assessment.c.id == assessment_id, _taking_part(actor))
    return _assessment_of((await tx.conn.execute(statement)).one_or_none())


async def own_assessments(
    tx: Tx, actor: Actor, request: PageRequest, state: AssessmentState | None = None
) -> Page[Assessment]:
    """The actor's assessments, newest first.

    errors   ValueError for a cursor that is no id
    """
    statement = select(*_ASSESSMENT).where(_taking_part(actor))
    if state is not None:
        statement = statement.where(assessment.c.state == state.value)
    if request.after is not None:
        statement = statement.where(tuple_(assessment.c.id) < (UUID(request.after[0]),))
    statement = statement.order_by(assessment.c.id.desc()).limit(request.limit + 1)
    rows = [_assessment(row) for row in (await tx.conn.execute(statement)).all()]
    return page_of(rows, request, lambda one: (str(one.id),))


async def find_certificate(tx: Tx, certificate_id: UUID) -> Certificate | None:
    """A certificate by id; certificates are public."""
    statement = select(*_CERTIFICATE).where(certificate.c.id == certificate_id)
    row = (await tx.conn.execute(statement)).one_or_none()
    return Certificate(*row) if row else None


async def certificates_of(tx: Tx, revision_ids: Sequence[UUID]) -> list[Certificate]:
    """The certificates of revisions, newest first, expired ones included."""
    statement = (
        select(*_CERTIFICATE)
        .where(certificate.c.revision_id.in_(revision_ids))
        .order_by(certificate.c.issued_at.desc(), certificate.c.id.desc())
        .limit(1_000)
    )
    return [Certificate(*row) for row in (await tx.conn.execute(statement)).all()]


def _newest(revision_id: UUID) -> Select[Any]:
    return (
        select(*_SCORECARD)
        .where(scorecard.c.revision_id == revision_id)
        .order_by(scorecard.c.created_at.desc(), scorecard.c.id.desc())
        .limit(1)
    )


def _may_see(actor: Actor | None) -> ColumnElement[bool]:
    disclosed = exists().where(disclosure.c.scorecard_id == scorecard.c.id)
    if actor is None:
        return disclosed
    asked = exists().where(assessment.c.scorecard_id == scorecard.c.id, mine(assessment.c.assessor_id, actor))
    return or_(disclosed, mine(scorecard.c.supplier_id, actor), asked)


def _taking_part(actor: Actor) -> ColumnElement[bool]:
    return ours((assessment.c.supplier_id, assessment.c.assessor_id), actor)


def _scorecard_of(row: Row[Any] | None) -> StoredScorecard | None:
    return StoredScorecard(**row._mapping) if row else None  # noqa: SLF001


def _assessment_of(row: Row[Any] | None) -> Assessment | None:
    return _assessment(row) if row else None


def _assessment(row: Row[Any]) -> Assessment:
    fields = dict(row._mapping)  # noqa: SLF001  # the underscore is SQLAlchemy's way to avoid column names
    return Assessment(**{**fields, "state": AssessmentState(fields["state"])})

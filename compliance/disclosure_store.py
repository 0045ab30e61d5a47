"""Which exports hold opened records of whom, in the database: so that an erasure reaches what was disclosed before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, exists, select, update

from compliance.sealed_tables import subject as _subject
from compliance.tables import export as _export
from compliance.tables import export_subject as _holds
from exchange.kernel.db import Tx

_LIVE = ("requested", "running")
_TOGETHER = 5_000
_HOLD = """
INSERT INTO compliance.export_subject (export_id, subject_id, sha256) SELECT $1, one, $2 FROM unnest($3::uuid[]) AS one"""
_ERASED = """
SELECT coalesce(bool_or(state = 'erased'), false)
FROM (SELECT state FROM compliance.subject WHERE id = ANY ($1::uuid[]) ORDER BY id FOR SHARE) AS locked"""


class Holding(NamedTuple):
    """An export whose bundle holds something of a subject."""

    export_id: UUID
    state: str
    sha256: bytes


async def note_opened(tx: Tx, export_id: UUID, sha256: bytes, subjects: Sequence[bytes]) -> bool:
    """Write down, before a bundle is kept, whom it tells of; False where one of them is erased, or the export has ended.

    Erasures of these subjects wait for this transaction, and see it then.

    shapes   `subjects`: ids of 16 bytes, each once, in order; there may be many
    """
    if not await _all_there(tx, subjects):
        return False
    state = await tx.conn.scalar(select(_export.c.state).where(_export.c.id == export_id).with_for_update())
    if state not in _LIVE:
        return False
    await tx.conn.execute(delete(_holds).where(_holds.c.export_id == export_id))
    driver = await tx.driver()
    for some in _some(subjects):
        await driver.execute(_HOLD, export_id, sha256, some)
    return True


async def _all_there(tx: Tx, subjects: Sequence[bytes]) -> bool:
    driver = await tx.driver()
    for some in _some(subjects):
        if await driver.fetchval(_ERASED, some):
            return False
    return True


def _some(subjects: Sequence[bytes]) -> Iterator[list[UUID]]:
    for at in range(0, len(subjects), _TOGETHER):
        yield [UUID(bytes=one) for one in subjects[at : at + _TOGETHER]]


async def own_bundles(tx: Tx, export_id: UUID) -> list[bytes]:
    """Bundles that an attempt at this export may have left, and which no other export has."""
    other = _holds.alias()
    shared = exists().where(other.c.sha256 == _holds.c.sha256, other.c.export_id != export_id)
    query = select(_holds.c.sha256).where(_holds.c.export_id == export_id, ~shared).distinct()
    return list((await tx.conn.execute(query)).scalars())


async def holding(tx: Tx, subject_id: UUID) -> list[Holding]:
    """The exports whose bundles tell of a subject."""
    query = (
        select(_export.c.id, _export.c.state, _holds.c.sha256)
        .join(_holds, _holds.c.export_id == _export.c.id)
        .where(_holds.c.subject_id == subject_id)
        .order_by(_export.c.id)
    )
    return [Holding(*row) for row in await tx.conn.execute(query)]


async def withdraw(tx: Tx, subject_id: UUID) -> None:
    """End the exports that tell of a subject: the finished ones are erased, those in the making fail."""
    told = _export.c.id.in_(select(_holds.c.export_id).where(_holds.c.subject_id == subject_id))
    done = update(_export).where(told, _export.c.state == "done")
    await tx.conn.execute(done.values(state="erased", file_key=None))
    live = update(_export).where(told, _export.c.state.in_(_LIVE))
    await tx.conn.execute(live.values(state="failed", ended_at=tx.now, problem="disclosed-person-erased"))


async def still_told(tx: Tx, subject_id: UUID) -> bool:
    """Whether a bundle that tells of a subject is there, or is being made."""
    query = (
        select(_export.c.id)
        .join(_holds, _holds.c.export_id == _export.c.id)
        .where(_holds.c.subject_id == subject_id, _export.c.state.in_((*_LIVE, "done")))
        .limit(1)
    )
    return (await tx.conn.execute(query)).first() is not None


async def of_erased(tx: Tx) -> list[Holding]:
    """Every bundle that told of somebody who is erased now: none of them may be there."""
    query = (
        select(_export.c.id, _export.c.state, _holds.c.sha256)
        .join(_holds, _holds.c.export_id == _export.c.id)
        .join(_subject, _subject.c.id == _holds.c.subject_id)
        .where(_subject.c.state == "erased")
        .distinct()
    )
    return [Holding(*row) for row in await tx.conn.execute(query)]

"""Subjects, what is sealed of them beside the log, and how far an erasure has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, insert, select, update

from compliance.erasure import Kind, Subject
from compliance.sealed_tables import salt as _salt
from compliance.sealed_tables import sealed as _sealed
from compliance.sealed_tables import subject as _subject
from compliance.sealing import Sealed
from exchange.kernel.db import Tx


async def add_subject(tx: Tx, subject_id: UUID, organisation_id: UUID, kind: Kind) -> None:
    """Write that there is a subject; its key lies elsewhere."""
    await tx.conn.execute(
        insert(_subject).values(id=subject_id, organisation_id=organisation_id, kind=kind, created_at=tx.now)
    )


async def find_subject(tx: Tx, subject_id: UUID) -> Subject | None:
    """A subject by id."""
    return await _one(tx, select(_subject).where(_subject.c.id == subject_id))


async def lock_subject(tx: Tx, subject_id: UUID) -> Subject | None:
    """A subject by id, for a change; entries that seal something of it are waited for, and later ones wait."""
    return await _one(tx, select(_subject).where(_subject.c.id == subject_id).with_for_update())


async def _one(tx: Tx, query: Select[Any]) -> Subject | None:
    row = (await tx.conn.execute(query)).one_or_none()
    return None if row is None else _read(row)


async def ask(tx: Tx, subject_id: UUID, asked_by: UUID | None) -> None:
    """Note that a subject's erasure was asked for: nothing more is sealed under its key."""
    change = update(_subject).where(_subject.c.id == subject_id, _subject.c.state == "kept")
    await tx.conn.execute(change.values(state="asked", asked_at=tx.now, asked_by=asked_by))


async def erase(tx: Tx, subject_id: UUID) -> int:
    """Empty what is sealed of a subject and note that it is erased; how many records held something."""
    s = _sealed.c
    emptied = await tx.conn.execute(
        update(_sealed).where(s.subject_id == subject_id, s.sealed.is_not(None)).values(sealed=None, erased_at=tx.now)
    )
    change = update(_subject).where(_subject.c.id == subject_id, _subject.c.state == "asked")
    await tx.conn.execute(change.values(state="erased", erased_at=tx.now))
    return emptied.rowcount


async def under_way(tx: Tx) -> list[UUID]:
    """The subjects whose erasure was asked for and is not complete."""
    c = _subject.c
    return list((await tx.conn.execute(select(c.id).where(c.state == "asked").order_by(c.id))).scalars())


async def not_kept(tx: Tx, after: UUID | None, limit: int = 1_000) -> list[UUID]:
    """The subjects that are erased or to be erased, by id."""
    c = _subject.c
    query = select(c.id).where(c.state != "kept").order_by(c.id).limit(limit)
    if after is not None:
        query = query.where(c.id > after)
    return list((await tx.conn.execute(query)).scalars())


async def erasures(tx: Tx, *, before: UUID | None = None, limit: int = 50) -> list[Subject]:
    """Erasures asked for and complete, newest subjects first. For the app's and the regulator's role."""
    query = select(_subject).where(_subject.c.state != "kept").order_by(_subject.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_subject.c.id < before)
    return [_read(row) for row in await tx.conn.execute(query)]


async def sealed_of(tx: Tx, entry_ids: Sequence[UUID]) -> dict[UUID, list[Sealed]]:
    """What is sealed beside these entries and not erased, in the order of their subjects."""
    s = _sealed.c
    rows = await tx.conn.execute(
        select(s.entry_id, s.subject_id, s.reference, s.commitment, s.sealed)
        .where(s.entry_id.in_(list(entry_ids)), s.sealed.is_not(None))
        .order_by(s.entry_id, s.subject_id)
    )
    found: dict[UUID, list[Sealed]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Sealed(*row[1:]))
    return found


async def salts_of(tx: Tx, entry_ids: Sequence[UUID]) -> dict[UUID, dict[str, bytes]]:
    """The salts of these entries' salted digests: entry -> name -> salt."""
    found: dict[UUID, dict[str, bytes]] = {}
    query = select(_salt.c.entry_id, _salt.c.name, _salt.c.salt).where(_salt.c.entry_id.in_(list(entry_ids)))
    for entry_id, name, salt in await tx.conn.execute(query):
        found.setdefault(entry_id, {})[name] = salt
    return found


async def forget_salts(tx: Tx, entry_ids: Sequence[UUID]) -> int:
    """Drop the salts of these entries: their digests say nothing any more, to anybody."""
    return (await tx.conn.execute(delete(_salt).where(_salt.c.entry_id.in_(list(entry_ids))))).rowcount


def _read(row: Row[Any]) -> Subject:
    return Subject(row.id, row.organisation_id, row.kind, row.state, row.asked_at, row.asked_by, row.erased_at)

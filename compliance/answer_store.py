"""Answers to directives with their files, as the asked organisation and the regulator that asked may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select

from compliance.directive_tables import answer as _answer
from compliance.directive_tables import file as _file
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that came with an answer."""

    id: UUID
    name: str
    media_type: str
    sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an organisation answered to a directive; `late` is after the deadline."""

    id: UUID
    directive_id: UUID
    notice_id: UUID
    organisation_id: UUID
    text: Mapping[str, str]
    late: bool
    created_at: datetime
    files: tuple[Evidence, ...] = ()


async def put_answer(tx: Tx, one: Answer) -> None:
    """Write an answer down with its files."""
    row = {column.name: getattr(one, column.name) for column in _answer.c}
    await tx.conn.execute(insert(_answer).values({**row, "text": dict(one.text)}))
    if one.files:
        whose = {"answer_id": one.id, "directive_id": one.directive_id, "organisation_id": one.organisation_id}
        files = [{name: getattr(file, name) for name in Evidence.__slots__} | whose for file in one.files]
        await tx.conn.execute(insert(_file), files)


async def count_answers(tx: Tx, notice_id: UUID) -> int:
    """How often a notice was answered."""
    counted = await tx.conn.execute(select(func.count()).where(_answer.c.notice_id == notice_id))
    return int(counted.scalar_one())


async def my_answers(tx: Tx, actor: Actor, notice_id: UUID) -> list[Answer]:
    """What the actor's organisation answered to a notice, oldest first."""
    whose = mine(_answer.c.organisation_id, actor)
    return await _read(tx, select(*_answer.c).where(_answer.c.notice_id == notice_id, whose).order_by(_answer.c.id))


async def answers_to(tx: Tx, directive_id: UUID, page: PageRequest) -> Page[Answer]:
    """What was answered to a directive, oldest first. For the app's and the regulator's role.

    errors   BadCursor
    """
    query = select(*_answer.c).where(_answer.c.directive_id == directive_id).order_by(_answer.c.id)
    if page.after is not None:
        query = query.where(_answer.c.id > UUID(page.after[0]))
    return page_of(await _read(tx, query.limit(page.limit + 1)), page, lambda found: (str(found.id),))


async def answers_of(tx: Tx, directive_ids: Sequence[UUID]) -> dict[UUID, list[Answer]]:
    """What was answered to each of these directives. For the app's role."""
    found: dict[UUID, list[Answer]] = {one: [] for one in directive_ids}
    query = select(*_answer.c).where(_answer.c.directive_id.in_(list(found))).order_by(_answer.c.id)
    for one in await _read(tx, query):
        found[one.directive_id].append(one)
    return found


async def file_of(tx: Tx, directive_id: UUID, file_id: UUID) -> Evidence | None:
    """A file of an answer to a directive. For the app's and the regulator's role."""
    query = select(*_columns()).where(_file.c.id == file_id, _file.c.directive_id == directive_id)
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else Evidence(**row)


def _columns() -> Sequence[Any]:
    return [_file.c[name] for name in Evidence.__slots__]


async def _read(tx: Tx, query: Select[Any]) -> list[Answer]:
    rows = (await tx.conn.execute(query)).mappings().all()
    files: dict[UUID, list[Evidence]] = {row["id"]: [] for row in rows}
    wanted = select(_file.c.answer_id, *_columns()).where(_file.c.answer_id.in_(list(files))).order_by(_file.c.id)
    for row in (await tx.conn.execute(wanted)).mappings() if rows else ():
        fields = dict(row)
        files[fields.pop("answer_id")].append(Evidence(**fields))
    return [Answer(**row, files=tuple(files[row["id"]])) for row in rows]

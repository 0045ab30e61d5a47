"""Declarations of persons in the database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, insert, select

from exchange.catalog.people import PeopleDeclaration
from exchange.catalog.tables import people_declaration as _people
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine


async def insert_people(tx: Tx, new: PeopleDeclaration) -> None:
    """Write a declaration down."""
    await tx.conn.execute(insert(_people).values({column.name: getattr(new, column.name) for column in _people.c}))


async def count_people(tx: Tx, dataset_id: UUID) -> int:
    """How many declarations of a dataset there are."""
    statement = select(func.count()).select_from(_people).where(_people.c.dataset_id == dataset_id)
    return int((await tx.conn.execute(statement)).scalar_one())


async def people_of(tx: Tx, dataset_ids: Sequence[UUID]) -> list[PeopleDeclaration]:
    """Every declaration of some datasets, the oldest first, whoever's they are."""
    statement = (
        select(_people).where(_people.c.dataset_id.in_(dataset_ids)).order_by(_people.c.dataset_id, _people.c.number)
    )
    return [PeopleDeclaration(**row) for row in (await tx.conn.execute(statement)).mappings()]


async def own_people(tx: Tx, actor: Actor, dataset_id: UUID, page: PageRequest) -> Page[PeopleDeclaration]:
    """The declarations of a dataset of the actor's organisation, newest first."""
    statement = select(_people).where(mine(_people.c.supplier_id, actor), _people.c.dataset_id == dataset_id)
    if page.after is not None:
        statement = statement.where(_people.c.number < int(page.after[0]))
    rows = (await tx.conn.execute(statement.order_by(_people.c.number.desc()).limit(page.limit + 1))).mappings()
    return page_of([PeopleDeclaration(**row) for row in rows], page, lambda one: (str(one.number),))

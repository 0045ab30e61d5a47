"""Reads of every store: the one way in which a portal's narrows to who asks (the first wall), and what belongs to what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, literal, or_, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx


def mine(column: ColumnElement[UUID] | Any, actor: Actor) -> ColumnElement[bool]:
    """Rows whose `column` is the actor's organisation; row-level security says the same a second time."""
    condition: ColumnElement[bool] = column == actor.organisation_id
    return condition


def ours(columns: tuple[Any, ...], actor: Actor) -> ColumnElement[bool]:
    """Rows in which the actor's organisation stands on one of several sides."""
    return or_(*(mine(column, actor) for column in columns))


class Link(NamedTuple):
    """What leads from one kind of object to another: rows in which one stands in `key` and the other in `value`.

    shapes   kinds are the prefixes of ids, such as ds and rev
    """

    kind: str
    leads_to: str
    key: Any
    value: Any


async def follow(tx: Tx, link: Link, ids: Sequence[UUID]) -> set[UUID]:
    """The objects that a link leads to from some others."""
    query = (
        select(link.value).where(link.key == any_(literal(list(ids), ARRAY(Uuid))), link.value.is_not(None)).distinct()
    )
    return {row[0] for row in await tx.conn.execute(query)}

"""The first wall: the one way in which a portal read narrows to the asking organisation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_

from exchange.kernel.actor import Actor


def mine(column: ColumnElement[UUID] | Any, actor: Actor) -> ColumnElement[bool]:
    """Rows whose `column` is the actor's organisation; row-level security says the same a second time."""
    condition: ColumnElement[bool] = column == actor.organisation_id
    return condition


def ours(columns: tuple[Any, ...], actor: Actor) -> ColumnElement[bool]:
    """Rows in which the actor's organisation stands on one of several sides."""
    return or_(*(mine(column, actor) for column in columns))

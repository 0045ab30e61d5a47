"""Directives in the database; what they stop is asked of `store`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import insert, select, update

from compliance.directives import Directive
from compliance.tables import directive as _directive
from exchange.kernel.db import Tx


async def put_directive(tx: Tx, one: Directive) -> None:
    """Write a directive down."""
    row = {column.name: getattr(one, column.name) for column in _directive.c}
    await tx.conn.execute(insert(_directive).values({**row, "reason": dict(one.reason)}))


async def lift_directive(tx: Tx, directive_id: UUID, lifted_by: UUID) -> bool:
    """End a directive; False when it is not active."""
    change = update(_directive).where(_directive.c.id == directive_id, _directive.c.state == "active")
    return (await tx.conn.execute(change.values(state="lifted", lifted_by=lifted_by, lifted_at=tx.now))).rowcount == 1


async def find_directive(tx: Tx, directive_id: UUID) -> Directive | None:
    """A directive by id. For the app's and the regulator's role."""
    row = (await tx.conn.execute(select(_directive).where(_directive.c.id == directive_id))).mappings().one_or_none()
    return None if row is None else Directive(**row)


async def directives(
    tx: Tx, *, active_only: bool = False, before: UUID | None = None, limit: int = 50
) -> list[Directive]:
    """Directives, newest first. For the app's and the regulator's role."""
    query = select(_directive).order_by(_directive.c.id.desc()).limit(limit)
    if active_only:
        query = query.where(_directive.c.state == "active")
    if before is not None:
        query = query.where(_directive.c.id < before)
    return [Directive(**row) for row in (await tx.conn.execute(query)).mappings()]

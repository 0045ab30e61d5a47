"""All SQL of milestones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, or_, select

from contracts.milestones import Answer, Report
from contracts.milestones_tables import milestone_answer, milestone_drop, milestone_report
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine

_r, _a, _d = milestone_report.c, milestone_answer.c, milestone_drop.c
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('milestones/' || $1::text, 0))"
# Nobody answers after silence has accepted, so what counted at a moment counts for ever.
_REACHED = """
SELECT r.grant_id, r.component FROM contracts.milestone_report r
LEFT JOIN contracts.milestone_answer a ON a.report_id = r.id
WHERE r.grant_id = ANY($1::uuid[])
    AND NOT EXISTS (SELECT FROM contracts.milestone_drop d WHERE d.grant_id = r.grant_id AND d.component = r.component)
    AND CASE WHEN a.report_id IS NULL THEN r.silent_at < $2 ELSE a.accepted AND a.created_at < $2 END"""


async def lock(tx: Tx, order_id: UUID) -> None:
    """Let the milestones of an order move one after another, until the transaction ends."""
    await (await tx.driver()).execute(_LOCK, str(order_id))


async def insert_report(tx: Tx, one: Report) -> None:
    """Write what a supplier reports."""
    names = [column.name for column in milestone_report.columns]
    values = {name: getattr(one, name) for name in names} | {"note": dict(one.note)}
    await tx.conn.execute(insert(milestone_report).values(values))


async def insert_answer(tx: Tx, one: Report, answer: Answer, client_id: UUID) -> None:
    """Write what the buyer said; a report is answered once."""
    await tx.conn.execute(
        insert(milestone_answer).values(
            report_id=one.id,
            buyer_id=one.buyer_id,
            seller_id=one.seller_id,
            accepted=answer.accepted,
            reason=None if answer.reason is None else dict(answer.reason),
            client_id=client_id,
            created_at=answer.at,
        )
    )


async def insert_drop(tx: Tx, order: tuple[UUID, UUID, UUID, UUID], component: str, client_id: UUID) -> None:
    """Write that a supplier will not do a milestone.

    shapes   order = (order, grant, buyer, seller)
    """
    order_id, grant_id, buyer_id, seller_id = order
    await tx.conn.execute(
        insert(milestone_drop).values(
            grant_id=grant_id,
            component=component,
            order_id=order_id,
            buyer_id=buyer_id,
            seller_id=seller_id,
            client_id=client_id,
            created_at=tx.now,
        )
    )


async def find_report(tx: Tx, report_id: UUID) -> Report | None:
    """One report with its answer, for flows."""
    found = await _read(tx, _r.id == report_id)
    return found[0] if found else None


async def of_order(tx: Tx, order_id: UUID, actor: Actor | None = None) -> dict[str, list[Report]]:
    """An order's reports by milestone, the first first; for an actor only where it is a party, for a flow None."""
    condition = _r.order_id == order_id
    if actor is not None:
        condition = condition & or_(mine(_r.buyer_id, actor), mine(_r.seller_id, actor))
    found: dict[str, list[Report]] = {}
    for one in await _read(tx, condition):
        found.setdefault(one.component, []).append(one)
    return found


async def dropped(tx: Tx, order_id: UUID) -> frozenset[str]:
    """The milestones of an order that its supplier will not do."""
    rows = await tx.conn.execute(select(_d.component).where(_d.order_id == order_id))
    return frozenset(row[0] for row in rows)


async def reached(tx: Tx, grant_ids: Sequence[UUID], until: datetime) -> dict[UUID, set[str]]:
    """The milestones that had been accepted before a moment, by word or by silence, by grant."""
    found: dict[UUID, set[str]] = {}
    for grant_id, component in await (await tx.driver()).fetch(_REACHED, list(grant_ids), until):
        found.setdefault(grant_id, set()).add(component)
    return found


async def _read(tx: Tx, condition: ColumnElement[bool]) -> list[Report]:
    statement = (
        select(milestone_report, _a.accepted, _a.reason, _a.created_at.label("answered_at"))
        .join(milestone_answer, _a.report_id == _r.id, isouter=True)
        .where(condition)
        .order_by(_r.component, _r.number)
    )
    return [_report(row) for row in (await tx.conn.execute(statement)).mappings()]


def _report(row: Any) -> Report:
    answer = None if row["accepted"] is None else Answer(row["accepted"], row["reason"], row["answered_at"])
    return Report(**{column.name: row[column.name] for column in milestone_report.columns}, answer=answer)

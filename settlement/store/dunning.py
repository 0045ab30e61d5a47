"""Dunning in the database: what is owed, cases, notices, and the grants that were suspended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, true, update

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.credit_tables import credit_order as _credit
from settlement.dunning import Case, Notice, Owed, Said, Stage
from settlement.dunning_tables import dunning_case as _c
from settlement.dunning_tables import dunning_grant as _g
from settlement.dunning_tables import dunning_notice as _n
from settlement.tables import charge as _charge
from settlement.tables import due as _due

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('dunning', 0))"
_CASE = (
    _c.c.id, _c.c.buyer_id, _c.c.seller_id, _c.c.currency, _c.c.stage, _c.c.opened_at, _c.c.moved_at, _c.c.paused_at, _c.c.closed_at,
)  # fmt: skip
_NOTICE = (
    _n.c.id, _n.c.case_id, _n.c.buyer_id, _n.c.seller_id, _n.c.said, _n.c.owed_units, _n.c.paused_units, _n.c.currency,
    _n.c.created_at,
)  # fmt: skip
# A charge is due when it is booked.
_OWED = (
    _due.c.id, _charge.c.order_id, _charge.c.grant_id, _due.c.buyer_id, _due.c.seller_id, _due.c.currency, _due.c.unpaid_units,
    _charge.c.created_at,
)  # fmt: skip
# An order on account, from the day on which it is to be paid.
_OWED_ON_ACCOUNT = (
    _credit.c.order_id, _credit.c.buyer_id, _credit.c.seller_id, _credit.c.currency, _credit.c.unpaid_units, _credit.c.due_on,
)  # fmt: skip
_UNDER_WAY = "SELECT DISTINCT currency FROM settlement.run WHERE state = 'open'"
_LOCK_DUES = """
SELECT id, unpaid_units, released FROM settlement.due WHERE id = ANY ($1::uuid[]) AND unpaid_units > 0 ORDER BY id FOR UPDATE"""
_RESUMED = "UPDATE settlement.dunning_grant SET resumed_at = $2 WHERE id = ANY ($1::uuid[])"


async def lock_dunning(tx: Tx) -> None:
    """Let one worker dun at a time, until the transaction ends."""
    await (await tx.driver()).execute(_LOCK)


async def owed(tx: Tx) -> list[Owed]:
    """Every sum that is due and unpaid: charges, the oldest first, then orders on account, the first due first."""
    return [*await _owed(tx, _due.c.unpaid_units > 0), *await _on_account(tx, true())]


async def my_debts(tx: Tx, actor: Actor, one: Case) -> list[Owed]:
    """The sums of a case of the actor's that are due and unpaid."""
    between = (_due.c.seller_id == one.seller_id) & (_due.c.currency == one.currency)
    charges = await _owed(tx, mine(_due.c.buyer_id, actor) & between & (_due.c.unpaid_units > 0))
    ordered = (_credit.c.seller_id == one.seller_id) & (_credit.c.currency == one.currency)
    return [*charges, *await _on_account(tx, mine(_credit.c.buyer_id, actor) & ordered)]


async def lock_dues(tx: Tx, ids: Sequence[UUID]) -> list[tuple[UUID, int, bool]]:
    """Hold sums that are unpaid: id, what is unpaid, and whether its shares were released."""
    rows = await (await tx.driver()).fetch(_LOCK_DUES, list(ids))
    return [(row[0], row[1], row[2]) for row in rows]


async def settling(tx: Tx) -> set[str]:
    """The currencies of which a settlement run is open: it collects by itself."""
    return {row[0] for row in await (await tx.driver()).fetch(_UNDER_WAY)}


async def open_cases(tx: Tx) -> list[Case]:
    """Every case that is open."""
    return await _cases(tx, _c.c.closed_at.is_(None))


async def insert_case(tx: Tx, one: Case) -> None:
    """Write a new case."""
    await tx.conn.execute(insert(_c).values(**_values(one)))


async def move_case(tx: Tx, one: Case) -> None:
    """Write where a case stands."""
    await tx.conn.execute(update(_c).where(_c.c.id == one.id).values(**_values(one)))


async def insert_notice(tx: Tx, one: Notice) -> None:
    """Write what a buyer is told."""
    values = {column.name: getattr(one, column.name) for column in _NOTICE}
    await tx.conn.execute(insert(_n).values(**{**values, "said": one.said.value}))


async def insert_suspended(tx: Tx, case_id: UUID, grants: Sequence[tuple[UUID, UUID]]) -> None:
    """Note grants that a case has suspended.

    shapes   grants: (grant, agreement)
    """
    rows = [
        {"id": tx.new_id(), "case_id": case_id, "grant_id": grant, "agreement_id": agreement, "suspended_at": tx.now}
        for grant, agreement in grants
    ]
    if rows:
        await tx.conn.execute(insert(_g), rows)


async def suspended_by(tx: Tx, case_id: UUID) -> list[tuple[UUID, UUID, UUID]]:
    """The grants that a case has suspended and not resumed: (row, grant, agreement)."""
    query = select(_g.c.id, _g.c.grant_id, _g.c.agreement_id).where(_g.c.case_id == case_id, _g.c.resumed_at.is_(None))
    return [(row[0], row[1], row[2]) for row in await tx.conn.execute(query)]


async def note_resumed(tx: Tx, rows: Sequence[UUID]) -> None:
    """Note that a case no longer suspends these grants."""
    await (await tx.driver()).execute(_RESUMED, list(rows), tx.now)


async def my_cases(tx: Tx, actor: Actor, request: PageRequest) -> Page[Case]:
    """The actor's cases as a buyer, newest first."""
    return await _page(tx, mine(_c.c.buyer_id, actor), request)


async def my_case(tx: Tx, actor: Actor, case_id: UUID) -> Case | None:
    """One of the actor's cases as a buyer."""
    found = await _cases(tx, mine(_c.c.buyer_id, actor) & (_c.c.id == case_id))
    return found[0] if found else None


async def all_cases(tx: Tx, request: PageRequest) -> Page[Case]:
    """Everybody's open cases, newest first, for the operator."""
    return await _page(tx, _c.c.closed_at.is_(None), request)


async def notices_of(tx: Tx, case_id: UUID) -> list[Notice]:
    """What was said in a case, the oldest first."""
    rows = await tx.conn.execute(select(*_NOTICE).where(_n.c.case_id == case_id).order_by(_n.c.id))
    return [Notice(*row[:4], Said(row[4]), *row[5:]) for row in rows]


async def _page(tx: Tx, condition: ColumnElement[bool], request: PageRequest) -> Page[Case]:
    if request.after:
        condition &= _c.c.id < UUID(request.after[0])
    rows = await tx.conn.execute(select(*_CASE).where(condition).order_by(_c.c.id.desc()).limit(request.limit + 1))
    return page_of([_case(row) for row in rows], request, lambda one: (str(one.id),))


async def _cases(tx: Tx, condition: ColumnElement[bool]) -> list[Case]:
    rows = await tx.conn.execute(select(*_CASE).where(condition).order_by(_c.c.id))
    return [_case(row) for row in rows]


async def _owed(tx: Tx, condition: ColumnElement[bool]) -> list[Owed]:
    joined = _due.join(_charge, _charge.c.id == _due.c.id)
    rows = await tx.conn.execute(select(*_OWED).select_from(joined).where(condition).order_by(_due.c.id))
    return [Owed(*row) for row in rows]


async def _on_account(tx: Tx, condition: ColumnElement[bool]) -> list[Owed]:
    due = (_credit.c.due_on <= tx.now.date()) & (_credit.c.unpaid_units > 0)
    query = select(*_OWED_ON_ACCOUNT).where(due & condition).order_by(_credit.c.due_on, _credit.c.order_id)
    rows = await tx.conn.execute(query)
    return [
        Owed(order, order, None, buyer, seller, currency, units, datetime.combine(on, time(), UTC))
        for order, buyer, seller, currency, units, on in rows
    ]


def _values(one: Case) -> dict[str, Any]:
    return {**{column.name: getattr(one, column.name) for column in _CASE}, "stage": one.stage.value}


def _case(row: Any) -> Case:
    named = dict(zip((column.name for column in _CASE), row, strict=True))
    return Case(**{**named, "stage": Stage(named["stage"])})

"""What the operator sees of settlement: runs with their results, payouts and payees of everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement import tables
from settlement.payouts import Payout
from settlement.store.payouts import payout_of

_PARTS = """
SELECT run_id, side, count(*) FILTER (WHERE state = 'done'), count(*) FROM settlement.run_item
WHERE run_id = ANY($1::uuid[]) GROUP BY 1, 2"""
# Each row is (run, what, how many, millionths).
_RESULTS = """
SELECT run_id, 'charges', count(*), sum(amount_units)::bigint FROM settlement.charge WHERE run_id = $1 GROUP BY 1
UNION ALL
SELECT run_id, 'invoices', count(*), sum(total_units)::bigint FROM settlement.invoice WHERE run_id = $1 GROUP BY 1
UNION ALL
SELECT run_id, 'statements', count(*), sum(closing_units)::bigint FROM settlement.statement WHERE run_id = $1 GROUP BY 1"""
_SHARES = """
SELECT organisation_id, id, opening_units, closing_units FROM settlement.statement WHERE run_id = $1
ORDER BY organisation_id LIMIT 1000"""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A settlement run; `parts` counts, by side, what is done and what there is."""

    id: UUID
    period_start: datetime
    period_end: datetime
    currency: str
    number: int
    state: str
    created_at: datetime
    closed_at: datetime | None
    region: str | None
    parts: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How many documents of one kind a run made, and what they sum to."""

    what: str
    count: int
    total: Money


@dataclass(frozen=True, slots=True)
class PayeeShare:
    """What a run left on a payee's account."""

    organisation_id: UUID
    statement_id: UUID
    opening: Money
    closing: Money


async def list_runs(tx: Tx, request: PageRequest) -> Page[RunRow]:
    """Settlement runs, newest first."""
    t = tables.run
    statement = select(t).order_by(t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    return page_of(await _runs(tx, rows), request, lambda one: (str(one.id),))


async def find_run(tx: Tx, run_id: UUID) -> tuple[RunRow, list[RunResult], list[PayeeShare]] | None:
    """One run with what came of it so far."""
    rows = (await tx.conn.execute(select(tables.run).where(tables.run.c.id == run_id))).mappings().all()
    if not rows:
        return None
    (found,) = await _runs(tx, rows)
    driver = await tx.driver()
    results = [RunResult(row[1], row[2], Money(row[3], found.currency)) for row in await driver.fetch(_RESULTS, run_id)]
    shares = [
        PayeeShare(row[0], row[1], Money(row[2], found.currency), Money(row[3], found.currency))
        for row in await driver.fetch(_SHARES, run_id)
    ]
    return found, results, shares


async def list_payouts(tx: Tx, request: PageRequest) -> Page[Payout]:
    """Everybody's payouts, newest first."""
    t = tables.payout
    statement = select(t).order_by(t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings()
    return page_of([payout_of(row) for row in rows], request, lambda one: (str(one.id),))


async def _runs(tx: Tx, rows: Sequence[Any]) -> list[RunRow]:
    parts: dict[UUID, dict[str, tuple[int, int]]] = {row["id"]: {} for row in rows}
    for run_id, side, done, total in await (await tx.driver()).fetch(_PARTS, list(parts)):
        parts[run_id][side] = (done, total)
    return [
        RunRow(
            row["id"],
            row["period_start"],
            row["period_end"],
            row["currency"],
            row["number"],
            row["state"],
            row["created_at"],
            row["closed_at"],
            row["region"],
            parts[row["id"]],
        )
        for row in rows
    ]

"""Reports of sellers in the database: what the statements of a stretch say, and the reports that were made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from settlement.seller_reports import ReportKind, Stretch

# Statements are in UTC months as a rule; the quarter is that in which a statement begins.
_SUMS = """
SELECT s.organisation_id, extract(quarter FROM s.period_start AT TIME ZONE 'UTC')::int AS quarter,
    sum(s.sales_units + s.shares_units)::bigint, -sum(s.refunds_units)::bigint, -sum(s.fees_units)::bigint,
    -sum(s.withheld_units)::bigint, sum(coalesce(n.released, 0))::bigint
FROM settlement.statement s LEFT JOIN LATERAL (
    SELECT count(*) AS released FROM settlement.statement_line l JOIN settlement.journal j ON j.id = l.journal_id
    WHERE l.statement_id = s.id AND j.kind = 'release') n ON true
WHERE s.currency = $1 AND s.period_start >= $2 AND s.period_end <= $3 GROUP BY 1, 2 ORDER BY 1, 2"""
# A statement that is not of one quarter alone can be in no report of quarters.
_EDGES = """
SELECT count(*) FROM settlement.statement
WHERE currency = $1 AND period_start < $3 AND period_end > $2 AND date_trunc('quarter', period_start AT TIME ZONE 'UTC')
    <> date_trunc('quarter', (period_end - interval '1 microsecond') AT TIME ZONE 'UTC')"""
_COLUMNS = "id, kind, period, currency, number, document, sha256, made_at"
_NEWEST = f"""
SELECT {_COLUMNS} FROM settlement.seller_report WHERE kind = $1 AND period = $2 AND currency = $3
ORDER BY number DESC LIMIT 1"""
_ONE = f"SELECT {_COLUMNS} FROM settlement.seller_report WHERE id = $1"
_INSERT = f"""
INSERT INTO settlement.seller_report ({_COLUMNS}, made_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report as it was made."""

    id: UUID
    kind: ReportKind
    period: str
    currency: str
    number: int
    document: bytes
    sha256: bytes
    made_at: datetime


async def statement_sums(
    tx: Tx, stretch: Stretch, currency: str
) -> Mapping[UUID, Mapping[int, tuple[int, int, int, int, int]]]:
    """What the statements of a stretch say by payee and quarter: gross, refunds, fees, withheld, releases."""
    rows = await (await tx.driver()).fetch(_SUMS, currency, stretch.start, stretch.end)
    found: dict[UUID, dict[int, tuple[int, int, int, int, int]]] = {}
    for who, quarter, *sums in rows:
        found.setdefault(who, {})[quarter] = (sums[0], sums[1], sums[2], sums[3], sums[4])
    return found


async def statements_across(tx: Tx, stretch: Stretch, currency: str) -> int:
    """How many statements reach over the end of a quarter."""
    found: int = await (await tx.driver()).fetchval(_EDGES, currency, stretch.start, stretch.end)
    return found


async def newest(tx: Tx, kind: ReportKind, period: str, currency: str) -> ReportRow | None:
    """The report that a new one would correct; nobody else makes one of the same stretch meanwhile."""
    driver = await tx.driver()
    key = f"settlement.seller_report:{kind.value}:{period}:{currency}"
    await driver.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
    row = await driver.fetchrow(_NEWEST, kind.value, period, currency)
    return None if row is None else _row(row)


async def get_report(tx: Tx, report_id: UUID) -> ReportRow | None:
    """One report."""
    row = await (await tx.driver()).fetchrow(_ONE, report_id)
    return None if row is None else _row(row)


async def insert_report(tx: Tx, one: ReportRow, actor: Actor) -> None:
    """Keep a report."""
    said = (one.id, one.kind.value, one.period, one.currency, one.number, one.document, one.sha256, one.made_at)
    await (await tx.driver()).execute(_INSERT, *said, actor.client_id)


def _row(row: Any) -> ReportRow:
    return ReportRow(row[0], ReportKind(row[1]), row[2], row[3], row[4], bytes(row[5]), bytes(row[6]), row[7])

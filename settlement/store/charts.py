"""The operator's charts of accounts in the database: each version stays as it was handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx

# Two hand one in at the same moment: one after the other.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('settlement.chart', 0))"
_PUT = """
INSERT INTO settlement.chart (version, document, sha256, made_by, created_at)
SELECT coalesce(max(version), 0) + 1, $1, $2, $3, $4 FROM settlement.chart RETURNING version"""
_NEWEST = """
SELECT version, document, sha256, made_by, created_at FROM settlement.chart ORDER BY version DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A chart as it was handed in."""

    version: int
    document: bytes
    sha256: bytes
    made_by: UUID
    created_at: datetime


async def put_chart(tx: Tx, document: bytes, sha256: bytes, organisation_id: UUID) -> ChartRow:
    """Keep a chart; the newest one again stays the version that it is."""
    driver = await tx.driver()
    await driver.execute(_LOCK)
    last = await newest_chart(tx)
    if last is not None and last.sha256 == sha256:
        return last
    version = await driver.fetchval(_PUT, document, sha256, organisation_id, tx.now)
    return ChartRow(version, document, sha256, organisation_id, tx.now)


async def newest_chart(tx: Tx) -> ChartRow | None:
    """The chart that counts now."""
    row = await (await tx.driver()).fetchrow(_NEWEST)
    return ChartRow(row[0], bytes(row[1]), bytes(row[2]), row[3], row[4]) if row is not None else None

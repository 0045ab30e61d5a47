"""Reports in the database: what was asked for, the operator's record of processing, and the log as reports read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update

from compliance.entries import CENTRE
from compliance.report_tables import processing_record as _record
from compliance.report_tables import report as _report
from compliance.reports.trades import Told
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.store import mine

# Entries stand nearly in the order of their times: nobody's transaction stays open for a day.
_SLACK = timedelta(days=1)
_RECORD_LOCK = 7_263_036
_AT = """
SELECT e.created_at FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index = $2"""
_SPINE = """
SELECT l.leaf_index, e.envelope FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3 AND e.action LIKE ANY ($4::text[])
  AND ($5::timestamptz IS NULL OR e.created_at >= $5) AND ($6::timestamptz IS NULL OR e.created_at < $6)
  AND (NOT $7 OR position('"outcome":"done"' IN convert_from(e.envelope, 'UTF8')) > 0)
ORDER BY l.leaf_index LIMIT $8"""
_COUNTS = """
SELECT e.action, convert_from(e.envelope, 'UTF8')::json ->> 'problem' AS problem, count(*)
FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3
  AND ($4::timestamptz IS NULL OR e.created_at >= $4) AND ($5::timestamptz IS NULL OR e.created_at < $5) GROUP BY 1, 2"""
_WAITS = """
SELECT count(*), count(*) FILTER (WHERE w.waited > $6::interval), coalesce(max(extract(epoch FROM w.waited) * 1000), 0)::bigint
FROM (SELECT c.created_at - e.created_at AS waited
      FROM compliance.audit_leaf l JOIN compliance.audit_entry e ON e.seq = l.entry_seq
      CROSS JOIN LATERAL (SELECT created_at FROM compliance.checkpoint c WHERE c.node_id = l.node_id AND c.size > l.leaf_index
                          ORDER BY c.size LIMIT 1) c
      WHERE l.node_id = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3
        AND ($4::timestamptz IS NULL OR e.created_at >= $4) AND ($5::timestamptz IS NULL OR e.created_at < $5)) w"""


class Span(NamedTuple):
    """A part of the log: leaves from `first` to before `end`, and of them those written in [since, until)."""

    first: int
    end: int
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was asked for, and how far it is."""

    id: UUID
    requested_by: UUID
    kind: str
    since: datetime | None
    until: datetime | None
    year: int | None
    size: int
    state: str = "requested"
    row_count: int | None = None
    finding_count: int | None = None
    sha256: bytes | None = None
    size_bytes: int | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProcessingRecord:
    """A version of the operator's record of processing."""

    number: int
    document: bytes
    sha256: bytes
    put_by: UUID
    created_at: datetime


_STATED = [_record.c[name] for name in ("number", "document", "sha256", "put_by", "created_at")]


async def put_report(tx: Tx, one: Report) -> None:
    """Write down that a report is wanted."""
    row = {name: getattr(one, name) for name in ("id", "requested_by", "kind", "since", "until", "year", "size")}
    await tx.conn.execute(insert(_report).values(**row, state="requested", created_at=tx.now))


async def find_report(tx: Tx, report_id: UUID) -> Report | None:
    """A report by id, whoever asked for it."""
    row = (await tx.conn.execute(select(_report).where(_report.c.id == report_id))).mappings().one_or_none()
    return None if row is None else Report(**row)


async def own_report(tx: Tx, actor: Actor, report_id: UUID) -> Report | None:
    """A report that the actor's organisation asked for."""
    query = select(_report).where(_report.c.id == report_id, mine(_report.c.requested_by, actor))
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else Report(**row)


async def own_reports(tx: Tx, actor: Actor, before: UUID | None, limit: int) -> list[Report]:
    """The reports of the actor's organisation, newest first."""
    query = select(_report).where(mine(_report.c.requested_by, actor)).order_by(_report.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_report.c.id < before)
    return [Report(**row) for row in (await tx.conn.execute(query)).mappings()]


async def end_report(tx: Tx, report_id: UUID, **ended: Any) -> bool:
    """Record the finished file; False when it was recorded before."""
    change = update(_report).where(_report.c.id == report_id, _report.c.state == "requested")
    return (await tx.conn.execute(change.values(ended_at=tx.now, **ended))).rowcount == 1


async def put_processing(tx: Tx, actor: Actor, document: bytes, sha256: bytes) -> int:
    """Keep the next version of the record of processing; its number. Whoever comes at the same time waits."""
    await (await tx.driver()).execute("SELECT pg_advisory_xact_lock($1)", _RECORD_LOCK)
    newest = await processing(tx)
    number = 1 if newest is None else newest.number + 1
    who = {"put_by": actor.organisation_id, "client_id": actor.client_id, "created_at": tx.now}
    await tx.conn.execute(insert(_record).values(number=number, document=document, sha256=sha256, **who))
    return number


async def processing(tx: Tx, by: datetime | None = None) -> ProcessingRecord | None:
    """The newest version of the record, or the newest put by a moment."""
    query = select(*_STATED).order_by(_record.c.number.desc()).limit(1)
    if by is not None:
        query = query.where(_record.c.created_at <= by)
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else ProcessingRecord(**row)


async def signed_at(tx: Tx, size: int, node_id: str = CENTRE) -> datetime | None:
    """When the checkpoint of a size was signed."""
    driver = await tx.driver()
    at: datetime | None = await driver.fetchval(
        "SELECT created_at FROM compliance.checkpoint WHERE node_id = $1 AND size = $2", node_id, size
    )
    return at


async def span_of(tx: Tx, size: int, since: datetime | None, until: datetime | None) -> Span:
    """Where in a log of `size` the entries of a period lie, with some room on both sides."""
    first = 0 if since is None else await _before(tx, size, since - _SLACK)
    end = size if until is None else await _before(tx, size, until + _SLACK)
    return Span(first, max(first, end), since, until)


async def _before(tx: Tx, size: int, at: datetime) -> int:
    """How many of the first leaves were written before a moment; a search by halves."""
    low, high, driver = 0, size, await tx.driver()
    while low < high:
        middle = (low + high) // 2
        written = await driver.fetchval(_AT, CENTRE, middle)
        if written is not None and written < at:
            low = middle + 1
        else:
            high = middle
    return low


async def spine(
    tx: Tx, span: Span, patterns: Sequence[str], limit: int, *, done_only: bool, node_id: str = CENTRE
) -> list[Told]:
    """The entries of a span whose action fits one of `patterns` (LIKE), in the order of the log."""
    driver = await tx.driver()
    rows = await driver.fetch(
        _SPINE, node_id, span.first, span.end, list(patterns), span.since, span.until, done_only, limit
    )
    return [Told(row[0], msgspec.json.decode(row[1])) for row in rows]


async def counts(tx: Tx, span: Span, node_id: str = CENTRE) -> list[tuple[str, str | None, int]]:
    """How many entries of a span there are of each action, done (None) or refused with a problem."""
    driver = await tx.driver()
    rows = await driver.fetch(_COUNTS, node_id, span.first, span.end, span.since, span.until)
    return [(row[0], row[1], row[2]) for row in rows]


async def waits(tx: Tx, span: Span, late_s: int, node_id: str = CENTRE) -> tuple[int, int, int]:
    """Of a span: how many entries are under a checkpoint, how many waited longer, and the longest wait in milliseconds."""
    driver = await tx.driver()
    late = timedelta(seconds=late_s)
    row = await driver.fetchrow(_WAITS, node_id, span.first, span.end, span.since, span.until, late)
    assert row is not None
    return row[0], row[1], row[2]

"""Previews of settlement runs in the database: working papers, which go after a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement import tables
from settlement.previews import LineKey, Part, Preview
from settlement.runs import Run

# Before anything is read, so that all of it is of one moment.
_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_COLUMNS = """id, period_start, period_end, currency, region, compare_with, state, seen_at, summary::text, made_by,
    created_at"""
_INSERT = """
INSERT INTO settlement.preview (id, period_start, period_end, currency, region, compare_with, state, made_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8)"""
_GET = f"SELECT {_COLUMNS} FROM settlement.preview WHERE id = $1"
_CLEAR = "DELETE FROM settlement.preview_line WHERE preview_id = $1"
_ADD = """
INSERT INTO settlement.preview_line (preview_id, part, position, document)
SELECT $1, $2, $3 + n, d FROM unnest($4::jsonb[]) WITH ORDINALITY AS t(d, n)"""
_MADE = """
UPDATE settlement.preview SET state = 'made', seen_at = $2, summary = $3::jsonb WHERE id = $1 AND state = 'waiting'"""
_FORGET = "DELETE FROM settlement.preview WHERE created_at < $1"
_OF_RUN = "SELECT grant_id, component, sum(amount_units)::bigint FROM settlement.charge WHERE run_id = $1 GROUP BY 1, 2"
_OF_PERIOD = """
SELECT c.grant_id, c.component, sum(c.amount_units)::bigint FROM settlement.charge c JOIN settlement.run r ON r.id = c.run_id
WHERE r.period_start = $1 AND r.period_end = $2 AND r.currency = $3 AND r.region IS NOT DISTINCT FROM $4
    AND r.state = 'closed' GROUP BY 1, 2"""


async def one_moment(tx: Tx) -> None:
    """Let this transaction see one moment only, and write nothing; to be called before it reads anything."""
    await (await tx.driver()).execute(_ONE_MOMENT)


async def put_preview(tx: Tx, preview: Preview) -> None:
    """Note that a preview is wanted."""
    p = preview
    values = p.id, p.period_start, p.period_end, p.currency, p.region, p.compare_with, p.made_by, p.created_at
    await (await tx.driver()).execute(_INSERT, *values)


async def find_preview(tx: Tx, preview_id: UUID) -> Preview | None:
    """A preview by id."""
    row = await (await tx.driver()).fetchrow(_GET, preview_id)
    return _preview(row) if row else None


async def clear_lines(tx: Tx, preview_id: UUID) -> None:
    """Drop what an earlier attempt left half-way."""
    await (await tx.driver()).execute(_CLEAR, preview_id)


async def add_lines(tx: Tx, preview_id: UUID, part: Part, after: int, lines: Sequence[Mapping[str, Any]]) -> None:
    """Add lines behind the first `after` of their part."""
    if lines:
        texts = [msgspec.json.encode(line).decode() for line in lines]
        await (await tx.driver()).execute(_ADD, preview_id, part.value, after, texts)


async def finish_preview(tx: Tx, preview_id: UUID, seen_at: datetime, summary: Mapping[str, Any]) -> None:
    """Note that a preview is made."""
    await (await tx.driver()).execute(_MADE, preview_id, seen_at, msgspec.json.encode(summary).decode())


async def forget_previews(tx: Tx, before: datetime) -> None:
    """Drop previews that were asked for before a moment, with their lines."""
    await (await tx.driver()).execute(_FORGET, before)


async def booked_by(tx: Tx, run: Run, *, all_of_period: bool) -> dict[LineKey, int]:
    """What a run booked by grant and component, or what all closed runs over its period did.

    units    millionths
    """
    driver = await tx.driver()
    if all_of_period:
        rows = await driver.fetch(_OF_PERIOD, run.period_start, run.period_end, run.currency, run.region)
    else:
        rows = await driver.fetch(_OF_RUN, run.id)
    return {(row[0], row[1]): row[2] for row in rows}


async def list_previews(tx: Tx, request: PageRequest) -> Page[Preview]:
    """Previews, newest first."""
    t = tables.preview
    statement = select(t).order_by(t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings().all()
    return page_of([_preview(row) for row in rows], request, lambda one: (str(one.id),))


async def list_lines(tx: Tx, preview_id: UUID, part: Part, request: PageRequest) -> Page[tuple[int, Mapping[str, Any]]]:
    """The lines of one part of a preview, in order, each with its position."""
    t = tables.preview_line
    statement = (
        select(t.c.position, t.c.document)
        .where(t.c.preview_id == preview_id, t.c.part == part.value)
        .order_by(t.c.position)
        .limit(request.limit + 1)
    )
    if request.after:
        statement = statement.where(t.c.position > int(request.after[0]))
    rows = [(row[0], row[1]) for row in await tx.conn.execute(statement)]
    return page_of(rows, request, lambda one: (str(one[0]),))


def _preview(row: Any) -> Preview:
    said = row["summary"]
    # The driver hands JSON out as text, SQLAlchemy as values.
    summary = msgspec.json.decode(said) if isinstance(said, str) else said
    return Preview(
        row["id"],
        row["period_start"],
        row["period_end"],
        row["currency"],
        row["region"],
        row["compare_with"],
        row["state"],
        row["seen_at"],
        summary,
        row["made_by"],
        row["created_at"],
    )

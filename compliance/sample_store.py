"""Samples in the database: what was drawn of which revision, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select, update

from compliance.report_tables import sample as _sample
from compliance.report_tables import sample_result as _result
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: asked for, drawn, and perhaps judged.

    shapes   seed_size: of the checkpoint that the seed was made of; None: whoever asked gave the seed
    """

    id: UUID
    revision_id: UUID
    supplier_id: UUID
    requested_by: UUID
    wanted: int
    seed: bytes
    seed_size: int | None
    state: str = "requested"
    frame_size: int | None = None
    frame_root: bytes | None = None
    drawn: int | None = None
    sha256: bytes | None = None
    size_bytes: int | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    judged_by: UUID | None = None
    passed: int | None = None
    judged_at: datetime | None = None


_ASKED = ("id", "revision_id", "supplier_id", "requested_by", "wanted", "seed", "seed_size")


async def put_sample(tx: Tx, one: Sample) -> None:
    """Write down that a sample is wanted."""
    row = {name: getattr(one, name) for name in _ASKED}
    await tx.conn.execute(insert(_sample).values(**row, state="requested", created_at=tx.now))


async def end_sample(tx: Tx, sample_id: UUID, **ended: Any) -> bool:
    """Record what was drawn; False when it was recorded before."""
    change = update(_sample).where(_sample.c.id == sample_id, _sample.c.state == "requested")
    return (await tx.conn.execute(change.values(ended_at=tx.now, **ended))).rowcount == 1


async def find_sample(tx: Tx, sample_id: UUID, *, lock: bool = False) -> Sample | None:
    """A sample by id; a portal finds those that its organisation has to do with, by row security."""
    if lock:
        await tx.conn.execute(select(_sample.c.id).where(_sample.c.id == sample_id).with_for_update())
    row = (await tx.conn.execute(_select().where(_sample.c.id == sample_id))).mappings().one_or_none()
    return None if row is None else Sample(**row)


async def visible_samples(tx: Tx, revision_id: UUID | None, page: PageRequest) -> Page[Sample]:
    """Samples that the asking organisation has to do with, of one revision if it is named, newest first."""
    query = _select()
    if revision_id is not None:
        query = query.where(_sample.c.revision_id == revision_id)
    if page.after is not None:
        query = query.where(_sample.c.id < UUID(page.after[0]))
    rows = (await tx.conn.execute(query.order_by(_sample.c.id.desc()).limit(page.limit + 1))).mappings()
    return page_of([Sample(**row) for row in rows], page, lambda one: (str(one.id),))


async def put_result(tx: Tx, actor: Actor, sample_id: UUID, passed: int, n: int) -> None:
    """Keep what came of a sample."""
    row = {"sample_id": sample_id, "judged_by": actor.organisation_id, "client_id": actor.client_id}
    await tx.conn.execute(insert(_result).values(**row, passed=passed, n=n, created_at=tx.now))


def _select() -> Select[Any]:
    judged = (_result.c.judged_by, _result.c.passed, _result.c.created_at.label("judged_at"))
    return select(_sample, *judged).outerjoin(_result, _result.c.sample_id == _sample.c.id)

"""All SQL of measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, select

from contracts import tables as t
from contracts.measurements import Agreed, Answer, Measurement, Said
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import mine

Side = Literal["buyer", "seller", "evaluator"]
_one, _answer, _agreed = t.measurement, t.measurement_answer, t.measurement_agreed
_AGREED = ("document", "sha256", "kid", "signature", "value", "created_at")
# Two answers at once, or two proposals: one waits for the other's commit, and its next statement sees it.
_LOCK = "SELECT pg_advisory_xact_lock(7271, hashtext($1::text || '/' || $2))"
_VALUES = """
SELECT grant_id, component, value FROM contracts.measurement_agreed
WHERE grant_id = ANY($1::uuid[]) AND ($2::timestamptz IS NULL OR created_at < $2)"""


async def lock(tx: Tx, grant_id: UUID, component: str) -> None:
    """Let nobody else propose or answer for this grant and component until the commit."""
    await (await tx.driver()).execute(_LOCK, str(grant_id), component)


async def insert(tx: Tx, one: Measurement) -> None:
    """Write a proposed measurement."""
    await tx.conn.execute(
        _one.insert().values(
            id=one.id,
            grant_id=one.grant_id,
            component=one.component,
            **_sides(one),
            document=one.document,
            sha256=one.sha256,
            created_at=one.created_at,
        )
    )


async def insert_answer(tx: Tx, one: Measurement, said: Said) -> None:
    """Write what an organisation said to a measurement."""
    await tx.conn.execute(
        _answer.insert().values(
            id=tx.new_id(),
            measurement_id=one.id,
            **_sides(one),
            organisation_id=said.organisation_id,
            client_id=said.client_id,
            answer=said.answer.value,
            sha256=said.sha256,
            reason=None if said.reason is None else dict(said.reason),
            created_at=said.at,
        )
    )


async def insert_agreed(tx: Tx, one: Measurement, agreed: Agreed) -> None:
    """Write what both sides agreed on; the database takes one per grant and component."""
    await tx.conn.execute(
        _agreed.insert().values(
            id=one.id,
            grant_id=one.grant_id,
            component=one.component,
            **_sides(one),
            **{name: getattr(agreed, name) for name in _AGREED},
        )
    )


async def find(tx: Tx, measurement_id: UUID) -> Measurement | None:
    """One measurement with its answers, for flows."""
    return next(iter(await _read(tx, select(_one).where(_one.c.id == measurement_id))), None)


async def of_component(tx: Tx, grant_id: UUID, component: str) -> list[Measurement]:
    """Every measurement of one component of a grant, oldest first, for flows."""
    condition = (_one.c.grant_id == grant_id) & (_one.c.component == component)
    return await _read(tx, select(_one).where(condition).order_by(_one.c.id))


async def agreed(tx: Tx, grant_ids: Sequence[UUID], before: datetime | None = None) -> dict[UUID, dict[str, Decimal]]:
    """What both sides agreed was measured, by grant and component; grants without such a measurement are absent.

    shapes   before: only what was agreed earlier, so that a settled period comes out the same whenever it is rated
    """
    found: dict[UUID, dict[str, Decimal]] = {}
    for grant_id, component, value in await (await tx.driver()).fetch(_VALUES, list(grant_ids), before):
        found.setdefault(grant_id, {})[component] = value
    return found


async def visible(tx: Tx, actor: Actor, side: Side, page: PageRequest) -> Page[Measurement]:
    """The measurements of deals in which the actor's organisation stands on `side`, newest first.

    errors   BadCursor
    """
    query = select(_one).where(mine(_one.c[f"{side}_id"], actor)).order_by(_one.c.id.desc()).limit(page.limit + 1)
    if page.after is not None:
        query = query.where(_one.c.id < _key(page.after))
    return page_of(await _read(tx, query), page, lambda one: (one.id.hex,))


async def visible_one(tx: Tx, actor: Actor, side: Side, measurement_id: UUID) -> Measurement | None:
    """One measurement of such a deal; None for a foreign one, as for one that does not exist."""
    condition = mine(_one.c[f"{side}_id"], actor)
    return next(iter(await _read(tx, select(_one).where(_one.c.id == measurement_id, condition))), None)


async def _read(tx: Tx, query: Select[Any]) -> list[Measurement]:
    rows = (await tx.conn.execute(query)).mappings().all()
    if not rows:
        return []
    wanted = [row["id"] for row in rows]
    answers = select(_answer).where(_answer.c.measurement_id.in_(wanted)).order_by(_answer.c.created_at, _answer.c.id)
    said: dict[UUID, list[Said]] = {}
    for row in (await tx.conn.execute(answers)).mappings():
        said.setdefault(row["measurement_id"], []).append(_said(row))
    signed = {
        row["id"]: row for row in (await tx.conn.execute(select(_agreed).where(_agreed.c.id.in_(wanted)))).mappings()
    }
    return [_measurement(row, tuple(said.get(row["id"], ())), signed.get(row["id"])) for row in rows]


def _measurement(row: Any, said: tuple[Said, ...], signed: Any) -> Measurement:
    names = ("id", "grant_id", "component", "buyer_id", "seller_id", "evaluator_id", "document", "sha256", "created_at")
    return Measurement(
        **{name: row[name] for name in names},
        said=said,
        agreed=None if signed is None else Agreed(**{name: signed[name] for name in _AGREED}),
    )


def _said(row: Any) -> Said:
    reason: Mapping[str, str] | None = row["reason"]
    return Said(
        row["organisation_id"], row["client_id"], Answer(row["answer"]), row["sha256"], row["created_at"], reason
    )


def _sides(one: Measurement) -> dict[str, UUID]:
    return {"buyer_id": one.buyer_id, "seller_id": one.seller_id, "evaluator_id": one.evaluator_id}


def _key(after: tuple[str, ...]) -> UUID:
    try:
        (text,) = after
        return UUID(hex=text)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error

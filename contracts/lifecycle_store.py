"""All SQL of the events of agreements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select

from contracts import tables as t
from contracts.life_events import End, Event, EventState, Force, Kind, Party
from contracts.signatures import Role
from contracts.signatures_store import seen_by, signatures_of_many
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import mine

_event, _force, _end = t.agreement_event, t.event_force, t.event_end
# Two events at once: one waits for the other's commit, and finds that the other has taken its place.
_LOCK = "SELECT pg_advisory_xact_lock(7283, hashtext($1::text))"


# What suspended an agreement last, or lifted that.
_SUSPENDED = """
SELECT DISTINCT ON (e.agreement_id) e.agreement_id, e.kind FROM contracts.event_force f
JOIN contracts.agreement_event e ON e.id = f.id
WHERE e.agreement_id = ANY ($1::uuid[]) AND e.kind IN ('suspension', 'lifting') AND f.effective_at <= $2
ORDER BY e.agreement_id, f.number DESC"""


async def suspended_among(tx: Tx, agreement_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these agreements are suspended by an event of their own."""
    if not agreement_ids:
        return set()
    rows = await (await tx.driver()).fetch(_SUSPENDED, list(agreement_ids), tx.now)
    return {row[0] for row in rows if row[1] == Kind.SUSPENSION.value}


async def lock(tx: Tx, agreement_id: UUID) -> None:
    """Let nobody else change this agreement's life until the commit."""
    await (await tx.driver()).execute(_LOCK, agreement_id.hex)


async def insert(tx: Tx, event: Event) -> None:
    """Write a proposed event."""
    await tx.conn.execute(
        _event.insert().values(
            id=event.id,
            agreement_id=event.agreement_id,
            kind=event.kind.value,
            document=event.document,
            sha256=event.sha256,
            previous=event.previous,
            buyer_id=event.buyer_id,
            seller_id=event.seller_id,
            successor_id=event.successor_id,
            proposed_by=event.proposed_by.value,
            needs=[role.value for role in event.needs],
            expires_at=event.expires_at,
            created_at=event.created_at,
        )
    )


async def insert_force(tx: Tx, event: Event, force: Force) -> None:
    """Write that an event is in force; the database takes one for each place in the agreement's life."""
    await tx.conn.execute(
        _force.insert().values(
            id=event.id,
            agreement_id=event.agreement_id,
            number=force.number,
            effective_at=force.effective_at,
            created_at=force.at,
            **_sides(event),
        )
    )


async def insert_end(tx: Tx, event: Event, end: End) -> None:
    """Write that a proposal was withdrawn or refused."""
    await tx.conn.execute(
        _end.insert().values(
            id=event.id,
            agreement_id=event.agreement_id,
            outcome=end.outcome.value,
            organisation_id=end.organisation_id,
            reason=None if end.reason is None else dict(end.reason),
            created_at=end.at,
            **_sides(event),
        )
    )


async def find(tx: Tx, event_id: UUID) -> Event | None:
    """One event, for flows."""
    return next(iter(await _read(tx, select(_event).where(_event.c.id == event_id))), None)


async def events_of(tx: Tx, actor: Actor | None, agreement_id: UUID) -> list[Event]:
    """The events of an agreement with their signatures, oldest first, whatever became of them.

    shapes   actor None: for flows, whoever asks; otherwise what its organisation may see
    """
    query = select(_event).where(_event.c.agreement_id == agreement_id)
    if actor is not None:
        query = query.where(_seen(actor))
    return await _read(tx, query.order_by(_event.c.id))


async def visible(tx: Tx, actor: Actor, page: PageRequest) -> Page[Event]:
    """The events that concern the actor's organisation, newest first.

    errors   BadCursor
    """
    query = select(_event).where(_seen(actor)).order_by(_event.c.id.desc()).limit(page.limit + 1)
    if page.after is not None:
        query = query.where(_event.c.id < _cursor(page.after))
    return page_of(await _read(tx, query), page, lambda one: (one.id.hex,))


async def visible_one(tx: Tx, actor: Actor, event_id: UUID) -> Event | None:
    """One event that concerns the actor's organisation; None for a foreign one, as for one that does not exist."""
    query = select(_event).where(_event.c.id == event_id, _seen(actor))
    return next(iter(await _read(tx, query)), None)


def _seen(actor: Actor) -> ColumnElement[bool]:
    return or_(seen_by(_event, actor, _event.c.agreement_id), mine(_event.c.successor_id, actor))


async def _read(tx: Tx, query: Select[Any]) -> list[Event]:
    rows = (await tx.conn.execute(query)).mappings().all()
    if not rows:
        return []
    wanted: Sequence[UUID] = [row["id"] for row in rows]
    signatures = await signatures_of_many(tx, wanted)
    forces = {row["id"]: row for row in (await tx.conn.execute(_of(_force, wanted))).mappings()}
    ends = {row["id"]: row for row in (await tx.conn.execute(_of(_end, wanted))).mappings()}
    return [
        Event(
            id=row["id"],
            agreement_id=row["agreement_id"],
            kind=Kind(row["kind"]),
            document=row["document"],
            sha256=row["sha256"],
            previous=row["previous"],
            buyer_id=row["buyer_id"],
            seller_id=row["seller_id"],
            successor_id=row["successor_id"],
            proposed_by=Party(row["proposed_by"]),
            needs=tuple(Role(role) for role in row["needs"]),
            expires_at=row["expires_at"],
            created_at=row["created_at"],
            signatures=tuple(signatures.get(row["id"], ())),
            force=_in_force(forces.get(row["id"])),
            end=_ended(ends.get(row["id"])),
        )
        for row in rows
    ]


def _of(table: Any, event_ids: Sequence[UUID]) -> Select[Any]:
    return select(table).where(table.c.id.in_(event_ids))


def _in_force(row: Mapping[str, Any] | None) -> Force | None:
    return None if row is None else Force(row["number"], row["effective_at"], row["created_at"])


def _ended(row: Mapping[str, Any] | None) -> End | None:
    if row is None:
        return None
    return End(EventState(row["outcome"]), row["organisation_id"], row["reason"], row["created_at"])


def _sides(event: Event) -> dict[str, UUID]:
    return {"buyer_id": event.buyer_id, "seller_id": event.seller_id}


def _cursor(after: tuple[str, ...]) -> UUID:
    try:
        (text,) = after
        return UUID(hex=text)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error

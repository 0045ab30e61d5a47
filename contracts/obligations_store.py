"""All SQL of obligations and questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts import obligations as rules
from contracts import obligations_tables as t
from contracts.obligations import LIVE, Obligation, State
from contracts.signatures_store import first_id
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import mine, ours

_one, _evidence, _step, _notice, _question = (
    t.obligation,
    t.obligation_evidence,
    t.obligation_step,
    t.obligation_notice,
    t.question,
)
BATCH_MAX = 500
# Ids say when they were made, not when they were committed: what is younger than this is looked at again.
_LAG = timedelta(seconds=30)
# One worker at a time works out obligations; it never waits for long.
_LOCK = "SELECT pg_advisory_xact_lock(7284, 0)"
_LAST = "SELECT agreement_id FROM contracts.obligation_plan ORDER BY agreement_id DESC LIMIT 1"
_NEW = """
SELECT a.id, a.order_id, a.offer_id, a.document, a.sha256,
    EXISTS (SELECT FROM contracts.event_force f WHERE f.agreement_id = a.id) AS moved
FROM contracts.agreement a WHERE a.id > $1
    AND NOT EXISTS (SELECT FROM contracts.obligation_plan p WHERE p.agreement_id = a.id) ORDER BY a.id LIMIT $2"""
_STALE = """
SELECT a.id, a.order_id, a.offer_id, a.document, a.sha256,
    EXISTS (SELECT FROM contracts.event_force f WHERE f.agreement_id = a.id) AS moved
FROM contracts.agreement a JOIN (
    SELECT agreement_id FROM contracts.obligation_plan WHERE next_at <= $1
    UNION SELECT f.agreement_id FROM contracts.event_force f
        JOIN contracts.obligation_plan p ON p.agreement_id = f.agreement_id WHERE f.number > p.events) s
    ON s.agreement_id = a.id ORDER BY a.id LIMIT $2"""
_PLAN = """
INSERT INTO contracts.obligation_plan (agreement_id, events, waiting, next_at, changed_at)
SELECT a, e, w, n, $5 FROM unnest($1::uuid[], $2::integer[], $3::boolean[], $4::timestamptz[]) AS u(a, e, w, n)
ON CONFLICT (agreement_id) DO UPDATE
SET events = EXCLUDED.events, waiting = EXCLUDED.waiting, next_at = EXCLUDED.next_at, changed_at = EXCLUDED.changed_at"""


@dataclass(frozen=True, slots=True)
class Unplanned:
    """An agreement whose obligations are to be worked out, anew or for the first time."""

    id: UUID
    order_id: UUID
    offer_id: UUID
    document: bytes
    sha256: bytes
    moved: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How far an agreement's obligations are worked out; waiting: nothing is owed before there is a grant."""

    agreement_id: UUID
    events: int
    waiting: bool
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an organisation showed for an obligation: the digest of a file that stays with it, and a note."""

    id: UUID
    organisation_id: UUID
    client_id: UUID
    sha256: bytes
    note: Mapping[str, str] | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A move of an obligation; organisation_id None: the clock made it."""

    id: UUID
    state: State
    organisation_id: UUID | None
    reason: Mapping[str, str] | None
    due_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A reminder to one organisation."""

    id: UUID
    obligation_id: UUID
    agreement_id: UUID
    organisation_id: UUID
    kind: str
    duty: Mapping[str, Any]
    due_at: datetime
    created_at: datetime


class AskedRow(msgspec.Struct, frozen=True):
    """A question with its answer as it is kept: the document says both."""

    id: UUID
    organisation_id: UUID
    client_id: UUID
    subject: str
    verdict: str
    document: bytes
    sha256: bytes
    created_at: datetime


async def lock(tx: Tx) -> None:
    """Let nobody else work out obligations until the commit."""
    await (await tx.driver()).execute(_LOCK)


async def unplanned(tx: Tx, limit: int = BATCH_MAX) -> list[Unplanned]:
    """New agreements, oldest first."""
    driver = await tx.driver()
    last: UUID | None = await driver.fetchval(_LAST)
    after = UUID(int=0)
    if last is not None:
        after = min(last, first_id(tx.now - _LAG), first_id(_moment(last) - _LAG))
    return [Unplanned(**row) for row in await driver.fetch(_NEW, after, limit)]


async def stale(tx: Tx, limit: int = BATCH_MAX) -> list[Unplanned]:
    """Agreements in which a period begins, or whose life has moved on."""
    return [Unplanned(**row) for row in await (await tx.driver()).fetch(_STALE, tx.now, limit)]


async def put_plans(tx: Tx, plans: Sequence[Plan]) -> None:
    """Note how far obligations are worked out."""
    columns = [[getattr(one, name) for one in plans] for name in ("agreement_id", "events", "waiting", "next_at")]
    await (await tx.driver()).execute(_PLAN, *columns, tx.now)


async def add(tx: Tx, rows: Sequence[Obligation]) -> set[UUID]:
    """Write obligations that are not there yet; answers the ids of those that are new."""
    if not rows:
        return set()
    names = ("id", "agreement_id", "buyer_id", "seller_id", "parent_id", "path", "number", "due_at", "created_at")
    values = [
        {name: getattr(one, name) for name in (*names, "changed_at")}
        | {"duty": rules.document(one.duty), "state": one.state.value}
        for one in rows
    ]
    statement = insert(_one).values(values).on_conflict_do_nothing(index_elements=["agreement_id", "path", "number"])
    return set((await tx.conn.execute(statement.returning(_one.c.id))).scalars())


async def of_agreement(tx: Tx, agreement_id: UUID, *, for_change: bool = False) -> list[Obligation]:
    """Every obligation of an agreement, for flows."""
    statement = select(_one).where(_one.c.agreement_id == agreement_id).order_by(_one.c.id)
    return await _read(tx, statement.with_for_update() if for_change else statement)


async def lock_one(tx: Tx, obligation_id: UUID) -> Obligation | None:
    """One obligation that nobody else changes before the commit."""
    return next(iter(await _read(tx, select(_one).where(_one.c.id == obligation_id).with_for_update())), None)


async def ripe(tx: Tx, limit: int = BATCH_MAX) -> list[Obligation]:
    """Obligations that the clock moves now, the most urgent first."""
    soon = _one.c.due_at <= tx.now + rules.NOTICE
    moves = (_one.c.state == State.OPEN.value) & soon | (_one.c.state == State.DUE.value) & (_one.c.due_at <= tx.now)
    statement = select(_one).where(moves).order_by(_one.c.due_at, _one.c.id).limit(limit)
    return await _read(tx, statement.with_for_update(skip_locked=True))


async def put(tx: Tx, one: Obligation) -> None:
    """Write an obligation as it stands now."""
    values = {
        "buyer_id": one.buyer_id,
        "duty": rules.document(one.duty),
        "state": one.state.value,
        "due_at": one.due_at,
        "changed_at": tx.now,
    }
    await tx.conn.execute(update(_one).where(_one.c.id == one.id).values(**values))


async def add_evidence(tx: Tx, one: Obligation, shown: Evidence) -> None:
    """Keep what was shown."""
    fields = {name: getattr(shown, name) for name in ("id", "organisation_id", "client_id", "sha256", "created_at")}
    note = None if shown.note is None else dict(shown.note)
    await tx.conn.execute(_evidence.insert().values(**fields, note=note, **_sides(one)))


async def add_step(
    tx: Tx, one: Obligation, organisation_id: UUID | None = None, reason: Mapping[str, str] | None = None
) -> None:
    """Keep that an obligation came to its state, through whom and why."""
    await tx.conn.execute(
        _step.insert().values(
            id=tx.new_id(),
            state=one.state.value,
            organisation_id=organisation_id,
            reason=None if reason is None else dict(reason),
            due_at=one.due_at,
            created_at=tx.now,
            **_sides(one),
        )
    )


async def notify(tx: Tx, one: Obligation, kind: str, *organisations: UUID) -> None:
    """Remind organisations of an obligation, each once for one date."""
    values = [
        {
            "id": tx.new_id(),
            "obligation_id": one.id,
            "agreement_id": one.agreement_id,
            "organisation_id": organisation,
            "kind": kind,
            "duty": rules.document(one.duty),
            "due_at": one.due_at,
            "created_at": tx.now,
        }
        for organisation in organisations
    ]
    await tx.conn.execute(insert(_notice).values(values).on_conflict_do_nothing())


async def visible(
    tx: Tx,
    actor: Actor,
    side: str,
    page: PageRequest,
    *,
    state: State | None = None,
    agreement_id: UUID | None = None,
    due_before: datetime | None = None,
) -> Page[Obligation]:
    """The obligations that the actor's organisation owes (side buyer) or is owed (side seller), newest first.

    errors   BadCursor
    """
    query = select(_one).where(mine(_one.c[f"{side}_id"], actor)).order_by(_one.c.id.desc()).limit(page.limit + 1)
    if state is not None:
        query = query.where(_one.c.state == state.value)
    if agreement_id is not None:
        query = query.where(_one.c.agreement_id == agreement_id)
    if due_before is not None:
        query = query.where(_one.c.due_at < due_before, _one.c.state.in_([one.value for one in LIVE]))
    if page.after is not None:
        query = query.where(_one.c.id < _cursor(page.after))
    return page_of(await _read(tx, query), page, lambda one: (one.id.hex,))


async def visible_one(
    tx: Tx, actor: Actor, side: str, obligation_id: UUID
) -> tuple[Obligation, list[Evidence], list[Step]] | None:
    """One such obligation, what was shown for it, and how it moved; None for a foreign one."""
    query = select(_one).where(_one.c.id == obligation_id, mine(_one.c[f"{side}_id"], actor))
    found = await _read(tx, query)
    if not found:
        return None
    shown = [
        Evidence(row.id, row.organisation_id, row.client_id, row.sha256, row.note, row.created_at)
        for row in await tx.conn.execute(_of(_evidence, actor, obligation_id))
    ]
    steps = [
        Step(row.id, State(row.state), row.organisation_id, row.reason, row.due_at, row.created_at)
        for row in await tx.conn.execute(_of(_step, actor, obligation_id))
    ]
    return found[0], shown, steps


async def notices(tx: Tx, actor: Actor, page: PageRequest) -> Page[Notice]:
    """The reminders to the actor's organisation, newest first.

    errors   BadCursor
    """
    query = select(_notice).where(mine(_notice.c.organisation_id, actor)).order_by(_notice.c.id.desc())
    if page.after is not None:
        query = query.where(_notice.c.id < _cursor(page.after))
    rows = (await tx.conn.execute(query.limit(page.limit + 1))).mappings()
    return page_of([Notice(**row) for row in rows], page, lambda one: (one.id.hex,))


async def insert_question(tx: Tx, row: AskedRow) -> None:
    """Keep a question with its answer."""
    await tx.conn.execute(_question.insert().values(msgspec.structs.asdict(row)))


async def questions(tx: Tx, actor: Actor, page: PageRequest) -> Page[AskedRow]:
    """What the actor's organisation asked, newest first.

    errors   BadCursor
    """
    query = select(_question).where(mine(_question.c.organisation_id, actor)).order_by(_question.c.id.desc())
    if page.after is not None:
        query = query.where(_question.c.id < _cursor(page.after))
    rows = (await tx.conn.execute(query.limit(page.limit + 1))).mappings()
    return page_of([AskedRow(**row) for row in rows], page, lambda one: (one.id.hex,))


async def question(tx: Tx, actor: Actor, question_id: UUID) -> AskedRow | None:
    """One question of the actor's organisation; None for a foreign one."""
    query = select(_question).where(_question.c.id == question_id, mine(_question.c.organisation_id, actor))
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else AskedRow(**row)


def _of(table: Any, actor: Actor, obligation_id: UUID) -> Select[Any]:
    seen = ours((table.c.buyer_id, table.c.seller_id), actor)
    return select(table).where(table.c.obligation_id == obligation_id, seen).order_by(table.c.id)


async def _read(tx: Tx, query: Select[Any]) -> list[Obligation]:
    rows = (await tx.conn.execute(query)).mappings()
    return [Obligation(**{**row, "duty": rules.duty_of(row["duty"]), "state": State(row["state"])}) for row in rows]


def _sides(one: Obligation) -> dict[str, UUID]:
    return {"obligation_id": one.id, "buyer_id": one.buyer_id, "seller_id": one.seller_id}


def _moment(of: UUID) -> datetime:
    return datetime.fromtimestamp((of.int >> 80) / 1000, tz=UTC)


def _cursor(after: tuple[str, ...]) -> UUID:
    try:
        (text,) = after
        return UUID(hex=text)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error

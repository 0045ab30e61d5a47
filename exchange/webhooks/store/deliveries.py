"""Messages, deliveries and attempts in the database, and how far the log was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from exchange.webhooks.deliveries import Attempt, Delivery, DeliveryState, Heard, Message
from exchange.webhooks.tables import attempt as _a
from exchange.webhooks.tables import delivery as _d
from exchange.webhooks.tables import message as _m

_MESSAGE = (
    _m.c.id, _m.c.organisation_id, _m.c.portal, _m.c.kind, _m.c.node_id, _m.c.leaf_index, _m.c.body, _m.c.created_at,
)  # fmt: skip
_DELIVERY = (
    _d.c.id, _d.c.message_id, _d.c.endpoint_id, _d.c.organisation_id, _d.c.kind, _d.c.state, _d.c.step, _d.c.attempts,
    _d.c.next_at, _d.c.created_at, _d.c.ended_at, _d.c.last_at, _d.c.last_status, _d.c.last_ms, _d.c.last_error,
)  # fmt: skip
_DELIVERY_NAMES = tuple(column.name for column in _DELIVERY)
_OPEN_CURSOR = "INSERT INTO webhooks.cursor (node_id, next_index) VALUES ($1, $2) ON CONFLICT DO NOTHING"
# Another worker that reads the log is left alone.
_CURSOR = "SELECT next_index FROM webhooks.cursor WHERE node_id = $1 FOR UPDATE SKIP LOCKED"
_MOVE = "UPDATE webhooks.cursor SET next_index = $2 WHERE node_id = $1"
_MESSAGES = """
INSERT INTO webhooks.message (id, organisation_id, portal, kind, node_id, leaf_index, body, created_at)
SELECT * FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bytea[],
    $8::timestamptz[])"""
_DELIVERIES = """
INSERT INTO webhooks.delivery (id, message_id, endpoint_id, organisation_id, kind, state, step, attempts, next_at, created_at)
SELECT id, message, endpoint, organisation, kind, 'waiting', 0, 0, $6, $6
FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text::uuid[], $5::text[])
    AS d(id, message, endpoint, organisation, kind)"""
# Fair: of each endpoint only as many as it has room for, and one at a time of one that fails. The attempt is counted before
# it is made; one whose worker died is due again when its time is over.
_TAKE = """
WITH due AS (
    SELECT e.id, greatest(0, CASE WHEN e.failing_since IS NULL THEN $3::int ELSE 1 END - coalesce(b.n, 0)) AS room
    FROM webhooks.endpoint e LEFT JOIN unnest($4::text::uuid[], $5::int[]) AS b(id, n) ON b.id = e.id
    WHERE e.state = 'active' AND EXISTS (
        SELECT FROM webhooks.delivery d WHERE d.endpoint_id = e.id AND d.state IN ('waiting', 'sending') AND d.next_at <= $1)),
picked AS (
    SELECT p.id FROM due CROSS JOIN LATERAL (
        SELECT d.id, d.next_at FROM webhooks.delivery d
        WHERE d.endpoint_id = due.id AND d.state IN ('waiting', 'sending') AND d.next_at <= $1
        ORDER BY d.next_at, d.id LIMIT due.room FOR UPDATE SKIP LOCKED) AS p
    ORDER BY p.next_at, p.id LIMIT $6)
UPDATE webhooks.delivery d SET state = 'sending', step = d.step + 1, attempts = d.attempts + 1, next_at = $2
FROM picked, webhooks.endpoint e, webhooks.message m
WHERE d.id = picked.id AND e.id = d.endpoint_id AND m.id = d.message_id
RETURNING d.id, d.message_id, d.endpoint_id, d.organisation_id, d.step, d.attempts, e.url, m.body"""
_RECORD = """
UPDATE webhooks.delivery SET state = $3, next_at = $4, ended_at = CASE WHEN $4::timestamptz IS NULL THEN $5::timestamptz END,
    last_at = $5, last_status = $6, last_ms = $7, last_error = $8
WHERE id = $1 AND state = 'sending' AND attempts = $2"""
_ATTEMPT = """
INSERT INTO webhooks.attempt (delivery_id, number, organisation_id, at, status, ms, error)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_DROP_WAITING = """
UPDATE webhooks.delivery SET state = 'failed', next_at = NULL, ended_at = $2, last_error = $3
WHERE endpoint_id = $1 AND state = 'waiting'"""
_WANTED = """
SELECT m.id, m.kind, m.created_at FROM webhooks.message m
WHERE m.organisation_id = $1 AND m.portal = $2 AND ($3::uuid IS NULL OR m.id = $3)
    AND ($4::timestamptz IS NULL OR m.created_at >= $4) AND ($5::timestamptz IS NULL OR m.created_at < $5)
    AND ($6::text[] IS NULL OR m.kind = ANY ($6))
ORDER BY m.id LIMIT $7"""
# What is under way stays as it is; all else begins its schedule anew.
_AGAIN = """
INSERT INTO webhooks.delivery AS d
    (id, message_id, endpoint_id, organisation_id, kind, state, step, attempts, next_at, created_at)
SELECT w.id, w.message, $4, $5, w.kind, 'waiting', 0, 0, $6, $6
FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text[]) AS w(id, message, kind)
ON CONFLICT (endpoint_id, message_id) DO UPDATE SET state = 'waiting', step = 0, next_at = $6, ended_at = NULL
WHERE d.state <> 'sending'"""
_OLD = "SELECT id FROM webhooks.message WHERE created_at < $1 ORDER BY created_at LIMIT $2"
_FORGET = (
    "DELETE FROM webhooks.attempt a USING webhooks.delivery d WHERE d.id = a.delivery_id AND d.message_id = ANY ($1::text::uuid[])",
    "DELETE FROM webhooks.delivery WHERE message_id = ANY ($1::text::uuid[])",
    "DELETE FROM webhooks.message WHERE id = ANY ($1::text::uuid[])",
)
_LATE = "SELECT count(*) FROM webhooks.delivery WHERE state IN ('waiting', 'sending') AND next_at <= $1"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One attempt that is to be made now."""

    delivery_id: UUID
    message_id: UUID
    endpoint_id: UUID
    organisation_id: UUID
    step: int
    attempt: int
    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message that is to go to an endpoint."""

    id: UUID
    message: Message
    endpoint_id: UUID


async def lock_cursor(tx: Tx, node_id: str, size: int) -> int | None:
    """Up to where the log was read, held until the transaction ends; None while another worker reads it.

    Where nothing was read yet it begins at `size`: what was before is told to nobody.
    """
    driver = await tx.driver()
    await driver.execute(_OPEN_CURSOR, node_id, size)
    return await driver.fetchval(_CURSOR, node_id)  # type: ignore[no-any-return]


async def move_cursor(tx: Tx, node_id: str, next_index: int) -> None:
    """The log was read up to there."""
    await (await tx.driver()).execute(_MOVE, node_id, next_index)


async def insert_messages(tx: Tx, messages: Sequence[Message], deliveries: Sequence[NewDelivery]) -> None:
    """Write messages and their deliveries; two statements for any number."""
    driver = await tx.driver()
    if messages:
        await driver.execute(
            _MESSAGES,
            array([one.id for one in messages]),
            array([one.organisation_id for one in messages]),
            [one.portal for one in messages],
            [one.kind for one in messages],
            [one.node_id for one in messages],
            [one.leaf_index for one in messages],
            [one.body for one in messages],
            [one.created_at for one in messages],
        )
    if deliveries:
        await driver.execute(
            _DELIVERIES,
            array([one.id for one in deliveries]),
            array([one.message.id for one in deliveries]),
            array([one.endpoint_id for one in deliveries]),
            array([one.message.organisation_id for one in deliveries]),
            [one.message.kind for one in deliveries],
            tx.now,
        )


async def take_due(tx: Tx, until: datetime, room: int, busy: Mapping[UUID, int], limit: int) -> list[Parcel]:
    """The attempts to be made now, counted as made; `busy` says how many each endpoint has under way here."""
    found = await (await tx.driver()).fetch(_TAKE, tx.now, until, room, array(list(busy)), list(busy.values()), limit)
    return [Parcel(*row) for row in found]


async def record(tx: Tx, one: Parcel, heard: Heard, again: datetime | None) -> bool:
    """Write what came of an attempt; False where the delivery is no longer this attempt's."""
    state = DeliveryState.DELIVERED if heard.ok else DeliveryState.WAITING if again else DeliveryState.FAILED
    driver = await tx.driver()
    said = heard.status, heard.ms, heard.error
    done = await driver.execute(_RECORD, one.delivery_id, one.attempt, state.value, again, tx.now, *said)
    if done != "UPDATE 1":
        return False
    await driver.execute(_ATTEMPT, one.delivery_id, one.attempt, one.organisation_id, tx.now, *said)
    return True


async def drop_waiting(tx: Tx, endpoint_id: UUID, error: str) -> None:
    """End what waits for an endpoint."""
    await (await tx.driver()).execute(_DROP_WAITING, endpoint_id, tx.now, error)


@dataclass(frozen=True, slots=True)
class Again:
    """Which messages are to be sent once more; `kinds` None is all."""

    organisation_id: UUID
    portal: str
    message_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: Sequence[str] | None = None


async def send_again(tx: Tx, endpoint_id: UUID, wanted: Again, limit: int) -> tuple[int, datetime | None]:
    """Put messages on their way to an endpoint once more, the oldest first and at most `limit`: how many, and the last's time."""
    w, driver = wanted, await tx.driver()
    kinds = None if w.kinds is None else list(w.kinds)
    found = await driver.fetch(_WANTED, w.organisation_id, w.portal, w.message_id, w.since, w.until, kinds, limit)
    made, old = array([tx.new_id() for _ in found]), array([row[0] for row in found])
    await driver.execute(_AGAIN, made, old, [row[1] for row in found], endpoint_id, w.organisation_id, tx.now)
    return len(found), found[-1][2] if found else None


async def forget_old(tx: Tx, before: datetime, limit: int = 1000) -> int:
    """Drop messages of before then with their deliveries; how many."""
    driver = await tx.driver()
    old = array([row[0] for row in await driver.fetch(_OLD, before, limit)])
    done = ""
    for statement in _FORGET:
        done = await driver.execute(statement, old)
    return int(done.rpartition(" ")[2])


async def late(tx: Tx) -> int:
    """How many attempts are due now."""
    return int(await (await tx.driver()).fetchval(_LATE, tx.now))


async def my_messages(
    tx: Tx, actor: Actor, portal: str, request: PageRequest, kind: str | None = None
) -> Page[Message]:
    """The actor's messages in a portal, newest first."""
    condition = mine(_m.c.organisation_id, actor) & (_m.c.portal == portal)
    if kind is not None:
        condition &= _m.c.kind == kind
    if request.after:
        condition &= _m.c.id < UUID(request.after[0])
    query = select(*_MESSAGE).where(condition).order_by(_m.c.id.desc()).limit(request.limit + 1)
    rows = [Message(*row) for row in await tx.conn.execute(query)]
    return page_of(rows, request, lambda one: (str(one.id),))


async def my_message(tx: Tx, actor: Actor, portal: str, message_id: UUID) -> Message | None:
    """One of the actor's messages in a portal."""
    condition = mine(_m.c.organisation_id, actor) & (_m.c.portal == portal) & (_m.c.id == message_id)
    row = (await tx.conn.execute(select(*_MESSAGE).where(condition))).one_or_none()
    return None if row is None else Message(*row)


async def my_deliveries(
    tx: Tx, actor: Actor, endpoint_id: UUID, request: PageRequest, state: str | None = None
) -> Page[Delivery]:
    """What was or is on its way to one of the actor's endpoints, newest message first."""
    condition = mine(_d.c.organisation_id, actor) & (_d.c.endpoint_id == endpoint_id)
    if state is not None:
        condition &= _d.c.state == state
    if request.after:
        condition &= _d.c.message_id < UUID(request.after[0])
    query = select(*_DELIVERY).where(condition).order_by(_d.c.message_id.desc()).limit(request.limit + 1)
    rows = [_delivery(row) for row in await tx.conn.execute(query)]
    return page_of(rows, request, lambda one: (str(one.message_id),))


async def of_message(tx: Tx, actor: Actor, message_id: UUID) -> list[tuple[Delivery, list[Attempt]]]:
    """The deliveries of one of the actor's messages, with every attempt."""
    found = await _deliveries(tx, mine(_d.c.organisation_id, actor) & (_d.c.message_id == message_id))
    wanted = select(_a.c.delivery_id, _a.c.number, _a.c.at, _a.c.status, _a.c.ms, _a.c.error).where(
        mine(_a.c.organisation_id, actor), _a.c.delivery_id.in_([one.id for one in found])
    )
    made: dict[UUID, list[Attempt]] = {}
    for row in await tx.conn.execute(wanted.order_by(_a.c.number)):
        made.setdefault(row[0], []).append(Attempt(*row[1:]))
    return [(one, made.get(one.id, [])) for one in found]


async def _deliveries(tx: Tx, condition: ColumnElement[bool]) -> list[Delivery]:
    rows = await tx.conn.execute(select(*_DELIVERY).where(condition).order_by(_d.c.id))
    return [_delivery(row) for row in rows]


def _delivery(row: Any) -> Delivery:
    named = dict(zip(_DELIVERY_NAMES, row, strict=True))
    return Delivery(**{**named, "state": DeliveryState(named["state"])})

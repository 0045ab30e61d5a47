"""All SQL of weight vectors: orders, answers, measured vectors, and the digests of records that they count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, func, insert, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.contribution import Order, WeightVector
from settlement.weight_orders import RecordSet
from settlement.weight_tables import record_set, weight_answer, weight_member, weight_order, weight_vector

DIGEST_BYTES = 16
PARTS = 16
DIGESTS_PER_ROW = 112
# One order of a series at a time: versions have no gap.
_SERIES_LOCK = "SELECT pg_advisory_xact_lock(7281, hashtext($1::text || '/' || $2))"
_ORDER_LOCK = "SELECT pg_advisory_xact_lock(7282, hashtext($1::text))"
_PARTIES = """
WITH joined AS (
    INSERT INTO kernel.party (object_id, organisation_id, role) SELECT $1, o, 'weights' FROM unnest($2::uuid[]) AS o)
INSERT INTO settlement.weight_member (order_id, organisation_id) SELECT $1, o FROM unnest($2::uuid[]) AS o"""
_INSERT_DIGESTS = """
INSERT INTO settlement.record_digests (revision_id, part, number, digests)
SELECT $1, p, n, d FROM unnest($2::smallint[], $3::int[], $4::bytea[]) AS t(p, n, d) ON CONFLICT DO NOTHING"""
# A set whose digests were erased since is read again.
_COMPLETE = """
SELECT s.revision_id, s.records, s.sha256 FROM settlement.record_set s WHERE s.revision_id = ANY($1::uuid[]) AND s.method = $2
AND s.records = (SELECT coalesce(sum(length(d.digests)), 0) / 16 FROM settlement.record_digests d WHERE d.revision_id = s.revision_id)"""
# The holders of each record as a set of bits, then how many records have just these holders: two groupings, no sort.
_PATTERNS = """
SELECT mask, count(*) FROM (
    SELECT bit_or(s.bit) AS mask FROM unnest($1::uuid[], $2::bigint[]) AS s(revision_id, bit)
    JOIN settlement.record_digests c ON c.revision_id = s.revision_id AND c.part = $3
    CROSS JOIN LATERAL (SELECT substring(c.digests FROM 1 + 16 * g FOR 16) AS digest
                        FROM generate_series(0, length(c.digests) / 16 - 1) AS g) d
    GROUP BY d.digest) m GROUP BY mask"""

_o, _v = weight_order.c, weight_vector.c
# Documents and inputs may have megabytes; lists do without.
_ORDER_COLUMNS = (_o.id, _o.subject, _o.method, _o.utility, _o.ordered_by, _o.asked, _o.sha256, _o.created_at)
_VECTOR = ("subject", "version", "ordered_by", "document", "kid", "signature", "created_at")
_VECTOR_COLUMNS = (_v.order_id, *(_v[name] for name in _VECTOR))


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """An order, what those asked have answered, and its vector if it was measured."""

    order: Order
    answers: Mapping[UUID, bool]
    vector: WeightVector | None


async def insert_order(tx: Tx, order: Order, document: bytes, members: Sequence[UUID]) -> None:
    """Write an order with its document, and who may see it."""
    await tx.conn.execute(
        insert(weight_order).values(
            id=order.id,
            subject=order.subject,
            method=order.method,
            utility=order.utility,
            ordered_by=order.ordered_by,
            asked=list(order.asked),
            document=document,
            sha256=order.sha256,
            created_at=order.created_at,
        )
    )
    await (await tx.driver()).execute(_PARTIES, order.id, list(members))


async def lock_order(tx: Tx, order_id: UUID) -> OrderStanding | None:
    """An order that nobody else answers or measures until the commit."""
    await (await tx.driver()).execute(_ORDER_LOCK, str(order_id))
    return await find(tx, order_id)


async def insert_answer(tx: Tx, order: Order, actor: Actor, *, agrees: bool) -> None:
    """Write what an organisation that is asked says to exactly this order."""
    await tx.conn.execute(
        insert(weight_answer).values(
            order_id=order.id,
            organisation_id=actor.organisation_id,
            client_id=actor.client_id,
            agrees=agrees,
            sha256=order.sha256,
            created_at=tx.now,
        )
    )


async def next_version(tx: Tx, ordered_by: UUID, subject: str) -> int:
    """The number of the next vector of a series; nobody else takes it until the commit."""
    await (await tx.driver()).execute(_SERIES_LOCK, str(ordered_by), subject)
    c = weight_vector.c
    statement = select(func.coalesce(func.max(c.version), 0)).where(c.ordered_by == ordered_by, c.subject == subject)
    return int((await tx.conn.execute(statement)).scalar_one()) + 1


async def insert_vector(tx: Tx, one: WeightVector, inputs: bytes) -> None:
    """Write a measured vector with the inputs from which it follows."""
    digests = {"sha256": sha256(one.document), "inputs_sha256": sha256(inputs)}
    values = {name: getattr(one, name) for name in _VECTOR}
    await tx.conn.execute(insert(weight_vector).values(order_id=one.id, inputs=inputs, **digests, **values))


async def find(tx: Tx, order_id: UUID) -> OrderStanding | None:
    """An order as it stands, whoever asks: for flows, the operator and the regulator."""
    return next(iter(await _standing(tx, select(*_ORDER_COLUMNS).where(weight_order.c.id == order_id))), None)


async def document_of(tx: Tx, order_id: UUID) -> bytes:
    """What was ordered, as it was agreed to."""
    found: bytes = (
        await tx.conn.execute(select(weight_order.c.document).where(weight_order.c.id == order_id))
    ).scalar_one()
    return found


async def find_inputs(tx: Tx, order_id: UUID) -> bytes | None:
    """The inputs of a measured vector, whoever asks."""
    return (await tx.conn.execute(select(_v.inputs).where(_v.order_id == order_id))).scalar_one_or_none()


async def find_vector(tx: Tx, order_id: UUID) -> WeightVector | None:
    """A measured vector by id, for flows that split money by it."""
    standing = await find(tx, order_id)
    return standing.vector if standing else None


async def visible(tx: Tx, actor: Actor, page: PageRequest) -> Page[OrderStanding]:
    """The orders in which the actor's organisation takes part, newest first.

    errors   BadCursor
    """
    return await _page(tx, _takes_part(actor), page)


async def visible_one(tx: Tx, actor: Actor, order_id: UUID) -> OrderStanding | None:
    """One of these; None for a foreign one, as for one that does not exist."""
    statement = select(*_ORDER_COLUMNS).where(weight_order.c.id == order_id, _takes_part(actor))
    return next(iter(await _standing(tx, statement)), None)


async def visible_inputs(tx: Tx, actor: Actor, order_id: UUID) -> bytes | None:
    """The inputs of a vector in which the actor's organisation takes part."""
    statement = (
        select(_v.inputs).join(weight_order, weight_order.c.id == _v.order_id).where(_v.order_id == order_id)
    ).where(_takes_part(actor))
    return (await tx.conn.execute(statement)).scalar_one_or_none()


async def visible_document(tx: Tx, actor: Actor, order_id: UUID) -> bytes | None:
    """What was ordered, for those who take part."""
    statement = select(_o.document).where(_o.id == order_id, _takes_part(actor))
    return (await tx.conn.execute(statement)).scalar_one_or_none()


async def everybodys(tx: Tx, page: PageRequest) -> Page[OrderStanding]:
    """All orders, newest first, for the operator and the regulator.

    errors   BadCursor
    """
    return await _page(tx, true(), page)


async def record_sets(tx: Tx, revision_ids: Sequence[UUID], method: str) -> dict[UUID, RecordSet]:
    """The record sets that are there with all their digests."""
    rows = await (await tx.driver()).fetch(_COMPLETE, list(revision_ids), method)
    return {row[0]: RecordSet(row[1], row[2]) for row in rows}


async def insert_digests(tx: Tx, revision_id: UUID, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """Write rows of sorted digests; those that an earlier attempt wrote are there already, byte for byte.

    shapes   (part, number, up to DIGESTS_PER_ROW digests); the part is a digest's first four bits
    """
    columns = [[row[n] for row in rows] for n in range(3)]
    await (await tx.driver()).execute(_INSERT_DIGESTS, revision_id, *columns)


async def insert_record_set(tx: Tx, revision_id: UUID, organisation_id: UUID, method: str, found: RecordSet) -> None:
    """Say that a revision's digests are all there."""
    values = {
        "revision_id": revision_id,
        "organisation_id": organisation_id,
        "method": method,
        "records": found.records,
        "sha256": found.sha256,
        "created_at": tx.now,
    }
    await tx.conn.execute(upsert(record_set).values(**values).on_conflict_do_nothing())


async def patterns(tx: Tx, revision_ids: Sequence[UUID], part: int) -> dict[int, int]:
    """How many records of one part exactly which of the revisions hold.

    shapes   at most 62 revisions; set of their positions as bits -> count
    """
    bits = [1 << at for at in range(len(revision_ids))]
    rows = await (await tx.driver()).fetch(_PATTERNS, list(revision_ids), bits, part)
    return {row[0]: row[1] for row in rows}


async def _page(tx: Tx, condition: ColumnElement[bool], page: PageRequest) -> Page[OrderStanding]:
    query = select(*_ORDER_COLUMNS).where(condition).order_by(weight_order.c.id.desc()).limit(page.limit + 1)
    if page.after is not None:
        query = query.where(weight_order.c.id < _key(page.after))
    return page_of(await _standing(tx, query), page, lambda one: (one.order.id.hex,))


def _takes_part(actor: Actor) -> ColumnElement[bool]:
    return exists().where(weight_member.c.order_id == weight_order.c.id, mine(weight_member.c.organisation_id, actor))


async def _standing(tx: Tx, query: Select[Any]) -> list[OrderStanding]:
    orders = [_order(row) for row in await tx.conn.execute(query)]
    wanted = [one.id for one in orders]
    if not wanted:
        return []
    answers: dict[UUID, dict[UUID, bool]] = {}
    a = weight_answer.c
    for order_id, organisation_id, agrees in await tx.conn.execute(
        select(a.order_id, a.organisation_id, a.agrees).where(a.order_id.in_(wanted))
    ):
        answers.setdefault(order_id, {})[organisation_id] = agrees
    rows = await tx.conn.execute(select(*_VECTOR_COLUMNS).where(_v.order_id.in_(wanted)))
    vectors = {row.order_id: _vector(row) for row in rows}
    return [OrderStanding(one, answers.get(one.id, {}), vectors.get(one.id)) for one in orders]


def _order(row: Row[Any]) -> Order:
    fields = dict(row._mapping)  # noqa: SLF001  # the underscore is SQLAlchemy's way to avoid column names
    return Order(**{**fields, "asked": tuple(fields["asked"])})


def _vector(row: Row[Any]) -> WeightVector:
    fields = dict(row._mapping)  # noqa: SLF001
    return WeightVector(id=fields.pop("order_id"), **fields)


def _key(after: tuple[str, ...]) -> UUID:
    try:
        (text,) = after
        return UUID(hex=text)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error

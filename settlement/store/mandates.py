"""Mandates, claims on buyers, and the sales that brokers are paid for, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine, ours
from settlement.mandates import Claim, Mandate, SignedEnd, SignedMandate
from settlement.rule_tables import buyer_claim, introduced_sale, mandate, mandate_end

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('claim/' || $1::text || '/' || $2::text, 0))"
# A claim stands no longer than the tail of its mandate, which may end early.
_OF_PAIRS = """
SELECT c.id, c.mandate_id, c.supplier_id, c.broker_id, c.buyer_id, c.evidence_sha256,
    least(c.stands_until, e.tail_until), c.created_at FROM settlement.buyer_claim c
JOIN unnest($1::uuid[], $2::uuid[]) AS k(s, b) ON c.supplier_id = k.s AND c.buyer_id = k.b
LEFT JOIN settlement.mandate_end e ON e.mandate_id = c.mandate_id ORDER BY c.created_at, c.id"""
_LOCK_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('mandate/' || $1::text, 0))"
_INTRODUCED = """
INSERT INTO settlement.introduced_sale (sale_id, order_id, mandate_id, claim_id, supplier_id, broker_id, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[])
ON CONFLICT (sale_id) DO NOTHING"""


@dataclass(frozen=True, slots=True)
class IntroducedSale:
    """An order, or a charge of it, that names the mandate by which its broker is paid."""

    sale_id: UUID
    order_id: UUID
    mandate_id: UUID
    claim_id: UUID
    supplier_id: UUID
    broker_id: UUID
    created_at: datetime


async def insert_mandate(tx: Tx, one: SignedMandate) -> None:
    """Write a mandate."""
    m = one.mandate
    await tx.conn.execute(
        insert(mandate).values(
            id=m.id,
            supplier_id=m.supplier_id,
            broker_id=m.broker_id,
            parts=m.share,
            starts_at=m.starts_at,
            ends_at=m.ends_at,
            tail_until=m.tail_until,
            document=one.document,
            sha256=one.sha256,
            kid=one.kid,
            signature=one.signature,
            created_at=m.created_at,
        )
    )


async def lock_mandate(tx: Tx, mandate_id: UUID) -> Mandate | None:
    """One mandate, whoever asks; it ends, and buyers are claimed under it, one after another until the transaction ends."""
    await (await tx.driver()).execute(_LOCK_ONE, str(mandate_id))
    return (await find_mandates(tx, [mandate_id])).get(mandate_id)


async def insert_end(tx: Tx, one: SignedEnd) -> None:
    """Write the early end of a mandate; it has one at most."""
    m = one.mandate
    await tx.conn.execute(
        insert(mandate_end).values(
            mandate_id=m.id,
            supplier_id=m.supplier_id,
            broker_id=m.broker_id,
            ended_by=one.ended_by,
            ends_at=m.ends_at,
            tail_until=m.tail_until,
            document=one.document,
            sha256=one.sha256,
            kid=one.kid,
            signature=one.signature,
            created_at=one.created_at,
        )
    )


async def find_mandates(tx: Tx, mandate_ids: Sequence[UUID]) -> dict[UUID, Mandate]:
    """Mandates by id as they stand now, whoever asks."""
    rows = await tx.conn.execute(_mandates().where(mandate.c.id.in_(mandate_ids)))
    return {row["id"]: _signed(row).mandate for row in rows.mappings()}


async def own_mandates(tx: Tx, actor: Actor, request: PageRequest) -> Page[SignedMandate]:
    """The mandates that the actor's organisation gave or holds, newest first."""
    condition = ours((mandate.c.supplier_id, mandate.c.broker_id), actor)
    rows = await _rows(tx, _mandates(), mandate.c.id, condition, request)
    return page_of([_signed(row) for row in rows], request, lambda one: (str(one.mandate.id),))


async def own_mandate(tx: Tx, actor: Actor, mandate_id: UUID) -> SignedMandate | None:
    """One mandate that the actor's organisation gave or holds."""
    mine_or_given = ours((mandate.c.supplier_id, mandate.c.broker_id), actor)
    row = (await tx.conn.execute(_mandates().where(mandate.c.id == mandate_id, mine_or_given))).mappings()
    found = row.one_or_none()
    return _signed(found) if found else None


async def lock_claims(tx: Tx, supplier_id: UUID, buyer_id: UUID) -> list[Claim]:
    """Every claim on a buyer for a supplier, the first first; nobody adds another until the transaction ends."""
    await (await tx.driver()).execute(_LOCK, str(supplier_id), str(buyer_id))
    return await claims_of(tx, [(supplier_id, buyer_id)])


async def claims_of(tx: Tx, pairs: Sequence[tuple[UUID, UUID]]) -> list[Claim]:
    """Every claim on these buyers, the first first.

    shapes   (supplier id, buyer id)
    """
    wanted = sorted(set(pairs))
    if not wanted:
        return []
    rows = await (await tx.driver()).fetch(_OF_PAIRS, [one for one, _ in wanted], [one for _, one in wanted])
    return [Claim(*row) for row in rows]


async def insert_claim(tx: Tx, one: Claim) -> None:
    """Write a claim."""
    values = {column.name: getattr(one, column.name) for column in buyer_claim.columns}
    await tx.conn.execute(insert(buyer_claim).values(values))


async def own_claims(tx: Tx, actor: Actor, request: PageRequest) -> Page[Claim]:
    """The claims that the actor's organisation made, or that were made for it as a supplier, newest first."""
    t = buyer_claim
    stands = func.least(t.c.stands_until, mandate_end.c.tail_until).label("stands_until")
    columns = [one for one in t.columns if one.name != "stands_until"]
    statement = select(*columns, stands).join(mandate_end, mandate_end.c.mandate_id == t.c.mandate_id, isouter=True)
    rows = await _rows(tx, statement, t.c.id, ours((t.c.supplier_id, t.c.broker_id), actor), request)
    return page_of([Claim(**row) for row in rows], request, lambda one: (str(one.id),))


async def insert_introduced(tx: Tx, found: Sequence[IntroducedSale]) -> None:
    """Note by which mandate sales are split; what was noted before stands."""
    if not found:
        return
    columns = [[getattr(one, name) for one in found] for name in IntroducedSale.__dataclass_fields__]
    await (await tx.driver()).execute(_INTRODUCED, *columns)


async def own_introduced(tx: Tx, actor: Actor, request: PageRequest) -> Page[IntroducedSale]:
    """The sales that the actor's organisation is paid for as a broker, newest first."""
    t = introduced_sale
    rows = await _rows(tx, select(t), t.c.sale_id, mine(t.c.broker_id, actor), request)
    return page_of([IntroducedSale(**row) for row in rows], request, lambda one: (str(one.sale_id),))


def _mandates() -> Select[Any]:
    e = mandate_end.c
    ended = select(mandate, e.ends_at.label("ended_at"), e.tail_until.label("ended_tail"))
    return ended.join(mandate_end, e.mandate_id == mandate.c.id, isouter=True)


async def _rows(tx: Tx, asked: Select[Any], key: Any, condition: Any, request: PageRequest) -> list[Any]:
    statement = asked.where(condition).order_by(key.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(key < UUID(request.after[0]))
    return list((await tx.conn.execute(statement)).mappings())


def _signed(row: Any) -> SignedMandate:
    names = ("id", "supplier_id", "broker_id", "parts", "starts_at", "ends_at", "tail_until", "created_at")
    found = Mandate(*(row[name] for name in names))
    if row["ended_at"] is not None:
        found = replace(found, ends_at=row["ended_at"], tail_until=row["ended_tail"], ended_early=True)
    return SignedMandate(found, row["document"], row["sha256"], row["kid"], row["signature"])

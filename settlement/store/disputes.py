"""Disputes in the database: the case, its facts, its evidence, and what was moved by it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select

from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine, ours
from settlement.dispute_tables import dispute as _t
from settlement.dispute_tables import evidence as _e
from settlement.dispute_tables import fact as _f
from settlement.dispute_tables import money as _m
from settlement.disputes import Dispute, Kind, Move, Outcome, State

DUE_AT_ONCE = 50
_INSERT = """
INSERT INTO settlement.dispute (id, kind, source_kind, source_id, order_id, giver_id, taker_id, claimant_id, amount_units,
    currency, state, due_at, round, reworked, redelivered, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, false, false, $13)"""
_MOVE = """
UPDATE settlement.dispute SET state = $2, due_at = $3, round = $4, arbitrator_id = $5, earlier_id = $6, waived_by = $7,
    reworked = $8, redelivered = $9, outcome = $10, closed_at = $11 WHERE id = $1"""
_FACT = """
INSERT INTO settlement.dispute_fact (id, dispute_id, number, move, state, organisation_id, document, sha256, words, created_at)
SELECT $1, $2, 1 + count(*)::int, $3, $4, $5, $6, $7, $8, $9 FROM settlement.dispute_fact WHERE dispute_id = $2"""
_COUNT = "SELECT count(*)::int FROM settlement.dispute_fact WHERE dispute_id = $1 AND move = $2"
_LAST = """
SELECT organisation_id, document, id FROM settlement.dispute_fact WHERE dispute_id = $1 AND move = $2
ORDER BY number DESC LIMIT 1"""
_EVIDENCE = """
INSERT INTO settlement.dispute_evidence (id, dispute_id, organisation_id, kind, title, sha256, size_bytes, media_type, name,
    document, verified, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""
_MONEY = """
INSERT INTO settlement.dispute_money (id, dispute_id, kind, from_id, to_id, amount_units, currency, refund_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_OPEN = "SELECT id, source_id FROM settlement.dispute WHERE source_id = ANY($1::uuid[]) AND state <> 'closed' AND kind <> 'split'"
_OPEN_SPLIT = """
SELECT EXISTS (SELECT FROM settlement.dispute WHERE source_id = $1 AND giver_id = $2 AND taker_id = $3
    AND state <> 'closed' AND kind = 'split')"""
_DUE = """
SELECT id FROM settlement.dispute WHERE due_at <= $1 AND id <> ALL($3::uuid[]) ORDER BY due_at, id LIMIT $2"""
_CHARGED = """
SELECT l.invoice_id FROM settlement.invoice_line l
WHERE l.invoice_id = $1 AND l.source_kind = 'charge' AND l.source_id = $2 LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Said:
    """A fact of a dispute, as both sides read it; `words` is what a person wrote, as a canonical locale map."""

    id: UUID
    number: int
    move: Move
    state: State
    organisation_id: UUID | None
    document: bytes
    words: bytes | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence; `document` is what this exchange worked out or keeps itself, which is `verified` then."""

    id: UUID
    dispute_id: UUID
    organisation_id: UUID
    kind: str
    title: bytes
    sha256: bytes
    size_bytes: int
    media_type: str
    name: str | None
    document: bytes | None
    verified: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """Money that a dispute moved: from whom (None: from everybody with a part of the sale) to whom."""

    id: UUID
    dispute_id: UUID
    kind: str
    from_id: UUID | None
    to_id: UUID
    amount: Money
    refund_id: UUID | None
    created_at: datetime


async def insert_dispute(tx: Tx, one: Dispute) -> None:
    """Write a new case; the schema takes one open case per source."""
    await (await tx.driver()).execute(
        _INSERT,
        *(one.id, one.kind.value, one.source_kind, one.source_id, one.order_id, one.giver_id, one.taker_id),
        *(one.claimant_id, one.amount.units, one.amount.currency, one.state.value, one.due_at, one.created_at),
    )


async def move_dispute(tx: Tx, one: Dispute) -> None:
    """Keep where a locked case stands now."""
    await (await tx.driver()).execute(
        _MOVE,
        *(one.id, one.state.value, one.due_at, one.round, one.arbitrator_id, one.earlier_id, one.waived_by),
        *(one.reworked, one.redelivered, one.outcome.value if one.outcome else None, one.closed_at),
    )


async def insert_fact(
    tx: Tx, one: Dispute, move: Move, by: UUID | None, document: bytes, words: bytes | None
) -> tuple[UUID, bytes]:
    """Write what was done to a locked case, as the next of its facts; its id and the digest of its document."""
    fact_id, digest = tx.new_id(), sha256(document)
    driver = await tx.driver()
    await driver.execute(_FACT, fact_id, one.id, move.value, one.state.value, by, document, digest, words, tx.now)
    return fact_id, digest


async def count_facts(tx: Tx, dispute_id: UUID, move: Move) -> int:
    """How often this was done in a case."""
    found: int = await (await tx.driver()).fetchval(_COUNT, dispute_id, move.value)
    return found


async def last_fact(tx: Tx, dispute_id: UUID, move: Move) -> tuple[UUID | None, bytes, UUID] | None:
    """Who did this last in a case, what the document of it says, and its id."""
    row = await (await tx.driver()).fetchrow(_LAST, dispute_id, move.value)
    return None if row is None else (row[0], bytes(row[1]), row[2])


async def insert_evidence(tx: Tx, one: Evidence) -> None:
    """Write a piece of evidence."""
    await (await tx.driver()).execute(
        _EVIDENCE,
        *(one.id, one.dispute_id, one.organisation_id, one.kind, one.title, one.sha256, one.size_bytes),
        *(one.media_type, one.name, one.document, one.verified, one.created_at),
    )


async def insert_money(tx: Tx, one: Moved) -> None:
    """Write what was moved; its journal is written beside it."""
    await (await tx.driver()).execute(
        _MONEY,
        *(one.id, one.dispute_id, one.kind, one.from_id, one.to_id, one.amount.units, one.amount.currency),
        *(one.refund_id, one.created_at),
    )


async def get_dispute(tx: Tx, dispute_id: UUID, *, lock: bool = False) -> Dispute | None:
    """A case as it stands, whoever asks; locked until the transaction ends when `lock`."""
    query = select(_t).where(_t.c.id == dispute_id)
    row = (await tx.conn.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    return None if row is None else _of(row)


async def open_disputes(tx: Tx, source_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The open case of each of these orders or charges that has one: source -> case.

    What payees dispute among themselves is no case of the sale, and stands in nobody's way.
    """
    rows = await (await tx.driver()).fetch(_OPEN, list(source_ids))
    return {row["source_id"]: row["id"] for row in rows}


async def open_split(tx: Tx, source_id: UUID, giver_id: UUID, taker_id: UUID) -> bool:
    """Whether one payee claims a share of another one's already."""
    found: bool = await (await tx.driver()).fetchval(_OPEN_SPLIT, source_id, giver_id, taker_id)
    return found


async def due(tx: Tx, seen: Collection[UUID] = ()) -> list[UUID]:
    """Cases whose deadline has passed, without those `seen`, a bounded number at a time, the oldest deadline first."""
    return [row[0] for row in await (await tx.driver()).fetch(_DUE, tx.now, DUE_AT_ONCE, list(seen))]


async def on_invoice(tx: Tx, invoice_id: UUID, charge_id: UUID) -> bool:
    """Whether a charge stands on an invoice."""
    return await (await tx.driver()).fetchval(_CHARGED, invoice_id, charge_id) is not None


async def list_disputes(tx: Tx, actor: Actor, request: PageRequest) -> Page[Dispute]:
    """Cases in which the actor's organisation is a side, newest first."""
    return await _page(tx, select(_t).where(ours((_t.c.giver_id, _t.c.taker_id), actor)), request)


async def list_cases(tx: Tx, actor: Actor, request: PageRequest) -> Page[Dispute]:
    """Cases that the actor's organisation was asked to arbitrate, newest first."""
    return await _page(tx, select(_t).where(mine(_t.c.arbitrator_id, actor)), request)


async def all_disputes(tx: Tx, request: PageRequest, state: State | None = None) -> Page[Dispute]:
    """Everybody's cases, newest first, for the operator."""
    query = select(_t)
    return await _page(tx, query if state is None else query.where(_t.c.state == state.value), request)


async def find_dispute(tx: Tx, actor: Actor, dispute_id: UUID) -> Dispute | None:
    """One case in which the actor's organisation is a side."""
    return await _one(tx, select(_t).where(_t.c.id == dispute_id, ours((_t.c.giver_id, _t.c.taker_id), actor)))


async def find_case(tx: Tx, actor: Actor, dispute_id: UUID) -> Dispute | None:
    """One case that the actor's organisation was asked to arbitrate."""
    return await _one(tx, select(_t).where(_t.c.id == dispute_id, mine(_t.c.arbitrator_id, actor)))


async def facts_of(tx: Tx, dispute_id: UUID) -> list[Said]:
    """All that was done in a case, in order; nothing for who does not see the case."""
    query = select(_f).where(_f.c.dispute_id == dispute_id).order_by(_f.c.number)
    return [
        Said(row["id"], row["number"], Move(row["move"]), State(row["state"]), row["organisation_id"],
             bytes(row["document"]), None if row["words"] is None else bytes(row["words"]), row["created_at"])
        for row in (await tx.conn.execute(query)).mappings()
    ]  # fmt: skip


async def evidence_of(tx: Tx, dispute_id: UUID) -> list[Evidence]:
    """The evidence of a case, the oldest first."""
    query = select(_e).where(_e.c.dispute_id == dispute_id).order_by(_e.c.id)
    return [_evidence(row) for row in (await tx.conn.execute(query)).mappings()]


async def find_evidence(tx: Tx, dispute_id: UUID, evidence_id: UUID) -> Evidence | None:
    """One piece of evidence of a case."""
    query = select(_e).where(_e.c.dispute_id == dispute_id, _e.c.id == evidence_id)
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else _evidence(row)


async def moved_by(tx: Tx, dispute_id: UUID) -> list[Moved]:
    """The money that a case moved, in order."""
    query = select(_m).where(_m.c.dispute_id == dispute_id).order_by(_m.c.id)
    return [
        Moved(row["id"], row["dispute_id"], row["kind"], row["from_id"], row["to_id"],
              Money(row["amount_units"], row["currency"]), row["refund_id"], row["created_at"])
        for row in (await tx.conn.execute(query)).mappings()
    ]  # fmt: skip


async def _page(tx: Tx, query: Select[Any], request: PageRequest) -> Page[Dispute]:
    query = query.order_by(_t.c.id.desc()).limit(request.limit + 1)
    if request.after:
        query = query.where(_t.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(query)).mappings().all()
    return page_of([_of(row) for row in rows], request, lambda one: (str(one.id),))


async def _one(tx: Tx, query: Select[Any]) -> Dispute | None:
    row = (await tx.conn.execute(query)).mappings().one_or_none()
    return None if row is None else _of(row)


def _of(row: RowMapping) -> Dispute:
    return Dispute(
        id=row["id"],
        kind=Kind(row["kind"]),
        source_kind=row["source_kind"],
        source_id=row["source_id"],
        order_id=row["order_id"],
        giver_id=row["giver_id"],
        taker_id=row["taker_id"],
        claimant_id=row["claimant_id"],
        amount=Money(row["amount_units"], row["currency"]),
        state=State(row["state"]),
        created_at=row["created_at"],
        due_at=row["due_at"],
        round=row["round"],
        arbitrator_id=row["arbitrator_id"],
        earlier_id=row["earlier_id"],
        waived_by=row["waived_by"],
        reworked=row["reworked"],
        redelivered=row["redelivered"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        closed_at=row["closed_at"],
    )


def _evidence(row: RowMapping) -> Evidence:
    document = row["document"]
    return Evidence(
        id=row["id"],
        dispute_id=row["dispute_id"],
        organisation_id=row["organisation_id"],
        kind=row["kind"],
        title=bytes(row["title"]),
        sha256=bytes(row["sha256"]),
        size_bytes=row["size_bytes"],
        media_type=row["media_type"],
        name=row["name"],
        document=None if document is None else bytes(document),
        verified=row["verified"],
        created_at=row["created_at"],
    )

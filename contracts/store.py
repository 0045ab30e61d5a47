"""All SQL of contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Column, Select, Table, select

from contracts import tables
from contracts.signatures_store import seen_by
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from exchange.kernel.pages import BadCursor, Page, PageRequest, page_of
from exchange.kernel.store import mine, ours

ROWS_MAX = 5_000
_INSERT_AGREEMENTS = """
INSERT INTO contracts.agreement (id, order_id, offer_id, buyer_id, seller_id, document, sha256, kid, signature, created_at)
SELECT * , $10::timestamptz FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text::uuid[], $5::text::uuid[],
                                        $6::bytea[], $7::bytea[], $8::text[], $9::bytea[])
"""


class AgreementRow(msgspec.Struct, frozen=True):
    """A signed agreement as it is kept.

    units    sha256 32 raw bytes over document, signature 64
    """

    id: UUID
    order_id: UUID
    offer_id: UUID
    buyer_id: UUID
    seller_id: UUID
    document: bytes
    sha256: bytes
    kid: str
    signature: bytes
    created_at: datetime


class QuoteRow(msgspec.Struct, frozen=True):
    """A signed quote as it is kept.

    units    sha256 32 raw bytes over document, signature 64
    """

    id: UUID
    buyer_id: UUID
    seller_id: UUID
    offer_id: UUID
    document: bytes
    sha256: bytes
    kid: str
    signature: bytes
    created_at: datetime
    expires_at: datetime


Row = TypeVar("Row", AgreementRow, QuoteRow)


async def insert_agreements(tx: Tx, rows: Sequence[AgreementRow]) -> None:
    """Write agreements, one statement for all of them; each is created at `tx.now`.

    shapes   0 to 5,000 rows
    errors   ValueError for more rows; asyncpg's UniqueViolationError for an id that exists
    """
    if len(rows) > ROWS_MAX:
        raise ValueError("too many agreements in one statement")
    if rows:
        await (await tx.driver()).execute(
            _INSERT_AGREEMENTS,
            array([r.id for r in rows]),
            array([r.order_id for r in rows]),
            array([r.offer_id for r in rows]),
            array([r.buyer_id for r in rows]),
            array([r.seller_id for r in rows]),
            [r.document for r in rows],
            [r.sha256 for r in rows],
            [r.kid for r in rows],
            [r.signature for r in rows],
            tx.now,
        )


async def insert_quotes(tx: Tx, rows: Sequence[QuoteRow]) -> None:
    """Write quotes in one statement."""
    if rows:
        await tx.conn.execute(tables.quote.insert().values([msgspec.structs.asdict(row) for row in rows]))


async def find_agreements(tx: Tx, agreement_ids: Sequence[UUID]) -> dict[UUID, AgreementRow]:
    """Agreements by id, for flows; an id that does not exist is absent."""
    return await _find(tx, tables.agreement, AgreementRow, agreement_ids)


async def find_quotes(tx: Tx, quote_ids: Sequence[UUID]) -> dict[UUID, QuoteRow]:
    """Quotes by id, for flows; an id that does not exist is absent."""
    return await _find(tx, tables.quote, QuoteRow, quote_ids)


async def find_quote(tx: Tx, quote_id: UUID) -> QuoteRow | None:
    """One quote, for flows."""
    return (await find_quotes(tx, [quote_id])).get(quote_id)


async def agreements_of(tx: Tx, actor: Actor, page: PageRequest) -> Page[AgreementRow]:
    """The agreements in which the actor's organisation buys or sells, newest first.

    errors   BadCursor
    """
    return await _list(tx, tables.agreement, AgreementRow, actor, page)


async def agreement(tx: Tx, actor: Actor, agreement_id: UUID) -> AgreementRow | None:
    """One agreement of the actor's organisation; None for a foreign one, as for one that does not exist."""
    return await _one(tx, tables.agreement, AgreementRow, actor, agreement_id)


async def quotes_of(tx: Tx, actor: Actor, page: PageRequest) -> Page[QuoteRow]:
    """The quotes that the actor's organisation asked for or was asked for, newest first.

    errors   BadCursor
    """
    return await _list(tx, tables.quote, QuoteRow, actor, page)


async def sold_quotes(tx: Tx, actor: Actor, page: PageRequest) -> Page[QuoteRow]:
    """The quotes that bind the actor's organisation as the seller, newest first.

    errors   BadCursor
    """
    return await _list(tx, tables.quote, QuoteRow, actor, page, tables.quote.c.seller_id)


async def quote(tx: Tx, actor: Actor, quote_id: UUID) -> QuoteRow | None:
    """One quote of the actor's organisation; None for a foreign one, as for one that does not exist."""
    return await _one(tx, tables.quote, QuoteRow, actor, quote_id)


async def _find(tx: Tx, table: Table, kind: type[Row], row_ids: Sequence[UUID]) -> dict[UUID, Row]:
    if not row_ids:
        return {}
    found = await tx.conn.execute(select(table).where(table.c.id.in_(row_ids)))
    return {row["id"]: kind(**row) for row in found.mappings()}


async def _list(
    tx: Tx, table: Table, kind: type[Row], actor: Actor, page: PageRequest, side: Column[Any] | None = None
) -> Page[Row]:
    query = _seen_by(table, actor).order_by(table.c.id.desc()).limit(page.limit + 1)
    if side is not None:
        query = query.where(mine(side, actor))
    if page.after is not None:
        query = query.where(table.c.id < _key(page.after))
    rows = [kind(**row) for row in (await tx.conn.execute(query)).mappings()]
    return page_of(rows, page, lambda row: (row.id.hex,))


async def _one(tx: Tx, table: Table, kind: type[Row], actor: Actor, row_id: UUID) -> Row | None:
    found = await tx.conn.execute(_seen_by(table, actor).where(table.c.id == row_id))
    row = found.mappings().one_or_none()
    return None if row is None else kind(**row)


def _seen_by(table: Table, actor: Actor) -> Select[Any]:
    # An agreement may have passed to another organisation, which is a party to it since.
    seen = seen_by(table, actor, table.c.id) if table is tables.agreement else None
    return select(table).where(ours((table.c.buyer_id, table.c.seller_id), actor) if seen is None else seen)


def _key(after: tuple[str, ...]) -> UUID:
    try:
        (text,) = after
        return UUID(hex=text)
    except ValueError as error:
        raise BadCursor("the cursor is not one of ours") from error

"""Credit lines and orders on account in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.credit import CreditLine, CreditOrder, LineState
from settlement.credit_tables import credit_order as _order

_LINE = "id, buyer_id, limit_units, currency, days, purchase_order_required, state, asked_at, active_at, ended_at"
_LINES = f"""
SELECT {_LINE} FROM settlement.credit_line WHERE buyer_id = ANY($1::uuid[]) AND state = 'active'"""
_PUT_LINE = """
INSERT INTO settlement.credit_line (id, buyer_id, limit_units, currency, days, purchase_order_required, state, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, 'asked', $7)"""
_END = """
UPDATE settlement.credit_line SET state = 'ended', ended_at = $3
WHERE buyer_id = $1 AND currency = $2 AND state = 'active'"""
_ACTIVATE = "UPDATE settlement.credit_line SET state = 'active', active_at = $2 WHERE id = $1 AND state = 'asked'"
_LIST = f"SELECT {_LINE} FROM settlement.credit_line WHERE ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2"
_ORDER = "order_id, buyer_id, seller_id, price_units, currency, unpaid_units, due_on, purchase_order, created_at"
_PUT = """
INSERT INTO settlement.credit_order (order_id, buyer_id, seller_id, price_units, currency, unpaid_units, due_on, purchase_order,
    created_at)
SELECT o, b, s, p, c, p, d, n, $8 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::date[],
    $7::text[]) AS t(o, b, s, p, c, d, n)"""
_LOCK = f"""
SELECT {_ORDER} FROM settlement.credit_order WHERE order_id = ANY($1::uuid[]) AND unpaid_units > 0
ORDER BY due_on, order_id FOR UPDATE"""
_GET = f"SELECT {_ORDER} FROM settlement.credit_order WHERE order_id = $1 FOR UPDATE"
_OVERDUE = f"""
SELECT {_ORDER} FROM settlement.credit_order WHERE due_on <= $1 AND unpaid_units > 0 AND (due_on, order_id) > ($2, $3)
ORDER BY due_on, order_id LIMIT $4 FOR UPDATE SKIP LOCKED"""
_PAY = """
UPDATE settlement.credit_order c SET unpaid_units = c.unpaid_units - t.units
FROM unnest($1::uuid[], $2::bigint[]) AS t(id, units) WHERE c.order_id = t.id"""
_UNPAID = "SELECT unpaid_units FROM settlement.credit_order WHERE order_id = $1 FOR UPDATE"
_BILLED = """
SELECT c.order_id, c.buyer_id, c.seller_id, c.price_units, c.currency, c.due_on, c.purchase_order, c.created_at,
    c.unpaid_units + coalesce((SELECT sum(r.receivable_units) FROM settlement.refund r
        WHERE r.source_kind = 'order' AND r.source_id = c.order_id), 0)::bigint AS unpaid_units
FROM settlement.credit_order c WHERE c.order_id = ANY($1::uuid[])"""
# From the ledger, so that it can be told as of any moment: all that moved on account for each order.
_OWED = """
SELECT c.buyer_id, c.currency, c.due_on, -sum(p.amount)::bigint FROM settlement.credit_order c
JOIN settlement.account a ON a.organisation_id = c.buyer_id AND a.kind = 'credit' AND a.currency = c.currency
JOIN settlement.posting p ON p.account_id = a.id AND p.tag = c.order_id
JOIN settlement.journal j ON j.id = p.journal_id AND j.effective_at <= $1
WHERE c.created_at <= $1 GROUP BY c.order_id HAVING sum(p.amount) <> 0"""


async def active_lines(tx: Tx, buyer_ids: Sequence[UUID]) -> dict[tuple[UUID, str], CreditLine]:
    """The active lines of these buyers, by buyer and currency."""
    rows = await (await tx.driver()).fetch(_LINES, list(buyer_ids))
    return {(row["buyer_id"], row["currency"]): _line(row) for row in rows}


async def insert_line(tx: Tx, one: CreditLine) -> None:
    """Note a line that was asked for."""
    terms = one.days, one.purchase_order_required
    values = one.id, one.buyer_id, one.limit.units, one.limit.currency, *terms, one.asked_at
    await (await tx.driver()).execute(_PUT_LINE, *values)


async def get_line(tx: Tx, line_id: UUID) -> CreditLine | None:
    """A line, held until the transaction ends."""
    query = f"SELECT {_LINE} FROM settlement.credit_line WHERE id = $1 FOR UPDATE"
    row = await (await tx.driver()).fetchrow(query, line_id)
    return _line(row) if row else None


async def replace_line(tx: Tx, line: CreditLine) -> None:
    """Let a line take the place of the active one of its buyer and currency."""
    driver = await tx.driver()
    await driver.execute(_END, line.buyer_id, line.limit.currency, tx.now)
    await driver.execute(_ACTIVATE, line.id, tx.now)


async def list_lines(tx: Tx, request: PageRequest) -> Page[CreditLine]:
    """All lines, newest first."""
    after = UUID(request.after[0]) if request.after else None
    rows = await (await tx.driver()).fetch(_LIST, after, request.limit + 1)
    return page_of([_line(row) for row in rows], request, lambda one: (str(one.id),))


async def insert_orders(tx: Tx, found: Sequence[CreditOrder]) -> None:
    """Note orders on account; nothing of them is paid yet."""
    if not found:
        return
    await (await tx.driver()).execute(
        _PUT,
        [one.order_id for one in found],
        [one.buyer_id for one in found],
        [one.seller_id for one in found],
        [one.price.units for one in found],
        [one.price.currency for one in found],
        [one.due_on for one in found],
        [one.purchase_order for one in found],
        found[0].created_at,
    )


async def lock_order(tx: Tx, order_id: UUID) -> CreditOrder | None:
    """An order on account, paid or not, held until the transaction ends."""
    row = await (await tx.driver()).fetchrow(_GET, order_id)
    return _credit(row) if row else None


async def lock_unpaid(tx: Tx, order_ids: Sequence[UUID]) -> list[CreditOrder]:
    """Those of these orders for which something is owed, the first due first, held until the transaction ends."""
    return [_credit(row) for row in await (await tx.driver()).fetch(_LOCK, list(order_ids))]


async def lock_overdue(tx: Tx, on: date, after: tuple[date, UUID], limit: int) -> list[CreditOrder]:
    """The next orders that are due on a day and not paid, held until the transaction ends."""
    return [_credit(row) for row in await (await tx.driver()).fetch(_OVERDUE, on, *after, limit)]


async def pay_orders(tx: Tx, paid: Sequence[tuple[UUID, int]]) -> None:
    """Take what was paid off orders that are held.

    shapes   (order id, millionths)
    """
    if paid:
        await (await tx.driver()).execute(_PAY, [one for one, _ in paid], [units for _, units in paid])


async def unpaid(tx: Tx, order_id: UUID) -> int:
    """What is owed for an order, held until the transaction ends; nothing for one that is not on account.

    units    millionths
    """
    return int(await (await tx.driver()).fetchval(_UNPAID, order_id) or 0)


async def of_orders(tx: Tx, order_ids: Sequence[UUID]) -> dict[UUID, CreditOrder]:
    """Those of these orders that are on account, as an invoice says them.

    units    `unpaid_units`: never paid with money; what a refund took off the debt stands on the credit note
    """
    rows = await (await tx.driver()).fetch(_BILLED, list(order_ids)) if order_ids else []
    return {row["order_id"]: _credit(row) for row in rows}


async def owed_at(tx: Tx, moment: datetime) -> list[tuple[UUID, str, date, int]]:
    """What was owed for orders on account at a moment: (buyer, currency, due on, millionths)."""
    return [(row[0], row[1], row[2], int(row[3])) for row in await (await tx.driver()).fetch(_OWED, moment)]


async def own_orders(tx: Tx, actor: Actor, request: PageRequest) -> Page[CreditOrder]:
    """The actor's organisation's orders on account, newest first."""
    c = _order.c
    columns = (
        c.order_id,
        c.buyer_id,
        c.seller_id,
        c.price_units,
        c.currency,
        c.unpaid_units,
        c.due_on,
        c.purchase_order,
    )
    query = select(*columns, c.created_at).where(mine(c.buyer_id, actor)).order_by(c.order_id.desc())
    if request.after:
        query = query.where(c.order_id < UUID(request.after[0]))
    rows = (await tx.conn.execute(query.limit(request.limit + 1))).mappings().all()
    return page_of([_credit(row) for row in rows], request, lambda one: (str(one.order_id),))


def _line(row: Any) -> CreditLine:
    return CreditLine(
        row["id"],
        row["buyer_id"],
        Money(row["limit_units"], row["currency"]),
        row["days"],
        row["purchase_order_required"],
        LineState(row["state"]),
        row["asked_at"],
        row["active_at"],
        row["ended_at"],
    )


def _credit(row: Any) -> CreditOrder:
    return CreditOrder(
        row["order_id"],
        row["buyer_id"],
        row["seller_id"],
        Money(row["price_units"], row["currency"]),
        row["unpaid_units"],
        row["due_on"],
        row["purchase_order"],
        row["created_at"],
    )

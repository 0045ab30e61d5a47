"""Orders in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from exchange.kernel.db import TryAgain, Tx
from exchange.kernel.ids import array
from exchange.kernel.money import Money
from settlement.orders import Order, OrderState, PayBy, Source

_INSERT = """
INSERT INTO settlement.orders (id, buyer_id, seller_id, offer_id, listing_id, agreement_id, price_units, currency,
    payment, state, created_at, paid_at)
SELECT * FROM unnest($1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text::uuid[], $5::text::uuid[], $6::text::uuid[], $7::bigint[], $8::text[],
    $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[])"""
# Most orders have neither a basis of their own nor tax; they go without three more columns.
_INSERT_PRICED = _INSERT.replace("paid_at)", "paid_at, price_basis, tax_units, tax, quote_id)").replace(
    "$12::timestamptz[])", "$12::timestamptz[], $13::bytea[], $14::bigint[], $15::jsonb[], $16::uuid[])"
)
_MOVE = """
UPDATE settlement.orders SET state = $2, paid_at = CASE WHEN $2 = 'paid' THEN $3::timestamptz END
WHERE id = ANY($1::uuid[]) AND state = 'awaiting_payment' RETURNING id"""
_COLUMNS = """id, buyer_id, seller_id, offer_id, listing_id, agreement_id, price_units, currency, payment, state,
    created_at, paid_at, price_basis, tax_units, tax, quote_id"""
_QUOTED = "SELECT quote_id FROM settlement.orders WHERE quote_id = ANY($1::uuid[]) AND state <> 'cancelled'"
# One order of a buyer on a listing at a time: the second sees the first.
_ALONE = """
SELECT pg_advisory_xact_lock(7275, k) FROM (
    SELECT DISTINCT hashtext(b::text || '/' || l::text) AS k FROM unnest($1::uuid[], $2::uuid[]) AS t(b, l) ORDER BY 1) AS a"""
_ORDERED = """
SELECT DISTINCT o.buyer_id, o.offer_id FROM settlement.orders o
JOIN unnest($1::uuid[], $2::uuid[]) AS t(b, l) ON o.buyer_id = t.b AND o.listing_id = t.l WHERE o.state <> 'cancelled'"""
_OF_QUOTES = f"""SELECT {_COLUMNS} FROM settlement.orders WHERE quote_id = ANY($1::uuid[]) AND state <> 'cancelled'
ORDER BY id FOR UPDATE"""
_GET = f"SELECT {_COLUMNS} FROM settlement.orders WHERE id = ANY($1::uuid[]) ORDER BY id"
_LOCK = f"{_GET} FOR UPDATE"
# Those that no run has seen, by when they were paid; and of the others those that runs still have to look at. What was
# bought once and released long ago is not read again.
_PAID = f"""SELECT {_COLUMNS}, settled_in FROM (
    SELECT o.* FROM unnest($1::uuid[], $4::timestamptz[]) AS k(seller, since) JOIN settlement.orders o
        ON o.seller_id = k.seller AND o.state = 'paid' AND o.paid_at >= k.since AND o.paid_at < $3
    WHERE o.settled_in IS NULL
    UNION ALL SELECT o.* FROM settlement.open_order w JOIN settlement.orders o ON o.id = w.order_id
    WHERE w.seller_id = ANY($1::uuid[]) AND w.currency = $2) AS found
WHERE currency = $2 ORDER BY id"""
_KEEP_OPEN = """
INSERT INTO settlement.open_order (order_id, seller_id, currency)
SELECT id, seller_id, currency FROM settlement.orders WHERE id = ANY($1::text::uuid[]) ON CONFLICT DO NOTHING"""
_FORGET_OPEN = "DELETE FROM settlement.open_order WHERE order_id = ANY($1::text::uuid[])"
_SETTLE = """
UPDATE settlement.orders o SET settled_in = t.item
FROM unnest($1::text::uuid[], $2::text::uuid[]) AS t(id, item) WHERE o.id = t.id AND o.settled_in IS NULL"""
_SOURCES = """
SELECT 'order' AS kind, id, buyer_id, seller_id, offer_id, price_units - tax_units AS units, currency
    FROM settlement.orders WHERE id = ANY($1::uuid[])
UNION ALL
SELECT 'charge', id, buyer_id, seller_id, offer_id, amount_units - tax_units, currency
    FROM settlement.charge WHERE id = ANY($1::uuid[])"""


async def insert_orders(tx: Tx, orders: Sequence[Order]) -> None:
    """Insert a batch of orders in one statement.

    errors   TryAgain where another order has just used one of their quotes
    """
    if not orders:
        return
    driver = await tx.driver()
    priced: tuple[list[Any], ...] = ()
    if any(o.price_basis is not None or o.tax is not None or o.quote_id is not None for o in orders):
        taxes = [None if o.tax is None else msgspec.json.encode(o.tax).decode() for o in orders]
        priced = ([o.price_basis for o in orders], [o.tax_units for o in orders], taxes, [o.quote_id for o in orders])
    insert = driver.execute(
        _INSERT_PRICED if priced else _INSERT,
        array([o.id for o in orders]),
        array([o.buyer_id for o in orders]),
        array([o.seller_id for o in orders]),
        array([o.offer_id for o in orders]),
        array([o.listing_id for o in orders]),
        array([o.agreement_id for o in orders]),
        [o.price.units for o in orders],
        [o.price.currency for o in orders],
        [o.payment for o in orders],
        [o.state.value for o in orders],
        [o.created_at for o in orders],
        [o.paid_at for o in orders],
        *priced,
    )
    try:
        await insert
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "orders_quote":
            raise TryAgain("a quote was ordered with meanwhile") from error
        raise


async def quotes_used(tx: Tx, quote_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these quotes that an order names which was not given up."""
    if not quote_ids:
        return frozenset()
    return frozenset(row[0] for row in await (await tx.driver()).fetch(_QUOTED, list(quote_ids)))


async def lock_offers_ordered(tx: Tx, asked: Sequence[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """The offers that buyers ordered on listings; nobody else who asks for the same goes on before this transaction ends.

    shapes   (buyer id, listing id) in, (buyer id, offer id) out; a cancelled order does not count
    """
    driver = await tx.driver()
    sides = [buyer for buyer, _ in asked], [listing for _, listing in asked]
    await driver.execute(_ALONE, *sides)
    return [(row[0], row[1]) for row in await driver.fetch(_ORDERED, *sides)]


async def lock_orders_of(tx: Tx, quote_ids: Sequence[UUID]) -> list[Order]:
    """The orders that name these quotes and were not given up, held until the transaction ends."""
    if not quote_ids:
        return []
    return [order_of(row) for row in await (await tx.driver()).fetch(_OF_QUOTES, list(quote_ids))]


async def mark_paid(tx: Tx, order_ids: Sequence[UUID], paid_at: datetime | None = None) -> list[UUID]:
    """Move orders from awaiting_payment to paid; answers those that moved now."""
    return await _move(tx, order_ids, OrderState.PAID, paid_at or tx.now)


async def mark_cancelled(tx: Tx, order_ids: Sequence[UUID]) -> list[UUID]:
    """Move orders from awaiting_payment to cancelled; answers those that moved now."""
    return await _move(tx, order_ids, OrderState.CANCELLED, tx.now)


async def get_orders(tx: Tx, order_ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Order]:
    """Orders by id, whoever asks; locked in id order until the transaction ends when `lock`."""
    driver = await tx.driver()
    rows = await driver.fetch(_LOCK if lock else _GET, list(order_ids))
    return {row["id"]: order_of(row) for row in rows}


async def paid_orders(
    tx: Tx, sellers: Mapping[UUID, datetime], currency: str, before: datetime
) -> list[tuple[Order, bool]]:
    """Orders of these sellers that were paid before a moment and that a run has to look at, and whether one has seen them.

    shapes   sellers: from when on each one's orders may not have been seen by a run
    """
    driver = await tx.driver()
    rows = await driver.fetch(_PAID, list(sellers), currency, before, list(sellers.values()))
    return [(order_of(row), row["settled_in"] is not None) for row in rows]


async def look_again(tx: Tx, order_ids: Sequence[UUID], done_with: Sequence[UUID]) -> None:
    """Note which orders runs still have to look at, and which not any more."""
    driver = await tx.driver()
    if order_ids:
        await driver.execute(_KEEP_OPEN, array(order_ids))
    if done_with:
        await driver.execute(_FORGET_OPEN, array(done_with))


async def mark_settled(tx: Tx, settled: Sequence[tuple[UUID, UUID]]) -> None:
    """Note in which part of which run orders were settled.

    shapes   (order id, run item id)
    """
    driver = await tx.driver()
    await driver.execute(_SETTLE, array([order for order, _ in settled]), array([item for _, item in settled]))


async def get_sources(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Source]:
    """The orders and charges behind postings."""
    driver = await tx.driver()
    return {
        row["id"]: Source(
            row["kind"],
            row["id"],
            row["buyer_id"],
            row["seller_id"],
            row["offer_id"],
            Money(row["units"], row["currency"]),
        )
        for row in await driver.fetch(_SOURCES, list(ids))
    }


def order_of(row: Any) -> Order:
    """An order from a row of either driver."""
    tax = row["tax"]
    return Order(
        row["id"],
        row["buyer_id"],
        row["seller_id"],
        row["offer_id"],
        row["listing_id"],
        row["agreement_id"],
        Money(row["price_units"], row["currency"]),
        PayBy(row["payment"]),
        OrderState(row["state"]),
        row["created_at"],
        row["paid_at"],
        row["price_basis"],
        row["tax_units"],
        # The driver hands JSON out as text, SQLAlchemy as values.
        msgspec.json.decode(tax) if isinstance(tax, str) else tax,
        row["quote_id"],
    )


async def _move(tx: Tx, order_ids: Sequence[UUID], target: OrderState, at: datetime) -> list[UUID]:
    driver = await tx.driver()
    return [row[0] for row in await driver.fetch(_MOVE, list(order_ids), target.value, at)]


async def count(tx: Tx) -> int:
    """How many orders there are."""
    found: int = await (await tx.driver()).fetchval("SELECT count(*) FROM settlement.orders")
    return found


async def after(tx: Tx, order_id: UUID, limit: int) -> list[Order]:
    """The next orders by id, whoever's they are; for checks that walk through all of them."""
    driver = await tx.driver()
    statement = f"SELECT {_COLUMNS} FROM settlement.orders WHERE id > $1 ORDER BY id LIMIT $2"
    return [order_of(row) for row in await driver.fetch(statement, order_id, limit)]

"""Everything that settlement knows of one order: its payments, its journals, and what they came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.orders import Order
from settlement.payments import Payment
from settlement.payouts import Payout
from settlement.store.orders import get_orders
from settlement.store.payments import payment_of
from settlement.store.payouts import COLUMNS as _PAYOUT
from settlement.store.payouts import payout_of

_PAYMENTS = """
SELECT id, organisation_id, purpose, order_id, amount_units, currency, method, state, provider_ref, failure, created_at,
    finished_at, redirect_url, qr_code, session_ref FROM settlement.payment WHERE order_id = $1 ORDER BY id"""
_CHARGES = """
SELECT id, component, service_start, service_end, amount_units, currency, created_at, corrects FROM settlement.charge
WHERE buyer_id = $2 AND order_id = $1 ORDER BY id"""
_JOURNALS = """
SELECT j.id, j.kind, j.source_id, j.created_at, a.kind AS account, a.organisation_id, p.amount, p.currency
FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id
JOIN settlement.account a ON a.id = p.account_id
WHERE j.kind = ANY($1::text[]) AND j.source_id = ANY($2::uuid[]) ORDER BY j.id, p.line"""
_KINDS = ("top_up", "purchase", "charge", "release", "hold", "hold_end", "refund", "award", "arbitration_fee")
_REFUNDS = "SELECT id FROM settlement.refund WHERE order_id = $1"
# What disputes of the order, or of its charges, held and moved.
_DISPUTED = """
SELECT h.hold_id FROM settlement.dispute d JOIN settlement.dispute_hold h ON h.dispute_id = d.id WHERE d.order_id = $1
UNION ALL SELECT m.id FROM settlement.dispute d JOIN settlement.dispute_money m ON m.dispute_id = d.id WHERE d.order_id = $1"""
_INVOICES = """
SELECT DISTINCT i.id, i.series, i.number, i.total_units, i.currency, i.issued_at FROM settlement.invoice_line l
JOIN settlement.invoice i ON i.id = l.invoice_id
WHERE (l.source_kind = 'order' AND l.source_id = $1) OR (l.source_kind = 'charge' AND l.source_id = ANY($2::uuid[]))
ORDER BY i.id"""
_STATEMENTS = """
SELECT s.id, s.organisation_id, s.number, sum(l.amount_units)::bigint AS units, s.currency, s.issued_at
FROM settlement.statement_line l JOIN settlement.statement s ON s.id = l.statement_id
WHERE l.journal_id = ANY($1::uuid[]) GROUP BY s.id ORDER BY s.id"""
# Money is paid out of one pot per payee: the first payout after the release is the one that took this order's share along.
_PAYOUTS = f"""
SELECT DISTINCT ON (o.account_id) {", ".join(f"o.{name.strip()}" for name in _PAYOUT.split(","))}
FROM settlement.journal j JOIN settlement.posting p ON p.journal_id = j.id AND p.amount > 0
JOIN settlement.payout o ON o.account_id = p.account_id AND o.created_at >= j.created_at AND o.state NOT IN ('failed', 'reversed')
WHERE j.kind = 'release' AND j.source_id = ANY($1::uuid[]) ORDER BY o.account_id, o.created_at"""


@dataclass(frozen=True, slots=True)
class BookedLine:
    """One line of a journal: whose account of which kind, None = the exchange's own."""

    account: str
    organisation_id: UUID | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Booking:
    """A journal with its lines, which sum to zero."""

    id: UUID
    kind: str
    source_id: UUID
    at: datetime
    lines: tuple[BookedLine, ...]


@dataclass(frozen=True, slots=True)
class ChargeMade:
    """A charge for metered use or a period; `corrects` names the charge or order that it corrects."""

    id: UUID
    component: str
    service_start: datetime
    service_end: datetime | None
    amount: Money
    at: datetime
    corrects: UUID | None


@dataclass(frozen=True, slots=True)
class InvoiceIssued:
    """An invoice that has a line of the order; `total` is the whole invoice's."""

    id: UUID
    series: str
    number: int
    total: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class StatementIssued:
    """A payee's statement; `part` is what the order's journals moved on it."""

    id: UUID
    organisation_id: UUID
    number: int
    part: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Trade:
    """What settlement holds of one order."""

    order: Order
    payments: Sequence[Payment]
    charges: Sequence[ChargeMade]
    bookings: Sequence[Booking]
    invoices: Sequence[InvoiceIssued]
    statements: Sequence[StatementIssued]
    payouts: Sequence[Payout]


async def trade_of(tx: Tx, order_id: UUID) -> Trade | None:
    """All that was booked and issued for an order, whoever asks; None where there is none."""
    order = (await get_orders(tx, [order_id])).get(order_id)
    if order is None:
        return None
    driver = await tx.driver()
    payments = [payment_of(row) for row in await driver.fetch(_PAYMENTS, order_id)]
    charges = [
        ChargeMade(row[0], row[1], row[2], row[3], Money(row[4], row[5]), row[6], row[7])
        for row in await driver.fetch(_CHARGES, order_id, order.buyer_id)
    ]
    charge_ids = [one.id for one in charges]
    refunded = [row[0] for row in await driver.fetch(_REFUNDS, order_id)]
    disputed = [row[0] for row in await driver.fetch(_DISPUTED, order_id)]
    bookings = await _bookings(tx, [order_id, *(one.id for one in payments), *charge_ids, *refunded, *disputed])
    invoices = [
        InvoiceIssued(row[0], row[1], row[2], Money(row[3], row[4]), row[5])
        for row in await driver.fetch(_INVOICES, order_id, charge_ids)
    ]
    statements = [
        StatementIssued(row[0], row[1], row[2], Money(row[3], row[4]), row[5])
        for row in await driver.fetch(_STATEMENTS, [one.id for one in bookings])
    ]
    payouts = [payout_of(row) for row in await driver.fetch(_PAYOUTS, [order_id, *charge_ids])]
    return Trade(order, payments, charges, bookings, invoices, statements, payouts)


async def _bookings(tx: Tx, source_ids: Sequence[UUID]) -> list[Booking]:
    heads: dict[UUID, tuple[str, UUID, datetime]] = {}
    lines: dict[UUID, list[BookedLine]] = {}
    for row in await (await tx.driver()).fetch(_JOURNALS, list(_KINDS), list(source_ids)):
        heads[row["id"]] = (row["kind"], row["source_id"], row["created_at"])
        line = BookedLine(row["account"], row["organisation_id"], Money(row["amount"], row["currency"]))
        lines.setdefault(row["id"], []).append(line)
    return [Booking(id_, *head, tuple(lines[id_])) for id_, head in heads.items()]

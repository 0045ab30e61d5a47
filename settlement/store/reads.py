"""What a portal shows an organisation of its own money: orders, wallet, payments, invoices, statements, payouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine, ours
from settlement import tables
from settlement.orders import Order
from settlement.payments import Payment
from settlement.payouts import Payout
from settlement.store.orders import order_of
from settlement.store.payments import payment_of
from settlement.store.payouts import payout_of


@dataclass(frozen=True, slots=True)
class Movement:
    """One line on an organisation's own account."""

    journal_id: UUID
    line: int
    kind: str
    source_id: UUID
    amount: Money
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice with the bytes that were issued."""

    id: UUID
    series: str
    number: int
    buyer_id: UUID
    seller_id: UUID
    total: Money
    period_start: datetime
    period_end: datetime
    document: bytes
    sha256: bytes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement with the bytes that were issued."""

    id: UUID
    organisation_id: UUID
    number: int
    closing: Money
    period_start: datetime
    period_end: datetime
    document: bytes
    sha256: bytes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """A charge for use or a period; `amount` is what the buyer pays, `tax` the part of it that is tax."""

    id: UUID
    grant_id: UUID
    order_id: UUID
    component: str
    service_start: datetime
    service_end: datetime | None
    quantity: str
    amount: Money
    explanation: dict[str, Any]
    created_at: datetime
    corrects: UUID | None
    tax: Money

    @property
    def corrects_order(self) -> bool:
        """Whether it corrects what the order itself paid, and not an earlier charge."""
        return self.corrects == self.order_id


async def list_orders(tx: Tx, actor: Actor, request: PageRequest, *, selling: bool = False) -> Page[Order]:
    """The orders that the actor's organisation bought, or sold, newest first."""
    t = tables.orders
    rows = await _page(tx, t, mine(t.c.seller_id if selling else t.c.buyer_id, actor), request)
    return page_of([order_of(row) for row in rows], request, lambda one: (str(one.id),))


async def find_order(tx: Tx, actor: Actor, order_id: UUID) -> Order | None:
    """One order that the actor's organisation bought or sold."""
    t = tables.orders
    row = await _one(tx, select(t).where(t.c.id == order_id, ours((t.c.buyer_id, t.c.seller_id), actor)))
    return order_of(row) if row else None


async def wallets(tx: Tx, actor: Actor) -> list[Money]:
    """What is in each wallet of the actor's organisation."""
    t, a = tables.balance, tables.account
    statement = (
        select(t).join(a, a.c.id == t.c.account_id).where(mine(t.c.organisation_id, actor), a.c.kind == "wallet")
    )
    rows = await tx.conn.execute(statement.order_by(t.c.currency))
    return [Money(row["posted"], row["currency"]) for row in rows.mappings()]


async def movements(tx: Tx, actor: Actor, kind: str, currency: str, request: PageRequest) -> Page[Movement]:
    """The lines of one of the actor's accounts, newest first."""
    a, p, j = tables.account, tables.posting, tables.journal
    statement = (
        select(j.c.id, p.c.line, j.c.kind, j.c.source_id, p.c.amount, p.c.currency, j.c.effective_at)
        .join(p, p.c.journal_id == j.c.id)
        .join(a, a.c.id == p.c.account_id)
        .where(mine(a.c.organisation_id, actor), a.c.kind == kind, a.c.currency == currency)
        .order_by(p.c.journal_id.desc(), p.c.line.desc())
        .limit(request.limit + 1)
    )
    if request.after:
        statement = statement.where(p.c.journal_id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).mappings()
    found = [
        Movement(r["id"], r["line"], r["kind"], r["source_id"], Money(r["amount"], r["currency"]), r["effective_at"])
        for r in rows
    ]
    return page_of(found, request, lambda one: (str(one.journal_id),))


async def list_payments(tx: Tx, actor: Actor, request: PageRequest) -> Page[Payment]:
    """The actor's payments, newest first."""
    t = tables.payment
    rows = await _page(tx, t, mine(t.c.organisation_id, actor), request)
    return page_of([payment_of(row) for row in rows], request, lambda one: (str(one.id),))


async def find_payment(tx: Tx, actor: Actor, payment_id: UUID) -> Payment | None:
    """One payment of the actor's organisation."""
    t = tables.payment
    row = await _one(tx, select(t).where(t.c.id == payment_id, mine(t.c.organisation_id, actor)))
    return payment_of(row) if row else None


async def list_invoices(tx: Tx, actor: Actor, request: PageRequest, *, selling: bool = False) -> Page[InvoiceRow]:
    """The invoices that the actor's organisation got, or that were issued for it, newest first."""
    t = tables.invoice
    rows = await _page(tx, t, mine(t.c.seller_id if selling else t.c.buyer_id, actor), request)
    return page_of([_invoice_of(row) for row in rows], request, lambda one: (str(one.id),))


async def find_invoice(tx: Tx, actor: Actor, invoice_id: UUID) -> InvoiceRow | None:
    """One invoice of which the actor's organisation is a side."""
    t = tables.invoice
    row = await _one(tx, select(t).where(t.c.id == invoice_id, ours((t.c.buyer_id, t.c.seller_id), actor)))
    return _invoice_of(row) if row else None


async def list_statements(tx: Tx, actor: Actor, request: PageRequest) -> Page[StatementRow]:
    """The actor's settlement statements, newest first."""
    t = tables.statement
    rows = await _page(tx, t, mine(t.c.organisation_id, actor), request)
    return page_of([_statement_of(row) for row in rows], request, lambda one: (str(one.id),))


async def find_statement(tx: Tx, actor: Actor, statement_id: UUID) -> StatementRow | None:
    """One statement of the actor's organisation."""
    t = tables.statement
    row = await _one(tx, select(t).where(t.c.id == statement_id, mine(t.c.organisation_id, actor)))
    return _statement_of(row) if row else None


async def list_payouts(tx: Tx, actor: Actor, request: PageRequest) -> Page[Payout]:
    """The actor's payouts, newest first."""
    t = tables.payout
    rows = await _page(tx, t, mine(t.c.organisation_id, actor), request)
    return page_of([payout_of(row) for row in rows], request, lambda one: (str(one.id),))


async def find_payout(tx: Tx, actor: Actor, payout_id: UUID) -> Payout | None:
    """One payout of the actor's organisation."""
    t = tables.payout
    row = await _one(tx, select(t).where(t.c.id == payout_id, mine(t.c.organisation_id, actor)))
    return payout_of(row) if row else None


async def list_charges(tx: Tx, actor: Actor, request: PageRequest, *, selling: bool = False) -> Page[ChargeRow]:
    """The charges that the actor's organisation bears, or earns from, newest first."""
    t = tables.charge
    rows = await _page(tx, t, mine(t.c.seller_id if selling else t.c.buyer_id, actor), request)
    return page_of([_charge_of(row) for row in rows], request, lambda one: (str(one.id),))


async def _page(tx: Tx, table: Table, condition: Any, request: PageRequest) -> Sequence[Any]:
    statement = select(table).where(condition).order_by(table.c.id.desc()).limit(request.limit + 1)
    if request.after:
        statement = statement.where(table.c.id < UUID(request.after[0]))
    return (await tx.conn.execute(statement)).mappings().all()


async def _one(tx: Tx, statement: Select[Any]) -> Any:
    return (await tx.conn.execute(statement)).mappings().one_or_none()


def _invoice_of(row: Any) -> InvoiceRow:
    return InvoiceRow(
        row["id"],
        row["series"],
        row["number"],
        row["buyer_id"],
        row["seller_id"],
        Money(row["total_units"], row["currency"]),
        row["period_start"],
        row["period_end"],
        row["document"],
        row["sha256"],
        row["issued_at"],
    )


def _statement_of(row: Any) -> StatementRow:
    return StatementRow(
        row["id"],
        row["organisation_id"],
        row["number"],
        Money(row["closing_units"], row["currency"]),
        row["period_start"],
        row["period_end"],
        row["document"],
        row["sha256"],
        row["issued_at"],
    )


def _charge_of(row: Any) -> ChargeRow:
    return ChargeRow(
        row["id"],
        row["grant_id"],
        row["order_id"],
        row["component"],
        row["service_start"],
        row["service_end"],
        format(row["quantity"], "f"),
        Money(row["amount_units"], row["currency"]),
        row["explanation"],
        row["created_at"],
        row["corrects"],
        Money(row["tax_units"], row["currency"]),
    )

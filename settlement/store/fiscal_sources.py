"""What an account of a run was about, read again when its papers are issued later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.fiscal_papers import About, Account
from settlement.orders import Order
from settlement.refunds import Refund
from settlement.runs import Charge
from settlement.statement_totals import Entry
from settlement.store.orders import get_orders
from settlement.store.refunds import refunds_of_ids

_INVOICE = "SELECT number, period_start, period_end FROM settlement.invoice WHERE id = $1"
_STATEMENT = "SELECT number, period_start, period_end FROM settlement.statement WHERE id = $1"
_LINES = """
SELECT source_kind, source_id FROM settlement.invoice_line
WHERE invoice_id = $1 AND source_kind IN ('order', 'charge', 'refund') ORDER BY line"""
_CHARGES = """
SELECT c.*, coalesce(d.unpaid_units, 0) AS unpaid FROM settlement.charge c LEFT JOIN settlement.due d ON d.id = c.id
WHERE c.id = ANY($1::uuid[]) ORDER BY c.id"""
_ENTRIES = """
SELECT j.id, p.line, j.kind, j.source_id, p.amount, j.effective_at FROM settlement.statement_line s
JOIN settlement.posting p ON p.journal_id = s.journal_id AND p.line = s.posting_line
JOIN settlement.journal j ON j.id = s.journal_id WHERE s.statement_id = $1 AND j.kind = 'release' ORDER BY s.line"""
# What a closed run should have billed: a payee from whom all was taken as debt had no statement in it.
_UNBILLED = """
SELECT r.id, d.id, s.about, s.payee_id, d.seller_id, d.buyer_id, d.currency, d.run_id, d.account_id FROM settlement.refund r
JOIN settlement.fiscal_source s ON s.source_id = r.source_id AND s.source_kind = r.source_kind AND s.about <> 'sale'
JOIN settlement.fiscal_document d ON d.id = s.document_id
WHERE r.amount_units - r.tax_units >= 10000 AND r.created_at < (SELECT max(x.created_at) FROM settlement.run x
    WHERE x.currency = d.currency AND x.state = 'closed')
    AND NOT EXISTS (SELECT FROM settlement.fiscal_source x WHERE x.source_id = r.id AND x.source_kind = 'refund'
        AND x.about = s.about AND x.payee_id = s.payee_id)
    AND NOT EXISTS (SELECT FROM settlement.run x WHERE x.currency = d.currency AND x.state <> 'closed')
ORDER BY r.id, d.id LIMIT $1"""


@dataclass(frozen=True, slots=True)
class Unbilled:
    """A refund of what stands on a payee's paper, without a credit note; `account` is that of the paper."""

    refund_id: UUID
    document_id: UUID
    account: Account


@dataclass(frozen=True, slots=True)
class SaleSources:
    """The orders, charges (with what is unpaid of them now) and refunds of one invoice of a run."""

    orders: list[Order]
    charges: list[tuple[Charge, int]]
    refunds: list[tuple[Refund, Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class AccountHead:
    """The number and period of a run's invoice or of a payee's statement."""

    number: int
    start: datetime
    end: datetime


async def account_head(tx: Tx, account_id: UUID, *, sale: bool) -> AccountHead:
    """What an account is called and which period it is about."""
    row = await (await tx.driver()).fetchrow(_INVOICE if sale else _STATEMENT, account_id)
    assert row is not None, "what is missing names its account"
    return AccountHead(row[0], row[1], row[2])


async def unbilled_refunds(tx: Tx, limit: int) -> list[Unbilled]:
    """Refunds on fees and shares without a credit note, where each run that should have written it is closed.

    While a run of a currency is open, that one may write it.
    """
    found = []
    for refund, document, about, payee, seller, buyer, currency, run, account in await (await tx.driver()).fetch(
        _UNBILLED, limit
    ):
        head = await account_head(tx, account, sale=False)
        of = Account(About(about), seller, buyer, currency, run, account, head.number, head.start, head.end)
        assert of.payee_id == payee, "a paper is its payee's"
        found.append(Unbilled(refund, document, of))
    return found


async def sale_sources(tx: Tx, invoice_id: UUID) -> SaleSources:
    """What one invoice of a run was about."""
    driver = await tx.driver()
    named: dict[str, list[UUID]] = {"order": [], "charge": [], "refund": []}
    for kind, source in await driver.fetch(_LINES, invoice_id):
        named[kind].append(source)
    orders = await get_orders(tx, named["order"]) if named["order"] else {}
    charges = [(_charge(row), row["unpaid"]) for row in await driver.fetch(_CHARGES, named["charge"])]
    return SaleSources([orders[one] for one in named["order"]], charges, await refunds_of_ids(tx, named["refund"]))


async def released_on(tx: Tx, statement_id: UUID) -> list[Entry]:
    """What a statement shows as released."""
    return [Entry(*row) for row in await (await tx.driver()).fetch(_ENTRIES, statement_id)]


def _charge(row: Any) -> Charge:
    currency = row["currency"]
    return Charge(
        id=row["id"],
        run_id=row["run_id"],
        grant_id=row["grant_id"],
        order_id=row["order_id"],
        offer_id=row["offer_id"],
        buyer_id=row["buyer_id"],
        seller_id=row["seller_id"],
        component=row["component"],
        period_index=row["period_index"],
        service_start=row["service_start"],
        service_end=row["service_end"],
        quantity=row["quantity"],
        cumulative=Money(row["cumulative_units"], currency),
        amount=Money(row["amount_units"], currency),
        explanation=_json(row["explanation"]),
        corrects=row["corrects"],
        tax_units=row["tax_units"],
        tax=_json(row["tax"]),
    )


def _json(said: Any) -> Any:
    return msgspec.json.decode(said) if isinstance(said, str) else said

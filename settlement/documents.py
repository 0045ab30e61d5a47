"""Invoices and statements: what is handed out as canonical bytes, with the arithmetic in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.money import Money
from exchange.kernel.text import LocaleMap
from settlement import postings
from settlement.orders import Source
from settlement.runs import Run
from settlement.splits import Role, Share, explain, split

_PREFIX = {"order": "ord", "charge": "chg"}


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One order or charge on an invoice."""

    source_kind: str
    source_id: UUID
    description: LocaleMap
    quantity: Decimal
    amount: Money


@dataclass(frozen=True, slots=True)
class Invoice:
    """What one buyer owes or paid one seller for one run; numbers have no gap in a series."""

    id: UUID
    run_id: UUID
    series: str
    number: int
    buyer_id: UUID
    seller_id: UUID
    period_start: datetime
    period_end: datetime
    total: Money
    lines: tuple[InvoiceLine, ...]
    document: bytes
    sha256: bytes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting on a payee's payable account that no statement explains yet."""

    journal_id: UUID
    line: int
    kind: str
    source_id: UUID
    amount: int
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a statement: closing = opening + all the others."""

    opening: int
    sales: int
    fees: int
    shares: int
    payouts: int
    adjustments: int

    @property
    def closing(self) -> int:
        """What the payee has on account at the end."""
        return self.opening + self.sales + self.fees + self.shares + self.payouts + self.adjustments


@dataclass(frozen=True, slots=True)
class Statement:
    """What happened on a payee's account, each amount with the sum it came from."""

    id: UUID
    run_id: UUID
    organisation_id: UUID
    currency: str
    number: int
    period_start: datetime
    period_end: datetime
    totals: Totals
    entries: tuple[Entry, ...]
    document: bytes
    sha256: bytes
    issued_at: datetime


def invoice_series(seller_id: UUID, year: int) -> str:
    """The number series of a seller's invoices in a year."""
    return f"{ids.text('org', seller_id)}/{year}"


def order_line(source: Source) -> InvoiceLine:
    """The invoice line of an order."""
    name = ids.text("ord", source.id)
    description = {"en": f"Order {name}", "zh": f"订单 {name}"}
    return InvoiceLine("order", source.id, description, Decimal(1), source.gross)


def make_invoice(
    invoice_id: UUID,
    run: Run,
    parties: tuple[UUID, UUID],
    series: str,
    number: int,
    lines: Sequence[InvoiceLine],
    at: datetime,
) -> Invoice:
    """Write an invoice from its lines; below zero it is a credit note.

    shapes   parties = (buyer, seller); lines in the order given
    errors   CurrencyMismatch for a line of another currency
    """
    buyer_id, seller_id = parties
    total = sum((line.amount for line in lines), Money.zero(run.currency))
    document = canonical(
        {
            "type": "invoice" if total.units >= 0 else "credit-note",
            "v": 1,
            "id": ids.text("inv", invoice_id),
            "series": series,
            "number": str(number),
            "buyer": ids.text("org", buyer_id),
            "seller": ids.text("org", seller_id),
            "run": ids.text("run", run.id),
            "period": _period(run),
            "issued_at": _instant(at),
            "lines": [_invoice_line(position, line) for position, line in enumerate(lines, 1)],
            "total": total.to_wire(),
        }
    )
    return Invoice(
        invoice_id, run.id, series, number, buyer_id, seller_id, run.period_start, run.period_end, total,
        tuple(lines), document, sha256(document), at,
    )  # fmt: skip


def totals(payee_id: UUID, opening: int, entries: Sequence[Entry], sources: Mapping[UUID, Source]) -> Totals:
    """Sort a payee's postings into the columns of a statement.

    A seller's release is shown as the whole sale and the fees taken off it; another payee's is a share.
    """
    sales = fees = shares = payouts = adjustments = 0
    for entry in entries:
        source = sources.get(entry.source_id)
        if entry.kind == postings.RELEASE and source is not None and source.seller_id == payee_id:
            sales += source.gross.units
            fees += entry.amount - source.gross.units
        elif entry.kind == postings.RELEASE:
            shares += entry.amount
        elif entry.kind in (postings.PAYOUT, postings.PAYOUT_FAILED):
            payouts += entry.amount
        else:
            adjustments += entry.amount
    return Totals(opening, sales, fees, shares, payouts, adjustments)


def make_statement(
    statement_id: UUID,
    run: Run,
    payee_id: UUID,
    chain: tuple[int, int],
    entries: Sequence[Entry],
    sources: Mapping[UUID, Source],
    shares: Mapping[UUID, Sequence[Share]],
    at: datetime,
) -> Statement:
    """Write a payee's statement; every release shows the weights, so that the payee can split again.

    shapes   chain = (closing of the statement before, number of this one); shares by source
    """
    opening, number = chain
    sums = totals(payee_id, opening, entries, sources)
    money = {
        "opening": sums.opening, "sales": sums.sales, "fees": sums.fees, "shares": sums.shares,
        "payouts": sums.payouts, "adjustments": sums.adjustments, "closing": sums.closing,
    }  # fmt: skip
    document = canonical(
        {
            "type": "statement",
            "v": 1,
            "id": ids.text("stm", statement_id),
            "organisation": ids.text("org", payee_id),
            "number": str(number),
            "run": ids.text("run", run.id),
            "period": _period(run),
            "issued_at": _instant(at),
            "currency": run.currency,
            "totals": {name: Money(units, run.currency).to_wire() for name, units in money.items()},
            "lines": [_statement_line(payee_id, run.currency, entry, sources, shares) for entry in entries],
        }
    )
    return Statement(
        statement_id, run.id, payee_id, run.currency, number, run.period_start, run.period_end, sums,
        tuple(entries), document, sha256(document), at,
    )  # fmt: skip


def _statement_line(
    payee_id: UUID,
    currency: str,
    entry: Entry,
    sources: Mapping[UUID, Source],
    shares: Mapping[UUID, Sequence[Share]],
) -> dict[str, Any]:
    line: dict[str, Any] = {
        "journal": ids.text("jnl", entry.journal_id),
        "kind": entry.kind,
        "amount": Money(entry.amount, currency).to_wire(),
        "at": _instant(entry.effective_at),
    }
    source = sources.get(entry.source_id)
    if entry.kind == postings.RELEASE and source is not None:
        line["source"] = ids.text(_PREFIX[source.kind], source.id)
        line["gross"] = source.gross.to_wire()
        parts = split(source.gross, shares[source.id]) if source.id in shares else []
        line["shares"] = [{"role": part.role.value, "weight": part.weight} for part in parts]
        mine = [
            part for part in parts if part.organisation_id == payee_id and part.role not in (Role.PLATFORM, Role.TAX)
        ]
        line["explain"] = [{"role": part.role.value, "text": dict(explain(part, source.gross))} for part in mine]
    elif entry.kind.startswith("payout"):
        line["source"] = ids.text("pot", entry.source_id)
    return line


def _invoice_line(position: int, line: InvoiceLine) -> dict[str, Any]:
    return {
        "line": position,
        "kind": line.source_kind,
        "source": ids.text(_PREFIX[line.source_kind], line.source_id),
        "description": dict(line.description),
        "quantity": format(line.quantity.normalize(), "f"),
        "amount": line.amount.to_wire(),
    }


def _period(run: Run) -> dict[str, str]:
    return {"starts_at": _instant(run.period_start), "ends_at": _instant(run.period_end)}


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")

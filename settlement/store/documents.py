"""Invoices and statements in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from exchange.kernel.arrays import numbers
from exchange.kernel.db import Tx
from exchange.kernel.ids import array
from settlement.accounts import payable
from settlement.documents import Earlier, Invoice, Statement
from settlement.periods import first_id
from settlement.statement_totals import Entry, Totals
from settlement.store.accounts import known_ids
from settlement.store.runs import stated_to

# The row stays locked until the transaction ends, so a rollback gives the numbers back: no gap.
_NUMBERS = """
INSERT INTO settlement.series (name, last) SELECT name, n FROM unnest($1::text[], $2::bigint[]) AS t(name, n) ORDER BY name
ON CONFLICT (name) DO UPDATE SET last = settlement.series.last + excluded.last RETURNING name, last"""
_INVOICE = """
INSERT INTO settlement.invoice (id, run_id, series, number, buyer_id, seller_id, currency, period_start, period_end,
    total_units, document, sha256, issued_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[],
    $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bytea[], $12::bytea[], $13::timestamptz[])"""
_INVOICE_LINE = """
INSERT INTO settlement.invoice_line (invoice_id, line, source_kind, source_id, description, quantity, amount_units)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::jsonb[], $6::numeric[], $7::bigint[])"""
_EARLIER = """
SELECT l.source_id, i.id, i.series, i.number, i.issued_at FROM settlement.invoice_line l
JOIN settlement.invoice i ON i.id = l.invoice_id
WHERE l.source_kind = ANY(ARRAY['order', 'charge']) AND l.source_id = ANY($1::uuid[])"""
_ENTRIES = """
SELECT k.o AS organisation_id, j.id, p.line, j.kind, j.source_id, p.amount, j.effective_at
FROM unnest($1::uuid[], $2::bigint[]) AS k(o, id) JOIN settlement.posting p ON p.account_id = k.id
JOIN settlement.journal j ON j.id = p.journal_id
WHERE p.journal_id >= $4 AND p.journal_id < $3
    AND NOT EXISTS (SELECT FROM settlement.statement_line s WHERE s.journal_id = p.journal_id AND s.posting_line = p.line)
ORDER BY k.o, j.effective_at, j.id, p.line"""
_LAST = """
SELECT DISTINCT ON (organisation_id) organisation_id, closing_units, number FROM settlement.statement
WHERE organisation_id = ANY($1::uuid[]) AND currency = $2 ORDER BY organisation_id, number DESC"""
_STATEMENT = """
INSERT INTO settlement.statement (id, run_id, organisation_id, currency, number, period_start, period_end, opening_units,
    sales_units, fees_units, shares_units, refunds_units, taxes_units, holds_units, withheld_units, payouts_units,
    adjustments_units, closing_units, document, sha256, issued_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::timestamptz[], $7::timestamptz[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
    $16::bigint[], $17::bigint[], $18::bigint[], $19::bytea[], $20::bytea[], $21::timestamptz[])"""
_STATEMENT_LINE = """
INSERT INTO settlement.statement_line (statement_id, line, journal_id, posting_line, amount_units)
SELECT * FROM unnest($1::text::uuid[], $2::text::int[], $3::text::uuid[], $4::text::smallint[], $5::text::bigint[])"""

_CHARGED = """
SELECT c.id, c.grant_id, c.component, c.service_start, c.service_end FROM settlement.invoice_line l
JOIN settlement.charge c ON c.id = l.source_id WHERE l.invoice_id = $1 AND l.source_kind = 'charge' ORDER BY l.line"""


async def take_numbers(tx: Tx, series: Sequence[str]) -> list[int]:
    """The next number of each series named, in order; a series may be named many times.

    shapes   n names -> n numbers without gaps, given back when the transaction rolls back
    """
    counts: dict[str, int] = {}
    for name in series:
        counts[name] = counts.get(name, 0) + 1
    rows = await (await tx.driver()).fetch(_NUMBERS, list(counts), list(counts.values()))
    following = {name: last - counts[name] + 1 for name, last in rows}
    numbers = []
    for name in series:
        numbers.append(following[name])
        following[name] += 1
    return numbers


async def insert_invoices(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Insert invoices and their lines in two statements."""
    if not invoices:
        return
    driver = await tx.driver()
    await driver.execute(
        _INVOICE,
        [i.id for i in invoices],
        [i.run_id for i in invoices],
        [i.series for i in invoices],
        [i.number for i in invoices],
        [i.buyer_id for i in invoices],
        [i.seller_id for i in invoices],
        [i.total.currency for i in invoices],
        [i.period_start for i in invoices],
        [i.period_end for i in invoices],
        [i.total.units for i in invoices],
        [i.document for i in invoices],
        [i.sha256 for i in invoices],
        [i.issued_at for i in invoices],
    )
    lines = [(i.id, position, line) for i in invoices for position, line in enumerate(i.lines, 1)]
    await driver.execute(
        _INVOICE_LINE,
        [invoice_id for invoice_id, _, _ in lines],
        [position for _, position, _ in lines],
        [line.source_kind for _, _, line in lines],
        [line.source_id for _, _, line in lines],
        [msgspec.json.encode(line.description).decode() for _, _, line in lines],
        [line.quantity for _, _, line in lines],
        [line.amount.units for _, _, line in lines],
    )


async def earlier_invoices(tx: Tx, source_ids: Collection[UUID]) -> dict[UUID, Earlier]:
    """The invoices that show these orders and charges; those that no invoice shows are left out."""
    if not source_ids:
        return {}
    rows = await (await tx.driver()).fetch(_EARLIER, sorted(source_ids))
    return {row[0]: Earlier(*row[1:]) for row in rows}


async def unstated_entries(
    tx: Tx, payee_ids: Sequence[UUID], currency: str, before: datetime
) -> dict[UUID, list[Entry]]:
    """The movements of each payee's payable account before a moment that no statement explains yet, in order."""
    ids = await known_ids(tx, [payable(payee, currency) for payee in payee_ids])
    found: dict[UUID, list[Entry]] = {payee: [] for payee in payee_ids}
    since = first_id(await stated_to(tx, currency))
    owners = [key.organisation_id for key in ids]
    for row in await (await tx.driver()).fetch(_ENTRIES, owners, list(ids.values()), first_id(before), since):
        found[row[0]].append(Entry(*row[1:]))
    return found


async def statement_chain(tx: Tx, payee_ids: Sequence[UUID], currency: str) -> dict[UUID, tuple[int, int]]:
    """Where each payee's next statement begins: (closing of the last one, number of the next one)."""
    rows = await (await tx.driver()).fetch(_LAST, list(payee_ids), currency)
    found = {row[0]: (row[1], row[2] + 1) for row in rows}
    return {payee: found.get(payee, (0, 1)) for payee in payee_ids}


async def insert_statements(tx: Tx, statements: Sequence[Statement]) -> None:
    """Insert statements and what they explain in two statements of SQL."""
    if not statements:
        return
    driver = await tx.driver()
    await driver.execute(
        _STATEMENT,
        [s.id for s in statements],
        [s.run_id for s in statements],
        [s.organisation_id for s in statements],
        [s.currency for s in statements],
        [s.number for s in statements],
        [s.period_start for s in statements],
        [s.period_end for s in statements],
        *([getattr(s.totals, name) for s in statements] for name in Totals.__slots__),
        [s.totals.closing for s in statements],
        [s.document for s in statements],
        [s.sha256 for s in statements],
        [s.issued_at for s in statements],
    )
    lines = [(s.id, position, entry) for s in statements for position, entry in enumerate(s.entries, 1)]
    await driver.execute(
        _STATEMENT_LINE,
        array([statement_id for statement_id, _, _ in lines]),
        numbers([position for _, position, _ in lines]),
        array([entry.journal_id for _, _, entry in lines]),
        numbers([entry.line for _, _, entry in lines]),
        numbers([entry.amount for _, _, entry in lines]),
    )


@dataclass(frozen=True, slots=True)
class ChargedUse:
    """A charge on an invoice: over which grant's use, from when to when (None: to the end of the invoice's period)."""

    id: UUID
    grant_id: UUID
    component: str
    since: datetime
    until: datetime | None


async def charged_use(tx: Tx, invoice_id: UUID) -> list[ChargedUse]:
    """The charges on an invoice, in its order, whoever asks."""
    return [ChargedUse(*row) for row in await (await tx.driver()).fetch(_CHARGED, invoice_id)]

"""Fiscal documents in the database: what was issued, what each bills, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from exchange.kernel.store import mine
from settlement.fiscal import FiscalDoc, Preceding
from settlement.fiscal_document import document_bytes, read_document
from settlement.fiscal_papers import About, Account, Given, Original, Source
from settlement.fiscal_tables import fiscal_document as _document
from settlement.fiscal_tables import fiscal_missing as _missing
from settlement.fiscal_words import Vat

_INSERT = """
INSERT INTO settlement.fiscal_document (id, kind, about, series, number, name, seller_id, buyer_id, run_id, account_id,
    currency, total_units, due_units, tax_units, issued_on, document, sha256, issued_at)
SELECT u.*, sha256(u.document), $17 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
    $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::date[],
    $16::bytea[]) AS u(id, kind, about, series, number, name, seller_id, buyer_id, run_id, account_id, currency, total_units,
    due_units, tax_units, issued_on, document)
RETURNING id, sha256"""
_SOURCES = """
INSERT INTO settlement.fiscal_source (document_id, about, payee_id, source_kind, source_id, net_units)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[])"""
_ORIGINALS = """
SELECT s.source_kind, s.source_id, s.payee_id, d.document FROM settlement.fiscal_source s
JOIN settlement.fiscal_document d ON d.id = s.document_id WHERE s.about = $1 AND s.source_id = ANY($2::uuid[])"""
# What stands on a paper, and what later ones gave back of each: by refunds, and by charges that correct.
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('papers/missing', 0))"
_ONE_BY_ONE = """
SELECT pg_advisory_xact_lock(hashtextextended('corrections/' || id, 0))
FROM (SELECT unnest($1::text[]) AS id ORDER BY 1) AS a"""
_GIVEN = """
WITH sold AS (SELECT document_id, about, payee_id, source_kind, source_id FROM settlement.fiscal_source WHERE document_id = ANY($1::uuid[])),
back AS (
    SELECT sold.*, 'refund' AS kind, r.id FROM sold
    JOIN settlement.refund r ON r.source_id = sold.source_id AND r.source_kind = sold.source_kind
    UNION ALL SELECT sold.*, 'charge', c.id FROM sold JOIN settlement.charge c ON c.corrects = sold.source_id)
SELECT back.document_id, back.source_kind, back.source_id, s.net_units, d.id, d.total_units FROM back
JOIN settlement.fiscal_source s ON s.source_id = back.id AND s.source_kind = back.kind AND s.about = back.about
    AND s.payee_id = back.payee_id
JOIN settlement.fiscal_document d ON d.id = s.document_id AND d.kind IN ('381', '261')"""
_BACK = """
SELECT s.payee_id, r.id FROM settlement.fiscal_source s
JOIN settlement.fiscal_document d ON d.id = s.document_id AND d.currency = $4
JOIN settlement.refund r ON r.source_id = s.source_id AND r.source_kind = s.source_kind AND r.created_at < $3
WHERE s.about = $1 AND s.payee_id = ANY($2::uuid[]) AND NOT EXISTS (SELECT FROM settlement.fiscal_source x
    WHERE x.about = s.about AND x.payee_id = s.payee_id AND x.source_id = r.id)
ORDER BY s.payee_id, r.id"""
_GONE = """
SELECT source_id, created_at, id, amount_units - tax_units FROM settlement.refund WHERE source_id = ANY($1::uuid[]) ORDER BY id"""
_CORRECTED = """
SELECT id, CASE WHEN corrects = order_id THEN 'order' ELSE 'charge' END, corrects FROM settlement.charge
WHERE id = ANY($1::uuid[]) AND corrects IS NOT NULL"""
_MISS = """
INSERT INTO settlement.fiscal_missing (id, about, seller_id, buyer_id, run_id, account_id, currency, reasons, created_at)
SELECT u.id, u.about, u.seller_id, u.buyer_id, u.run_id, u.account_id, u.currency, string_to_array(u.reasons, ' '), $9
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[])
    AS u(id, about, seller_id, buyer_id, run_id, account_id, currency, reasons)"""
_WAITING = """
SELECT id, about, seller_id, buyer_id, run_id, account_id, currency, reasons, created_at FROM settlement.fiscal_missing
WHERE closed_at IS NULL AND id > $2 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED"""
_BILLED = (
    "SELECT source_id FROM settlement.fiscal_source WHERE about = $1 AND payee_id = $2 AND source_id = ANY($3::uuid[])"
)
_CLOSE = "UPDATE settlement.fiscal_missing SET closed_at = $2 WHERE id = ANY($1::uuid[])"


@dataclass(frozen=True, slots=True)
class NewDoc:
    """A document that has its number, with what it bills.

    shapes   sources: (order, charge or refund; net millionths)
    """

    doc: FiscalDoc
    account: Account
    sources: Sequence[tuple[Source, int]]


@dataclass(frozen=True, slots=True)
class FiscalRow:
    """A document as lists show it, with the bytes that were issued."""

    id: UUID
    kind: str
    about: str
    name: str
    seller_id: UUID
    buyer_id: UUID
    total: Money
    due: Money
    issued_on: Any
    document: bytes
    sha256: bytes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class MissingRow:
    """Papers that could not be written, and why."""

    id: UUID
    about: str
    seller_id: UUID
    buyer_id: UUID
    run_id: UUID
    account_id: UUID
    currency: str
    reasons: tuple[str, ...]
    created_at: datetime


async def insert_documents(tx: Tx, new: Sequence[NewDoc]) -> dict[UUID, bytes]:
    """Write documents and what they bill; answers the digest of each."""
    if not new:
        return {}
    driver = await tx.driver()
    docs = [one.doc for one in new]
    rows = await driver.fetch(
        _INSERT,
        [d.id for d in docs],
        [d.kind.value for d in docs],
        [one.account.about.value for one in new],
        [d.series for d in docs],
        [d.number for d in docs],
        [d.name for d in docs],
        [d.seller.organisation_id for d in docs],
        [d.buyer.organisation_id for d in docs],
        [one.account.run_id for one in new],
        [one.account.account_id for one in new],
        [d.currency for d in docs],
        [d.exact.units for d in docs],
        [d.totals.due.units for d in docs],
        [d.totals.tax.units for d in docs],
        [d.issued_on for d in docs],
        [document_bytes(d) for d in docs],
        tx.now,
    )
    sources = [(one, source, units) for one in new for source, units in one.sources]
    await driver.execute(
        _SOURCES,
        [one.doc.id for one, _, _ in sources],
        [one.account.about.value for one, _, _ in sources],
        [one.account.payee_id for one, _, _ in sources],
        [source[0] for _, source, _ in sources],
        [source[1] for _, source, _ in sources],
        [units for _, _, units in sources],
    )
    return {row[0]: row[1] for row in rows}


async def originals(tx: Tx, about: About, source_ids: Collection[UUID]) -> dict[tuple[UUID, Source], Original]:
    """The papers on which these sources stand, by payee and source; those on none are left out."""
    if not source_ids:
        return {}
    rows = await (await tx.driver()).fetch(_ORIGINALS, about.value, sorted(source_ids))
    return {(row[2], (row[0], row[1])): original(read_document(row[3])) for row in rows}


async def given_back(tx: Tx, document_ids: Collection[UUID]) -> dict[UUID, Given]:
    """What credit notes gave back of these papers so far; those of which nothing was are left out.

    Until the transaction ends nobody else corrects them: credit notes of one paper are rounded together.
    """
    if not document_ids:
        return {}
    await (await tx.driver()).execute(_ONE_BY_ONE, [str(one) for one in document_ids])
    nets: dict[UUID, dict[Source, int]] = {}
    totals: dict[UUID, dict[UUID, int]] = {}
    for document, kind, source, net, by, total in await (await tx.driver()).fetch(_GIVEN, sorted(document_ids)):
        of = nets.setdefault(document, {})
        of[kind, source] = of.get((kind, source), 0) + net
        totals.setdefault(document, {})[by] = total
    return {document: Given(of, sum(totals[document].values())) for document, of in nets.items()}


async def lock_missing(tx: Tx) -> None:
    """Let nobody else issue what is missing until the transaction ends: what both saw would be issued twice, or fail."""
    await (await tx.driver()).execute(_ALONE)


def original(doc: FiscalDoc) -> Original:
    """A document as a correction of it names it; where it has several groups, sums are not taxed by the first."""
    group = doc.groups[0]
    vat = Vat(group.category, group.rate, group.reason, group.reason_code)
    lines = {line.source: (line.category, line.rate) for line in doc.lines}
    return Original(Preceding(doc.id, doc.name, doc.issued_on), vat, lines)


async def gone_back(tx: Tx, source_ids: Sequence[UUID]) -> dict[UUID, list[tuple[datetime, UUID, int]]]:
    """What went back of orders and charges: when, by which refund, and how many millionths without tax."""
    found: dict[UUID, list[tuple[datetime, UUID, int]]] = {}
    for source, *back in await (await tx.driver()).fetch(_GONE, list(source_ids)) if source_ids else ():
        found.setdefault(source, []).append((back[0], back[1], back[2]))
    return found


async def corrected(tx: Tx, charge_ids: Sequence[UUID]) -> dict[UUID, Source]:
    """What these charges correct; those that correct nothing are left out."""
    rows = await (await tx.driver()).fetch(_CORRECTED, list(charge_ids)) if charge_ids else ()
    return {row[0]: (row[1], row[2]) for row in rows}


async def refunds_to_bill(
    tx: Tx, about: About, payee_ids: Sequence[UUID], before: datetime, currency: str
) -> dict[UUID, list[UUID]]:
    """Refunds made before a moment of what stands on a payee's papers and of which none says so yet, in order."""
    found: dict[UUID, list[UUID]] = {}
    for payee, refund in await (await tx.driver()).fetch(_BACK, about.value, list(payee_ids), before, currency):
        found.setdefault(payee, []).append(refund)
    return found


async def insert_missing(tx: Tx, missing: Sequence[tuple[UUID, Account, Sequence[str]]]) -> None:
    """Keep for which accounts papers could not be written, with the reasons."""
    if not missing:
        return
    await (await tx.driver()).execute(
        _MISS,
        [id_ for id_, _, _ in missing],
        [one.about.value for _, one, _ in missing],
        [one.seller_id for _, one, _ in missing],
        [one.buyer_id for _, one, _ in missing],
        [one.run_id for _, one, _ in missing],
        [one.account_id for _, one, _ in missing],
        [one.currency for _, one, _ in missing],
        [" ".join(reasons) for _, _, reasons in missing],
        tx.now,
    )


async def take_missing(tx: Tx, limit: int, after: UUID) -> list[MissingRow]:
    """What is missing, the oldest first, locked until the transaction ends."""
    rows = await (await tx.driver()).fetch(_WAITING, limit, after)
    return [_missing_row(row) for row in rows]


async def billed(tx: Tx, account: Account, source_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these sources that stand on papers of the account's kind already."""
    rows = await (await tx.driver()).fetch(_BILLED, account.about.value, account.payee_id, list(source_ids))
    return frozenset(row[0] for row in rows)


async def close_missing(tx: Tx, missing_ids: Sequence[UUID]) -> None:
    """These were tried again: what is still missing of them has rows of its own."""
    await (await tx.driver()).execute(_CLOSE, list(missing_ids), tx.now)


async def list_missing(tx: Tx, request: PageRequest) -> Page[MissingRow]:
    """What is missing, newest first, for the operator."""
    columns = [
        _missing.c[name]
        for name in (
            "id",
            "about",
            "seller_id",
            "buyer_id",
            "run_id",
            "account_id",
            "currency",
            "reasons",
            "created_at",
        )
    ]
    statement = select(*columns).where(_missing.c.closed_at.is_(None)).order_by(_missing.c.id.desc())
    statement = statement.limit(request.limit + 1)
    if request.after:
        statement = statement.where(_missing.c.id < UUID(request.after[0]))
    rows = (await tx.conn.execute(statement)).all()
    found = [_missing_row(row) for row in rows]
    return page_of(found, request, lambda one: (str(one.id),))


async def list_documents(
    tx: Tx, actor: Actor, request: PageRequest, *, bought: bool, kinds: Sequence[str] = ()
) -> Page[FiscalRow]:
    """The actor's papers, newest first: those that it gets as a buyer, or those of what it sells and is billed for.

    shapes   bought: as the buyer of data; else as a seller or payee, fees to it included
    """
    return await _listed(tx, _rows().where(_theirs(actor, bought=bought)), request, kinds)


async def all_documents(tx: Tx, request: PageRequest, *, kinds: Sequence[str] = ()) -> Page[FiscalRow]:
    """Everybody's papers, newest first, for the regulator."""
    return await _listed(tx, _rows(), request, kinds)


async def _listed(tx: Tx, statement: Select[Any], request: PageRequest, kinds: Sequence[str]) -> Page[FiscalRow]:
    statement = statement.order_by(_document.c.id.desc()).limit(request.limit + 1)
    if kinds:
        statement = statement.where(_document.c.kind.in_(kinds))
    if request.after:
        statement = statement.where(_document.c.id < UUID(request.after[0]))
    rows = [_row(row) for row in (await tx.conn.execute(statement)).mappings()]
    return page_of(rows, request, lambda one: (str(one.id),))


async def find_document(tx: Tx, actor: Actor, document_id: UUID, *, bought: bool) -> FiscalRow | None:
    """One of the actor's papers; None for another's."""
    statement = _rows().where(_document.c.id == document_id, _theirs(actor, bought=bought))
    row = (await tx.conn.execute(statement)).mappings().first()
    return None if row is None else _row(row)


async def any_document(tx: Tx, document_id: UUID) -> FiscalDoc | None:
    """A paper, whoever's it is."""
    row = await any_paper(tx, document_id)
    return None if row is None else read_document(row.document)


async def any_paper(tx: Tx, document_id: UUID) -> FiscalRow | None:
    """A paper as it was issued, whoever's it is."""
    row = (await tx.conn.execute(_rows().where(_document.c.id == document_id))).mappings().first()
    return None if row is None else _row(row)


def _theirs(actor: Actor, *, bought: bool) -> Any:
    sale, fee = _document.c.about == About.SALE.value, _document.c.about == About.FEE.value
    if bought:
        return sale & mine(_document.c.buyer_id, actor)
    # Whoever sells sees its sales and shares as the seller, and the exchange's fees as the one who pays them.
    return or_(mine(_document.c.seller_id, actor) & ~fee, mine(_document.c.buyer_id, actor) & fee)


def _rows() -> Select[Any]:
    return select(_document)


def _row(row: Mapping[str, Any]) -> FiscalRow:
    currency = row["currency"]
    return FiscalRow(
        row["id"], row["kind"], row["about"], row["name"], row["seller_id"], row["buyer_id"],
        Money(row["total_units"], currency), Money(row["due_units"], currency), row["issued_on"], row["document"],
        row["sha256"], row["issued_at"],
    )  # fmt: skip


def _missing_row(row: Any) -> MissingRow:
    about, seller, buyer, run, account, currency, reasons, at = row[1:]
    return MissingRow(row[0], about, seller, buyer, run, account, currency, tuple(reasons), at)

"""E-fapiao data in the database: which papers wait for them, what was exported, and what the tax office gave back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.efapiao.filling import COUNTRY, CURRENCY, Blue, Confirmed, Reason
from settlement.efapiao.numbers import Numbered, State
from settlement.fiscal import FiscalDoc
from settlement.fiscal_document import read_document

# Codes, exports and numbers come one after another.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('settlement.efapiao', 0))"
_PUT_CODES = """
INSERT INTO settlement.efapiao_codes (version, document, sha256, made_by, created_at)
SELECT coalesce(max(version), 0) + 1, $1, $2, $3, $4 FROM settlement.efapiao_codes RETURNING version"""
_CODES = "SELECT version, document, sha256, made_by, created_at FROM settlement.efapiao_codes"
_CHINESE = f"""d.kind IN ('380', '381') AND (d.currency = '{CURRENCY}' OR d.about = 'sale')
    AND convert_from(d.document, 'UTF8')::jsonb #>> '{{seller,country}}' = '{COUNTRY}'"""
_WAITING = f"""
SELECT d.id, d.document FROM settlement.fiscal_document d WHERE d.id > $1
    AND NOT EXISTS (SELECT FROM settlement.efapiao e WHERE e.id = d.id) AND {_CHINESE} ORDER BY d.id LIMIT $2"""
_SENT = """
SELECT d.id, d.document, e.export_id, n.number, n.issued_on FROM settlement.efapiao e
JOIN settlement.fiscal_document d ON d.id = e.id LEFT JOIN settlement.efapiao_number n ON n.id = e.id
WHERE e.id > $1 AND (n.id IS NOT NULL) = $3 ORDER BY e.id LIMIT $2"""
_LISTINGS = """
SELECT x.id, o.listing_id FROM (
    SELECT id, id AS order_id FROM settlement.orders WHERE id = ANY($1::uuid[])
    UNION ALL SELECT id, order_id FROM settlement.charge WHERE id = ANY($1::uuid[])
    UNION ALL SELECT id, order_id FROM settlement.refund WHERE id = ANY($1::uuid[])) x
JOIN settlement.orders o ON o.id = x.order_id"""
_BLUES = """
SELECT e.id, n.number, n.issued_on, e.invoice_type, e.codes_version FROM settlement.efapiao e
JOIN settlement.efapiao_number n ON n.id = e.id WHERE e.id = ANY($1::uuid[])"""
_CONFIRMED = "SELECT id, number, reason FROM settlement.efapiao_confirmation WHERE id = ANY($1::uuid[])"
_CONFIRMATION_TAKEN = "SELECT true FROM settlement.efapiao_confirmation WHERE number = $1"
_EXPORT = """
INSERT INTO settlement.efapiao_export (id, count, sha256, made_by, created_at) VALUES ($1, $2, $3, $4, $5)"""
_INSERT = """
INSERT INTO settlement.efapiao (id, buyer_id, seller_id, invoice_type, codes_version, export_id, original_id, document, sha256,
    exported_at)
SELECT u.id, u.buyer_id, u.seller_id, u.invoice_type, u.codes_version, $8, u.original_id, u.document, sha256(u.document), $9
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::uuid[], $7::bytea[])
    AS u(id, buyer_id, seller_id, invoice_type, codes_version, original_id, document)"""
_OF_EXPORT = "SELECT document FROM settlement.efapiao WHERE export_id = $1 ORDER BY id"
_CONFIRM = """
INSERT INTO settlement.efapiao_confirmation (id, number, reason, entered_by, entered_at) VALUES ($1, $2, $3, $4, $5)"""
_EXPORTED = """
SELECT e.id, e.seller_id, e.buyer_id, n.number, n.issued_on FROM settlement.efapiao e
LEFT JOIN settlement.efapiao_number n ON n.id = e.id WHERE e.id = ANY($1::uuid[])"""
_TAKEN = "SELECT number, id FROM settlement.efapiao_number WHERE number = ANY($1::text[])"
_NUMBER = """
INSERT INTO settlement.efapiao_number (id, buyer_id, seller_id, number, issued_on, entered_by, entered_at)
SELECT e.id, e.buyer_id, e.seller_id, u.number, u.issued_on, $4, $5
FROM unnest($1::uuid[], $2::text[], $3::date[]) AS u(id, number, issued_on) JOIN settlement.efapiao e ON e.id = u.id"""
_MINE = """
SELECT e.document, e.exported_at, n.number, n.issued_on FROM settlement.efapiao e
LEFT JOIN settlement.efapiao_number n ON n.id = e.id WHERE e.id = $1 AND (e.buyer_id = $2 OR e.seller_id = $2)"""


@dataclass(frozen=True, slots=True)
class CodesRow:
    """A table of codes as it was handed in."""

    version: int
    document: bytes
    sha256: bytes
    made_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EfapiaoRow:
    """A paper that is to be, or became, an e-fapiao, and how far it is."""

    doc: FiscalDoc
    state: State
    export_id: UUID | None = None
    number: str | None = None
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewEfapiao:
    """Data that leave now, for one paper; `original_id` is the paper that a red-letter one takes back from."""

    doc: FiscalDoc
    invoice_type: str
    codes_version: int
    original_id: UUID | None
    document: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """An invoice that left, with the number that it has, if any."""

    seller_id: UUID
    buyer_id: UUID
    number: str | None
    issued_on: date | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a buyer or seller sees of it."""

    document: bytes
    exported_at: datetime
    number: str | None
    issued_on: date | None


async def lock(tx: Tx) -> None:
    """Let nobody else export or enter numbers until this transaction ends."""
    await (await tx.driver()).execute(_LOCK)


async def put_codes(tx: Tx, document: bytes, sha256: bytes, organisation_id: UUID) -> CodesRow:
    """Keep a table; the newest one again stays the version that it is."""
    await lock(tx)
    last = await codes(tx)
    if last is not None and last.sha256 == sha256:
        return last
    version = await (await tx.driver()).fetchval(_PUT_CODES, document, sha256, organisation_id, tx.now)
    return CodesRow(version, document, sha256, organisation_id, tx.now)


async def codes(tx: Tx, version: int | None = None) -> CodesRow | None:
    """A version of the table, or the newest."""
    where = " ORDER BY version DESC LIMIT 1" if version is None else " WHERE version = $1"
    row = await (await tx.driver()).fetchrow(_CODES + where, *([] if version is None else [version]))
    return CodesRow(row[0], bytes(row[1]), bytes(row[2]), row[3], row[4]) if row is not None else None


async def waiting(tx: Tx, after: UUID, limit: int) -> list[FiscalDoc]:
    """Papers of Chinese sellers whose data did not leave yet, in the order of their ids."""
    return [read_document(row[1]) for row in await (await tx.driver()).fetch(_WAITING, after, limit)]


async def list_efapiao(tx: Tx, request: PageRequest, state: State) -> Page[EfapiaoRow]:
    """Papers in one state, the oldest first."""
    after = UUID(request.after[0]) if request.after else UUID(int=0)
    if state is State.DRAFT:
        found = [EfapiaoRow(doc, state) for doc in await waiting(tx, after, request.limit + 1)]
    else:
        rows = await (await tx.driver()).fetch(_SENT, after, request.limit + 1, state is State.ISSUED)
        found = [EfapiaoRow(read_document(row[1]), state, row[2], row[3], row[4]) for row in rows]
    return page_of(found, request, lambda one: (str(one.doc.id),))


async def listings(tx: Tx, source_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The listing of what each order, charge or refund is about."""
    return {row[0]: row[1] for row in await (await tx.driver()).fetch(_LISTINGS, list(source_ids))}


async def issued(tx: Tx, document_ids: Sequence[UUID]) -> dict[UUID, tuple[Blue, int]]:
    """Those of these papers whose e-fapiao is issued, each with the version of codes that it was filled in with."""
    rows = await (await tx.driver()).fetch(_BLUES, list(document_ids))
    return {row[0]: (Blue(row[1], row[2], row[3]), row[4]) for row in rows}


async def confirmed(tx: Tx, document_ids: Sequence[UUID]) -> dict[UUID, Confirmed]:
    """What the tax office confirmed for these credit notes."""
    rows = await (await tx.driver()).fetch(_CONFIRMED, list(document_ids))
    return {row[0]: Confirmed(row[1], Reason(row[2])) for row in rows}


async def insert_confirmation(tx: Tx, actor: Actor, document_id: UUID, said: Confirmed) -> None:
    """Keep a confirmation; each credit note has one, for good."""
    driver = await tx.driver()
    await driver.execute(_CONFIRM, document_id, said.number, said.reason.value, actor.organisation_id, tx.now)


async def confirmation_taken(tx: Tx, number: str) -> bool:
    """Whether a confirmation stands on a credit note already."""
    return bool(await (await tx.driver()).fetchval(_CONFIRMATION_TAKEN, number))


async def insert_export(tx: Tx, actor: Actor, export_id: UUID, sha256: bytes, new: Sequence[NewEfapiao]) -> None:
    """Write what leaves in one file."""
    driver = await tx.driver()
    await driver.execute(_EXPORT, export_id, len(new), sha256, actor.organisation_id, tx.now)
    await driver.execute(
        _INSERT,
        [one.doc.id for one in new],
        [one.doc.buyer.organisation_id for one in new],
        [one.doc.seller.organisation_id for one in new],
        [one.invoice_type for one in new],
        [one.codes_version for one in new],
        [one.original_id for one in new],
        [one.document for one in new],
        export_id,
        tx.now,
    )


async def of_export(tx: Tx, export_id: UUID) -> list[bytes]:
    """What left in one file, in its order; nothing for an unknown one."""
    return [bytes(row[0]) for row in await (await tx.driver()).fetch(_OF_EXPORT, export_id)]


async def sent(tx: Tx, document_ids: Sequence[UUID]) -> dict[UUID, Sent]:
    """Those of these papers whose data left."""
    rows = await (await tx.driver()).fetch(_EXPORTED, list(document_ids))
    return {row[0]: Sent(row[1], row[2], row[3], row[4]) for row in rows}


async def numbers_taken(tx: Tx, numbers: Sequence[str]) -> dict[str, UUID]:
    """Which of these numbers stand on a paper already, and on which."""
    return {row[0]: row[1] for row in await (await tx.driver()).fetch(_TAKEN, list(numbers))}


async def insert_numbers(tx: Tx, actor: Actor, new: Sequence[Numbered]) -> None:
    """Write numbers that the tax office gave."""
    await (await tx.driver()).execute(
        _NUMBER,
        [one.document_id for one in new],
        [one.number for one in new],
        [one.issued_on for one in new],
        actor.organisation_id,
        tx.now,
    )


async def find_efapiao(tx: Tx, actor: Actor, document_id: UUID) -> Shown | None:
    """The e-fapiao of one of the actor's papers, once its data left."""
    row: Any = await (await tx.driver()).fetchrow(_MINE, document_id, actor.organisation_id)
    return Shown(bytes(row[0]), row[1], row[2], row[3]) if row is not None else None

"""Payments and bank entries in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement.payments import (
    TRANSITIONS,
    BankEntry,
    BankEntryRecord,
    Method,
    Payment,
    PaymentState,
    Purpose,
)
from settlement.payouts import Payout

_COLUMNS = """id, organisation_id, purpose, order_id, amount_units, currency, method, state, provider_ref, failure,
    created_at, finished_at, redirect_url, qr_code, session_ref"""
_INSERT = """
INSERT INTO settlement.payment (id, organisation_id, purpose, order_id, amount_units, currency, method, state, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::timestamptz[])"""
_GET = f"SELECT {_COLUMNS} FROM settlement.payment WHERE id = ANY($1::uuid[]) ORDER BY id"
_OF_ORDER = f"SELECT {_COLUMNS} FROM settlement.payment WHERE order_id = $1 ORDER BY id DESC LIMIT 1"
_MOVE = """
UPDATE settlement.payment SET state = $2, provider_ref = coalesce($3, provider_ref), failure = $4,
    finished_at = CASE WHEN $2 IN ('succeeded', 'failed') THEN $5::timestamptz END, redirect_url = NULL, qr_code = NULL
WHERE id = $1 AND state = ANY($6::text[]) RETURNING id"""
_SHOW_PAGE = """
UPDATE settlement.payment SET redirect_url = $2, qr_code = $3, session_ref = coalesce($4, session_ref)
WHERE id = $1 AND state IN ('created', 'processing')"""
_NAMED = f"SELECT {_COLUMNS} FROM settlement.payment WHERE provider_ref = $1"
_ENTRY_COLUMNS = "id, entry_ref, reference, amount_units, currency, booked_at, organisation_id, payment_id"
_ENTRY_COLUMNS = """id, entry_ref, reference, amount_units, currency, booked_at, organisation_id, payment_id, account_id,
    maybe_id, maybe_payment_id"""
_ENTRY = """
INSERT INTO settlement.bank_entry (id, entry_ref, reference, amount_units, currency, booked_at, state, organisation_id,
    payment_id, received_at, account_id)
SELECT id, ref, words, units, currency, booked, CASE WHEN o IS NULL THEN 'unmatched' ELSE 'matched' END, o, p, $9, account
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[], $7::uuid[], $8::uuid[], $10::uuid[])
    AS t(id, ref, words, units, currency, booked, o, p, account)
ON CONFLICT (entry_ref, account_id) DO NOTHING RETURNING id"""
_ENTRY_GET = f"""
SELECT {_ENTRY_COLUMNS} FROM unnest($1::text[], $2::uuid[]) AS t(ref, account)
JOIN settlement.bank_entry b ON b.entry_ref = t.ref AND b.account_id IS NOT DISTINCT FROM t.account"""
_PAYOUTS_TOLD = """
SELECT b.entry_ref, b.payout_id FROM unnest($1::text[], $2::uuid[]) AS t(ref, account)
JOIN settlement.bank_entry b ON b.entry_ref = t.ref AND b.account_id IS NOT DISTINCT FROM t.account"""
_PAYOUT_ENTRY = """
INSERT INTO settlement.bank_entry (id, entry_ref, reference, amount_units, currency, booked_at, state, organisation_id, payout_id,
    received_at, account_id) VALUES ($1, $2, $3, $4, $5, $6, 'matched', $7, $8, $9, $10)"""
_ENTRY_OPEN = f"SELECT {_ENTRY_COLUMNS} FROM settlement.bank_entry WHERE state = 'unmatched' ORDER BY id LIMIT $1"
_ENTRY_MATCH = f"""
UPDATE settlement.bank_entry SET state = 'matched', organisation_id = $2, payment_id = $3
WHERE id = $1 AND state = 'unmatched' AND amount_units > 0 RETURNING {_ENTRY_COLUMNS}"""

_ENTRY_FEE = """
UPDATE settlement.bank_entry SET state = 'matched', organisation_id = $2
WHERE id = $1 AND state = 'unmatched' AND amount_units < 0 RETURNING amount_units, currency"""


async def insert_payments(tx: Tx, payments: Sequence[Payment]) -> None:
    """Insert a batch of payments in one statement."""
    if not payments:
        return
    driver = await tx.driver()
    await driver.execute(
        _INSERT,
        [p.id for p in payments],
        [p.organisation_id for p in payments],
        [p.purpose for p in payments],
        [p.order_id for p in payments],
        [p.amount.units for p in payments],
        [p.amount.currency for p in payments],
        [p.method for p in payments],
        [p.state.value for p in payments],
        [p.created_at for p in payments],
    )


async def get_payments(tx: Tx, payment_ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Payment]:
    """Payments by id, whoever asks; locked in id order until the transaction ends when `lock`."""
    driver = await tx.driver()
    rows = await driver.fetch(f"{_GET} FOR UPDATE" if lock else _GET, list(payment_ids))
    return {row["id"]: payment_of(row) for row in rows}


async def payment_of_order(tx: Tx, order_id: UUID) -> Payment | None:
    """The newest payment of an order."""
    row = await (await tx.driver()).fetchrow(_OF_ORDER, order_id)
    return payment_of(row) if row else None


async def move_payment(
    tx: Tx, payment_id: UUID, target: PaymentState, provider_ref: str | None = None, failure: str | None = None
) -> bool:
    """Move a payment along its transition table; False when it does not stand where that step begins."""
    sources = [state.value for state, targets in TRANSITIONS.items() if target in targets]
    driver = await tx.driver()
    row = await driver.fetchrow(_MOVE, payment_id, target.value, provider_ref, failure, tx.now, sources)
    return row is not None


async def show_page(
    tx: Tx, payment_id: UUID, redirect_url: str | None, qr_code: str | None, session_ref: str | None = None
) -> None:
    """Note where the payer has to agree; only while the payment is not decided."""
    await (await tx.driver()).execute(_SHOW_PAGE, payment_id, redirect_url, qr_code, session_ref)


async def named(tx: Tx, provider_ref: str) -> Payment | None:
    """The payment that the provider calls so, whoever asks."""
    row = await (await tx.driver()).fetchrow(_NAMED, provider_ref)
    return payment_of(row) if row else None


async def insert_bank_entries(tx: Tx, records: Sequence[BankEntryRecord]) -> set[UUID]:
    """Insert bank entries that were never seen; answers the ids that are new."""
    if not records:
        return set()
    driver = await tx.driver()
    entries = [record.entry for record in records]
    rows = await driver.fetch(
        _ENTRY,
        [record.id for record in records],
        [entry.entry_ref for entry in entries],
        [entry.reference for entry in entries],
        [entry.amount.units for entry in entries],
        [entry.amount.currency for entry in entries],
        [entry.booked_at for entry in entries],
        [record.organisation_id for record in records],
        [record.payment_id for record in records],
        tx.now,
        [entry.account_id for entry in entries],
    )
    return {row[0] for row in rows}


async def get_bank_entries(tx: Tx, entries: Sequence[BankEntry]) -> dict[str, BankEntryRecord]:
    """What is recorded of these entries, by the bank's own reference on their account."""
    refs, accounts = [one.entry_ref for one in entries], [one.account_id for one in entries]
    rows = await (await tx.driver()).fetch(_ENTRY_GET, refs, accounts)
    return {row["entry_ref"]: _entry_of(row) for row in rows}


async def payouts_told(tx: Tx, entries: Sequence[BankEntry]) -> dict[str, UUID | None]:
    """Of those entries that are recorded, the payout that each was about, None where it was about none."""
    refs, accounts = [one.entry_ref for one in entries], [one.account_id for one in entries]
    rows = await (await tx.driver()).fetch(_PAYOUTS_TOLD, refs, accounts)
    return {row[0]: row[1] for row in rows}


async def insert_payout_entry(tx: Tx, one: BankEntry, payout: Payout) -> None:
    """Note the entry with which a bank told that it paid a payout; it is new."""
    await (await tx.driver()).execute(
        _PAYOUT_ENTRY,
        tx.new_id(),
        one.entry_ref,
        one.reference,
        one.amount.units,
        one.amount.currency,
        one.booked_at,
        payout.organisation_id,
        payout.id,
        tx.now,
        one.account_id,
    )


async def unmatched_bank_entries(tx: Tx, limit: int = 200) -> list[BankEntryRecord]:
    """Bank entries that name nobody, oldest first."""
    return [_entry_of(row) for row in await (await tx.driver()).fetch(_ENTRY_OPEN, limit)]


async def find_unmatched(tx: Tx, entry_id: UUID) -> BankEntryRecord | None:
    """An entry that waits for its owner, held until the transaction ends."""
    query = f"SELECT {_ENTRY_COLUMNS} FROM settlement.bank_entry WHERE id = $1 AND state = 'unmatched' FOR UPDATE"
    row = await (await tx.driver()).fetchrow(query, entry_id)
    return _entry_of(row) if row else None


async def take_fee(tx: Tx, entry_id: UUID, operator_id: UUID) -> Money | None:
    """An entry that waits and went out was the bank's fee; what it was above zero, None where it is no such entry."""
    row = await (await tx.driver()).fetchrow(_ENTRY_FEE, entry_id, operator_id)
    return Money(-row[0], row[1]) if row else None


async def match_bank_entry(
    tx: Tx, entry_id: UUID, organisation_id: UUID, payment_id: UUID | None = None
) -> BankEntryRecord | None:
    """Give an unmatched entry that came in to its owner; None when it is not unmatched."""
    row = await (await tx.driver()).fetchrow(_ENTRY_MATCH, entry_id, organisation_id, payment_id)
    return _entry_of(row) if row else None


def payment_of(row: Any) -> Payment:
    """A payment from a row of either driver."""
    return Payment(
        row["id"],
        row["organisation_id"],
        Purpose(row["purpose"]),
        row["order_id"],
        Money(row["amount_units"], row["currency"]),
        Method(row["method"]),
        PaymentState(row["state"]),
        row["created_at"],
        row["provider_ref"],
        row["failure"],
        row["finished_at"],
        row["redirect_url"],
        row["qr_code"],
        row["session_ref"],
    )


def _entry_of(row: Any) -> BankEntryRecord:
    amount = Money(row["amount_units"], row["currency"])
    entry = BankEntry(row["entry_ref"], row["reference"], amount, row["booked_at"], row["account_id"])
    return BankEntryRecord(
        row["id"], entry, row["organisation_id"], row["payment_id"], row["maybe_id"], row["maybe_payment_id"]
    )

"""Payments, the provider's events and bank entries in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
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

_COLUMNS = """id, organisation_id, purpose, order_id, amount_units, currency, method, state, provider_ref, failure,
    created_at, finished_at"""
_INSERT = """
INSERT INTO settlement.payment (id, organisation_id, purpose, order_id, amount_units, currency, method, state, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::timestamptz[])"""
_GET = f"SELECT {_COLUMNS} FROM settlement.payment WHERE id = ANY($1::uuid[]) ORDER BY id"
_OF_ORDER = f"SELECT {_COLUMNS} FROM settlement.payment WHERE order_id = $1 ORDER BY id DESC LIMIT 1"
_MOVE = """
UPDATE settlement.payment SET state = $2, provider_ref = coalesce($3, provider_ref), failure = $4,
    finished_at = CASE WHEN $2 IN ('succeeded', 'failed') THEN $5::timestamptz END
WHERE id = $1 AND state = ANY($6::text[]) RETURNING id"""
_EVENT = """
INSERT INTO settlement.stripe_event (id, type, object_id, payload, received_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING id"""
_EVENT_TAKE = (
    "SELECT type, object_id, payload FROM settlement.stripe_event WHERE id = $1 AND handled_at IS NULL FOR UPDATE"
)
_EVENT_DONE = "UPDATE settlement.stripe_event SET handled_at = $2 WHERE id = $1"
_EVENT_EMPTY = """
UPDATE settlement.stripe_event e SET payload = NULL WHERE e.handled_at < $1 AND e.payload IS NOT NULL
AND NOT EXISTS (SELECT FROM settlement.payment p WHERE p.provider_ref = e.object_id AND p.organisation_id = ANY ($2::uuid[]))"""
_ENTRY_COLUMNS = "id, entry_ref, reference, amount_units, currency, booked_at, organisation_id, payment_id"
_ENTRY = """
INSERT INTO settlement.bank_entry (id, entry_ref, reference, amount_units, currency, booked_at, state, organisation_id,
    payment_id, received_at)
SELECT id, ref, words, units, currency, booked, CASE WHEN o IS NULL THEN 'unmatched' ELSE 'matched' END, o, p, $9
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[], $7::uuid[], $8::uuid[])
    AS t(id, ref, words, units, currency, booked, o, p)
ON CONFLICT (entry_ref) DO NOTHING RETURNING id"""
_ENTRY_GET = f"SELECT {_ENTRY_COLUMNS} FROM settlement.bank_entry WHERE entry_ref = ANY($1::text[])"
_ENTRY_OPEN = f"SELECT {_ENTRY_COLUMNS} FROM settlement.bank_entry WHERE state = 'unmatched' ORDER BY id LIMIT $1"
_ENTRY_MATCH = f"""
UPDATE settlement.bank_entry SET state = 'matched', organisation_id = $2 WHERE id = $1 AND state = 'unmatched'
RETURNING {_ENTRY_COLUMNS}"""


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


async def store_event(tx: Tx, event_id: str, type_: str, object_id: str, payload: bytes) -> bool:
    """Keep a provider's event; False when it came before."""
    driver = await tx.driver()
    return await driver.fetchrow(_EVENT, event_id, type_, object_id, payload, tx.now) is not None


async def take_event(tx: Tx, event_id: str) -> tuple[str, str, bytes | None] | None:
    """An event that was not handled yet, locked; None when there is nothing to do.

    shapes   (type, object id, payload)
    """
    row = await (await tx.driver()).fetchrow(_EVENT_TAKE, event_id)
    return (row[0], row[1], row[2]) if row else None


async def event_handled(tx: Tx, event_id: str) -> None:
    """Note that an event took its effect, in the transaction of that effect."""
    await (await tx.driver()).execute(_EVENT_DONE, event_id, tx.now)


async def erase_payloads(tx: Tx, handled_before: datetime, keep: Sequence[UUID] = ()) -> int:
    """Empty the payloads of events that were handled long ago, but not of payments of the organisations in `keep`.

    The rows go on refusing duplicates.
    """
    return int((await (await tx.driver()).execute(_EVENT_EMPTY, handled_before, list(keep))).split()[-1])


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
    )
    return {row[0] for row in rows}


async def get_bank_entries(tx: Tx, entry_refs: Sequence[str]) -> dict[str, BankEntryRecord]:
    """Bank entries by the bank's own reference."""
    rows = await (await tx.driver()).fetch(_ENTRY_GET, list(entry_refs))
    return {row["entry_ref"]: _entry_of(row) for row in rows}


async def unmatched_bank_entries(tx: Tx, limit: int = 200) -> list[BankEntryRecord]:
    """Bank entries that name nobody, oldest first."""
    return [_entry_of(row) for row in await (await tx.driver()).fetch(_ENTRY_OPEN, limit)]


async def match_bank_entry(tx: Tx, entry_id: UUID, organisation_id: UUID) -> BankEntryRecord | None:
    """Give an unmatched entry to its owner; None when it is not unmatched."""
    row = await (await tx.driver()).fetchrow(_ENTRY_MATCH, entry_id, organisation_id)
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
    )


def _entry_of(row: Any) -> BankEntryRecord:
    amount = Money(row["amount_units"], row["currency"])
    entry = BankEntry(row["entry_ref"], row["reference"], amount, row["booked_at"])
    return BankEntryRecord(row["id"], entry, row["organisation_id"], row["payment_id"])

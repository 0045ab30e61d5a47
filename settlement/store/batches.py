"""Batches of payouts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import Page, PageRequest, page_of
from settlement.banking.batches import TRANSITIONS, Batch, BatchItem, BatchState
from settlement.banking.files import FileForm
from settlement.payouts import Payout
from settlement.store.payouts import COLUMNS, payout_of

_COLUMNS = """id, account_id, currency, form, execution_date, state, sha256, count, total_units, made_at, exported_at,
    file_sha256, stored_sha256, stored_bytes"""
_WAITING = f"""
SELECT {COLUMNS} FROM settlement.payout p WHERE rail = 'bank' AND state = 'created' AND currency = $1
AND NOT EXISTS (SELECT FROM settlement.payout_batch_item i WHERE i.payout_id = p.id AND i.dropped IS NULL)
ORDER BY id LIMIT $2 FOR UPDATE"""
_INSERT = """
INSERT INTO settlement.payout_batch (id, account_id, currency, form, execution_date, state, sha256, count, total_units,
    made_at) VALUES ($1, $2, $3, $4, $5, 'draft', $6, $7, $8, $9)"""
_ITEMS = """
INSERT INTO settlement.payout_batch_item (batch_id, payout_id, position, organisation_id, amount_units, destination_id,
    fingerprint)
SELECT $1, * FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::bigint[], $6::uuid[], $7::bytea[])"""
_GET = f"SELECT {_COLUMNS} FROM settlement.payout_batch WHERE id = $1"
_LIST = f"""
SELECT {_COLUMNS} FROM settlement.payout_batch WHERE ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2"""
_LIVE = """
SELECT payout_id, organisation_id, position, amount_units, destination_id, fingerprint FROM settlement.payout_batch_item
WHERE batch_id = $1 AND dropped IS NULL ORDER BY position"""
_DROP = """
UPDATE settlement.payout_batch_item i SET dropped = t.reason FROM unnest($2::uuid[], $3::text[]) AS t(payout, reason)
WHERE i.batch_id = $1 AND i.payout_id = t.payout"""
_DROP_ALL = "UPDATE settlement.payout_batch_item SET dropped = $2 WHERE batch_id = $1 AND dropped IS NULL"
_RESOLVE = """
UPDATE settlement.payout_batch_item i SET destination_id = t.destination, fingerprint = t.fingerprint
FROM unnest($2::uuid[], $3::uuid[], $4::bytea[]) AS t(payout, destination, fingerprint)
WHERE i.batch_id = $1 AND i.payout_id = t.payout"""
_LISTED = "UPDATE settlement.payout_batch SET sha256 = $2, count = $3, total_units = $4 WHERE id = $1"
_MOVE = "UPDATE settlement.payout_batch SET state = $2 WHERE id = $1 AND state = ANY($3::text[]) RETURNING id"
_EXPORTED = """
UPDATE settlement.payout_batch SET state = 'exported', exported_at = $2, file_sha256 = $3, stored_sha256 = $4,
    stored_bytes = $5 WHERE id = $1 AND state = 'approved' RETURNING id"""
_DONE = """
UPDATE settlement.payout_batch b SET state = 'done' WHERE b.state = 'exported'
AND b.id IN (SELECT batch_id FROM settlement.payout_batch_item WHERE payout_id = ANY($1::uuid[]) AND dropped IS NULL)
AND NOT EXISTS (SELECT FROM settlement.payout_batch_item i JOIN settlement.payout p ON p.id = i.payout_id
    WHERE i.batch_id = b.id AND i.dropped IS NULL AND p.state = 'exported') RETURNING b.id"""


async def waiting_payouts(tx: Tx, currency: str, limit: int) -> list[Payout]:
    """Payouts by bank that are in no batch, oldest first, held until the transaction ends."""
    return [payout_of(row) for row in await (await tx.driver()).fetch(_WAITING, currency, limit)]


async def insert_batch(tx: Tx, batch: Batch, items: Sequence[BatchItem]) -> None:
    """Write a draft with its list."""
    driver = await tx.driver()
    await driver.execute(
        _INSERT,
        batch.id,
        batch.account_id,
        batch.currency,
        batch.form.value,
        batch.execution_date,
        batch.sha256,
        batch.count,
        batch.total.units,
        batch.made_at,
    )
    await driver.execute(
        _ITEMS,
        batch.id,
        [one.payout_id for one in items],
        [one.position for one in items],
        [one.organisation_id for one in items],
        [one.amount.units for one in items],
        [one.destination_id for one in items],
        [one.fingerprint for one in items],
    )


async def get_batch(tx: Tx, batch_id: UUID, *, lock: bool = False) -> Batch | None:
    """A batch; locked until the transaction ends when `lock`."""
    row = await (await tx.driver()).fetchrow(f"{_GET} FOR UPDATE" if lock else _GET, batch_id)
    return _batch(row) if row else None


async def list_batches(tx: Tx, request: PageRequest) -> Page[Batch]:
    """Batches, newest first."""
    after = UUID(request.after[0]) if request.after else None
    rows = await (await tx.driver()).fetch(_LIST, after, request.limit + 1)
    return page_of([_batch(row) for row in rows], request, lambda one: (str(one.id),))


async def items_of(tx: Tx, batch: Batch) -> list[BatchItem]:
    """The list of a batch as it stands: what fell out is left out."""
    return [
        BatchItem(row[0], row[1], row[2], Money(row[3], batch.currency), row[4], bytes(row[5]))
        for row in await (await tx.driver()).fetch(_LIVE, batch.id)
    ]


async def relist(
    tx: Tx, batch_id: UUID, sha256: bytes, items: Sequence[BatchItem], dropped: Sequence[tuple[UUID, str]]
) -> None:
    """Write a list that changed: what fell out and why, and where the rest goes now."""
    driver = await tx.driver()
    if dropped:
        await driver.execute(_DROP, batch_id, [one for one, _ in dropped], [reason for _, reason in dropped])
    ids_, to, prints = (
        [i.payout_id for i in items],
        [i.destination_id for i in items],
        [i.fingerprint for i in items],
    )
    await driver.execute(_RESOLVE, batch_id, ids_, to, prints)
    await driver.execute(_LISTED, batch_id, sha256, len(items), sum(one.amount.units for one in items))


async def drop_all(tx: Tx, batch_id: UUID, reason: str) -> None:
    """Let every payout of a batch go."""
    await (await tx.driver()).execute(_DROP_ALL, batch_id, reason)


async def move_batch(tx: Tx, batch_id: UUID, target: BatchState) -> bool:
    """Move a batch along its transition table; False when it does not stand where that step begins."""
    sources = [state.value for state, targets in TRANSITIONS.items() if target in targets]
    return await (await tx.driver()).fetchrow(_MOVE, batch_id, target.value, sources) is not None


async def export_batch(tx: Tx, batch_id: UUID, file_sha256: bytes, stored: tuple[bytes, int]) -> bool:
    """Note the file of an approved batch; False where it is not approved."""
    row = await (await tx.driver()).fetchrow(_EXPORTED, batch_id, tx.now, file_sha256, *stored)
    return row is not None


async def end_batches(tx: Tx, payout_ids: Sequence[UUID]) -> list[UUID]:
    """End the batches of these payouts of which nothing is on its way any more; answers those."""
    return [row[0] for row in await (await tx.driver()).fetch(_DONE, list(payout_ids))] if payout_ids else []


def _batch(row: Any) -> Batch:
    return Batch(
        row["id"],
        row["account_id"],
        row["currency"],
        FileForm(row["form"]),
        row["execution_date"],
        BatchState(row["state"]),
        bytes(row["sha256"]),
        row["count"],
        Money(row["total_units"], row["currency"]),
        row["made_at"],
        row["exported_at"],
        row["file_sha256"],
        (bytes(row["stored_sha256"]), row["stored_bytes"]) if row["stored_sha256"] is not None else None,
    )

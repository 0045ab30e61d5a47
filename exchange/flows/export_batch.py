"""The file of an approved batch: what it is written from, and the moment it counts, asked once more whether all may leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from compliance import store as audit
from compliance.entries import Entry
from exchange.flows.payout_batches import look_again
from exchange.kernel import ids
from exchange.kernel.db import Tx
from settlement.banking.accounts import BankAccount
from settlement.banking.batches import Batch, BatchItem, BatchState
from settlement.banking.destinations import Destination
from settlement.payouts import PayoutState
from settlement.store import bank_accounts, bank_entries, batches, destinations


@dataclass(frozen=True, slots=True)
class Export:
    """What a file is written from; who opens what is sealed is the caller."""

    batch: Batch
    account: BankAccount
    items: Sequence[BatchItem]
    to: dict[UUID, Destination]


async def begin_export(tx: Tx, batch_id: UUID) -> Export | None:
    """What the file of an approved batch is written from; None where it is not approved."""
    batch = await batches.get_batch(tx, batch_id)
    if batch is None or batch.state is not BatchState.APPROVED:
        return None
    account = await bank_accounts.get_account(tx, batch.account_id)
    assert account is not None, "a batch is of an account"
    items = await batches.items_of(tx, batch)
    return Export(batch, account, items, await destinations.get(tx, [one.destination_id for one in items]))


async def finish_export(tx: Tx, made: Export, file_sha256: bytes, stored: tuple[bytes, int]) -> BatchState | None:
    """Hand out the file of exactly this list; where one of it may not leave any more, the batch is a draft again.

    shapes   stored: hash and size of the sealed file in the store
    """
    batch = await batches.get_batch(tx, made.batch.id, lock=True)
    if batch is None or batch.state is not BatchState.APPROVED or batch.sha256 != made.batch.sha256:
        return batch.state if batch is not None else None
    now, _ = await look_again(tx, batch)
    name = ids.text("bat", batch.id)
    if now.state is not BatchState.APPROVED:
        changed = Entry(
            action="payout-batch.change", organisation_id=None, object_id=name, digests={"list": now.sha256}
        )
        await audit.append(tx, [changed])
        return now.state
    sent = [one.payout_id for one in made.items]
    await bank_entries.move_payouts(tx, sent, PayoutState.APPROVED, PayoutState.EXPORTED)
    await batches.export_batch(tx, batch.id, file_sha256, stored)
    digests = {"list": batch.sha256, "file": file_sha256}
    told = [
        Entry(
            action="payout.exported",
            organisation_id=None,
            object_id=ids.text("pot", one.payout_id),
            concerns=(one.organisation_id,),
        )
        for one in made.items
    ]
    whole = Entry(action="payout-batch.export", organisation_id=None, object_id=name, digests=digests)
    await audit.append(tx, [whole, *told])
    return BatchState.EXPORTED

"""Batches of payouts that one file hands to a bank: what is approved is the list, by its hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.money import Money
from settlement.banking.details import Scheme
from settlement.banking.files import FileForm

APPROVAL = "payout-batch"
PAYOUTS_MAX = 5_000


class BatchState(StrEnum):
    """Where a batch stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    EXPORTED = "exported"
    DONE = "done"
    CANCELLED = "cancelled"


# An approved batch is a draft again when its list changed before the file was written.
TRANSITIONS: Mapping[BatchState, frozenset[BatchState]] = {
    BatchState.DRAFT: frozenset({BatchState.APPROVED, BatchState.CANCELLED}),
    BatchState.APPROVED: frozenset({BatchState.EXPORTED, BatchState.DRAFT, BatchState.CANCELLED}),
    BatchState.EXPORTED: frozenset({BatchState.DONE}),
    BatchState.DONE: frozenset(),
    BatchState.CANCELLED: frozenset(),
}
FORMS: Mapping[Scheme, tuple[FileForm, ...]] = {
    Scheme.IBAN: (FileForm.PAIN,),
    Scheme.CN: (FileForm.CSV_GB18030, FileForm.CSV_UTF8),
}


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One payout of a batch and the version of the payee's account that it goes to."""

    payout_id: UUID
    organisation_id: UUID
    position: int
    amount: Money
    destination_id: UUID
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands; `sha256` is the hash of its list, `file_sha256` that of the file the bank gets.

    shapes   stored: the hash and the size of the file as it is stored, which is sealed
    """

    id: UUID
    account_id: UUID
    currency: str
    form: FileForm
    execution_date: date
    state: BatchState
    sha256: bytes
    count: int
    total: Money
    made_at: datetime
    exported_at: datetime | None = None
    file_sha256: bytes | None = None
    stored: tuple[bytes, int] | None = None


def list_sha256(batch_id: UUID, debtor: bytes, form: FileForm, on: date, items: Sequence[BatchItem]) -> bytes:
    """The hash of everything that a bank will be told: from where, when, and each payout with its account and amount."""
    return sha256(
        canonical(
            {
                "type": "payout-batch",
                "v": 1,
                "batch": ids.text("bat", batch_id),
                "debtor": debtor.hex(),
                "form": form.value,
                "execution_date": on.isoformat(),
                "items": [
                    {
                        "payout": ids.text("pot", one.payout_id),
                        "organisation": ids.text("org", one.organisation_id),
                        "amount": one.amount.to_wire(),
                        "destination": ids.text("dst", one.destination_id),
                        "details": one.fingerprint.hex(),
                    }
                    for one in items
                ],
            }
        )
    )


def about_file(batch_id: UUID) -> bytes:
    """What a batch's sealed file is bound to."""
    return f"settlement.payout-batch {batch_id}".encode()

"""The exchange's own accounts at banks, and the statements that were taken of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel.money import Money
from settlement.banking.details import Scheme


class BankAccountKind(StrEnum):
    """Whose money lies there: clients', or theirs as a supervising bank holds it until a milestone is accepted."""

    CLIENT = "client"
    ESCROW = "escrow"


@dataclass(frozen=True, slots=True)
class BankAccount:
    """One account; `sealed` are its details under the key of `sealed_for`, the operator's organisation."""

    id: UUID
    kind: BankAccountKind
    currency: str
    scheme: Scheme
    last4: str
    digest: bytes
    sealed_for: UUID
    sealed: bytes
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TakenStatement:
    """A statement that was read: what it opened and closed with, and how far its entries are matched."""

    id: UUID
    account_id: UUID
    reference: str
    sha256: bytes
    opening: Money
    closing: Money
    entries: int
    matched_at: datetime | None
    received_at: datetime

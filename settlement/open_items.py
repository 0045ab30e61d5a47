"""Open items: what happened at the payment provider and cannot be booked by rule; a person settles it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ItemKind(StrEnum):
    """What kind of thing waits."""

    CALL_UNANSWERED = "call-unanswered"
    ANSWER_DIFFERS = "answer-differs"
    BALANCE_SHORT = "balance-short"
    PAYOUT_REFUSED = "payout-refused"
    PAYOUT_RETURNED = "payout-returned"
    PAYOUT_UNKNOWN = "payout-unknown"
    TRANSFER_REVERSED = "transfer-reversed"
    TRANSFER_UNKNOWN = "transfer-unknown"
    OTHER_MONEY = "other-money"
    PAID_TWICE = "paid-twice"
    PAYMENT_UNKNOWN = "payment-unknown"
    REFUND = "refund"
    REFUND_FAILED = "refund-failed"
    DISPUTE = "dispute"
    DISPUTE_UNKNOWN = "dispute-unknown"
    CHARGEBACK_UNCOVERED = "chargeback-uncovered"
    DEBT_NOT_BROUGHT = "debt-not-brought"
    FRAUD_WARNING = "fraud-warning"
    OWN_MONEY = "own-money"
    ACCOUNT_LOST = "account-lost"
    OBJECT_MISSING = "object-missing"
    EVENT_UNKNOWN = "event-unknown"
    API_VERSION = "api-version"
    RECONCILIATION_STOPPED = "reconciliation-stopped"
    MOVEMENT_CHANGED = "movement-changed"
    TAKEN_BACK = "taken-back"
    MONEY_DIFFERS = "money-differs"
    MONEY_SHORT = "money-short"
    JOB_GIVEN_UP = "job-given-up"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a person has to look at. `about` has ids, states and amounts, and no word about a person."""

    kind: ItemKind
    subject: str
    about: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An open item as it stands; `seen` counts what came for it."""

    id: UUID
    what: Opened
    seen: int
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None = None
    note: str | None = None

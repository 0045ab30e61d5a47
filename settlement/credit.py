"""Credit terms: what a buyer may order on account, what it owes for that, and how old the debts are. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.money import Money

APPROVAL = "credit-line"
DAYS = 30
DAYS_MAX = 180
PURCHASE_ORDER_MAX = 100
# EN 16931, BT-13: a text on the invoice. No control characters, nothing at its ends.
_PURCHASE_ORDER = re.compile(r"\S(?:.{0,98}\S)?\Z")
# Days over due at the latest, for each age but the last.
AGES = (0, 30, 60, 90)


class LineState(StrEnum):
    """Where a credit line stands; orders are placed against an active one alone."""

    ASKED = "asked"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CreditLine:
    """What a buyer may owe for orders on account in one currency, and for how many days."""

    id: UUID
    buyer_id: UUID
    limit: Money
    days: int
    purchase_order_required: bool
    state: LineState
    asked_at: datetime
    active_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def sha256(self) -> bytes:
        """What an approval binds."""
        terms = {
            "type": "credit-line",
            "v": 1,
            "line": ids.text("cdl", self.id),
            "buyer": ids.text("org", self.buyer_id),
            "limit": self.limit.to_wire(),
            "days": str(self.days),
            "purchase_order_required": self.purchase_order_required,
        }
        return hashlib.sha256(canonical(terms)).digest()


@dataclass(frozen=True, slots=True)
class CreditOrder:
    """An order on account: what is still owed for it, and until when it is to be paid."""

    order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    price: Money
    unpaid_units: int
    due_on: date
    purchase_order: str | None
    created_at: datetime

    @property
    def unpaid(self) -> Money:
        """What is still owed."""
        return Money(self.unpaid_units, self.price.currency)


@dataclass(frozen=True, slots=True)
class Aged:
    """What one buyer owes in one currency, by how long it is over due.

    units    millionths; `by_age`: not over due, up to 30, 60 and 90 days over due, and longer
    """

    buyer_id: UUID
    currency: str
    by_age: tuple[int, ...]

    @property
    def total(self) -> int:
        """All that is owed."""
        return sum(self.by_age)


def purchase_order_possible(number: str) -> bool:
    """Whether a text can stand on an invoice as the buyer's purchase order."""
    return bool(_PURCHASE_ORDER.match(number)) and number.isprintable()


def ageing(owed: Iterable[tuple[UUID, str, date, int]], on: date) -> list[Aged]:
    """What is owed on a day, by buyer and currency, the largest debts first.

    shapes   owed: (buyer, currency, due on, millionths)
    """
    sums: dict[tuple[UUID, str], list[int]] = {}
    for buyer_id, currency, due_on, units in owed:
        row = sums.setdefault((buyer_id, currency), [0] * (len(AGES) + 1))
        over = (on - due_on).days
        row[sum(over > age for age in AGES)] += units
    found = [Aged(buyer_id, currency, tuple(row)) for (buyer_id, currency), row in sums.items()]
    return sorted(found, key=lambda one: (one.currency, -one.total, one.buyer_id))

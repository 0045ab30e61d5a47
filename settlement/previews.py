"""Previews of settlement runs: what one would book now, and how that differs from an earlier run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement.runs import Charge

# Of which grant, and of which component of its plan.
LineKey = tuple[UUID, str]


class Part(StrEnum):
    """What the lines of a preview are about."""

    CHARGE = "charge"
    SELLER = "seller"
    BUYER = "buyer"
    PAYEE = "payee"
    HELD = "held"
    DIFF = "diff"


class Change(StrEnum):
    """How a line differs from that of the run compared with."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview that was asked for; `summary` and `seen_at` when it is made: the moment as of which it was read."""

    id: UUID
    period_start: datetime
    period_end: datetime
    currency: str
    region: str | None
    compare_with: UUID | None
    state: str
    seen_at: datetime | None
    summary: Mapping[str, Any] | None
    made_by: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a diff: what it came to before, and what it comes to now.

    units    millionths; nothing where there is no such line
    """

    key: LineKey
    before: int | None
    after: int | None

    @property
    def change(self) -> Change | None:
        """How the line differs, None where it does not."""
        if self.before is None:
            return Change.NEW
        if self.after is None:
            return Change.GONE
        return None if self.before == self.after else Change.CHANGED

    @property
    def units(self) -> int:
        """By how much."""
        return (self.after or 0) - (self.before or 0)

    def document(self, currency: str) -> dict[str, Any]:
        """The line as it is shown."""

        def money(units: int | None) -> dict[str, str] | None:
            return None if units is None else Money(units, currency).to_wire()

        return {
            "change": self.change,
            "grant": ids.text("grt", self.key[0]),
            "component": self.key[1],
            "before": money(self.before),
            "after": money(self.after),
            "difference": money(self.units),
        }


def compare(before: Mapping[LineKey, int], now: Mapping[LineKey, int], *, same_period: bool) -> Iterator[Difference]:
    """Each line of either side, in order.

    What the same period costs is what its runs booked and what is added now; another period is seen by itself.

    shapes   same_period: whether `before` is what all runs over the very period of `now` booked
    """
    for key in sorted({*before, *now}):
        was, more = before.get(key), now.get(key)
        if same_period:
            yield Difference(key, was, (was or 0) + (more or 0))
        else:
            yield Difference(key, was, more)


def by_line(charges: Sequence[Charge]) -> dict[LineKey, int]:
    """What charges come to by grant and component."""
    sums: dict[LineKey, int] = {}
    for one in charges:
        key = one.grant_id, one.component
        sums[key] = sums.get(key, 0) + one.amount.units
    return sums


def charge_document(charge: Charge) -> dict[str, Any]:
    """A charge as a preview shows it; it has no id, because nobody booked it."""
    corrects = None
    if charge.corrects is not None:
        corrects = ids.text("ord" if charge.corrects == charge.order_id else "chg", charge.corrects)
    return {
        "grant": ids.text("grt", charge.grant_id),
        "order": ids.text("ord", charge.order_id),
        "offer": ids.text("ofr", charge.offer_id),
        "buyer": ids.text("org", charge.buyer_id),
        "seller": ids.text("org", charge.seller_id),
        "component": charge.component,
        "period_index": charge.period_index,
        "service_start": _time(charge.service_start),
        "service_end": _time(charge.service_end) if charge.service_end else None,
        "quantity": format(charge.quantity.normalize(), "f"),
        "amount": charge.amount.to_wire(),
        "tax": charge.tax_money.to_wire(),
        "text": dict(charge.explanation["text"]),
        "corrects": corrects,
    }


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")

"""Deferred revenue: what was sold for a time that is not over, pro rata by the day. Pure; a report, no journals.

Gross is the view of a seller on commission: all of the price without tax. Net is an agent's: the exchange's own share of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale of a stretch of time, with what was refunded of it taken off.

    shapes   kind order | charge; ends None: a sale of no time, earned at once
    units    millionths, without tax; `own` is the exchange's share of `amount`; both below zero for a correction
    """

    kind: str
    source_id: UUID
    currency: str
    starts_at: datetime
    ends_at: datetime | None
    amount: int
    own: int


@dataclass(frozen=True, slots=True)
class Deferral:
    """What of a sale lies after the moment, and how many of its days."""

    sold: Sold
    days_left: int
    days: int
    gross: int
    net: int


@dataclass(frozen=True, slots=True)
class Total:
    """All of a currency."""

    currency: str
    sales: int
    gross: int
    net: int


def defer(sold: Sold, at: datetime) -> Deferral | None:
    """What of a sale is not earned at a moment; None where all is.

    units    whole days of UTC, a begun one counts; the earned part is rounded towards zero, the rest is deferred
    """
    if sold.ends_at is None or sold.ends_at <= at or sold.ends_at <= sold.starts_at:
        return None
    first, last = _day(sold.starts_at), _day(sold.ends_at - timedelta(microseconds=1)) + _DAY
    days = (last - first) // _DAY
    gone = min(max((_day(at) - first) // _DAY, 0), days)
    if gone == days:
        return None
    return Deferral(sold, days - gone, days, _left(sold.amount, gone, days), _left(sold.own, gone, days))


def totals(found: Iterable[Deferral]) -> list[Total]:
    """The sums by currency."""
    sums: dict[str, Total] = {}
    for one in found:
        before = sums.get(one.sold.currency, Total(one.sold.currency, 0, 0, 0))
        sums[one.sold.currency] = replace(
            before, sales=before.sales + 1, gross=before.gross + one.gross, net=before.net + one.net
        )
    return [sums[currency] for currency in sorted(sums)]


def _left(amount: int, gone: int, days: int) -> int:
    earned = abs(amount) * gone // days
    return amount - earned if amount >= 0 else amount + earned


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

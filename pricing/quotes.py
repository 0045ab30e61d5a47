"""Quotes: a price that binds until it expires; and simulations, which bind nobody."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from pricing.components import Plan
from pricing.periods import period, quarter_hour
from pricing.problems import QUOTE_EXPIRED
from pricing.rating import Due, LineKey, bill, instant, price_now, total

# Beyond so many lines an estimate holds their sums: nobody reads a thousand days.
LINES_MAX = 240


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a quote is for, and what it is bound to.

    units    digests are 32 raw bytes
    """

    quote_id: UUID
    offer_id: UUID
    offer_sha256: bytes
    terms_sha256: bytes
    buyer_id: UUID
    seller_id: UUID


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a simulation: the use foreseen, what becomes due, and the sum so far."""

    index: int
    starts_at: datetime
    ends_at: datetime
    lines: tuple[Due, ...]
    amount: Money
    running: Money

    def document(self) -> dict[str, Any]:
        """The month as JSON."""
        return {
            "month": self.index,
            "starts_at": instant(self.starts_at),
            "ends_at": instant(self.ends_at),
            "lines": [{**due.line.document(), "due": due.amount.to_wire()} for due in self.lines],
            "amount": self.amount.to_wire(),
            "running": self.running.to_wire(),
        }


def build(
    plan: Plan,
    subject: Subject,
    *,
    issued_at: datetime,
    expires_at: datetime,
    node_id: str,
    rule_set: str,
    forecast: Sequence[Month] = (),
) -> dict[str, Any]:
    """The quote document: what is due at the order, bound to the offer, its plan and its terms.

    shapes   JSON with ids and digests as text, ready for canonical bytes and the quote key; tax lines come with issue 3
    """
    lines = price_now(plan)
    return {
        "type": "quote",
        "v": 1,
        "id": ids.text("qte", subject.quote_id),
        "offer": {"id": ids.text("ofr", subject.offer_id), "sha256": subject.offer_sha256.hex()},
        "plan_sha256": plan.sha256,
        "terms_sha256": subject.terms_sha256.hex(),
        "buyer": ids.text("org", subject.buyer_id),
        "seller": ids.text("org", subject.seller_id),
        "currency": plan.currency,
        "lines": [line.document() for line in lines],
        "tax": [],
        "total": total(plan, lines).to_wire(),
        "estimate": estimate(forecast),
        "issued_at": instant(issued_at),
        "expires_at": instant(expires_at),
        "node_id": node_id,
        "rule_set": rule_set,
    }


def expired(document: Mapping[str, Any], at: datetime) -> Problem | None:
    """The refusal of a quote that is too old at `at`, or None; the moment it names is already too late."""
    if at >= datetime.fromisoformat(document["expires_at"]):
        return QUOTE_EXPIRED(expires_at=document["expires_at"])
    return None


class Foreseen:
    """A forecast of use, spread evenly over each month from a start: how much is used between two moments.

    shapes   one mapping usage key -> use per month; months are those of an agreement that begins at `starts_at`
    """

    def __init__(self, forecast: Sequence[Mapping[str, int]], starts_at: datetime, zone: ZoneInfo) -> None:
        """Work out the months and the sums before each."""
        self.months = [period("month", starts_at, index, zone) for index in range(len(forecast))]
        self.ends = [quarter_hour(starts_at), *(month.end or month.start for month in self.months)]
        self._forecast = forecast
        self._before: list[dict[str, int]] = [{}]
        for usage in forecast:
            sums = dict(self._before[-1])
            for key, quantity in usage.items():
                sums[key] = sums.get(key, 0) + quantity
            self._before.append(sums)

    def at(self, moment: datetime) -> tuple[int, int, int]:
        """Where a moment lies: whole months before it, then seconds of its month and the seconds of that month."""
        number = bisect_right(self.ends, moment) - 1
        if number < 0 or number >= len(self.months):
            return (max(0, number), 0, 1)
        start, end = self.ends[number], self.ends[number + 1]
        return (number, int((moment - start).total_seconds()), int((end - start).total_seconds()))

    def between(self, start: datetime, end: datetime) -> dict[str, int]:
        """What is used from `start` on and before `end`: parts of any cut add up to the whole."""
        first, last = self.at(start), self.at(end)
        found = {}
        for key in self._before[-1]:
            quantity = self._until(key, last) - self._until(key, first)
            if quantity:
                found[key] = quantity
        return found

    def _until(self, key: str, place: tuple[int, int, int]) -> int:
        number, seconds, of = place
        inside = self._forecast[number].get(key, 0) * seconds // of if seconds else 0
        return self._before[number].get(key, 0) + inside


# How often a period of each unit begins in a month, at most.
_IN_A_MONTH = {"day": 31, "week": 5, "month": 1, "year": 1, None: 1}


def lines_at_most(plan: Plan, months: int) -> int:
    """How many lines a simulation over `months` rates at most: what it costs to work out.

    shapes   a plan with credits is rated from its beginning for each month, with every grant so far among its lines
    """
    found = 0
    for unit, cadence in plan.by_cadence.items():
        parts = len(cadence.components) + len(cadence.discounts) + len(cadence.maxima) + len(cadence.minima)
        found += parts * (months * _IN_A_MONTH[unit] + 1)
    return found * (months + 1) // 2 if plan.needs_history else found


def estimate(months: Sequence[Month]) -> list[dict[str, Any]]:
    """Simulated months as JSON, each with its lines; where there are more than LINES_MAX, with their sums by id."""
    whole = sum(len(one.lines) for one in months) <= LINES_MAX
    return [month.document() if whole else _summed(month) for month in months]


def _summed(month: Month) -> dict[str, Any]:
    sums: dict[str, tuple[int, int]] = {}
    for due in month.lines:
        count, units = sums.get(due.line.id, (0, 0))
        sums[due.line.id] = (count + 1, units + due.amount.units)
    added = [
        {"component": name, "lines": count, "due": Money(units, month.amount.currency).to_wire()}
        for name, (count, units) in sums.items()
    ]
    return {**replace(month, lines=()).document(), "lines": added}


def simulate(plan: Plan, forecast: Sequence[Mapping[str, int]], starts_at: datetime) -> list[Month]:
    """What a forecast of use would cost, month by month, with the same arithmetic as the real thing.

    shapes   one mapping usage key -> use per month from `starts_at`; n months in, n months out
             use of a month is spread evenly over its time, for periods that begin and end elsewhere
             a month's amount is what is due when it ends; nothing is due yet of a period that goes on after the last one
    errors   as `pricing.rating.bill`
    """
    foreseen = Foreseen(forecast, starts_at, plan.time_zone)
    periods = plan.periods(starts_at, foreseen.ends[-1])
    booked: dict[LineKey, int] = {}
    months, running = [], Money.zero(plan.currency)
    for month in foreseen.months:
        end = month.end or month.start
        uses = [
            (stretch, foreseen.between(stretch.start, min(end, stretch.end or end)))
            for stretch in periods
            # What ended before this month was billed to its end.
            if stretch.start < end and (plan.needs_history or stretch.end is None or stretch.end > month.start)
        ]
        lines = tuple(bill(plan, uses, booked, until=end))
        booked.update({due.line.key: due.line.amount.units for due in lines})
        amount = Money(sum(due.amount.units for due in lines), plan.currency)
        running += amount
        months.append(Month(month.index, month.start, end, lines, amount, running))
    return months

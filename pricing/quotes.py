"""Quotes: a price that binds until it expires; and simulations, which bind nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from pricing.periods import Period, life, period, quarter_hour
from pricing.plans import Plan
from pricing.problems import QUOTE_EXPIRED
from pricing.rating import Due, LineKey, instant, outstanding, price_now, total


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
        "estimate": [month.document() for month in forecast],
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


def simulate(plan: Plan, forecast: Sequence[Mapping[str, int]], starts_at: datetime) -> list[Month]:
    """What a forecast of use would cost, month by month, with the same arithmetic as the real thing.

    shapes   one mapping meter -> use per month from `starts_at`; n months in, n months out
             use of a month is spread evenly over the days or weeks of a plan that counts in those
    """
    anchor, zone = quarter_hour(starts_at), plan.time_zone
    booked: dict[LineKey, int] = {}
    so_far: dict[tuple[str | None, int], dict[str, int]] = {}
    months, running = [], Money.zero(plan.currency)
    for index, usage in enumerate(forecast):
        month = period("month", anchor, index, zone)
        end = month.end or month.start
        lines: list[Due] = []
        for unit in plan.cadences:
            for stretch, part in _spread(unit, anchor, month, usage, plan):
                sums = so_far.setdefault((unit, stretch.index), {})
                for meter, quantity in part.items():
                    sums[meter] = sums.get(meter, 0) + quantity
                # A week may end in the next month; it is counted whole where it begins.
                dues = outstanding(plan, sums, stretch, booked, as_of=end if unit in (None, "year") else None)
                booked.update({due.line.key: due.line.amount.units for due in dues})
                lines += dues
        amount = Money(sum(due.amount.units for due in lines), plan.currency)
        running += amount
        months.append(Month(index, month.start, end, tuple(lines), amount, running))
    return months


def _spread(
    unit: str | None, anchor: datetime, month: Period, usage: Mapping[str, int], plan: Plan
) -> Iterator[tuple[Period, Mapping[str, int]]]:
    if unit is None:
        yield life(anchor), usage
    elif unit == "month":
        yield month, usage
    elif unit == "year":
        yield period("year", anchor, month.index // 12, plan.time_zone), usage
    else:
        stretches = _inside(unit, anchor, month, plan)
        for number, stretch in enumerate(stretches):
            yield stretch, {meter: _share(quantity, number, len(stretches)) for meter, quantity in usage.items()}


def _inside(unit: str, anchor: datetime, month: Period, plan: Plan) -> list[Period]:
    """The days or weeks that begin within `month`."""
    end = month.end or month.start
    number = max(0, (month.start - anchor).days // (7 if unit == "week" else 1) - 1)
    found = []
    while (stretch := period(unit, anchor, number, plan.time_zone)).start < end:
        if stretch.start >= month.start:
            found.append(stretch)
        number += 1
    return found


def _share(quantity: int, number: int, of: int) -> int:
    """Part `number` of a quantity split evenly; the parts sum to it."""
    return quantity * (number + 1) // of - quantity * number // of

"""Settlement runs: one period, one currency, done in parts that each commit alone."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money

QUARTER_S = 900
_MS = timedelta(milliseconds=1)


class Side(StrEnum):
    """First every seller's sales are settled, then every payee gets a statement."""

    SELLER = "seller"
    PAYEE = "payee"


class RunState(StrEnum):
    """Where a run stands."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


# A run that booked anything is finished; what it booked is corrected by a further run.
TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.OPEN: frozenset({RunState.CLOSED, RunState.CANCELLED}),
    RunState.CLOSED: frozenset(),
    RunState.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A settlement run over the half-open period [start, end), of the sellers and payees of one country, or of all.

    Whatever it writes counts from `opened_at`, whenever it comes to it, and has ids that follow from the run alone: done
    again from the same facts it writes the same bytes.
    """

    id: UUID
    period_start: datetime
    period_end: datetime
    currency: str
    number: int
    state: str
    opened_at: datetime
    region: str | None = None

    @property
    def seen_until(self) -> datetime:
        """The first moment after its opening: what counts from then on is the next run's."""
        return self.opened_at + _MS


@dataclass(frozen=True, slots=True)
class RunItem:
    """One part of a run: a seller to settle or a payee to write a statement for; `position` counts those of its side."""

    id: UUID
    organisation_id: UUID
    position: int = 0


def id_of_run(
    opened_at: datetime, start: datetime, end: datetime, currency: str, region: str | None, number: int
) -> UUID:
    """The id of a run, from what it is."""
    return ids.derived(opened_at, "run", start.astimezone(UTC), end.astimezone(UTC), currency, region, number)


def opening(now: datetime, last: datetime | None) -> datetime:
    """When a run opens that is started now: in a millisecond of its own, after that of every other run."""
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return at if last is None else max(at, last + _MS)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one component of a plan still cost for one service period, booked by one run.

    shapes   corrects: the charge, or the order, that this one corrects late; tax: how it was taxed, None where it was not
    units    `cumulative` is all that the component cost up to the cut-off, by the plan; `amount` is what the buyer pays
             now: that minus what was booked before, with tax; `tax_units` the millionths of `amount` that are tax
    """

    id: UUID
    run_id: UUID
    grant_id: UUID
    order_id: UUID
    offer_id: UUID
    buyer_id: UUID
    seller_id: UUID
    component: str
    period_index: int
    service_start: datetime
    service_end: datetime | None
    quantity: Decimal
    cumulative: Money
    amount: Money
    explanation: Mapping[str, Any]
    corrects: UUID | None = None
    tax_units: int = 0
    tax: Mapping[str, Any] | None = None

    @property
    def net(self) -> Money:
        """The amount without its tax: what is split."""
        return Money(self.amount.units - self.tax_units, self.amount.currency)

    @property
    def tax_money(self) -> Money:
        """The part of the amount that is tax."""
        return Money(self.tax_units, self.amount.currency)

    @property
    def begins_its_line(self) -> bool:
        """Whether nothing was booked for its line before, not by the order either: a sale of its own, however late it comes."""
        if self.corrects not in (None, self.order_id):
            return False
        included = self.tax is not None and self.tax["included"]
        return self.cumulative == (self.amount if included else self.net)


@dataclass(frozen=True, slots=True)
class Booked:
    """What earlier charges booked for one line of a plan, by the plan's own amounts; `first` is the earliest charge.

    shapes   tax: how that first charge was taxed, None where it was not
    """

    units: int
    first: UUID
    tax: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How far earlier runs settled a seller: up to when, and when the newest of them was opened."""

    until: datetime
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A charge whose shares wait, and what its buyer still owes for it.

    units    nothing is owed for a charge in the buyer's favour, nor for a paid one, that waits for its fellows;
             `amount_units` is the whole charge with its tax, less what was refunded of it
    """

    charge_id: UUID
    buyer_id: UUID
    seller_id: UUID
    unpaid_units: int
    amount_units: int
    order_id: UUID | None = None

    @property
    def paid_units(self) -> int:
        """What the wallet gave for it so far; less than nothing where it got something back."""
        return self.amount_units - self.unpaid_units


def releasable(dues: Sequence[Due], held: Container[UUID | None] = ()) -> list[Due]:
    """Whose shares become payable now, of all charges between one buyer and one seller whose shares wait.

    No payee is ever released more than the buyer paid, all that it got back taken off; and no payee gives up a discount
    on use that nobody paid for yet.

    shapes   dues: the oldest first; held: orders whose delivery nobody accepted yet, so that what was paid for them waits
    """
    settled = [one for one in dues if not one.unpaid_units and not (one.amount_units > 0 and one.order_id in held)]
    if len(settled) == len(dues) or sum(one.amount_units for one in settled) > 0:
        return settled
    # Money that was released before went back to the buyer and pays for something else: the payees give it back too.
    excess = -sum(one.paid_units for one in dues)
    given_back: list[Due] = []
    for one in settled:
        if excess > 0 and one.amount_units < 0:
            given_back.append(one)
            excess += one.amount_units
    return given_back


def period_possible(start: datetime, end: datetime, now: datetime) -> bool:
    """Whether [start, end) can be settled now: over, and cut at quarter-hours, where usage is rolled up."""
    return start < end <= now and _on_quarter(start) and _on_quarter(end)


def covered(due_units: int, available_units: int) -> int:
    """How much of a debt a wallet covers; a correction in the buyer's favour is taken as a whole."""
    return due_units if due_units <= 0 else min(due_units, max(available_units, 0))


def _on_quarter(at: datetime) -> bool:
    try:
        utc = at.astimezone(UTC)
    except OverflowError:
        # The first and the last day of all have times that no other zone can write.
        return False
    return utc.microsecond == 0 and int(utc.timestamp()) % QUARTER_S == 0

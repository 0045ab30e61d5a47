"""Charge models without a meter: what falls due because time passes, or because both sides agreed on it.

Each answers `due(period, over)`: the steps of what it costs in a period that has begun; `over` says that the period
has ended. No step means that nothing is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from exchange.kernel.money import allocate_units
from exchange.kernel.text import LocaleMap
from pricing.exact import EXACT, ONE, ZERO, from_units, to_units
from pricing.periods import Period
from pricing.steps import Step

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class OneOff:
    """Costs `amount` once, when the order is placed."""

    amount: Decimal

    def due(self, period: Period, over: bool) -> Steps:
        """The amount in the first period, nothing later."""
        return (Step("fixed", ONE, self.amount),) if period.index == 0 else ()


@dataclass(frozen=True, slots=True)
class Flat:
    """Costs `amount` in every period, due when it begins or, in arrears, when it has ended.

    shapes   prorate: a period that is only partly covered costs its part, by exact seconds
    """

    amount: Decimal
    in_advance: bool
    prorate: bool = False

    def due(self, period: Period, over: bool) -> Steps:
        """The amount, or its part of a period that is not whole."""
        if not (self.in_advance or over):
            return ()
        covered, whole = period.share
        if not self.prorate or covered == whole:
            return (Step("fixed", ONE, self.amount),)
        return (Step("prorated", Decimal(covered), self.amount, size=Decimal(whole), per=whole),)


@dataclass(frozen=True, slots=True)
class Instalments:
    """Costs `total` in parts, one at the beginning of each of the first periods; the parts sum to it exactly.

    shapes   parts: the amount of each period; an agreement that ends earlier owes the rest in its last period
    source   largest remainder: Balinski and Young 1982, chapter 3
    """

    total: Decimal
    parts: tuple[Decimal, ...]

    def due(self, period: Period, over: bool) -> Steps:
        """The period's part, and in an agreement's last period all that is left."""
        index, count = period.index, len(self.parts)
        if index >= count:
            return ()
        left = self.parts[index:] if period.last else self.parts[index : index + 1]
        return tuple(
            Step("instalment", ONE, part, first=Decimal(number), last=Decimal(count))
            for number, part in enumerate(left, index + 1)
        )


@dataclass(frozen=True, slots=True)
class Agreed:
    """Costs once what both sides agreed on: a negotiated price, an auction's, or what the buyer chose to pay.

    shapes   amount None: nobody agreed yet, and nothing can be ordered; how: negotiated | auction | chosen
    """

    how: str
    amount: Decimal | None
    floor: Decimal = ZERO

    def due(self, period: Period, over: bool) -> Steps:
        """The amount in the first period; nothing while there is none."""
        return (Step(self.how, ONE, self.amount),) if self.amount is not None and period.index == 0 else ()


@dataclass(frozen=True, slots=True)
class Credits:
    """Costs `amount` in advance and gives `credit` to draw charges from, in the first `valid_days` days.

    shapes   draws_for: ids of the components whose charges may be drawn; lower `priority` is drawn first
    """

    amount: Decimal
    credit: Decimal
    valid_days: int
    priority: int
    draws_for: tuple[str, ...]

    def due(self, period: Period, over: bool) -> Steps:
        """The amount, at the beginning of the period."""
        return (Step("credit", ONE, self.amount, size=self.credit),)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Costs by result: the measured uplift over the baseline times a price, not below a floor nor above a cap.

    shapes   up: whether more of the metric is better; evaluator: the organisation that measures
    """

    metric: LocaleMap
    unit: str
    baseline: Decimal
    up: bool
    unit_price: Decimal
    floor: Decimal
    cap: Decimal
    evaluator: str

    def due(self, period: Period, over: bool) -> Steps:
        """Nothing until somebody measured."""
        return ()

    def measured(self, value: Decimal) -> Steps:
        """What a measured value costs."""
        gain = EXACT.subtract(value, self.baseline) if self.up else EXACT.subtract(self.baseline, value)
        uplift = max(gain, ZERO)
        exact = EXACT.multiply(uplift, self.unit_price)
        if exact > self.cap:
            return (Step("outcome_cap", ONE, self.cap, first=self.baseline, last=value, size=uplift),)
        if exact < self.floor:
            return (Step("outcome_floor", ONE, self.floor, first=self.baseline, last=value, size=uplift),)
        return (Step("outcome", uplift, self.unit_price, first=self.baseline, last=value),)


@dataclass(frozen=True, slots=True)
class Milestone:
    """Costs `amount` once: when the buyer accepted this part of a service, or when its day has come.

    shapes   after_days: days after the agreement's begin, of the day it falls due or of the deadline; on_date: the first
             escrow: the buyer's money is reserved before the work begins, until the deadline and some room after it
    """

    amount: Decimal
    on_date: bool = False
    after_days: int | None = None
    escrow: bool = False

    def due(self, period: Period, over: bool) -> Steps:
        """Nothing until somebody says that it is reached."""
        return ()

    def measured(self, value: Decimal) -> Steps:
        """The amount where it is reached (1), nothing where it is not (0)."""
        if not value:
            return ()
        return (Step("milestone_date" if self.on_date else "milestone", ONE, self.amount),)


Fixed = OneOff | Flat | Instalments | Agreed | Credits | Outcome | Milestone


def instalments(total: Decimal, count: int) -> Instalments:
    """Split `total`, which has at most 6 decimals, into `count` parts.

    units    parts differ by at most a millionth, the larger ones first
    """
    parts = allocate_units(to_units(total), [1] * count)
    return Instalments(total, tuple(from_units(part) for part in parts))

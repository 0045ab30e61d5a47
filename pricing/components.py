"""A price plan as a value: components, limits and discounts, understood for one buyer's choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from exchange.kernel.money import Money
from exchange.kernel.text import LocaleMap
from pricing.fixed import Agreed, Credits, Fixed, Milestone, Outcome
from pricing.models import Included, Metered
from pricing.periods import Period, periods_begun, quarter_hour

Model = Metered | Fixed
# The order in which discounts are taken off; within a kind, the order of the document.
DISCOUNT_ORDER = ("volume", "commitment", "term", "buyer_class", "coupon")
COMMITMENT = "commitment"


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a price: what is measured, over which period, and how it is charged.

    shapes   meter: the usage key: `tokens`, `tokens/medical` for one data class, `outcome/<id>` for a measured outcome,
             `milestone/<id>` for a milestone, or None where nothing is measured; by_use: whether the model prices a quantity that usage adds up to
    """

    id: str
    meter: str | None
    period: str | None
    model: Model
    title: LocaleMap
    by_use: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """The least (`minimum`) or the most (`maximum`) that some components cost in one period.

    shapes   components: ids, all of one cadence; prorate: a part of a period counts by its exact seconds
    """

    id: str
    kind: Literal["minimum", "maximum"]
    amount: Decimal
    period: str | None
    components: frozenset[str]
    prorate: bool
    title: LocaleMap


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage off what some components cost in one period.

    shapes   bands: (from, percent) by amount of money for `volume`, one band from 0 for every other kind
             periods: in how many first periods it holds; None: in all
    units    percent from 0 to 100; `from` in major units
    """

    id: str
    kind: str
    period: str | None
    components: frozenset[str]
    bands: tuple[tuple[Decimal, Decimal], ...]
    periods: int | None
    title: LocaleMap


@dataclass(frozen=True, slots=True)
class Cadence:
    """The parts of a plan that share one period, in the order they are worked out."""

    unit: str | None
    components: tuple[Component, ...]
    discounts: tuple[Discount, ...]
    maxima: tuple[Limit, ...]
    minima: tuple[Limit, ...]

    @property
    def adjusted(self) -> bool:
        """Whether anything is taken off or added to what the components cost."""
        return bool(self.discounts or self.maxima or self.minima)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Use that a plan includes: `stops` says whether use ends there (True) or costs overage (False)."""

    meter: str
    quantity: int
    period: str | None
    stops: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A price plan that was checked, and understood for one basis (currency, buyer class, choices).

    shapes   cadences: the distinct periods of its components (None: the whole agreement), each rated on its own
             due_now_total: what is due at an order whose first periods are whole; nothing during a trial
             unpriced: components whose price nobody agreed on yet; such a plan cannot be ordered
             offered: the document it was understood from
    units    sha256: lower-case hex of the offered document's canonical bytes
    """

    currency: str
    time_zone: ZoneInfo
    calendar: bool
    trial_days: int
    tax_included: bool
    tax_category: str
    components: tuple[Component, ...]
    cadences: tuple[str | None, ...]
    by_cadence: Mapping[str | None, Cadence]
    credits: tuple[Component, ...]
    unpriced: tuple[str, ...]
    sha256: str
    offered: Mapping[str, Any]
    due_now_total: Money

    @property
    def meters(self) -> tuple[str, ...]:
        """The usage keys that it charges for by use, each once, in the order of its components."""
        found = (c.meter for c in self.components if not isinstance(c.model, Outcome | Milestone))
        return tuple(dict.fromkeys(meter for meter in found if meter is not None))

    @property
    def outcomes(self) -> tuple[Component, ...]:
        """The components that are charged by what the parties say: a measured outcome, a milestone that is reached."""
        return tuple(c for c in self.components if isinstance(c.model, Outcome | Milestone))

    @property
    def milestones(self) -> Mapping[str, Milestone]:
        """The milestones of a service, by the id of their component, in the order of the plan."""
        return {c.id: c.model for c in self.components if isinstance(c.model, Milestone)}

    @property
    def needs_history(self) -> bool:
        """Whether `bill` needs every period since the beginning: credits are drawn in the order of time."""
        return bool(self.credits)

    @property
    def starts_partial(self) -> bool:
        """Whether the price at the order depends on the day: calendar periods rarely begin when an agreement does."""
        return self.calendar

    def begins(self, starts_at: datetime) -> datetime:
        """When charging begins for an agreement that starts at `starts_at`: at once, or when the trial is over."""
        first = quarter_hour(starts_at)
        if not self.trial_days:
            return first
        wall = first.astimezone(self.time_zone).replace(tzinfo=None) + timedelta(days=self.trial_days)
        return quarter_hour(wall.replace(tzinfo=self.time_zone))

    def periods(self, starts_at: datetime, until: datetime, ends_at: datetime | None = None) -> list[Period]:
        """Every period of every cadence that has begun before `until`, cut off where the agreement ends.

        units    edges fall on quarter-hours, also the end; use up to the very end counts: Period.used_until
        """
        begin, end = self.begins(starts_at), None if ends_at is None else quarter_hour(ends_at)
        return [
            one
            for unit in self.cadences
            for one in periods_begun(unit, begin, until, self.time_zone, calendar=self.calendar, ends_at=end)
        ]

    def allowances(self) -> list[Allowance]:
        """The included quantities, for whoever enforces quotas."""
        return [
            Allowance(c.meter, int(c.model.quantity), c.period, c.model.overage is None)
            for c in self.components
            if c.meter is not None and isinstance(c.model, Included)
        ]


def is_unpriced(component: Component) -> bool:
    """Whether nobody agreed on this component's price yet."""
    return isinstance(component.model, Agreed) and component.model.amount is None


def gives_credit(component: Component) -> bool:
    """Whether the component sells credit to draw from."""
    return isinstance(component.model, Credits)

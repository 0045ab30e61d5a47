"""Charge models of measured use: what a quantity costs, and the steps by which a person can follow it.

Each model is a frozen value with two functions that must agree: `cost` (fast, exact) and `steps` (the same sum
written out). A property test adds the steps up and compares. What is due without use stands in `fixed.py`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from exchange.kernel.text import LocaleMap
from pricing.exact import EXACT, ONE, ZERO, Exact, product
from pricing.periods import Period
from pricing.steps import Step


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Costs `unit_price` for each unit."""

    unit_price: Decimal

    def cost(self, quantity: Decimal) -> Decimal:
        """Quantity times price."""
        return EXACT.multiply(quantity, self.unit_price)

    def steps(self, quantity: Decimal) -> list[Step]:
        """One step, none for nothing."""
        return [Step("unit", quantity, self.unit_price)] if quantity else []


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and including `up_to` (None: without end) cost `unit_price`."""

    up_to: Decimal | None
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Graduated:
    """Each tier's price holds for the units inside that tier only.

    `ends`, `starts` and `bases` are worked out once by `graduated`, so that a list of 1,000 tiers costs one search.
    """

    tiers: tuple[Tier, ...]
    ends: tuple[Decimal, ...]
    starts: tuple[Decimal, ...]
    bases: tuple[Decimal, ...]

    def cost(self, quantity: Decimal) -> Decimal:
        """What the full tiers below cost, plus the part in the tier that the quantity reaches."""
        at = bisect_left(self.ends, quantity)
        inside = EXACT.subtract(quantity, self.starts[at])
        return EXACT.add(self.bases[at], EXACT.multiply(inside, self.tiers[at].unit_price))

    def steps(self, quantity: Decimal) -> list[Step]:
        """One step for each tier that the quantity enters."""
        found: list[Step] = []
        for tier, start in zip(self.tiers, self.starts, strict=True):
            if quantity <= start:
                break
            last = quantity if tier.up_to is None else min(quantity, tier.up_to)
            found.append(Step("tier", EXACT.subtract(last, start), tier.unit_price, start, tier.up_to))
        return found


@dataclass(frozen=True, slots=True)
class Volume:
    """The tier that the whole quantity falls in prices every unit. Not monotone: `checks` shows where."""

    tiers: tuple[Tier, ...]
    ends: tuple[Decimal, ...]

    def cost(self, quantity: Decimal) -> Decimal:
        """Quantity times the price of its tier."""
        return EXACT.multiply(quantity, self.tiers[bisect_left(self.ends, quantity)].unit_price)

    def steps(self, quantity: Decimal) -> list[Step]:
        """One step, none for nothing."""
        if not quantity:
            return []
        at = bisect_left(self.ends, quantity)
        start = self.ends[at - 1] if at else ZERO
        return [Step("volume", quantity, self.tiers[at].unit_price, start, self.tiers[at].up_to)]


@dataclass(frozen=True, slots=True)
class Package:
    """Costs `amount` for each block of `size` units that was begun."""

    size: Decimal
    amount: Decimal

    def blocks(self, quantity: Decimal) -> Decimal:
        """How many blocks were begun; a fraction of a unit begins one."""
        whole, rest = EXACT.divmod(quantity, self.size)
        return EXACT.add(whole, ONE) if rest else whole

    def cost(self, quantity: Decimal) -> Decimal:
        """Blocks begun times the amount."""
        return EXACT.multiply(self.blocks(quantity), self.amount)

    def steps(self, quantity: Decimal) -> list[Step]:
        """One step, none for nothing."""
        return [Step("block", self.blocks(quantity), self.amount, size=self.size)] if quantity else []


Overage = PerUnit | Graduated | Volume | Package


@dataclass(frozen=True, slots=True)
class Packs:
    """A base pack at `base_amount` in every period, whatever the use, and increment packs for what exceeds it."""

    base_size: Decimal
    base_amount: Decimal
    increment: Package

    def cost(self, quantity: Decimal) -> Decimal:
        """The base pack and the increments begun."""
        return EXACT.add(self.base_amount, self.increment.cost(_above(quantity, self.base_size)))

    def steps(self, quantity: Decimal) -> list[Step]:
        """The base pack, then the increments."""
        base = Step("base", ONE, self.base_amount, size=self.base_size)
        return [base, *self.increment.steps(_above(quantity, self.base_size))]


@dataclass(frozen=True, slots=True)
class Cost:
    """One stated cost of public data, and what it is for."""

    title: LocaleMap
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CostRecovery:
    """Each unit bears its part of the stated costs: total / `units`, without any margin."""

    costs: tuple[Cost, ...]
    total: Decimal
    units: int

    def cost(self, quantity: Decimal) -> Exact:
        """The use's part of the costs, a fraction."""
        return product(quantity, self.total, self.units)

    def steps(self, quantity: Decimal) -> list[Step]:
        """One step, none for nothing."""
        if not quantity:
            return []
        return [Step("recovery", quantity, self.total, size=Decimal(self.units), per=self.units)]


@dataclass(frozen=True, slots=True)
class Free:
    """Costs nothing, whatever the use."""

    def cost(self, quantity: Decimal) -> Decimal:
        """Nothing."""
        return ZERO

    def steps(self, quantity: Decimal) -> list[Step]:
        """The use at no price."""
        return [Step("free", quantity, ZERO)] if quantity else []

    def due(self, period: Period, over: bool) -> tuple[Step, ...]:
        """Nothing, where it measures nothing either."""
        return ()


@dataclass(frozen=True, slots=True)
class Included:
    """The first `quantity` units are free; `overage` prices the rest. No overage: use stops there."""

    quantity: Decimal
    overage: Overage | None

    def excess(self, quantity: Decimal) -> Decimal:
        """What lies above the included quantity."""
        return _above(quantity, self.quantity)

    def cost(self, quantity: Decimal) -> Decimal:
        """What the overage model asks for the excess."""
        return ZERO if self.overage is None else self.overage.cost(self.excess(quantity))

    def steps(self, quantity: Decimal) -> list[Step]:
        """The included part at no price, then the steps of the excess."""
        if not quantity:
            return []
        free = Step("included", min(quantity, self.quantity), ZERO, last=self.quantity)
        excess = self.excess(quantity)
        return [free, *(self.overage.steps(excess) if self.overage and excess else [])]


Metered = PerUnit | Graduated | Volume | Package | Packs | CostRecovery | Free | Included


def graduated(tiers: Sequence[Tier]) -> Graduated:
    """Make a graduated model from tiers in rising order whose last one is open.

    errors   ValueError when the tiers are not so
    """
    ends = _ends(tiers)
    starts, bases = [ZERO], [ZERO]
    for tier, end in zip(tiers, ends, strict=False):
        width = EXACT.subtract(end, starts[-1])
        bases.append(EXACT.add(bases[-1], EXACT.multiply(width, tier.unit_price)))
        starts.append(end)
    return Graduated(tuple(tiers), ends, tuple(starts), tuple(bases))


def volume(tiers: Sequence[Tier]) -> Volume:
    """Make a volume model from tiers in rising order whose last one is open.

    errors   ValueError when the tiers are not so
    """
    return Volume(tuple(tiers), _ends(tiers))


def _above(quantity: Decimal, included: Decimal) -> Decimal:
    return EXACT.subtract(quantity, included) if quantity > included else ZERO


def _ends(tiers: Sequence[Tier]) -> tuple[Decimal, ...]:
    if not tiers or tiers[-1].up_to is not None:
        raise ValueError("the last tier must be open")
    ends = [tier.up_to for tier in tiers[:-1]]
    known = tuple(end for end in ends if end is not None)
    if len(known) != len(ends) or any(low >= high for low, high in zip((ZERO, *known), known, strict=False)):
        raise ValueError("tiers must rise")
    return known

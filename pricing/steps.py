"""Steps: the lines of arithmetic that a price is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from pricing.exact import ZERO, Exact, plus, product


@dataclass(frozen=True, slots=True)
class Step:
    """One line of arithmetic: `count` times `price`, divided by `per`. `what` says of which kind.

    shapes   what: a key of `pricing.explain.SENTENCES`; first and last bound a tier, size is a block's
    """

    what: str
    count: Decimal
    price: Decimal
    first: Decimal | None = None
    last: Decimal | None = None
    size: Decimal | None = None
    per: int = 1

    @property
    def amount(self) -> Exact:
        """The exact product."""
        return product(self.count, self.price, self.per)


def summed(steps: Iterable[Step]) -> Exact:
    """The exact sum of steps."""
    exact: Exact = ZERO
    for step in steps:
        exact = plus(exact, step.amount)
    return exact

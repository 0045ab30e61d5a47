"""Two prices against each other: from which quantity on one is less than the other."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from exchange.kernel.money import BadMoney
from pricing.check_curves import Curve, Stepped, added
from pricing.check_totals import BLOCKS

QUANTITY_MAX = 10**15


def first_below(one: Curve, other: Curve) -> int | None:
    """The smallest quantity at which `one` is less than `other`; None: it never is."""
    difference = added([one, times(other, Fraction(-1))])
    for number, (start, value, slope) in enumerate(
        zip(difference.corners, difference.values, difference.slopes, strict=True)
    ):
        if value < 0:
            return start
        if slope < 0:
            quantity = start + value // -slope + 1
            if number + 1 == len(difference.corners) or quantity < difference.corners[number + 1]:
                return quantity
    return None


def first_where(one: Curve, other: Curve, holds: Callable[[int], bool]) -> int | None:
    """The quantity from which `one` is less than `other`, or a larger one, at which `holds` says so, too.

    shapes   curves of many blocks only propose, a little early: further on the difference grows. `holds` decides
    """
    quantity = first_below(one, other)
    try:
        while quantity is not None and quantity <= QUANTITY_MAX:
            if holds(quantity):
                return quantity
            quantity = 2 * quantity or 1
    except BadMoney:
        # No ledger account holds what so much use costs.
        return None
    return None


def times(one: Curve, factor: Fraction) -> Curve:
    """A curve multiplied by a number."""
    above, below = factor.numerator, factor.denominator
    return Curve(
        one.corners, tuple(y * above for y in one.values), tuple(y * above for y in one.slopes), one.scale * below
    )


def unrolled(shape: Curve | Stepped) -> Curve:
    """A curve that is right as far as its blocks are unrolled."""
    return shape.unrolled(BLOCKS) if isinstance(shape, Stepped) else shape

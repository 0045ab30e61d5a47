"""Exact decimal arithmetic, and the one place where a price is rounded."""

from __future__ import annotations

from decimal import (
    ROUND_HALF_EVEN,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction

# 80 digits hold 10^15 units at a price of 10^6 with 12 decimals several times over. Should a sum ever need more,
# Inexact is trapped: we stop instead of rounding where nobody sees it.
EXACT = Context(
    prec=80,
    rounding=ROUND_HALF_EVEN,
    traps=[Inexact, InvalidOperation, Overflow, DivisionByZero, Clamped],
)
ZERO = Decimal(0)
ONE = Decimal(1)
ROUNDING = "half_even"

# A rational, such as a third of a month's fee, is kept as a fraction until the one rounding.
Exact = Decimal | Fraction
Quantity = int | Decimal


def decimal(value: int | str | Decimal) -> Decimal:
    """Read a whole number, a decimal text or a Decimal without changing it."""
    return value if type(value) is Decimal else Decimal(value)


def to_units(exact: Exact) -> int:
    """Round a price once, half to even, to whole millionths of the currency.

    units    in major units of the currency, out millionths
    source   IEEE 754 roundTiesToEven; architecture.md section 5, Money
    """
    if type(exact) is Decimal:
        return int(EXACT.to_integral_value(EXACT.scaleb(exact, 6)))
    # Python rounds a Fraction half to even, too.
    return round(exact * 1_000_000)


def from_units(units: int) -> Decimal:
    """Millionths as an exact number of major units."""
    return EXACT.scaleb(Decimal(units), -6)


def plus(left: Exact, right: Exact) -> Exact:
    """The exact sum, a fraction as soon as one of them is."""
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return EXACT.add(left, right)
    return Fraction(left) + Fraction(right)


def product(count: Decimal, price: Decimal, per: int = 1) -> Exact:
    """`count` times `price` divided by `per`, exactly: a fraction where `per` is not 1."""
    if per == 1:
        return EXACT.multiply(count, price)
    return Fraction(EXACT.multiply(count, price)) / per


def plain(value: Exact) -> str:
    """Write a number as digits and a point (no exponent, no trailing zeros, no minus zero), a fraction as 10/3."""
    if isinstance(value, Fraction):
        return str(value)
    text = format(EXACT.normalize(value), "f")
    return "0" if text == "-0" else text


def grouped(value: Exact) -> str:
    """Write a number for people, with a comma every three digits before the point; a fraction with 6 decimals."""
    text = plain(from_units(to_units(value)) if isinstance(value, Fraction) else value)
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}"

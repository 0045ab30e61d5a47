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

Quantity = int | Decimal


def decimal(value: int | str | Decimal) -> Decimal:
    """Read a whole number, a decimal text or a Decimal without changing it."""
    return value if type(value) is Decimal else Decimal(value)


def to_units(exact: Decimal) -> int:
    """Round a price once, half to even, to whole millionths of the currency.

    units    in major units of the currency, out millionths
    source   IEEE 754 roundTiesToEven; architecture.md section 5, Money
    """
    return int(EXACT.scaleb(exact, 6).to_integral_value(rounding=ROUND_HALF_EVEN))


def plain(value: Decimal) -> str:
    """Write a Decimal as digits and a point: no exponent, no trailing zeros, no minus zero."""
    text = format(EXACT.normalize(value), "f")
    return "0" if text == "-0" else text


def grouped(value: Decimal) -> str:
    """Write a Decimal for people, with a comma every three digits before the point."""
    text = plain(value)
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}"

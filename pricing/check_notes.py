"""One finding of the plan checks: where it is, why it matters in both languages, and its counter-example in numbers."""

from __future__ import annotations

from decimal import Decimal

from exchange.kernel.errors import Problem
from exchange.kernel.schemas import pointer
from exchange.kernel.text import Text
from pricing.exact import Exact, grouped, plain
from pricing.problems import PLAN_NOTE

PERIODS = {
    None: Text("in all", "合计"),
    "day": Text("a day", "每天"),
    "week": Text("a week", "每周"),
    "month": Text("a month", "每月"),
    "year": Text("a year", "每年"),
}


def note(code: str, at: tuple[object, ...], why: Text, **example: Exact | int | str | list[str]) -> Problem:
    """A `plan-note` of kind `code` at a place of the document.

    shapes   numbers of the example become texts, exact: "12.5", or "10/3" where no decimal is
    """
    fields = {name: number(value) if isinstance(value, Exact | int) else value for name, value in example.items()}
    return PLAN_NOTE(code=code, field=pointer(*at), why=why, **fields)


def number(value: Exact | int) -> str:
    """An exact number as text."""
    return plain(Decimal(value) if isinstance(value, int) else decimal_or_fraction(value))


def people(value: Exact | int) -> str:
    """A number as people read it."""
    return grouped(Decimal(value) if isinstance(value, int) else decimal_or_fraction(value))


def decimal_or_fraction(value: Exact) -> Exact:
    """The same number, as a Decimal where one holds it."""
    if isinstance(value, Decimal):
        return value
    below, twos, fives = value.denominator, 0, 0
    while below % 2 == 0:
        below, twos = below // 2, twos + 1
    while below % 5 == 0:
        below, fives = below // 5, fives + 1
    if below != 1:
        return value
    digits = max(twos, fives)
    return Decimal(value.numerator * (10**digits // value.denominator)).scaleb(-digits)

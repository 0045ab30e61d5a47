"""Laws of conversion: never in the customer's favour, never by a whole unit, and no round gains what the check let through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money
from settlement.conversion import SCALE, Rate, convert, in_force, money_pump

AT = datetime(2026, 1, 15, tzinfo=UTC)
CURRENCIES = ("CNY", "EUR", "JPY", "USD")
values = st.integers(1, 10**15).map(lambda scaled: Decimal(scaled).scaleb(-12))


def made(number: int, sell: str, buy: str, value: Decimal, start: int = 0, end: int = 100) -> Rate:
    begins, ends = AT + timedelta(hours=start), AT + timedelta(hours=end)
    return Rate(UUID(int=number), sell, buy, value, begins, ends, "x", UUID(int=9), AT)


@given(st.integers(0, 10**15), values)
def test_rounding_is_against_the_customer_by_less_than_a_unit(units: int, value: Decimal) -> None:
    found = convert(Money(units, "EUR"), made(1, "EUR", "CNY", value))
    exact = units * Fraction(value)
    assert 0 <= exact - found.bought.units < 1
    assert Fraction(found.remainder, SCALE) == exact - found.bought.units


@given(st.integers(1, 10**12), values, st.integers(1, 50))
def test_converting_in_parts_never_brings_more(units: int, value: Decimal, parts: int) -> None:
    rate = made(1, "EUR", "CNY", value)
    cuts = [units * n // parts for n in range(parts + 1)]
    pieces = sum(convert(Money(b - a, "EUR"), rate).bought.units for a, b in pairwise(cuts))
    assert pieces <= convert(Money(units, "EUR"), rate).bought.units < pieces + parts + 1


@st.composite
def tables(draw: st.DrawFn) -> list[Rate]:
    pairs = draw(st.lists(st.sampled_from(list(permutations(CURRENCIES, 2))), min_size=1, max_size=7, unique=True))
    near = st.integers(5 * 10**11, 2 * 10**12).map(lambda scaled: Decimal(scaled).scaleb(-12))
    return [
        made(n, *pair, draw(near), start := draw(st.integers(0, 5)), start + draw(st.integers(1, 5)))
        for n, pair in enumerate(pairs, 1)
    ]


@given(tables(), st.integers(1, 10**9))
def test_what_the_check_lets_through_gains_in_no_round(rates: list[Rate], units: int) -> None:
    pump = money_pump(rates, rates)
    gains = [
        loop
        for hour in range(12)
        for size in (2, 3, 4)
        for loop in permutations(CURRENCIES, size)
        if _product(in_force(rates, AT + timedelta(hours=hour)), loop) > 1
    ]
    assert (pump is not None) == bool(gains)
    if pump is None:
        for loop in permutations(CURRENCIES, 3):
            there = in_force(rates, AT)
            steps = [(a, b) for a, b in zip(loop, [*loop[1:], loop[0]], strict=True)]
            if all(step in there for step in steps):
                money = Money(units, loop[0])
                for step in steps:
                    money = convert(money, there[step]).bought
                assert money.units <= units
    else:
        assert _round(pump) > 1


def _product(rates: dict[tuple[str, str], Rate], loop: tuple[str, ...]) -> Fraction:
    found = Fraction(1)
    for step in zip(loop, [*loop[1:], loop[0]], strict=True):
        if step not in rates:
            return Fraction(0)
        found *= Fraction(rates[step].value)
    return found


def _round(pump: tuple[Rate, ...]) -> Fraction:
    found = Fraction(1)
    for one, following in zip(pump, [*pump[1:], pump[0]], strict=True):
        assert one.buy == following.sell
        found *= Fraction(one.value)
    return found

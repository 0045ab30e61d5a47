"""Rates and conversions: exact, against the customer by less than a unit, one rate at a time, and no money out of a round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from exchange.kernel.money import BadMoney, CurrencyMismatch, Money
from settlement.accounts import AccountKind
from settlement.conversion import (
    Ambiguous,
    BadRate,
    Conversion,
    Rate,
    convert,
    in_force,
    journal_of,
    money_pump,
    stands_until,
    value_of,
    value_text,
)
from settlement.journals import assert_balanced

AT = datetime(2026, 1, 15, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rate(sell: str, buy: str, value: str, start: int = 0, end: int = 24, number: int = 1) -> Rate:
    return Rate(
        UUID(int=number), sell, buy, value_of(value), AT + start * HOUR, AT + end * HOUR, "a bank", UUID(int=9), AT
    )


def test_an_amount_is_rounded_down_and_the_rest_is_named() -> None:
    sold = Money(10_000_001, "EUR")
    found = convert(sold, rate("EUR", "CNY", "7.123456789012"))
    assert (found.bought, found.remainder) == (Money(71_234_575, "CNY"), 13_576_789_012)
    whole = found.bought.units * 10**12 + found.remainder
    assert whole == 10_000_001 * 7_123_456_789_012
    assert convert(Money(1, "EUR"), rate("EUR", "CNY", "0.999999999999")).bought.units == 0


def test_only_the_currency_that_a_rate_sells_can_be_converted() -> None:
    with pytest.raises(CurrencyMismatch):
        convert(Money(1, "CNY"), rate("EUR", "CNY", "7"))
    with pytest.raises(BadMoney):
        convert(Money(-1, "EUR"), rate("EUR", "CNY", "7"))
    with pytest.raises(BadMoney):
        convert(Money(2**62, "EUR"), rate("EUR", "IDR", "19000"))


@pytest.mark.parametrize(
    "text", ["0", "0.0", "-1", "1e3", "+1", ".5", "1.", "01", "1.0000000000001", "1000000000000", "", "NaN", "7,1", "٧"]
)
def test_a_value_is_a_plain_decimal_above_zero(text: str) -> None:
    with pytest.raises(BadRate):
        value_of(text)


def test_a_value_is_written_without_an_exponent() -> None:
    assert [value_text(value_of(text)) for text in ("0.000000000001", "999999999999", "7.10", "100")] == [
        "0.000000000001",
        "999999999999",
        "7.1",
        "100",
    ]
    assert value_text(Decimal("7.812300000000")) == "7.8123"


def test_a_rate_holds_its_limits() -> None:
    for wrong in (("EUR", "EUR", "1"), ("EUR", "CNY", "1", 5, 5), ("EUR", "CNY", "1", 0, 24 * 400)):
        with pytest.raises(BadRate) as refused:
            rate(*wrong)  # type: ignore[arg-type]
        assert refused.value.why.zh


def test_at_any_time_there_is_one_rate_of_a_pair_and_gaps_stay_gaps() -> None:
    long = rate("EUR", "CNY", "7.8", 0, 24, 1)
    short = rate("EUR", "CNY", "7.9", 2, 3, 2)
    later = rate("EUR", "CNY", "8", 10, 30, 3)
    back = rate("CNY", "EUR", "0.12", 0, 24, 4)
    rates = [later, short, back, long]

    def at(hours: float) -> Rate | None:
        return in_force(rates, AT + hours * HOUR).get(("EUR", "CNY"))

    assert [at(hours) for hours in (-1, 0, 1.99, 2, 2.99, 3, 9, 10, 29, 30)] == [
        *(None, long, long, short, short),
        *(None, None, later, later, None),
    ]
    assert in_force(rates, AT)["CNY", "EUR"] == back
    assert [stands_until(one, rates) - AT for one in (long, short, later)] == [2 * HOUR, 3 * HOUR, 30 * HOUR]
    with pytest.raises(Ambiguous):
        in_force([long, rate("EUR", "CNY", "7.7", 0, 5, 9)], AT)


def test_a_round_that_gains_is_found_in_whatever_pairs_and_at_whatever_moment() -> None:
    there, back = rate("EUR", "CNY", "7.8", 0, 24, 1), rate("CNY", "EUR", "0.128", 0, 24, 2)
    assert money_pump([there, back], [there, back]) is None
    assert money_pump([there, back], []) is None
    even = rate("CNY", "EUR", "0.125", 0, 24, 3), rate("EUR", "CNY", "8", 0, 24, 4)
    assert money_pump(even, even) is None
    generous = rate("CNY", "EUR", "0.128205128206", 1, 24, 5)
    found = money_pump([there, back, generous], [generous])
    assert found is not None
    assert {one.id for one in found} == {there.id, generous.id}
    # Only when the third one begins, ten hours later, do the three make a round.
    first, second = rate("EUR", "USD", "1.1", 0, 24, 6), rate("USD", "JPY", "150", 0, 24, 7)
    third = rate("JPY", "EUR", "0.0061", 10, 24, 8)
    assert money_pump([first, second, third], [first]) == money_pump([first, second, third], [third])
    round_ = money_pump([first, second, third], [third])
    assert round_ is not None
    assert {one.id for one in round_} == {first.id, second.id, third.id}
    assert all(one.buy == next_.sell for one, next_ in zip(round_, [*round_[1:], round_[0]], strict=True))
    over = rate("JPY", "EUR", "0.0061", 24, 30, 8)
    assert money_pump([first, second, over], [over]) is None


def test_a_conversion_is_one_journal_that_balances_in_each_currency() -> None:
    sold = Money(5_000_000, "EUR")
    done = convert(sold, rate("EUR", "CNY", "7.8"))
    one = Conversion(
        *(UUID(int=1), UUID(int=2), AccountKind.WALLET, UUID(int=3), Decimal("7.8"), "a bank"),
        *(sold, done.bought, done.remainder, AT),
    )
    journal = journal_of(one)
    assert_balanced(journal)
    assert [(line.account.kind.value, line.account.currency, line.amount) for line in journal.lines] == [
        ("wallet", "EUR", -5_000_000),
        ("conversion", "EUR", 5_000_000),
        ("conversion", "CNY", -39_000_000),
        ("wallet", "CNY", 39_000_000),
    ]
    assert {line.tag for line in journal.lines} == {one.id}
    assert {line.account.organisation_id for line in journal.lines} == {UUID(int=2), None}

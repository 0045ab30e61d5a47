"""Laws of tax lines: nothing is lost, a line repeats itself, and every rule answers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from exchange.kernel.text import Text
from pricing import explain
from pricing.tax import Place, Treatment, recompute, tax_on, treat
from pricing.tax_table import RATES, Code

COUNTRIES = sorted({*RATES.countries, *RATES.aliases, "BR", "ZZ"})
PLACES = st.builds(Place, st.sampled_from(COUNTRIES), st.booleans())
DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))
CATEGORIES = st.sampled_from([*sorted(RATES.categories), "groceries"])
# Any rate from a ten-thousandth of a percent to just below the price itself, not only those of today.
RATED = st.integers(0, 999_999).map(
    lambda n: Treatment(
        Code.STANDARD if n else Code.ZERO,
        Decimal(n).scaleb(-6),
        "XX",
        Text("Tax", "税"),
        Text("Why", "原因"),
        None,
        None,
        "",
    )
)
AMOUNTS = st.integers(-(10**18), 10**18).map(lambda units: Money(units, "CNY"))


def half_even(number: Fraction) -> int:
    """Rounding, worked out in another way than the code under test does."""
    low = number.numerator // number.denominator
    rest = number - low
    if rest != Fraction(1, 2):
        return low + (rest > Fraction(1, 2))
    return low + low % 2


@given(AMOUNTS, RATED, st.booleans())
def test_net_and_tax_make_gross_and_the_tax_is_right_to_half_a_millionth(
    amount: Money, treatment: Treatment, included: bool
) -> None:
    line = tax_on(amount, treatment, included)
    assert line.net + line.tax == line.gross
    assert (line.gross if included else line.net) == amount
    rate = Fraction(treatment.rate)
    exact = amount.units - amount.units / (1 + rate) if included else amount.units * rate
    assert line.tax.units == half_even(exact)
    assert tax_on(-amount, treatment, included).tax == -line.tax


@given(AMOUNTS, RATED)
def test_what_is_added_comes_out_again(net: Money, treatment: Treatment) -> None:
    line = tax_on(net, treatment, included=False)
    again = tax_on(line.gross, treatment, included=True)
    assert (again.net, again.tax, again.gross) == (line.net, line.tax, line.gross)


@given(AMOUNTS, AMOUNTS, RATED, st.booleans())
def test_more_money_is_never_less_tax(one: Money, other: Money, treatment: Treatment, included: bool) -> None:
    less, more = sorted((one, other))
    assert tax_on(less, treatment, included).tax <= tax_on(more, treatment, included).tax
    assert tax_on(less, treatment, included).net <= tax_on(more, treatment, included).net


@given(AMOUNTS, RATED, st.booleans())
def test_an_explanation_repeats_to_the_tax(amount: Money, treatment: Treatment, included: bool) -> None:
    line = tax_on(amount, treatment, included)
    told = line.explain()
    assert recompute(told) == line.tax
    assert explain.recompute(told) == line.tax, "one reader for all lines of an invoice"
    assert Fraction(told["exact"]) == sum((Fraction(step["amount"]) for step in told["steps"]), Fraction(0))
    assert str(line.tax) in told["text"]["en"]
    assert str(line.tax) in told["text"]["zh"]


@given(PLACES, PLACES, CATEGORIES, DAYS)
def test_every_sale_has_one_answer(seller: Place, buyer: Place, category: str, on: date) -> None:
    found = treat(seller, buyer, category, on)
    if isinstance(found, Problem):
        assert found.slug in ("tax-category-unknown", "tax-rate-unknown")
        assert category == "groceries" or seller.tax_registered
        return
    assert (found.rate == 0) is (found.code not in (Code.STANDARD, Code.REDUCED))
    assert (found.code is Code.NOT_REGISTERED) is not seller.tax_registered
    if found.valid_from is not None:
        assert found.valid_from <= on
        assert found.valid_to is None or on <= found.valid_to
    if found.code is Code.REVERSE_CHARGE:
        assert buyer.tax_registered
        assert RATES.find(seller.country) is not RATES.find(buyer.country)


@given(PLACES, PLACES, PLACES, DAYS)
def test_a_seller_at_home_treats_every_buyer_there_alike(seller: Place, one: Place, other: Place, on: date) -> None:
    here = [replace(buyer, country=seller.country) for buyer in (one, other)]
    first, second = (treat(seller, buyer, "digital_service", on) for buyer in here)
    if isinstance(first, Problem):
        assert isinstance(second, Problem)
    else:
        assert first == second


def test_no_day_between_two_rates_is_without_one() -> None:
    for country in RATES.countries.values():
        for rates in country.rates.values():
            for before, after in itertools.pairwise(rates):
                assert before.valid_to is not None
                assert before.valid_to + timedelta(days=1) == after.valid_from, (country.code, after)
            for one in rates:
                assert [other for other in rates if other.holds(one.valid_from)] == [one]

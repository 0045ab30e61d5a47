from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money, minor_digits
from settlement.payout_minimums import BadMinimums, Minimums, minimums_of
from settlement.payouts import Rail
from settlement.withholding import BadRules, Certificate, Income, Rule, Rules, load, lowest, withhold, written

DAY = date(2026, 11, 22)
PAYEE = UUID(int=1)
TEN = Rule("CN", None, Income.ROYALTY, Decimal("0.1"), date(2008, 1, 1), None, "law", DAY)
SEVEN = Certificate(
    UUID(int=7), PAYEE, "CN", Income.ROYALTY, Decimal("0.07"), "HK-1", date(2026, 1, 1), date(2026, 12, 31)
)
RATES = st.decimals(0, "0.999999", places=6)


# EXAMPLE rates: no law is meant.
def example() -> dict[str, Any]:
    rule = {"percent": "10", "from": "2020-01-01", "to": None, "source": "EXAMPLE", "source_date": "2020-01-01"}
    rules = [rule | {"payees": ["CN"], "percent": "0"}, rule | {"payees": "abroad"}]
    return {"type": "withholding_rules", "v": 1, "payer": "CN", "income": "royalty", "rules": rules}


@pytest.mark.parametrize(
    ("gross", "rate", "currency", "kept"),
    [
        (100_000_000, "0.1", "CNY", 10_000_000),
        # 0.005 and 0.015 lie half between two coins: the even one.
        (50_000, "0.1", "CNY", 0),
        (150_000, "0.1", "CNY", 20_000),
        (100_000_000, "0.15825", "EUR", 15_820_000),
        # Yen have no smaller coin.
        (5_000_000, "0.1", "JPY", 0),
        (15_000_000, "0.1", "JPY", 2_000_000),
        (100_000_000, "0", "CNY", 0),
    ],
)
def test_a_payout_is_parted_by_the_rate_half_to_even(gross: int, rate: str, currency: str, kept: int) -> None:
    found = withhold(Money(gross, currency), replace(TEN, rate=Decimal(rate)))
    assert (found.withheld.units, found.net.units) == (kept, gross - kept)


@given(st.integers(0, 10**12), RATES, st.sampled_from(["CNY", "EUR", "JPY"]))
def test_nothing_is_lost_and_both_parts_are_whole_coins(coins: int, rate: Decimal, currency: str) -> None:
    coin = 10 ** (6 - minor_digits(currency))
    found = withhold(Money(coins * coin, currency), replace(TEN, rate=rate))
    assert found.withheld + found.net == found.gross
    assert found.withheld.units >= 0 <= found.net.units
    assert found.withheld.units % coin == 0 == found.net.units % coin
    assert abs(found.withheld.units - coins * coin * rate) * 2 <= coin


@given(st.integers(0, 10**9), RATES, RATES)
def test_a_certificate_lowers_and_never_raises(cents: int, rule: Decimal, paper: Decimal) -> None:
    gross, by = Money(cents * 10_000, "EUR"), replace(TEN, rate=rule)
    found = withhold(gross, by, replace(SEVEN, rate=paper))
    assert found.withheld.units <= withhold(gross, by).withheld.units
    assert (found.certificate_id is not None) is (paper < rule)
    assert found.rate == min(rule, paper)


def test_a_fraction_of_a_coin_is_no_payout() -> None:
    with pytest.raises(ValueError, match="whole coins"):
        withhold(Money(1, "CNY"), TEN)


def test_a_pair_without_a_rule_has_none_and_nothing_is_a_rule() -> None:
    table = load(example())
    home, abroad = table.find("CN", DAY), table.find("HK", DAY)
    assert (home is not None and home.rate, abroad is not None and abroad.rate) == (0, Decimal("0.1"))
    # A day before the law, and a country that is none.
    assert table.find("HK", date(2019, 12, 31)) is None
    assert table.find("", DAY) is None


def test_abroad_never_means_home() -> None:
    only_abroad = Rules("CN", Income.ROYALTY, (TEN,))
    assert only_abroad.find("CN", DAY) is None
    assert only_abroad.find("HK", DAY) is TEN
    hong_kong = replace(TEN, payees=frozenset({"HK"}), rate=Decimal(0))
    assert replace(only_abroad, rules=(TEN, hong_kong)).find("HK", DAY) is hong_kong


def test_only_a_certificate_of_this_payee_country_kind_and_day_counts() -> None:
    assert lowest([SEVEN], PAYEE, "CN", Income.ROYALTY, DAY) is SEVEN
    others = [
        replace(SEVEN, organisation_id=UUID(int=2)),
        replace(SEVEN, payer="DE"),
        replace(SEVEN, income=Income.SERVICE),
        replace(SEVEN, valid_to=date(2026, 11, 21)),
        replace(SEVEN, valid_from=date(2026, 11, 23)),
    ]
    assert lowest(others, PAYEE, "CN", Income.ROYALTY, DAY) is None
    five = replace(SEVEN, id=UUID(int=9), rate=Decimal("0.05"))
    assert lowest([SEVEN, five, *others], PAYEE, "CN", Income.ROYALTY, DAY) is five


@pytest.mark.parametrize(
    "change",
    [
        {"percent": "0.00001"},
        {"percent": "x"},
        {"from": "1"},
        {"percent": "100"},
        {"percent": "-1"},
        {"to": "2000-01-01"},
        {"source": ""},
        {"payees": []},
        {"payees": ["cn"]},
    ],
)
def test_rules_that_make_no_sense_are_not_loaded(change: dict[str, Any]) -> None:
    document = example()
    document["rules"][0] |= change
    with pytest.raises(BadRules):
        load(document)


def test_two_rules_for_one_payment_are_not_loaded() -> None:
    document = example()
    document["rules"].append(document["rules"][1] | {"from": "2025-01-01"})
    with pytest.raises(BadRules, match="two rules"):
        load(document)
    # One that ended before the other began is its history.
    document["rules"][1]["to"] = "2024-12-31"
    assert len(load(document).rules) == 3


def test_off_is_a_table_without_payer_and_rules() -> None:
    off = example() | {"payer": "", "rules": []}
    assert load(off).find("CN", DAY) is None
    for wrong in (example() | {"payer": ""}, example() | {"rules": []}, example() | {"payer": "cn"}):
        with pytest.raises(BadRules):
            load(wrong)


def test_a_table_is_written_the_same_whatever_the_order_of_its_names() -> None:
    table = {name: value for name, value in example().items() if name not in ("type", "v")}
    assert written(table) == written(dict(reversed(table.items())))
    with pytest.raises(BadRules):
        written(table | {"rules": [*table["rules"], table["rules"][0]]})


def test_the_setting_says_the_least_payouts() -> None:
    found = minimums_of("EUR:stripe:25, CNY:bank:100.5")
    assert found.least == {("EUR", Rail.STRIPE): 25_000_000, ("CNY", Rail.BANK): 100_500_000}
    assert minimums_of("") == Minimums()
    for wrong in ("EUR:25", "EUR:post:25", "EUR:bank:1,EUR:bank:2"):
        with pytest.raises(BadMinimums):
            minimums_of(wrong)


def test_what_is_small_waits_until_december() -> None:
    least = minimums_of("EUR:stripe:25")
    assert least.small(Money(24_990_000, "EUR"), Rail.STRIPE, DAY)
    assert not least.small(Money(25_000_000, "EUR"), Rail.STRIPE, DAY)
    assert not least.small(Money(24_990_000, "EUR"), Rail.BANK, DAY)
    assert not least.small(Money(24_990_000, "EUR"), Rail.STRIPE, date(2026, 12, 1))

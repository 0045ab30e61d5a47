"""Price guidance by hand: numbers that a person can follow on paper."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from exchange.kernel.canonical import canonical
from exchange.kernel.money import Money
from pricing.guidance import RULES, Comparable, Features, guide

OWN = Features(frozenset({"zh"}), {"records": 10_000}, 80, 4, False, 0)


def comparable(number: int, price: str, *, traded: bool = False, **features: object) -> Comparable:
    values = {
        "languages": OWN.languages,
        "sizes": OWN.sizes,
        "score": 80,
        "sharing": 4,
        "exclusive": False,
        "age_days": 0,
    }
    money = Money(int(Decimal(price) * 10**6), "CNY")
    title = {"en": f"Poems {number}", "zh": f"诗 {number}"}
    made = Features(**{**values, **features})  # type: ignore[arg-type]
    return Comparable(f"ofr_{number}", f"org_{number}", money, traded, made, {"title": title})


def test_the_weights_sum_to_a_hundred() -> None:
    assert sum(rule.weight for rule in RULES) == 100


def test_three_alike_give_their_middle_and_all_of_their_range() -> None:
    found = guide(OWN, [comparable(1, "100"), comparable(2, "300"), comparable(3, "120")])
    assert [str(one) for one in (found.low, found.estimate, found.high)] == ["100.00 CNY", "120.00 CNY", "300.00 CNY"]
    assert "CNY 120: the middle of 3 adjusted prices" in found.explanation.en
    assert "All of them lie between CNY 100 and CNY 300" in found.explanation.en
    assert "3 个调整后价格" in found.explanation.zh


def test_a_traded_price_counts_twice() -> None:
    prices = ["100", "120", "140", "160", "500"]
    asked = guide(OWN, [comparable(n, price) for n, price in enumerate(prices)])
    sold = guide(OWN, [comparable(n, price, traded=price in ("100", "120")) for n, price in enumerate(prices)])
    assert str(asked.estimate) == "140.00 CNY"
    assert str(sold.estimate) == "120.00 CNY"


@pytest.mark.parametrize(
    ("features", "factor", "value"),
    [
        ({"sizes": {"records": 1_000}}, "size", "3.981072"),  # 10 to the power 0.6
        ({"sizes": {"records": 100_000}}, "size", "0.251189"),
        ({"sizes": {"bytes": 5}}, "size", "1.000000"),  # no unit in common: not adjusted
        ({"score": 60}, "quality", "1.125000"),  # 180 / 160
        ({"score": None}, "quality", "1"),
        ({"sharing": 1}, "rarity", "0.625000"),  # 1.25 / 2
        ({"exclusive": True}, "exclusivity", "0.333333"),
        ({"age_days": 300}, "recency", "1.111111"),  # 100 / 90
        ({"age_days": 9_999}, "recency", "2.000000"),
    ],
)
def test_a_factor_is_what_the_rule_says(features: dict[str, object], factor: str, value: str) -> None:
    (one,) = guide(OWN, [comparable(1, "100", **features)]).compared
    assert str(one.factors[factor]) == value
    assert all(one.factors[name] == 1 for name in one.factors if name != factor)


def test_too_few_give_no_number_and_the_reason() -> None:
    two = guide(OWN, [comparable(1, "100"), comparable(2, "110")])
    assert two.estimate is two.low is two.high is None
    assert two.explanation.en.startswith("No estimate: 2 similar offers by 2 sellers")
    assert len(two.compared) == 2
    one_seller = [Comparable(f"ofr_{n}", "org_1", Money(10**8, "CNY"), True, OWN, {}) for n in range(9)]
    assert guide(OWN, one_seller).estimate is None
    assert guide(OWN, []).estimate is None


def test_what_is_too_different_or_free_is_left_out() -> None:
    different = comparable(4, "1", languages=frozenset({"fr"}), sizes={"records": 10**9}, score=1, age_days=3_000)
    found = guide(
        OWN, [comparable(1, "100"), comparable(2, "300"), comparable(3, "120"), different, comparable(5, "0")]
    )
    assert [one.comparable.id for one in found.compared] == ["ofr_1", "ofr_2", "ofr_3"]


def test_two_currencies_never_meet() -> None:
    dollars = Comparable("ofr_9", "org_9", Money(1, "USD"), False, OWN, {})
    with pytest.raises(ValueError, match="one currency"):
        guide(OWN, [comparable(1, "100"), dollars])


def test_the_document_is_canonical_json() -> None:
    found = guide(OWN, [comparable(n, "100", traded=True) for n in range(3)])
    document = json.loads(canonical(found.document()))
    assert document["estimate"] == {"amount": "100.00", "currency": "CNY"}
    assert document["comparables"][0]["price_is"] == "traded"
    assert document["comparables"][0]["closeness_per_mille"]["size"] == 1000

"""Findings about plans, in numbers that a person can check; the examples of the guide are worked out here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.comparing import grants_no_less
from contracts.terms import Terms
from contracts.terms import load as terms_of
from exchange.kernel.errors import Problem
from pricing.bundles import CheaperCover, PricedSet, cheaper_covers
from pricing.check_costs import Costs
from pricing.checks import check, report, unreadable
from pricing.plans import load
from pricing.tiers import tier_faults

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```yaml check-example\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return BLOCK.findall((DOCS / language / "guides" / "plan-checks.md").read_text("utf-8"))


def checked(example: Mapping[str, Any]) -> list[Problem]:
    costs = None
    if "costs" in example:
        each = {key: Decimal(value) for key, value in example["costs"].get("per_unit", {}).items()}
        costs = Costs(Decimal(example["costs"]["fixed"]), each)
    at = datetime.fromisoformat(str(example["at"])) if "at" in example else None
    return check(load(example["plan"]), costs=costs, rates=example.get("rates"), at=at, months=example.get("months"))


def plan(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "plan", "v": 1, "currency": "CNY", "components": list(components), **more}


def one_off(amount: str) -> dict[str, Any]:
    return {"id": "copy", "meter": None, "period": None, "model": {"type": "one_off", "amount": amount}}


def per_token(price: str) -> dict[str, Any]:
    return {"id": "t", "meter": "tokens", "period": "month", "model": {"type": "per_unit", "unit_price": price}}


@pytest.mark.parametrize("text", [*blocks("en"), *blocks("zh")])
def test_the_guide_shows_what_the_check_finds(text: str) -> None:
    example = yaml.safe_load(text)
    found = checked(example)
    assert len(found) == len(example["finds"])
    for one, promised in zip(found, example["finds"], strict=True):
        assert {name: one.fields[name] for name in promised} == promised


def test_both_languages_show_the_same_examples() -> None:
    assert blocks("en") == blocks("zh")
    assert len(blocks("en")) == 13


SURPRISES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (plan(per_token("0")), {}, ["never-charges"]),
    (plan(per_token("0"), trial={"days": 7}), {}, ["never-charges", "trial-of-nothing"]),
    (plan({"id": "f", "meter": None, "period": None, "model": {"type": "free"}}), {}, []),
    (plan(one_off("10"), trial={"days": 30}), {"months": 1}, ["trial-outlasts-licence"]),
    (plan(one_off("10"), trial={"days": 30}), {"months": 12}, []),
    (plan({"id": "n", "meter": None, "period": None, "model": {"type": "negotiated"}}), {}, []),
    (
        plan(
            one_off("10"),
            {**per_token("0"), "model": {"type": "included", "quantity": 5, "overage": per_token("0")["model"]}},
        ),
        {},
        ["included-means-nothing"],
    ),
    (
        plan(
            {"id": "i", "meter": None, "period": "month", "model": {"type": "instalments", "amount": "9", "count": 9}}
        ),
        {"months": 6},
        ["instalments-outlast-licence"],
    ),
    (
        plan(
            {"id": "i", "meter": None, "period": "month", "model": {"type": "instalments", "amount": "9", "count": 6}}
        ),
        {"months": 6},
        [],
    ),
    (
        plan(
            one_off("10"),
            discounts=[
                {"id": "a", "type": "term", "months": 48, "percent": "0"},
                {"id": "b", "type": "buyer_class", "classes": ["academic"], "percent": "100"},
            ],
            price_lists=[{"buyer_class": "academic", "models": {"copy": {"type": "one_off", "amount": "5"}}}],
        ),
        {},
        ["discount-of-nothing", "term-too-long", "discount-of-all", "class-twice"],
    ),
    (
        plan(one_off("10"), discounts=[{"id": "a", "type": "term", "months": 24, "percent": "5"}]),
        {"months": 12},
        ["term-too-long"],
    ),
]


@pytest.mark.parametrize(("document", "known", "codes"), SURPRISES)
def test_what_surprises_is_said(document: dict[str, Any], known: dict[str, Any], codes: list[str]) -> None:
    assert [one.fields["code"] for one in check(load(document), **known)] == codes


def test_a_cap_or_another_price_for_the_same_use_is_counted() -> None:
    rising = {"type": "graduated", "tiers": [{"up_to": 100, "unit_price": "1"}, {"unit_price": "1.5"}]}
    component = {"id": "a", "meter": "tokens", "period": "month", "model": rising}
    assert [one.fields["code"] for one in check(load(plan(component)))] == ["cheaper-in-parts"]
    # Where every month costs at most 100, 200 units cost 100 in one order; two orders of 100 cost 200.
    capped = plan(component, limits=[{"id": "cap", "type": "maximum", "period": "month", "amount": "100"}])
    assert check(load(capped)) == []
    # A second price for the same tokens, a year's first thousand for 500 once more, makes splitting dearer.
    yearly = {"type": "package", "size": 1000, "amount": "500"}
    both = plan(component, {"id": "b", "meter": "tokens", "period": "year", "model": yearly})
    assert check(load(both)) == []


def test_use_that_no_ledger_could_hold_is_no_example() -> None:
    rising = {"type": "graduated", "tiers": [{"up_to": 10**14, "unit_price": "99"}, {"unit_price": "999999"}]}
    component = {"id": "a", "meter": "tokens", "period": "month", "model": rising}
    least = [{"id": "least", "type": "minimum", "period": "month", "amount": "1"}]
    assert check(load(plan(component, limits=least)), costs=Costs(per_unit={"tokens": Decimal(1)})) == []


def test_a_report_shows_twenty_of_a_kind() -> None:
    tiers: list[dict[str, Any]] = [{"up_to": n * 10, "unit_price": f"{2000 - n}"} for n in range(1, 1000)]
    component = {
        "id": "t",
        "meter": "tokens",
        "period": None,
        "model": {"type": "volume", "tiers": [*tiers, {"unit_price": "1"}]},
    }
    made = report(check(load(plan(component))))
    assert (made.ok, len(made.findings), made.more) == (False, 20, 999 - 181 - 20)
    assert made.findings[0].example["smaller"] == "1820"


@pytest.mark.parametrize(
    ("tiers", "kind", "number", "quantity", "words"),
    [
        ([{"up_to": 10}, {"from": 11}], "gap", 1, 11, "11 units without a price; this tier must begin at 10"),
        ([{"up_to": 10}, {"from": 5}], "overlap", 1, 6, "6 units two prices, those of tiers 1 and 2"),
        ([{"from": 1, "up_to": 10}, {}], "gap", 0, 1, "the first tier must begin at 0"),
        ([{"from": 10}, {"from": 0, "up_to": 10}], "order", 0, 1, "out of order"),
    ],
)
def test_a_gap_and_an_overlap_name_a_quantity(
    tiers: list[dict[str, int]], kind: str, number: int, quantity: int, words: str
) -> None:
    (fault,) = tier_faults(tiers)
    assert (fault.kind, fault.number, fault.name, fault.quantity) == (kind, number, "from", quantity)
    assert words in fault.why.en
    assert str(quantity) in fault.why.zh or kind == "order"


@pytest.mark.parametrize("tiers", [[{}], [{"up_to": 10}, {}], [{"from": 0, "up_to": 10}, {"from": 10}]])
def test_tiers_that_touch_are_right(tiers: list[dict[str, int]]) -> None:
    assert tier_faults(tiers) == []


def test_a_bundle_is_undercut_by_its_parts_and_by_a_larger_one() -> None:
    half, rest = frozenset("ab"), frozenset("cd")
    sets = [PricedSet("all", half | rest, 100), PricedSet("ab", half, 30), PricedSet("cd", rest, 60)]
    assert cheaper_covers(sets) == [CheaperCover("all", 100, ("ab", "cd"), 90, True)]
    assert cheaper_covers([sets[0], sets[1], PricedSet("cd", rest, 70)]) == []
    dear = [PricedSet("all", half | rest, 20), sets[1]]
    assert cheaper_covers(dear) == [CheaperCover("ab", 30, ("all",), 20, True)]
    assert cheaper_covers(sets, only=["ab"]) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1", "1e999999999", "1e-999999999", "1e12"])
def test_costs_and_rates_that_are_no_numbers_are_refused(number: str) -> None:
    assert unreadable(Costs(Decimal(number)), None)
    assert unreadable(Costs(per_unit={"tokens": Decimal(number)}), None)
    assert unreadable(None, {"USD": number})
    with pytest.raises(ValueError):
        check(load(plan(one_off("1"))), costs=Costs(Decimal(number)))


def test_a_rate_is_above_nothing() -> None:
    assert unreadable(None, {"USD": "0"})
    assert unreadable(None, {"USD": "seven"})
    assert unreadable(Costs(Decimal(0), {"tokens": Decimal("0.000000000001")}), {"USD": "7.1"}) is None


def licence(**own: Any) -> Terms:
    document = {"purposes": ["pretrain", "evaluate"], "commercial": True, "territory": "*", "duration": None, **own}
    return terms_of({"type": "terms", "v": 1, "prevailing_language": "zh", "own": document})


def test_a_narrower_licence_is_no_replacement() -> None:
    wide = licence()
    narrower = [
        licence(purposes=["pretrain"]),
        licence(commercial=False),
        licence(territory=["CN"]),
        licence(duration={"months": 12}),
        licence(users=5),
        licence(attribution=True),
        licence(prohibits=["research"], purposes=["evaluate"]),
    ]
    for one in narrower:
        assert grants_no_less(wide, one)
        assert not grants_no_less(one, wide)
        assert grants_no_less(one, one)
    assert grants_no_less(licence(duration={"months": 13}), licence(duration={"days": 364}))
    assert not grants_no_less(licence(duration={"months": 12}), licence(duration={"days": 365}))
    two = terms_of({"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "MIT OR CC-BY-NC-4.0"})
    one = terms_of({"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-NC-4.0"})
    assert grants_no_less(two, one)
    assert not grants_no_less(one, two)

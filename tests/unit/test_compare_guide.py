"""The numbers in the guide to comparing and guidance, worked out again; both languages show the same ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange.kernel.money import Money
from pricing.compare import Mix, compare
from pricing.guidance import RULES, Comparable, Features, guide
from pricing.plans import load

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```yaml (compare|guidance)-example\n(.*?)^```$", re.MULTILINE | re.DOTALL)
START = datetime(2026, 1, 1, tzinfo=UTC)


def text(language: str) -> str:
    return (DOCS / language / "guides" / "compare-and-guidance.md").read_text(encoding="utf-8")


def blocks(language: str) -> dict[str, Any]:
    return {kind: yaml.safe_load(body) for kind, body in _BLOCK.findall(text(language))}


def test_both_languages_show_the_same_examples() -> None:
    assert blocks("en") == blocks("zh")
    assert set(blocks("en")) == {"compare", "guidance"}


def test_the_comparison_is_what_the_guide_says() -> None:
    example = blocks("en")["compare"]
    plan = {"type": "plan", "v": 1, "currency": "CNY"}
    offers = {name: load({**plan, "components": components}) for name, components in example["offers"].items()}
    (found,) = compare(offers, Mix("records", {"records": 1}), example["months"], START)
    told = [[one.volume, one.name, one.amount.to_wire()["amount"]] for one in found.cheapest if one.amount]
    assert told == example["cheapest_from"]
    assert all(one.exact for one in found.cheapest)


def test_the_estimate_is_what_the_guide_says() -> None:
    example = blocks("en")["guidance"]

    def features(item: dict[str, Any]) -> Features:
        languages = frozenset(example["own"]["languages"])
        return Features(languages, item["sizes"], item["score"], item["sharing"], False, item["age_days"])

    others = [
        Comparable(f"o{n}", f"s{n}", money(item["price"]), item["traded"], features(item), {})
        for n, item in enumerate(example["comparables"])
    ]
    found = guide(features(example["own"]), others)
    by_id = {one.comparable.id: one for one in found.compared}
    assert [by_id[f"o{n}"].adjusted for n in range(3)] == [money(one) for one in example["adjusted"]]
    assert [by_id[f"o{n}"].similarity for n in range(3)] == example["similarity"]
    assert found.estimate == money(example["estimate"])
    assert [found.low, found.high] == [money(one) for one in example["interval"]]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guide_shows_every_weight(language: str) -> None:
    weights = [int(line.split("|")[2]) for line in text(language).splitlines() if re.match(r"^\|[^|]+\| \d+ \|", line)]
    assert weights == [rule.weight for rule in RULES]


def money(amount: str) -> Money:
    return Money(int(Decimal(amount) * 10**6), "CNY")

"""Two versions of one rule that sell side by side: what steps per lifetime carry over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement import waterfall
from settlement.waterfall import LIFE, NOTHING, Bucket, Carried, Key, Level, Op, Sold, Waterfall
from settlement.waterfall_document import understand
from tests.property.test_recompute_laws import differences, mine, shown
from tests.property.test_waterfall_laws import payees, pieces, plain, rules, sales, step

Booked = dict[Key, int]
_SALE = UUID(int=1)


@st.composite
def carrying(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A rule whose steps per lifetime see what was sold, and go on from the version before, most of them."""
    steps = [*draw(st.lists(step("sale"), max_size=1)), *draw(st.lists(step("lifetime"), min_size=1, max_size=3))]
    for n, one in enumerate(one for one in steps if one["per"] == "lifetime"):
        one |= {"id": f"life{n}", "carry": draw(st.sampled_from([True, True, False]))}
    rest = {"id": "rest", "op": "residual", "per": "lifetime", "payees": draw(payees())}
    return [*({"id": "sale", **one} for one in steps), rest]


class Versions:
    """What a ledger holds of two versions, the second going on from the first."""

    def __init__(self, *documents: list[dict[str, Any]]) -> None:
        self.documents = documents
        self.rules = [understand(steps, "CNY") for steps in documents]
        self.levels: list[dict[Bucket, Level]] = [{}, {}]
        self.booked: list[Booked] = [defaultdict(int), defaultdict(int)]
        self.carried: Mapping[str, Carried] = NOTHING

    def book(self, version: int, batch: Sequence[Sold]) -> None:
        if version == 0:
            self._pour(0, batch, NOTHING, NOTHING)
        now = waterfall.carry(self.rules[0], self.levels[0].get(LIFE, Level()))
        if version == 1 or LIFE in self.levels[1]:
            self._pour(1, batch if version == 1 else [], self.carried, now)
            self.carried = now

    def _pour(self, n: int, batch: Sequence[Sold], before: Mapping[str, Carried], now: Mapping[str, Carried]) -> None:
        poured = waterfall.pour(self.rules[n], batch, self.levels[n], self.booked[n], now)
        line = shown(self.documents[n], list(batch), self.levels[n], poured.parts, (before, now))
        amount = sum(one.amount for one in poured.parts if mine(one.key))
        assert differences(self.documents[n], line, amount) == []
        assert sum(one.amount for one in poured.parts) == sum(one.units for one in batch)
        self.levels[n] |= poured.levels
        for part in poured.parts:
            self.booked[n][part.key] += part.amount


def at_once(found: Versions, first: Sequence[Sold], second: Sequence[Sold]) -> tuple[Booked, Booked]:
    one, two = found.rules
    level = waterfall.pour(one, first, {}, {}).levels.get(LIFE, Level())
    return (
        {part.key: part.cumulative for part in waterfall.apply(one, first)},
        {part.key: part.cumulative for part in waterfall.apply(two, second, None, waterfall.carry(one, level))},
    )


@given(carrying(), carrying(), sales(), sales(), st.data())
def test_the_order_in_which_two_versions_sell_changes_nothing_and_every_line_recomputes(
    older: list[dict[str, Any]], newer: list[dict[str, Any]], first: list[Sold], second: list[Sold], data: st.DataObject
) -> None:
    found = Versions(older, newer)
    cut = [(0, [one]) for one in data.draw(pieces(first))] + [(1, [one]) for one in data.draw(pieces(second))]
    for version, batch in data.draw(st.permutations(cut)):
        found.book(version, batch)
    assert tuple(map(plain, found.booked)) == tuple(map(plain, at_once(found, first, second)))


@given(carrying(), carrying(), sales(), sales(), st.data())
def test_after_full_refunds_of_both_versions_in_any_order_nobody_has_anything(
    older: list[dict[str, Any]], newer: list[dict[str, Any]], first: list[Sold], second: list[Sold], data: st.DataObject
) -> None:
    found = Versions(older, newer)
    for version, sold in enumerate((first, second)):
        found.book(version, sold)
    back = [
        (version, [Sold(one.sale_id, one.month, -one.units, one.introduced)])
        for version, sold in enumerate((first, second))
        for one in sold
    ]
    for version, batch in data.draw(st.permutations(back)):
        found.book(version, batch)
    assert [plain(one) for one in found.booked] == [{}, {}]


@given(rules(), sales(), sales())
def test_limits_per_lifetime_hold_over_both_versions_together(
    steps: list[dict[str, Any]], first: list[Sold], second: list[Sold]
) -> None:
    for one in steps:
        if one["per"] == "lifetime" and one["op"] != "residual":
            one["carry"] = True
    found = Versions(steps, steps)
    found.book(0, first)
    found.book(1, second)
    taken: dict[str, int] = defaultdict(int)
    for booked in found.booked:
        for key, units in booked.items():
            taken[key.step] += units
    for limits in found.rules[0].of(waterfall.Per.LIFETIME):
        if limits.at_most is not None:
            assert taken[limits.id] <= limits.at_most
        if limits.op in (Op.FIXED, Op.RECOUP, Op.GUARANTEE):
            assert taken[limits.id] <= limits.amount


FIRST_STEPS: list[dict[str, Any]] = [
    {"op": "fixed", "amount": "70"},
    {"op": "share_of_gross", "percent": "40", "at_most": "33"},
    {"op": "tiers", "of": "gross", "tiers": [{"up_to": "90", "percent": "5"}, {"percent": "50"}]},
    {"op": "tiers", "of": "net", "tiers": [{"up_to": "90", "percent": "5"}, {"percent": "50"}]},
    {"op": "recoup", "amount": "45", "percent": "30"},
    {"op": "guarantee", "amount": "80"},
]


@pytest.mark.parametrize("step", FIRST_STEPS, ids=lambda one: f"{one['op']} {one.get('of', '')}")
@given(first=st.integers(0, 200_000_000), second=st.integers(0, 200_000_000))
def test_a_step_that_carries_over_takes_of_both_versions_what_it_would_take_of_one(
    step: dict[str, Any], first: int, second: int
) -> None:
    def taken(rule: Waterfall, units: int, carried: Mapping[str, Carried] = NOTHING) -> int:
        parts = waterfall.apply(rule, [Sold(_SALE, "2026-01", units)], None, carried)
        return sum(part.cumulative for part in parts if part.key.step == "s")

    rest = {"id": "rest", "op": "residual", "per": "lifetime", "payees": [{"role": "supplier"}]}
    document = {"id": "s", "per": "lifetime", "payees": [{"role": "platform"}], "carry": True, **step}
    rule = understand([document, rest], "CNY")
    alone = understand([{**document, "carry": False}, rest], "CNY")
    carried = waterfall.carry(rule, Level(first, first, 0))
    both = taken(rule, first) + taken(rule, second, carried)
    # Each version rounds down once.
    assert 0 <= taken(rule, first + second) - both <= 1
    assert taken(alone, second, carried) == taken(alone, second)

"""The stand-alone check of statements agrees with the arithmetic that booked them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel import ids
from exchange.kernel.money import allocate_units, decimal_text
from settlement import recompute_statement as alone
from settlement import refunds, waterfall
from settlement.splits import Role
from settlement.statement_lines import split_line
from settlement.store.split_bookings import SaleOf
from settlement.waterfall import NOTHING, Bucket, Carried, Key, Level, Sold
from settlement.waterfall_document import understand
from tests.property.test_waterfall_laws import ORGANISATIONS, pieces, rules, sales
from tests.unit.test_recompute_statement import AT

ME = UUID(int=2)
RUN = UUID(int=50)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12), st.integers(-(10**12), 10**12))
def test_largest_remainders_are_those_of_the_ledger(weights: list[int], total: int) -> None:
    weights = [*weights, 1]
    assert alone.largest_remainder(total, weights) == allocate_units(total, weights)


@given(st.lists(st.integers(-9, 10**7), min_size=1, max_size=9), st.data())
def test_what_went_back_is_what_refunds_say(parts: list[int], data: st.DataObject) -> None:
    parts = [*parts, 1000]
    cumulative = data.draw(st.integers(0, sum(parts)))
    assert alone.gone_back(parts, cumulative) == refunds.reversed_units(parts, cumulative)


@given(rules(), sales(), st.data())
def test_a_line_of_a_split_rule_recomputes_batch_after_batch(
    steps: list[dict[str, Any]], sold: list[Sold], data: st.DataObject
) -> None:
    rule, shuffled = understand(steps, "CNY"), data.draw(pieces(sold))
    cut = data.draw(st.integers(0, len(shuffled)))
    levels: dict[Bucket, Level] = {}
    booked: dict[Key, int] = defaultdict(int)
    for batch in (shuffled[:cut], shuffled[cut:]):
        poured = waterfall.pour(rule, batch, levels, booked)
        line = shown(steps, batch, levels, poured.parts)
        amount = sum(one.amount for one in poured.parts if mine(one.key))
        assert differences(steps, line, amount) == []
        off = copy.deepcopy(line)
        for part in off["parts"][:1]:
            part["amount"] = decimal_text(alone.units(part["amount"]) + 1)
            assert differences(steps, off, amount)
        assert differences(steps, line, amount + 1)
        levels |= poured.levels
        for part in poured.parts:
            booked[part.key] += part.amount


def mine(key: Key) -> bool:
    return key.organisation_id == ME and key.role is not Role.POOL


def shown(
    steps: list[dict[str, Any]],
    batch: list[Sold],
    before: dict[Bucket, Level],
    parts: Any,
    carried: tuple[Mapping[str, Carried], Mapping[str, Carried]] = (NOTHING, NOTHING),
) -> dict[str, Any]:
    def sale(one: Sold) -> SaleOf:
        return SaleOf(one.sale_id, one.sale_id, one.sale_id, UUID(int=1), UUID(int=1), UUID(int=1), AT, AT)

    line = split_line(
        ME,
        RUN,
        (RUN, {"steps": steps}),
        [(sale(one), one.month, one.units) for one in batch],
        before,
        {one.sale_id: one.introduced for one in batch if one.introduced is not None},
        [
            (one.key.step, one.per, one.key.period, one.key.role, one.key.organisation_id, one.cumulative, one.amount)
            for one in parts
            if one.amount
        ],
        (0, 0),
        carried,
    )
    return {**line, "kind": "release"}


def differences(steps: list[dict[str, Any]], line: dict[str, Any], amount: int) -> list[alone.Difference]:
    found: list[alone.Difference] = []
    assert ids.text("org", ME) in ORGANISATIONS
    alone._split(line, "line 1", amount, {line["rule"]: {"steps": steps}}, ids.text("org", ME), found)
    return found

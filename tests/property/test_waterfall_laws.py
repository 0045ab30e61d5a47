from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exchange.kernel import ids
from exchange.kernel.money import Money, decimal_text
from settlement import waterfall
from settlement.splits import split
from settlement.waterfall import Bucket, Introduced, Key, Level, Per, Sold, Waterfall
from settlement.waterfall_document import understand
from tests.oracle import waterfalls as oracle

ORGANISATIONS = [ids.text("org", UUID(int=n)) for n in range(1, 5)]
BROKERS = [UUID(int=n) for n in (11, 12)]
AMOUNT = st.integers(0, 40_000_000).map(decimal_text)
PERCENT = st.integers(0, 100_000_000).map(decimal_text)
SMALL = st.integers(0, 40_000_000).map(decimal_text)


@st.composite
def payees(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = draw(
        st.lists(
            st.sampled_from(
                [{"role": "platform"}, {"role": "pool"}]
                + [
                    {"role": role, "organisation": one}
                    for role in ("member", "upstream", "provider")
                    for one in ORGANISATIONS
                ]
            ),
            min_size=1,
            max_size=4,
            unique_by=lambda one: (one["role"], one.get("organisation")),
        )
    )
    return [{**one, "weight": draw(st.integers(1, 7))} for one in found]


@st.composite
def step(draw: st.DrawFn, per: str) -> dict[str, Any]:
    kinds = ["fixed", "share_of_gross", "share_of_net", "tiers"]
    kinds += {"sale": ["mandate"], "month": ["guarantee"], "lifetime": ["guarantee", "recoup"]}[per]
    op = draw(st.sampled_from(kinds))
    made: dict[str, Any] = {"op": op, "per": per, "payees": draw(payees())}
    if op in ("share_of_gross", "share_of_net", "recoup"):
        made["percent"] = draw(PERCENT)
    if op in ("fixed", "guarantee", "recoup"):
        made["amount"] = draw(AMOUNT)
    if op == "tiers":
        edges = sorted(draw(st.sets(st.integers(1, 90_000_000), max_size=3)))
        made["tiers"] = [{"up_to": decimal_text(edge), "percent": draw(PERCENT)} for edge in edges]
        made["tiers"].append({"percent": draw(PERCENT)})
        made["of"] = draw(st.sampled_from(["gross", "net"]))
    if op == "mandate":
        made["payees"] = [{"role": "broker"}]
    if op in ("share_of_gross", "share_of_net", "tiers", "mandate"):
        made |= {name: draw(SMALL) for name in draw(st.sets(st.sampled_from(["at_least", "at_most"])))}
    return made


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    steps = [one for per in ("sale", "month", "lifetime") for one in draw(st.lists(step(per), max_size=3))]
    last = steps[-1]["per"] if steps else "sale"
    steps.append({"op": "residual", "per": draw(st.sampled_from([last, "lifetime"])), "payees": draw(payees())})
    return [{**one, "id": f"s{n}"} for n, one in enumerate(steps)]


@st.composite
def sales(draw: st.DrawFn, least: int = 0) -> list[Sold]:
    found = []
    for n in range(draw(st.integers(1, 6))):
        introduced = draw(st.none() | st.builds(Introduced, st.sampled_from(BROKERS), st.integers(0, 60_000_000)))
        month = f"2026-{draw(st.integers(1, 3)):02d}"
        found.append(Sold(UUID(int=100 + n), month, draw(st.integers(least, 200_000_000)), introduced))
    return found


@st.composite
def pieces(draw: st.DrawFn, whole: Sequence[Sold]) -> list[Sold]:
    """The same sales in parts, some given back and sold again, in any order."""
    found = []
    for one in whole:
        cuts = draw(st.lists(st.integers(-50_000_000, 250_000_000), max_size=3))
        amounts = [*cuts, one.units - sum(cuts)]
        found += [Sold(one.sale_id, one.month, units, one.introduced) for units in amounts]
    return list(draw(st.permutations(found)))


def booked_in_batches(rule: Waterfall, batches: Sequence[Sequence[Sold]]) -> dict[Key, int]:
    """What a ledger holds after it booked batch by batch, with only what was kept from the batch before."""
    levels: dict[Bucket, Level] = {}
    booked: dict[Key, int] = defaultdict(int)
    for batch in batches:
        poured = waterfall.pour(rule, batch, levels, booked)
        levels |= poured.levels
        for part in poured.parts:
            booked[part.key] += part.amount
    return dict(booked)


def said(rule: Waterfall, sold: Sequence[Sold]) -> dict[Key, int]:
    return {part.key: part.cumulative for part in waterfall.apply(rule, sold)}


def plain(found: dict[Key, int]) -> dict[Key, int]:
    return {key: units for key, units in found.items() if units}


@given(rules(), sales(least=-50_000_000))
def test_a_waterfall_gives_what_fractions_by_hand_give(steps: list[dict[str, Any]], sold: list[Sold]) -> None:
    def name(one: UUID | None) -> str | None:
        return None if one is None else ids.text("org", one)

    by_hand = oracle.totals(
        steps,
        [
            (
                str(one.sale_id),
                one.month,
                one.units,
                name(one.introduced.broker_id) if one.introduced else None,
                decimal_text(one.introduced.share) if one.introduced else "0",
            )
            for one in sold
        ],
    )
    found = said(understand(steps, "CNY"), sold)
    assert {(k.step, k.period, k.role.value, name(k.organisation_id)): v for k, v in found.items()} == by_hand


@given(rules(), sales(least=-50_000_000))
def test_at_every_step_the_parts_and_what_is_left_equal_what_came_in(
    steps: list[dict[str, Any]], sold: list[Sold]
) -> None:
    rule = understand(steps, "CNY")
    sums: dict[tuple[str, str], int] = defaultdict(int)
    parts = waterfall.apply(rule, sold)
    for part in parts:
        sums[part.key.step, part.key.period] += part.cumulative
    for part in parts:
        assert part.came_in == sums[part.key.step, part.key.period] + part.left
        # Nobody gives more than came in, and nobody gives what others should: all parts have its sign.
        assert abs(part.left) <= abs(part.came_in)
        assert part.cumulative * part.came_in >= 0
    assert sum(part.cumulative for part in parts) == sum(one.units for one in sold)


@given(rules(), sales(), st.data())
def test_neither_batches_nor_their_order_nor_refunds_within_change_what_anybody_has(
    steps: list[dict[str, Any]], sold: list[Sold], data: st.DataObject
) -> None:
    rule, shuffled = understand(steps, "CNY"), data.draw(pieces(sold))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    edges = [0, *cuts, len(shuffled)]
    batches = [shuffled[start:end] for start, end in itertools.pairwise(edges)]
    assert plain(booked_in_batches(rule, batches)) == plain(said(rule, sold))


@given(rules(), sales(), st.data())
def test_what_is_refunded_in_any_parts_leaves_every_payee_with_exactly_nothing(
    steps: list[dict[str, Any]], sold: list[Sold], data: st.DataObject
) -> None:
    rule = understand(steps, "CNY")
    back = [Sold(one.sale_id, one.month, -one.units, one.introduced) for one in sold]
    first, rest = data.draw(pieces(sold)), data.draw(pieces(back))
    batches = [[one] for one in first] + [[one] for one in rest]
    assert plain(booked_in_batches(rule, batches)) == {}
    nothing = waterfall.apply(rule, [*first, *rest], said(rule, sold))
    assert all(part.cumulative == 0 and part.amount == -part.booked for part in nothing)


@given(rules(), sales(), st.data())
def test_one_sale_refunded_leaves_what_there_would_be_without_it(
    steps: list[dict[str, Any]], sold: list[Sold], data: st.DataObject
) -> None:
    rule, gone = understand(steps, "CNY"), data.draw(st.sampled_from(sold))
    back = Sold(gone.sale_id, gone.month, -gone.units, gone.introduced)
    without = [one for one in sold if one.sale_id != gone.sale_id]
    assert plain(said(rule, [*sold, back])) == plain(said(rule, without))


@given(rules(), sales())
def test_limits_of_a_step_hold_in_every_period(steps: list[dict[str, Any]], sold: list[Sold]) -> None:
    rule = understand(steps, "CNY")
    taken: dict[tuple[str, str], int] = defaultdict(int)
    came: dict[tuple[str, str], int] = {}
    for part in waterfall.apply(rule, sold):
        taken[part.key.step, part.key.period] += part.cumulative
        came[part.key.step, part.key.period] = part.came_in
    limits = {one.id: one for one in rule.steps}
    for (name, period), units in taken.items():
        one = limits[name]
        if one.at_most is not None:
            assert units <= one.at_most
        if one.at_least is not None and one.at_most is None:
            assert units >= min(one.at_least, came[name, period])
        if one.op in (waterfall.Op.RECOUP, waterfall.Op.FIXED, waterfall.Op.GUARANTEE):
            assert units <= one.amount
        if one.op is waterfall.Op.FIXED:
            assert units == min(one.amount, came[name, period])


@given(rules(), sales(), st.integers(1, 100_000_000))
def test_more_sales_never_take_from_a_step_that_counts_over_the_gross(
    steps: list[dict[str, Any]], sold: list[Sold], more: int
) -> None:
    rule = understand(steps, "CNY")

    def first(found: Sequence[Sold]) -> int:
        parts = waterfall.apply(rule, found)
        return sum(part.cumulative for part in parts if part.key.step == "s0")

    one = sold[0]
    assert first(sold) <= first([*sold, Sold(one.sale_id, one.month, more, one.introduced)])


@st.composite
def weights_only(draw: st.DrawFn) -> list[dict[str, Any]]:
    left, steps = 100, []
    for n in range(draw(st.integers(0, 4))):
        op, percent = draw(st.sampled_from(["share_of_gross", "share_of_net"])), draw(st.integers(0, 100))
        if op == "share_of_gross":
            percent = min(percent, left // 4)
            left -= percent
        else:
            left = left * (100 - percent) // 100
        steps.append({"id": f"s{n}", "op": op, "per": "sale", "percent": str(percent), "payees": draw(payees())})
    return [*steps, {"id": "rest", "op": "residual", "per": "sale", "payees": draw(payees())}]


@given(weights_only(), st.integers(0, 10**12))
def test_weights_of_a_stateless_rule_give_its_parts_to_less_than_a_millionth_a_step(
    steps: list[dict[str, Any]], units: int
) -> None:
    rule = understand(steps, "CNY")
    shares = waterfall.stateless(rule)
    assume(shares is not None)
    assert shares is not None
    by_rule: dict[tuple[str, UUID | None], int] = defaultdict(int)
    for part in waterfall.apply(rule, [Sold(UUID(int=1), "2026-01", units)]):
        by_rule[part.key.role, part.key.organisation_id] += part.cumulative
    by_weight = {(part.role, part.organisation_id): part.amount.units for part in split(Money(units, "CNY"), shares)}
    assert sum(by_weight.values()) == units
    # Each step may round down once, and hand the rest of that on.
    assert all(abs(by_weight.get(key, 0) - given) <= 2 * len(steps) for key, given in by_rule.items())


@pytest.mark.parametrize(
    "change",
    [
        {"at_most": "5.00"},
        {"at_least": "0.01"},
        {"per": "month"},
        {"op": "fixed", "amount": "1.00"},
        {"op": "mandate", "payees": [{"role": "broker"}]},
        {"op": "tiers", "tiers": [{"percent": "5"}]},
    ],
)
def test_what_needs_a_memory_is_not_only_weights(change: dict[str, Any]) -> None:
    fee = {"id": "fee", "op": "share_of_gross", "per": "sale", "percent": "12", "payees": [{"role": "platform"}]}
    rest = {"id": "rest", "op": "residual", "per": "sale", "payees": [{"role": "supplier"}]}
    shares = waterfall.stateless(understand([fee, rest], "CNY"))
    assert shares is not None
    assert [(one.role, one.weight) for one in shares] == [("supplier", 22), ("platform", 3)]
    changed = {**fee, **change}
    rest["per"] = changed["per"]
    assert waterfall.stateless(understand([changed, rest], "CNY")) is None


def test_a_refund_in_a_later_month_counts_in_the_month_of_its_sale() -> None:
    steps = [
        {"id": "cap", "op": "share_of_gross", "per": "month", "percent": "50", "at_most": "10.00"}
        | {"payees": [{"role": "platform"}]},
        {"id": "rest", "op": "residual", "per": "month", "payees": [{"role": "supplier"}]},
    ]
    rule = understand(steps, "CNY")
    january, february = (Sold(UUID(int=n), f"2026-0{n}", 30_000_000) for n in (1, 2))
    back = Sold(january.sale_id, "2026-01", -25_000_000)
    found = {(k.step, k.period): v for k, v in said(rule, [january, february, back]).items()}
    assert found == {
        ("cap", "2026-01"): 2_500_000,
        ("rest", "2026-01"): 2_500_000,
        ("cap", "2026-02"): 10_000_000,
        ("rest", "2026-02"): 20_000_000,
    }


def test_the_periods_of_a_rule_are_those_of_its_steps() -> None:
    rule = understand([{"id": "rest", "op": "residual", "per": "lifetime", "payees": [{"role": "supplier"}]}], "CNY")
    (part,) = waterfall.apply(rule, [Sold(UUID(int=n), "2026-01", 5) for n in range(3)])
    assert (part.per, part.key.period, part.cumulative) == (Per.LIFETIME, waterfall.LIFETIME, 15)

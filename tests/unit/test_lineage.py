from __future__ import annotations

from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.lineage import DATASETS_MAX, LineageFault, Source, holders
from settlement.splits import WEIGHT_MAX
from settlement.waterfall import WHOLE

TEN = WHOLE // 10


def ds(n: int) -> UUID:
    return UUID(int=1000 + n)


def graph(*edges: tuple[int, dict[int, int]]) -> dict[UUID, Source]:
    """Datasets by number: the supplier of dataset n is organisation n."""
    return {
        ds(n): Source(ds(n), UUID(int=n), tuple((ds(up), share) for up, share in passes.items())) for n, passes in edges
    }


def shares(named: list[tuple[UUID, int]], sources: dict[UUID, Source]) -> dict[int, Fraction]:
    found = holders(named, sources)
    whole = sum(one.weight for one in found)
    return {one.organisation_id.int: Fraction(one.weight, whole) for one in found}


def test_each_dataset_keeps_what_it_does_not_hand_on_to_any_depth() -> None:
    sources = graph((1, {2: 2 * TEN}), (2, {3: 5 * TEN}), (3, {}))
    assert shares([(ds(1), 1)], sources) == {1: Fraction(8, 10), 2: Fraction(1, 10), 3: Fraction(1, 10)}


def test_two_ways_to_one_dataset_add_up_and_its_holder_is_named_once() -> None:
    sources = graph((1, {3: TEN}), (2, {3: 3 * TEN}), (3, {}))
    assert shares([(ds(1), 1), (ds(2), 1)], sources) == {1: Fraction(9, 20), 2: Fraction(7, 20), 3: Fraction(4, 20)}
    (found,) = holders([(ds(1), 1), (ds(9), 2)], {**graph((1, {})), ds(9): Source(ds(9), UUID(int=1))})
    assert (found.weight, found.datasets) == (1, (ds(9), ds(1)))


def test_a_dataset_that_hands_everything_on_keeps_nothing() -> None:
    assert shares([(ds(1), 1)], graph((1, {2: WHOLE}), (2, {}))) == {2: Fraction(1)}


@pytest.mark.parametrize(
    ("sources", "kind", "path"),
    [
        (graph((1, {2: TEN}), (2, {3: TEN}), (3, {2: TEN})), "cycle", [2, 3, 2]),
        (graph((1, {1: TEN})), "cycle", [1, 1]),
        (graph((1, {2: 6 * TEN, 3: 5 * TEN}), (2, {}), (3, {})), "over", [1]),
        (graph((1, {2: TEN})), "unknown", [2]),
        (graph(*((n, {n + 1: TEN}) for n in range(1, DATASETS_MAX + 2))), "too_many", [DATASETS_MAX + 1]),
    ],
)
def test_a_lineage_that_cannot_be_paid_by_says_where(sources: dict[UUID, Source], kind: str, path: list[int]) -> None:
    with pytest.raises(LineageFault) as fault:
        holders([(ds(1), 1)], sources)
    assert (fault.value.kind, list(fault.value.path)) == (kind, [ds(n) for n in path])


def test_weights_stay_whole_numbers_of_a_size_that_a_document_can_hold() -> None:
    deep = graph(*((n, {n + 1: WHOLE // 3} if n < 30 else {}) for n in range(1, 31)))
    found = holders([(ds(1), 1)], deep)
    assert sum(one.weight for one in found) == WEIGHT_MAX
    assert abs(Fraction(found[0].weight, WEIGHT_MAX) - Fraction(WHOLE - WHOLE // 3, WHOLE)) < Fraction(1, 10**8)


@given(st.data())
def test_what_the_holders_of_a_lineage_get_is_all_that_came_in(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    edges = []
    for n in range(1, count + 1):
        ups = data.draw(st.sets(st.integers(n + 1, count), max_size=3)) if n < count else set()
        edges.append((n, {up: data.draw(st.integers(0, 3)) * TEN for up in ups}))
    roots = data.draw(st.lists(st.tuples(st.integers(1, count), st.integers(1, 5)), min_size=1, max_size=3))
    sources = graph(*edges)

    def receives(n: int, amount: Fraction, got: dict[int, Fraction]) -> None:
        passed = dict(edges)[n]
        got[n] = got.get(n, Fraction(0)) + amount * (1 - Fraction(sum(passed.values()), WHOLE))
        for up, share in passed.items():
            receives(up, amount * Fraction(share, WHOLE), got)

    by_hand: dict[int, Fraction] = {}
    for n, weight in roots:
        receives(n, Fraction(weight, sum(one for _, one in roots)), by_hand)
    found = shares([(ds(n), weight) for n, weight in roots], sources)
    assert sum(found.values()) == 1
    assert all(abs(found.get(n, Fraction(0)) - part) < Fraction(1, 10**8) for n, part in by_hand.items())

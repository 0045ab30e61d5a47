"""Closed forms that anybody can look up: airport, Security Council, gloves; and records and neighbours worked by hand."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from time import process_time

import pytest

from settlement import knn_shapley, shapley, tuples
from settlement.shapley import BadGame
from settlement.tuples import EARLIEST, HALVED, SHARED

F = Fraction


def test_airport_game_shares_a_runway() -> None:
    costs = (1, 3, 4, 7, 11, 12)
    game = shapley.tabulated(6, lambda s: max((cost for at, cost in enumerate(costs) if s >> at & 1), default=0))
    assert shapley.shapley(game) == [F(1, 6), F(17, 30), F(49, 60), F(109, 60), F(229, 60), F(289, 60)]


def test_security_council_gives_permanent_members_their_power() -> None:
    """Shapley-Shubik: 5 with a veto, 10 without, 9 votes needed."""
    game = shapley.tabulated(15, lambda s: int(s & 31 == 31 and s.bit_count() >= 9))
    found = shapley.shapley(game)
    assert found == [F(421, 2145)] * 5 + [F(4, 2145)] * 10
    assert sum(found) == 1


@pytest.mark.parametrize(("left", "right"), [(1, 2), (2, 3), (1, 5)])
def test_glove_game_pays_the_scarce_side(left: int, right: int) -> None:
    """A pair is worth 1; the value of a side by counting orders in which a glove completes a pair."""
    n = left + right
    game = shapley.tabulated(n, lambda s: min((s & ((1 << left) - 1)).bit_count(), (s >> left).bit_count()))
    found = shapley.shapley(game)
    if (left, right) == (1, 2):
        assert found == [F(2, 3), F(1, 6), F(1, 6)]
    assert len(set(found[:left])) == len(set(found[left:])) == 1
    # A left glove completes a pair where more right than left ones came before it.
    orders = sum(
        F(comb(left - 1, a) * comb(right, b), comb(n - 1, a + b)) / n
        for a in range(left)
        for b in range(right + 1)
        if b > a
    )
    assert found[0] == orders


def test_sixteen_players_take_less_than_three_seconds() -> None:
    values = [F(coalition.bit_count() ** 2 * (coalition % 7 + 1), 30) for coalition in range(1 << 16)]
    started = process_time()
    found = shapley.shapley(values)
    assert process_time() - started < 3
    assert sum(found) == values[-1]


@pytest.mark.parametrize(
    "values", [[], [0], [0, 1, 2], [1, 1], [0] * (1 << 17), [F(0), F(1, 2**4096 - 1), F(1, 2**4095 - 1), F(1)]]
)
def test_what_is_no_game_is_refused(values: list[Fraction | int]) -> None:
    with pytest.raises(BadGame):
        shapley.shapley(values)


def test_coverage_and_unique_games_count_records() -> None:
    patterns = {0b01: 5, 0b10: 3, 0b11: 4}
    assert shapley.coverage(2, patterns) == [0, 9, 7, 12]
    assert shapley.unique(2, patterns) == [0, 5, 3, 8]
    assert shapley.shapley(shapley.coverage(2, patterns)) == [7, 5]


def test_the_union_of_digests_is_what_coverage_counts() -> None:
    sets = [{b"a", b"b", b"c"}, {b"b", b"c", b"d"}, {b"e"}]
    patterns: dict[int, int] = {}
    for digest in set().union(*sets):
        mask = sum(1 << at for at, has in enumerate(sets) if digest in has)
        patterns[mask] = patterns.get(mask, 0) + 1
    game = shapley.coverage(3, patterns)
    for coalition in range(8):
        union = set().union(*[has for at, has in enumerate(sets) if coalition >> at & 1], set())
        assert game[coalition] == len(union)


@pytest.mark.parametrize(
    ("rule", "values", "residual"),
    [
        (EARLIEST, (10, 2, 0), 0),
        (SHARED, (F(10) - F(4, 2) - F(2, 3) * 2, F(2) + F(4, 2) + F(2, 3), F(2, 3)), 0),
        (HALVED, (F(4) + F(4, 2) + F(2, 4), F(2) + F(4, 2) + F(2, 4), F(2, 4)), F(2, 4)),
    ],
)
def test_three_rules_share_the_same_records(rule: str, values: tuple[Fraction, ...], residual: Fraction) -> None:
    patterns = {0b001: 4, 0b010: 2, 0b011: 4, 0b111: 2}
    facts = tuples.held(patterns, [0, 1, 2], None)
    found = tuples.share_records(patterns, [0, 1, 2], rule, facts)
    assert found.values == values
    assert found.residual == residual
    assert sum(found.values) + found.residual == 12
    assert [(one.records, one.first, one.before) for one in facts] == [(10, 10, 0), (8, 2, 6), (2, 0, 2)]


def test_a_second_revision_of_the_first_holder_is_no_copy_of_its_copier() -> None:
    """Source 0 and 2 are one owner's; source 1 copied source 0. What is new in 2 stays its owner's."""
    patterns = {0b111: 95, 0b100: 5}
    facts = tuples.held(patterns, [0, 1, 0], F(9, 10))
    assert [one.taken_out for one in facts] == [False, True, False]
    assert tuples.share_records(patterns, [0, 1, 0], EARLIEST, facts).values == (100, 0)


def test_an_altered_copy_leaves_what_it_altered_to_nobody() -> None:
    patterns = {0b01: 5, 0b11: 95, 0b10: 5}
    facts = tuples.held(patterns, [0, 1], F(9, 10))
    found = tuples.share_records(patterns, [0, 1], EARLIEST, facts)
    assert (found.values, found.residual) == ((100, 0), 5)
    assert tuples.share_records(patterns, [0, 1], EARLIEST, tuples.held(patterns, [0, 1], None)).values == (100, 5)


def test_the_nearest_neighbour_of_one_gets_everything() -> None:
    assert knn_shapley.knn_points(1, [True]) == [1]
    assert knn_shapley.knn_points(1, [True, False]) == [1, 0]
    assert knn_shapley.knn_points(1, [False, True]) == [F(-1, 2), F(1, 2)]
    assert knn_shapley.knn_points(5, [True, False]) == [F(1, 5), 0]
    assert knn_shapley.knn_points(3, []) == []


def test_two_points_at_one_distance_stand_in_the_order_of_their_coming() -> None:
    examples = knn_shapley.Examples(1, [(0, "a", [1]), (1, "b", [-1])], 2)
    assert examples.ranked([0]) == [0, 1]
    assert knn_shapley.Examples(1, [(1, "b", [-1]), (0, "a", [1])], 2).ranked([0]) == [0, 1]


def test_distances_are_exact_where_floats_would_tie() -> None:
    big = 2**53 - 1
    examples = knn_shapley.Examples(1, [(0, "a", [big]), (0, "b", [big - 1])], 1)
    assert examples.ranked([0]) == [1, 0]

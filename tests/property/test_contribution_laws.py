"""What must hold of every game, every set of records and every copy of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from math import factorial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement import knn_shapley, shapley, tuples, weighing
from settlement.tuples import EARLIEST, HALVED, SHARED

F = Fraction
numbers = st.fractions(min_value=-20, max_value=20, max_denominator=12)
players = st.integers(1, 5)


@st.composite
def games(draw: st.DrawFn, n: int | None = None) -> list[Fraction]:
    count = (1 << (n or draw(players))) - 1
    return [F(0), *draw(st.lists(numbers, min_size=count, max_size=count))]


def by_permutations(values: Sequence[Fraction | int]) -> list[Fraction]:
    """The definition: what each adds, over all orders of coming."""
    n = len(values).bit_length() - 1
    sums = [F(0)] * n
    for order in permutations(range(n)):
        there = 0
        for player in order:
            sums[player] += values[there | 1 << player] - values[there]
            there |= 1 << player
    return [total / factorial(n) for total in sums]


@given(games())
def test_shapley_is_its_definition(game: list[Fraction]) -> None:
    assert shapley.shapley(game) == by_permutations(game)


@given(games())
def test_shapley_hands_out_everything(game: list[Fraction]) -> None:
    assert sum(shapley.shapley(game)) == game[-1]


@given(games(3), games(3), numbers, numbers)
def test_shapley_of_a_sum_is_the_sum(one: list[Fraction], other: list[Fraction], a: Fraction, b: Fraction) -> None:
    both = [a * x + b * y for x, y in zip(one, other, strict=True)]
    parts = zip(shapley.shapley(one), shapley.shapley(other), strict=True)
    assert shapley.shapley(both) == [a * x + b * y for x, y in parts]


@given(games(3))
def test_a_dummy_gets_nothing_and_twins_get_the_same(game: list[Fraction]) -> None:
    with_dummy = game + game
    assert shapley.shapley(with_dummy) == [*shapley.shapley(game), F(0)]
    # Twins: whatever the coalition has of the two, only their number counts.
    twins = shapley.tabulated(4, lambda s: game[(s >> 2 & 1) + (s & 3).bit_count() * 2] if s else F(0))
    twins[0] = F(0)
    found = shapley.shapley(twins)
    assert found[0] == found[1]


@given(games(4), st.permutations(range(4)))
def test_names_do_not_matter_to_shapley(game: list[Fraction], order: list[int]) -> None:
    moved = shapley.tabulated(4, lambda s: game[sum(1 << order[at] for at in range(4) if s >> at & 1)])
    found = shapley.shapley(game)
    assert shapley.shapley(moved) == [found[order[at]] for at in range(4)]


@given(games(4), st.lists(st.integers(0, 1), min_size=4, max_size=4))
def test_a_joined_group_is_worth_its_union(game: list[Fraction], sides: list[int]) -> None:
    if len(set(sides)) < 2:
        return
    quotient = shapley.joined(game, sides)
    mask = sum(1 << at for at, side in enumerate(sides) if side)
    assert quotient == [0, game[15 ^ mask], game[mask], game[15]]


# ---------------------------------------------------------------- records

patterns = st.dictionaries(st.integers(1, 31), st.integers(1, 50), max_size=12)


@given(patterns)
def test_shared_records_are_the_shapley_value_of_coverage(held: dict[int, int]) -> None:
    owners = [0, 1, 2, 3, 4]
    found = tuples.share_records(held, owners, SHARED, tuples.held(held, owners, None))
    assert (
        list(found.values) == shapley.shapley(shapley.coverage(5, held)) == by_permutations(shapley.coverage(5, held))
    )
    assert found.residual == 0


@given(patterns, st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_every_record_is_given_out_once(held: dict[int, int], owners: list[int]) -> None:
    names = sorted(set(owners), key=owners.index)
    owners = [names.index(one) for one in owners]
    for rule in tuples.RULES:
        for similarity in (None, F(9, 10), F(1, 2)):
            found = tuples.share_records(held, owners, rule, tuples.held(held, owners, similarity))
            assert sum(found.values) + found.residual == sum(held.values())
            assert min(found.values) >= 0 <= found.residual


@given(patterns)
def test_unique_records_are_what_one_alone_holds(held: dict[int, int]) -> None:
    game = shapley.unique(5, held)
    assert shapley.shapley(game) == [held.get(1 << at, 0) for at in range(5)]
    # The other common wording, "held by exactly one of the coalition", has the same Shapley value.
    other = shapley.tabulated(5, lambda s: sum(n for mask, n in held.items() if (mask & s).bit_count() == 1))
    assert shapley.shapley(other) == shapley.shapley(game)


# ---------------------------------------------------------------- nearest neighbours


def by_subsets(k: int, hits: Sequence[bool]) -> list[Fraction]:
    n = len(hits)

    def worth(subset: int) -> Fraction:
        nearest = [at for at in range(n) if subset >> at & 1][:k]
        return F(sum(hits[at] for at in nearest), k)

    return shapley.shapley(shapley.tabulated(n, worth))


@pytest.mark.parametrize("seed", range(6))
def test_knn_recursion_equals_brute_force_at_eleven_and_three(seed: int) -> None:
    chance = random.Random(seed)
    hits = [chance.random() < 0.5 for _ in range(11)]
    assert knn_shapley.knn_points(3, hits) == by_subsets(3, hits)


@given(st.integers(1, 8), st.lists(st.booleans(), min_size=1, max_size=7))
@settings(max_examples=60)
def test_knn_recursion_equals_brute_force_also_with_fewer_points_than_k(k: int, hits: list[bool]) -> None:
    assert knn_shapley.knn_points(k, hits) == by_subsets(k, hits)


points = st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.lists(st.integers(-3, 3), min_size=2, max_size=2))
asked = st.tuples(st.sampled_from("ab"), st.lists(st.integers(-3, 3), min_size=2, max_size=2))


@given(st.integers(1, 4), st.lists(points, max_size=8), st.lists(asked, min_size=1, max_size=3))
@settings(max_examples=60)
def test_owners_get_the_sum_of_their_points(k: int, train: list[Any], tests: list[Any]) -> None:
    examples = knn_shapley.Examples(k, train, 3)
    wanted = [F(0)] * 3
    for label, features in tests:
        examples.test(label, features)
        ranked = examples.ranked(features)
        values = knn_shapley.knn_points(k, [examples.kept[at][1] == label for at in ranked])
        for at, value in zip(ranked, values, strict=True):
            wanted[examples.kept[at][0]] += value / len(tests)
    assert examples.values() == wanted


# ---------------------------------------------------------------- weights


@given(st.lists(st.fractions(min_value=0, max_value=100, max_denominator=97), min_size=1, max_size=9))
def test_weights_sum_to_the_whole_and_stay_within_one(parts: list[Fraction]) -> None:
    found = weighing.whole_weights(parts)
    assert sum(found) == weighing.WEIGHTS_TOTAL
    if total := sum(parts):
        shares = [part * weighing.WEIGHTS_TOTAL / total for part in parts]
        assert all(abs(weight - share) < 1 for weight, share in zip(found, shares, strict=True))


# ---------------------------------------------------------------- copies


class Product:
    """Accounts with their records, in the order in which they came."""

    def __init__(self, *accounts: tuple[str, set[int]]) -> None:
        self.accounts = list(accounts)

    def with_copies(self, *copies: tuple[str, set[int]]) -> Product:
        return Product(*self.accounts, *copies)

    def inputs(self, method: str, utility: str, rule: str, similarity: str | None) -> dict[str, Any]:
        counted: dict[int, int] = {}
        for record in set().union(*[held for _, held in self.accounts]):
            mask = sum(1 << at for at, (_, held) in enumerate(self.accounts) if record in held)
            counted[mask] = counted.get(mask, 0) + 1
        sources = [
            {"organisation": name, "owner": name, "revision": str(at), "revision_sha256": "", "since": f"{at:03}"}
            for at, (name, _) in enumerate(self.accounts)
        ]
        return {
            "method": method,
            "utility": utility,
            "parameters": {"duplicates": rule, "similarity": similarity, "k": None},
            "sources": sources,
            "patterns": [[f"{mask:x}", count] for mask, count in counted.items()],
        }

    def measured(
        self, method: str = "tuples", utility: str = "coverage", rule: str = EARLIEST, similarity: str | None = "9/10"
    ) -> tuple[Mapping[str, Fraction], Mapping[str, int], int]:
        """Exact values and weights by account, and the residual's weight."""
        found = weighing.weigh(self.inputs(method, utility, rule, similarity if rule == EARLIEST else None))
        values = {one["organisation"]: F(one["value"]) for one in found["players"]}
        weights = {one["organisation"]: one["weight"] for one in found["players"]}
        return values, weights, found["residual"]["weight"]


records = st.sets(st.integers(0, 40), max_size=20)
# One unit of a billion, which rounding may move.
ROUNDING = 1
RECORD_METHODS = [("tuples", "coverage"), ("shapley", "coverage"), ("shapley", "unique")]


@pytest.mark.parametrize(("method", "utility"), RECORD_METHODS)
@given(
    st.tuples(records, records, records),
    st.lists(st.integers(0, 2**20 - 1), min_size=1, max_size=5),
    st.sampled_from(["9/10", "1/2", "1/1", None]),
)
@settings(max_examples=60)
def test_own_copies_in_one_to_five_accounts_raise_nothing(
    method: str, utility: str, sets: tuple[set[int], ...], cuts: list[int], similarity: str | None
) -> None:
    """Whole and partial copies of one's own data under other names, which no verification tied together."""
    before = Product(("victim", sets[0]), ("copier", sets[1]), ("other", sets[2]))
    own = sorted(sets[1])
    copies = [
        (f"sybil {at}", {record for bit, record in enumerate(own) if cut >> bit & 1}) for at, cut in enumerate(cuts)
    ]
    _compare(before, before.with_copies(*copies), method, utility, similarity)


@pytest.mark.parametrize(("method", "utility"), RECORD_METHODS)
@given(
    st.tuples(records, records, records),
    st.integers(1, 5),
    records,
    st.sampled_from(["9/10", "1/2", "1/1", None]),
)
@settings(max_examples=60)
def test_copies_of_others_raise_nothing_and_take_nothing(
    method: str, utility: str, sets: tuple[set[int], ...], times: int, some: set[int], similarity: str | None
) -> None:
    """The copier lays somebody else's data, mixed with its own, into its own and into further accounts."""
    before = Product(("victim", sets[0]), ("copier", sets[1]), ("other", sets[2]))
    stolen = sets[0] | (sets[1] & some)
    copies = [(f"sybil {at}", stolen) for at in range(times)]
    _compare(before, before.with_copies(("copier", stolen), *copies), method, utility, similarity)


def _compare(before: Product, after: Product, method: str, utility: str, similarity: str | None) -> None:
    values, weights, _ = before.measured(method, utility, similarity=similarity)
    new_values, new_weights, _ = after.measured(method, utility, similarity=similarity)
    mine = {name for name in new_values if name == "copier" or name.startswith("sybil")}
    assert sum(new_values[name] for name in mine) <= values["copier"]
    assert sum(new_weights[name] for name in mine) <= weights["copier"] + ROUNDING
    for name in ("victim", "other"):
        assert new_values[name] == values[name]
        assert abs(new_weights[name] - weights[name]) <= ROUNDING


@given(st.tuples(records, records), st.integers(1, 5), st.integers(0, 10))
def test_an_altered_copy_brings_its_owner_nothing(sets: tuple[set[int], ...], times: int, altered: int) -> None:
    """Nine tenths copied, the rest changed: what was changed goes to the residual and not to whoever changed it."""
    before = Product(("victim", sets[0]), ("copier", sets[1]))
    changes = len(sets[0]) // 9 if altered else 0
    copies = [(f"sybil {at}", sets[0] | {1_000 + 100 * at + n for n in range(changes)}) for at in range(times)]
    if not sets[0]:
        return
    values, weights, _ = before.measured()
    new_values, new_weights, residual = before.with_copies(*copies).measured()
    assert all(new_values[name] == 0 for name, _ in copies)
    assert new_values["victim"] == values["victim"]
    assert new_values["copier"] == values["copier"]
    assert new_weights["copier"] <= weights["copier"]
    assert (residual > 0) == (changes > 0)


@given(records, records, st.integers(1, 5))
def test_halving_makes_more_accounts_never_pay(own: set[int], others: set[int], times: int) -> None:
    before = Product(("copier", own), ("other", others))
    values, weights, _ = before.measured(rule=HALVED)
    copies = [(f"sybil {at}", own) for at in range(times)]
    new_values, new_weights, _ = before.with_copies(*copies).measured(rule=HALVED)
    assert sum(value for name, value in new_values.items() if name != "other") <= values["copier"]
    assert sum(weight for name, weight in new_weights.items() if name != "other") <= weights["copier"] + times


def test_plain_sharing_does_reward_copies_which_is_why_it_is_not_the_rule() -> None:
    """The counter-proof: the attack works against the plain Shapley value."""
    both = {1, 2, 3, 4}
    before = Product(("copier", both), ("other", both))
    values, _, _ = before.measured(rule=SHARED)
    after, _, _ = before.with_copies(("sybil", both)).measured(rule=SHARED)
    assert after["copier"] + after["sybil"] > values["copier"]


@given(st.tuples(records, records), st.integers(1, 5))
def test_destroying_what_makes_others_unique_brings_nothing(sets: tuple[set[int], ...], times: int) -> None:
    """By `unique` and `shared`, a copy takes the victim's value away; it must not become the copier's greater part."""
    before = Product(("victim", sets[0]), ("copier", sets[1]))
    _, weights, _ = before.measured("shapley", "unique", SHARED)
    copies = [(f"sybil {at}", sets[0]) for at in range(times)]
    _, new_weights, _ = before.with_copies(*copies).measured("shapley", "unique", SHARED)
    assert sum(weight for name, weight in new_weights.items() if name != "victim") <= weights["copier"] + ROUNDING


@given(st.integers(1, 4), st.lists(points, min_size=1, max_size=8), st.lists(asked, min_size=1, max_size=3), st.data())
@settings(max_examples=60)
def test_copied_examples_change_no_value(k: int, train: list[Any], tests: list[Any], data: st.DataObject) -> None:
    copies = [
        (3 + at, *point[1:])
        for at in range(data.draw(st.integers(1, 3)))
        for point in data.draw(st.lists(st.sampled_from(train), max_size=5))
    ]
    before, after = knn_shapley.Examples(k, train, 6), knn_shapley.Examples(k, train + copies, 6)
    for label, features in tests:
        before.test(label, features)
        after.test(label, features)
    assert after.values() == before.values()
    assert after.values()[3:] == [0, 0, 0]

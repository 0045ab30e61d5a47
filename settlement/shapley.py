"""Exact Shapley values of a game of up to 16 players. The standard library is all it needs.

A coalition is a number: bit i stands for player i. A part of the stand-alone script that recomputes weights.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import factorial, lcm

PLAYERS_MAX = 16
# Values whose common denominator is longer say nothing that money could follow, and take no end of time.
DENOMINATOR_BITS_MAX = 4_096


class BadGame(ValueError):
    """Values that are no game: not one for each coalition, something for nobody, or fractions without a sane common one."""


def shapley(values: Sequence[Fraction | int]) -> list[Fraction]:
    """Each player's exact Shapley value.

    shapes   2**n values, at position S the value of coalition S -> n values that sum to the last one
    errors   BadGame
    source   Shapley 1953; written as phi_i * n! = sum over S with i of ((s-1)!(n-s)! + s!(n-s-1)!) v(S) - sum over all S of
             s!(n-s-1)! v(S), so that one pass over the coalitions and a halving of the table serve every player
    """
    n = players_of(values)
    scale = common_denominator(values)
    whole = [value.numerator * (scale // value.denominator) for value in values]
    outside = [factorial(size) * factorial(n - size - 1) if size < n else 0 for size in range(n + 1)]
    inside = [factorial(size - 1) * factorial(n - size) if size else 0 for size in range(n + 1)]
    both = list(map(operator.add, inside, outside))
    sizes = [coalition.bit_count() for coalition in range(1 << n)]
    taken = sum([outside[size] * value for size, value in zip(sizes, whole, strict=True)])
    table = [both[size] * value for size, value in zip(sizes, whole, strict=True)]
    sums = [0] * n
    for player in reversed(range(n)):
        half = 1 << player
        without, beside = table[:half], table[half:]
        sums[player] = sum(beside)
        table = list(map(operator.add, without, beside))
    return [Fraction(found - taken, scale * factorial(n)) for found in sums]


def players_of(values: Sequence[Fraction | int]) -> int:
    """How many players a table of values has.

    errors   BadGame
    """
    n = len(values).bit_length() - 1
    if not 1 <= n <= PLAYERS_MAX or len(values) != 1 << n:
        raise BadGame(f"a game has a value for each coalition of 1 to {PLAYERS_MAX} players: 2, 4, 8 ... 65536 values")
    if values[0] != 0:
        raise BadGame("nobody together are worth nothing: the value of the empty coalition is 0")
    return n


def common_denominator(values: Sequence[Fraction | int]) -> int:
    """The least number that makes all values whole.

    errors   BadGame where it has more than DENOMINATOR_BITS_MAX bits
    """
    scale = 1
    for value in {value.denominator for value in values}:
        scale = lcm(scale, value)
        if scale.bit_length() > DENOMINATOR_BITS_MAX:
            raise BadGame(f"the common denominator of the values has more than {DENOMINATOR_BITS_MAX} bits")
    return scale


def tabulated(n: int, utility: Callable[[int], Fraction | int]) -> list[Fraction | int]:
    """The value of every coalition by a function of the coalition."""
    return [utility(coalition) for coalition in range(1 << n)]


def coverage(n: int, patterns: Mapping[int, int]) -> list[int]:
    """The game in which a coalition is worth the records that it holds together.

    shapes   patterns: set of holders -> how many records exactly these hold; n players -> 2**n values
    """
    size, total = 1 << n, sum(patterns.values())
    within = [0] * size
    for holders, count in patterns.items():
        within[holders] += count
    # Afterwards: how many records only members of a coalition hold.
    for player in range(n):
        half = 1 << player
        for start in range(half, size, 2 * half):
            within[start : start + half] = map(operator.add, within[start : start + half], within[start - half : start])
    return [total - within[size - 1 - coalition] for coalition in range(size)]


def unique(n: int, patterns: Mapping[int, int]) -> list[int]:
    """The game in which a coalition is worth the records that one of its members holds and nobody else at all."""
    own = [patterns.get(1 << player, 0) for player in range(n)]
    values = [0]
    for count in own:
        values += [value + count for value in values]
    return values


def joined(values: Sequence[Fraction | int], groups: Sequence[int]) -> list[Fraction | int]:
    """The game in which players of one group act as one: the quotient of a game.

    shapes   groups: the group 0..m-1 of each player -> 2**m values
    """
    members = [0] * (max(groups) + 1)
    for player, group in enumerate(groups):
        members[group] |= 1 << player
    found = [0]
    for mask in members:
        found += [coalition | mask for coalition in found]
    return [values[coalition] for coalition in found]

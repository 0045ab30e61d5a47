"""What labelled examples are worth to a nearest-neighbour classifier: exact Shapley values of single points, summed by owner.

The standard library is all it needs. A part of the stand-alone script that recomputes weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from operator import mul

POINTS_MAX = 5_000
TESTS_MAX = 1_000
# Features of all points together; and points x tests x (features + sources), a few seconds of one core.
FEATURES_MAX = 1_000_000
WORK_MAX = 30_000_000


def knn_points(k: int, hits: Sequence[bool]) -> list[Fraction]:
    """The Shapley value of each point of a K-nearest-neighbour classifier for one test point.

    shapes   hits: whether the label of the nearest, second nearest ... point is the test's -> values in that order
    units    the worth of a set of points is the number of hits among its nearest k, divided by k, also where it has fewer
    source   Jia et al., PVLDB 12(11):1610-1623, 2019, theorem 1, with min(K, N) for the farthest point
    """
    n = len(hits)
    values = [Fraction(0)] * n
    if n:
        values[-1] = Fraction(int(hits[-1]) * min(k, n), k * n)
    for rank in range(n - 1, 0, -1):
        step = int(hits[rank - 1]) - int(hits[rank])
        values[rank - 1] = values[rank] + Fraction(step * min(k, rank), k * rank)
    return values


class Examples:
    """Points in the order in which they were handed in; one that somebody handed in before (same label, same features) is no
    point any more, so that a copy is worth nothing and changes nothing for others.
    """

    def __init__(self, k: int, points: Sequence[tuple[int, str, Sequence[int]]], owners: int) -> None:
        """Take points as (owner, label, features), the earliest first."""
        self._k, self._owners = k, owners
        self.kept: list[tuple[int, str, tuple[int, ...]]] = []
        seen: set[tuple[str, tuple[int, ...]]] = set()
        for owner, label, features in points:
            key = (label, tuple(features))
            if key not in seen:
                seen.add(key)
                self.kept.append((owner, *key))
        self._squares = [sum(map(mul, features, features)) for _, _, features in self.kept]
        self._sums = [[0] * (len(self.kept) + 1) for _ in range(owners)]
        self._tests = 0

    def test(self, label: str, features: Sequence[int]) -> None:
        """Note what every owner's points are worth for one test point."""
        self._tests += 1
        ranked = self.ranked(features)
        counts = [0] * self._owners
        hits = [self.kept[at][1] == label for at in ranked] + [False]
        for rank, at in enumerate(ranked, start=1):
            counts[self.kept[at][0]] += 1
            step = int(hits[rank - 1]) - int(hits[rank])
            if step:
                for sums, count in zip(self._sums, counts, strict=True):
                    sums[rank] += step * count

    def ranked(self, features: Sequence[int]) -> list[int]:
        """Positions of the points by distance; of two at one distance the one handed in first is nearer.

        units    squared Euclidean distance, exact; what all distances share is left out
        """
        far = [
            square - 2 * sum(map(mul, point[2], features))
            for point, square in zip(self.kept, self._squares, strict=True)
        ]
        return sorted(range(len(far)), key=far.__getitem__)

    def values(self) -> list[Fraction]:
        """What each owner's points are worth together: the mean over the tests noted so far."""
        if not self._tests or not self.kept:
            return [Fraction(0)] * self._owners
        n, k = len(self.kept), self._k
        scale = lcm(*range(1, n + 1))
        parts = [0, *(min(k, rank) * (scale // rank) for rank in range(1, n + 1))]
        return [Fraction(sum(map(mul, sums, parts)), scale * k * self._tests) for sums in self._sums]

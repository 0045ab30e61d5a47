"""Prices as exact curves over whole quantities, and the two questions asked of them: do they fall, can one split.

A curve is a list of corners between which the price is a straight line; a step is a line one unit wide. All numbers are
integers over one common denominator, so that a list of 1,000 tiers is searched quickly and without rounding.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm

from pricing.effort import spend
from pricing.exact import Exact

# Beyond so many pairs of corners the first split that pays is shown instead of the one that pays most.
_PAIRS_FOR_BEST = 20_000
# Corners are passed over by so many at once where none of them can save enough.
_STRETCH = 32

Number = Exact | int


@dataclass(frozen=True, slots=True)
class Curve:
    """A price over whole quantities from 0 on.

    shapes   corners[0] == 0; from corners[i] on the price rises by slopes[i] for each unit; the last slope goes on for ever
    units    values and slopes in 1/scale of the currency's major unit
    """

    corners: tuple[int, ...]
    values: tuple[int, ...]
    slopes: tuple[int, ...]
    scale: int

    def at(self, quantity: int) -> int:
        """The price of a quantity, in 1/scale."""
        index = bisect_right(self.corners, quantity) - 1
        return self.values[index] + (quantity - self.corners[index]) * self.slopes[index]

    def cost(self, quantity: int) -> Fraction:
        """The price of a quantity, in major units."""
        return Fraction(self.at(quantity), self.scale)


@dataclass(frozen=True, slots=True)
class Stepped:
    """A price of `base` up to `free` units, and of `amount` more for each block of `size` begun above."""

    base: Fraction
    free: int
    size: int
    amount: Fraction

    def cost(self, quantity: int) -> Fraction:
        """The price of a quantity, in major units."""
        over = quantity - self.free
        return self.base + (-(-over // self.size) * self.amount if over > 0 else 0)

    def unrolled(self, blocks: int) -> Curve:
        """The same price as a curve that is right for the first `blocks` blocks, and too low (by part of one) above."""
        corners: list[tuple[int, Fraction]] = [(0, self.base)] if self.free else [(0, self.base), (1, self.cost(1))]
        for number in range(blocks):
            edge = self.free + number * self.size
            corners += [(edge, self.cost(edge)), (edge + 1, self.cost(edge + 1))]
        return curve(corners, self.amount / self.size)


def curve(corners: Iterable[tuple[int, Number]], last_slope: Number) -> Curve:
    """Join corners (quantity, price) by straight lines; the last one goes on with `last_slope`.

    shapes   quantities rise; a corner that is named again is taken once
    """
    joined: dict[int, Fraction] = {}
    for quantity, price in corners:
        spend(1)
        joined[quantity] = Fraction(price)
    xs, ys = list(joined), list(joined.values())
    slopes = [(y1 - y0) / (x1 - x0) for x0, x1, y0, y1 in zip(xs, xs[1:], ys, ys[1:], strict=False)]
    slopes.append(Fraction(last_slope))
    scale = lcm(*(number.denominator for number in (*ys, *slopes)))
    return Curve(tuple(xs), tuple(_scaled(ys, scale)), tuple(_scaled(slopes, scale)), scale)


def added(parts: Sequence[Curve]) -> Curve:
    """The sum of curves."""
    corners = sorted({x for part in parts for x in part.corners} | {0})
    spend(len(corners) * len(parts) // 2)
    last = sum((Fraction(part.slopes[-1], part.scale) for part in parts), Fraction(0))
    return curve(((x, sum((part.cost(x) for part in parts), Fraction(0))) for x in corners), last)


def constant(amount: Number) -> Curve:
    """A price that no use changes."""
    return curve([(0, amount)], 0)


def falls(shape: Curve) -> Iterator[tuple[int, int]]:
    """Each place where a larger quantity costs less: the last quantity before the fall, and the one it ends at."""
    for index, slope in enumerate(shape.slopes):
        if slope < 0:
            start = shape.corners[index]
            yield start, shape.corners[index + 1] if index + 1 < len(shape.corners) else start + 1


def split(shape: Curve | Stepped, again: Number = 0) -> tuple[int, int] | None:
    """Two quantities that cost less apart than together, although a second order pays `again` once more; None: none do.

    shapes   exact for every pair of whole quantities, and so for any number of parts: if no two parts are cheaper, no
             more parts are, by induction
    source   Koutris et al., Query-Based Data Pricing, J. ACM 62(5), 2015; Chen, Koutris, Kumar, SIGMOD 2019: a price is
             free of arbitrage exactly when it is monotone and subadditive
    """
    if isinstance(shape, Stepped):
        # ceil(x + y + z) <= ceil(x) + ceil(y) + ceil(z): nothing saves more than twice the free part does.
        saved = shape.amount * -(-shape.free // shape.size) - shape.base
        return (shape.free, shape.free) if saved > again else None
    floor = Fraction(again) * shape.scale
    if _average_falls(shape):
        return None
    return _best_split(shape, floor.numerator // floor.denominator)


def _scaled(numbers: Iterable[Fraction], scale: int) -> Iterator[int]:
    return (number.numerator * (scale // number.denominator) for number in numbers)


def _average_falls(shape: Curve) -> bool:
    """Whether the price per unit never rises, which rules out every split: f(a) >= a/c f(c) and f(b) >= b/c f(c)."""
    pairs = list(zip(shape.corners, shape.values, strict=True))[1:]
    if shape.values[0] < 0:
        return False
    # Between two corners the average moves from the one's to the other's; in the last piece towards its slope.
    x, y = pairs[-1] if pairs else (1, shape.at(1))
    return shape.slopes[-1] * x <= y and all(y0 * x1 >= y1 * x0 for (x0, y0), (x1, y1) in pairwise(pairs))


def _best_split(shape: Curve, floor: int) -> tuple[int, int] | None:
    """Search for f(a + b) - f(a) - f(b) > floor.

    The difference is linear between corners, so its largest value lies where two of a, b and a + b are corners. There
    the price must turn up at a and b, or turn up at a and down at a + b: moving any of them by one could else only win.
    """
    turns = list(zip(shape.corners[1:], shape.slopes, shape.slopes[1:], strict=False))
    up = _Row.of(shape, [x for x, before, after in turns if after > before])
    down = _Row.of(shape, [x for x, before, after in turns if after < before])
    first_only = len(up.at) * (len(up.at) + 2 * len(down.at)) > 2 * _PAIRS_FOR_BEST
    peaks = _Peaks(shape)
    best, found = floor, None
    # From the largest on: in a price that keeps turning up, the largest save the most.
    for number in range(len(up.at) - 1, -1, -1):
        one, cost = up.at[number], up.costs[number]
        # Stretches are passed over quickly; a few of them are as much as one corner.
        spend(1 + (len(up.at) + len(down.at)) // _STRETCH)
        for gain, other in (
            _best_partner(shape, peaks, up, number, best + cost),
            _best_whole(shape, down, one, best + cost),
        ):
            if gain - cost > best:
                best, found = gain - cost, (one, other)
        if first_only and found:
            break
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """Quantities and their prices, and of each stretch of them the least and the most."""

    at: list[int]
    costs: list[int]
    least: list[int]
    most: list[int]

    @classmethod
    def of(cls, shape: Curve, at: list[int]) -> _Row:
        costs = [shape.at(x) for x in at]
        parts = [costs[start : start + _STRETCH] for start in range(0, len(at), _STRETCH)]
        return cls(at, costs, [min(part) for part in parts], [max(part) for part in parts])


class _Peaks:
    """The highest price between two quantities, by a table of the highest corners in stretches of 2^k."""

    def __init__(self, shape: Curve) -> None:
        self.shape = shape
        self.table = [list(shape.values)]
        while len(self.table[-1]) > 1 << (len(self.table) - 1):
            row, half = self.table[-1], 1 << (len(self.table) - 1)
            self.table.append([max(pair) for pair in zip(row, row[half:], strict=False)])

    def between(self, low: int, high: int) -> int:
        corners = self.shape.corners
        first, last = bisect_right(corners, low), bisect_right(corners, high)
        peak = max(self.shape.at(low), self.shape.at(high))
        if first < last:
            level = (last - first).bit_length() - 1
            row = self.table[level]
            peak = max(peak, row[first], row[last - (1 << level)])
        return peak


def _best_partner(shape: Curve, peaks: _Peaks, up: _Row, number: int, needed: int) -> tuple[int, int]:
    """The largest f(a + b) - f(b) above `needed` for a = up[number], and its b among the quantities up to a."""
    xs, ys, slopes = shape.corners, shape.values, shape.slopes
    one, found = up.at[number], 0
    for part, start in enumerate(range(0, number + 1, _STRETCH)):
        others = up.at[start : min(start + _STRETCH, number + 1)]
        if peaks.between(one + others[0], one + others[-1]) - up.least[part] <= needed:
            continue
        # `Curve.at` written out: this line looks at up to a million pairs.
        spend(len(others) // 8)
        gains = [
            ys[i := bisect_right(xs, q := one + other) - 1] + (q - xs[i]) * slopes[i] - less
            for other, less in zip(others, up.costs[start:], strict=False)
        ]
        top = max(gains)
        if top > needed:
            needed, found = top, others[gains.index(top)]
    return needed, found


def _best_whole(shape: Curve, down: _Row, one: int, needed: int) -> tuple[int, int]:
    """The largest f(c) - f(c - a) above `needed` for one a, and c - a, with c among the quantities where f turns down."""
    xs, ys, slopes = shape.corners, shape.values, shape.slopes
    first, found = bisect_right(down.at, one), 0
    for part, start in enumerate(range(0, len(down.at), _STRETCH)):
        begin = max(start, first)
        wholes = down.at[begin : start + _STRETCH]
        if not wholes or down.most[part] <= needed:
            continue
        spend(len(wholes) // 8)
        gains = [
            more - ys[i := bisect_right(xs, q := whole - one) - 1] - (q - xs[i]) * slopes[i]
            for whole, more in zip(wholes, down.costs[begin:], strict=False)
        ]
        top = max(gains)
        if top > needed:
            needed, found = top, wholes[gains.index(top)] - one
    return needed, found

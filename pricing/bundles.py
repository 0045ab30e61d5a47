"""Arbitrage over revisions, subsets and bundles: a set of items that other sets on sale give together for less.

Each finding names the sets to buy instead, so that anybody can add up their prices. The cheapest ones are found by
branch and bound; where a supplier sells so much that this takes too long, the cheapest found so far is shown.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

# So many choices are tried for one set, and for all together, before the best ones found so far are taken.
_TRIES, _TRIES_ALL = 100_000, 1_000_000


@dataclass(frozen=True, slots=True)
class PricedSet:
    """A set of items on sale.

    units    price in any whole unit, the same for all sets that are compared
    """

    name: str
    items: frozenset[Hashable]
    price: int


@dataclass(frozen=True, slots=True)
class CheaperCover:
    """A set, and the others that together hold all its items and cost less.

    shapes   exact: no other choice of sets is cheaper
    """

    name: str
    price: int
    cover: tuple[str, ...]
    cost: int
    exact: bool


def cheaper_covers(sets: Sequence[PricedSet], only: Iterable[str] | None = None) -> list[CheaperCover]:
    """For each set that other sets give cheaper, the cheapest of them, in the order of `sets`.

    shapes   names are unique; only: the names to look at, all when None; a set without items is given by nothing for
             nothing, and left out
    source   Koutris et al., Query-Based Data Pricing, J. ACM 62(5), 2015: a price list without such a set is arbitrage-free
    """
    wanted = None if only is None else frozenset(only)
    found, left = [], _TRIES_ALL
    for one in sets:
        if one.items and (wanted is None or one.name in wanted):
            others = [other for other in sets if other.name != one.name]
            cover, tries = _cheapest(one, others, min(_TRIES, left))
            left -= tries
            if cover is not None:
                found.append(cover)
    return found


def _cheapest(one: PricedSet, others: Sequence[PricedSet], tries: int) -> tuple[CheaperCover | None, int]:
    """The cheapest cover below the set's price, and how many choices were tried."""
    bits = _bits(one, others)
    every = (1 << len({*bits.values()})) - 1
    parts: dict[int, PricedSet] = {}
    for other in others:
        if other.price < one.price:
            mask = 0
            for item in one.items & other.items:
                mask |= 1 << bits[item]
            if mask and (mask not in parts or other.price < parts[mask].price):
                parts[mask] = other
    kept = _undominated(parts)
    reached = 0
    for mask in kept:
        reached |= mask
    if reached != every:
        return None, 0
    search = _Search([(mask, parts[mask].price) for mask in kept], every, one.price, tries)
    search.run()
    if search.best is None:
        return None, search.tries
    cover = tuple(sorted(parts[mask].name for mask in search.best))
    return CheaperCover(one.name, one.price, cover, search.cost, search.tries < tries), search.tries


def _bits(one: PricedSet, others: Sequence[PricedSet]) -> dict[Hashable, int]:
    """A bit for each kind of item: items that stand in the same sets are bought together, and count as one."""
    where: dict[Hashable, list[int]] = {item: [] for item in one.items}
    for number, other in enumerate(others):
        for item in one.items & other.items:
            where[item].append(number)
    kinds: dict[tuple[int, ...], int] = {}
    return {item: kinds.setdefault(tuple(numbers), len(kinds)) for item, numbers in where.items()}


def _undominated(parts: dict[int, PricedSet]) -> list[int]:
    """Without the sets that another one contains for no more money; the most items for the money first."""
    masks = sorted(parts, key=lambda mask: (parts[mask].price, -mask.bit_count(), mask))
    kept: list[int] = []
    for mask in masks:
        if all(mask & ~other for other in kept):
            kept.append(mask)
    return sorted(kept, key=lambda mask: (parts[mask].price * 10**9 // mask.bit_count(), mask))


class _Search:
    """Branch and bound over the sets, by the item that the fewest of them hold."""

    def __init__(self, parts: Sequence[tuple[int, int]], every: int, limit: int, tries: int) -> None:
        self.parts, self.every = parts, every
        self.cost, self.tries, self.tries_max = limit, 0, tries
        self.best: tuple[int, ...] | None = None
        holders = {bit: [part for part in parts if part[0] >> bit & 1] for bit in range(every.bit_length())}
        # Each item costs at least the smallest share of a price that any set asks for it.
        self.holders = sorted(((1 << bit, found) for bit, found in holders.items()), key=lambda pair: len(pair[1]))
        self.least = [
            (bit, min(price * 10**9 // mask.bit_count() for mask, price in found)) for bit, found in self.holders
        ]

    def run(self) -> None:
        """Find the cheapest choice below the limit."""
        self._greedy()
        self._branch(0, 0, ())

    def _greedy(self) -> None:
        covered, cost, chosen = 0, 0, []
        while covered != self.every:
            mask, price = min(
                (part for part in self.parts if part[0] & ~covered),
                key=lambda part: (part[1] * 10**9 // (part[0] & ~covered).bit_count(), part[0]),
            )
            covered, cost = covered | mask, cost + price
            chosen.append(mask)
        self._take(cost, tuple(chosen))

    def _branch(self, covered: int, cost: int, chosen: tuple[int, ...]) -> None:
        if covered == self.every:
            self._take(cost, chosen)
            return
        if self.tries >= self.tries_max:
            return
        bound = sum(share for bit, share in self.least if not covered & bit) // 10**9
        if cost + bound >= self.cost:
            return
        holders = next(found for bit, found in self.holders if not covered & bit)
        for mask, price in holders:
            self.tries += 1
            if cost + price < self.cost:
                self._branch(covered | mask, cost + price, (*chosen, mask))

    def _take(self, cost: int, chosen: tuple[int, ...]) -> None:
        if cost < self.cost:
            self.cost, self.best = cost, chosen

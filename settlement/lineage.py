"""Lineage: the organisations behind the data that a dataset was made of, to any depth, with exact shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from uuid import UUID

from exchange.kernel.money import allocate_units
from settlement.splits import WEIGHT_MAX
from settlement.waterfall import WHOLE

DATASETS_MAX = 500


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset, whose it is, and what it hands on of each amount it receives as an upstream.

    units    passes: (upstream dataset, parts of WHOLE)
    """

    dataset_id: UUID
    supplier_id: UUID
    passes: tuple[tuple[UUID, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """A right holder, its weight among all of a step, and through which datasets it has it."""

    organisation_id: UUID
    weight: int
    datasets: tuple[UUID, ...]


class LineageFault(ValueError):
    """A lineage that cannot be paid by; `path` are the datasets where it breaks.

    shapes   kind: cycle, over (a dataset hands on more than it receives), unknown, too_many
    """

    def __init__(self, kind: str, path: Sequence[UUID]) -> None:
        """Say what is wrong, and where."""
        super().__init__(kind)
        self.kind = kind
        self.path = tuple(path)


def holders(named: Sequence[tuple[UUID, int]], sources: Mapping[UUID, Source]) -> list[Holder]:
    """Share one whole among everybody behind the named datasets; each keeps what it does not hand on.

    shapes   named: (dataset, weight); sources: every dataset that can be reached -> holders by organisation
    units    exact fractions, brought to whole weights; where those would be huge, to billionths by largest remainder
    errors   LineageFault
    """
    order = _upstream_last([dataset for dataset, _ in named], sources)
    coming: dict[UUID, Fraction] = dict.fromkeys(order, Fraction(0))
    whole = sum(weight for _, weight in named)
    for dataset, weight in named:
        coming[dataset] += Fraction(weight, whole)
    kept: dict[UUID, Fraction] = {}
    through: dict[UUID, list[UUID]] = {}
    for dataset in order:
        source = sources[dataset]
        on = sum(share for _, share in source.passes)
        if on > WHOLE:
            raise LineageFault("over", [dataset])
        for upstream, share in source.passes:
            coming[upstream] += coming[dataset] * Fraction(share, WHOLE)
        mine = coming[dataset] * Fraction(WHOLE - on, WHOLE)
        if mine:
            kept[source.supplier_id] = kept.get(source.supplier_id, Fraction(0)) + mine
            through.setdefault(source.supplier_id, []).append(dataset)
    found = sorted(kept, key=lambda one: one.int)
    weights = _whole([kept[one] for one in found])
    return [Holder(one, weight, tuple(through[one])) for one, weight in zip(found, weights, strict=True) if weight]


def _upstream_last(named: Sequence[UUID], sources: Mapping[UUID, Source]) -> list[UUID]:
    """Every dataset that can be reached, each before what it was made of.

    errors   LineageFault for a dataset that is reached from itself, or that nobody knows
    """
    done: dict[UUID, None] = {}
    path: dict[UUID, None] = {}
    # By hand and not by recursion: a lineage may be deeper than Python's stack.
    for root in dict.fromkeys(named):
        waiting: list[tuple[UUID, bool]] = [(root, False)]
        while waiting:
            dataset, left = waiting.pop()
            if left:
                path.pop(dataset)
                done[dataset] = None
                continue
            if dataset in done:
                continue
            if dataset in path:
                walked = list(path)
                raise LineageFault("cycle", [*walked[walked.index(dataset) :], dataset])
            if dataset not in sources:
                raise LineageFault("unknown", [dataset])
            if len(done) + len(path) >= DATASETS_MAX:
                raise LineageFault("too_many", [dataset])
            path[dataset] = None
            waiting.append((dataset, True))
            waiting += [(upstream, False) for upstream, _ in sources[dataset].passes]
    return list(reversed(done))


def _whole(fractions: Sequence[Fraction]) -> list[int]:
    below = lcm(*(one.denominator for one in fractions))
    weights = [int(one * below) for one in fractions]
    return weights if sum(weights) <= WEIGHT_MAX else allocate_units(WEIGHT_MAX, weights)

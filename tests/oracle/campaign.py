"""A run over many random cases: ours against the oracle's, and one report of the first difference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pricing.plans import parse
from tests.oracle.billing import TooMuch
from tests.oracle.cases import USES_PER_PLAN, cases
from tests.oracle.compare import Plan, bound_plan, disagreement, shown, smallest

CHECKED_EVERY = 16


@dataclass(frozen=True)
class Seen:
    """How many plans and cases were compared; cases of more money than an account holds are not counted."""

    plans: int
    cases: int


def run(seed: int, places: Iterable[int], wanted: int) -> Seen:
    """Compare until `wanted` cases were compared, or fail with the smallest case that still differs."""
    plans = compared = 0
    for place in places:
        if compared >= wanted:
            break
        compared += one_plan(seed, place)
        plans += 1
    return Seen(plans, compared)


def one_plan(seed: int, place: int) -> int:
    """Compare every case of one plan: how many there were."""
    found = cases(seed, place)
    if place % CHECKED_EVERY == 0:
        # Checked against the schema and the rules between fields, as a supplier's plan is.
        checked = parse(found[0].plan)
        assert isinstance(checked, Plan), f"{[problem.detail('en') for problem in checked]}\n{shown(found[0])}"
    plan = bound_plan(found[0])
    compared = 0
    for number in range(USES_PER_PLAN):
        try:
            wrong = disagreement(found[number], plan, thorough=number == place % (3 * USES_PER_PLAN))
        except TooMuch:
            continue
        assert wrong is None, report(seed, place, number, wrong)
        compared += 1
    return compared


def report(seed: int, place: int, number: int, wrong: str) -> str:
    """What differs, the smallest case that still shows it, and how to see it again."""
    small = smallest(cases(seed, place)[number])
    return (
        f"{wrong}\n\nstill, in less: {disagreement(small)}\n{shown(small)}\n"
        f"again: python -m tests.oracle --seed {seed} --plan {place}"
    )

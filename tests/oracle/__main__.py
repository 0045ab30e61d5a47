"""`python -m tests.oracle --seed 1 --plan 1234`: compare one random plan again; or `--cases 100000`: many."""

from __future__ import annotations

import argparse
import itertools
import time

from tests.oracle.campaign import one_plan, run
from tests.oracle.cases import cases
from tests.oracle.compare import shown


def main() -> None:
    """Compare, and say what was compared."""
    parser = argparse.ArgumentParser(description="Our rating against exact fractions, on random plans.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plan", type=int, help="one plan, by its number")
    parser.add_argument("--cases", type=int, default=2_000, help="how many cases, without --plan")
    chosen = parser.parse_args()
    if chosen.plan is not None:
        for case in cases(chosen.seed, chosen.plan):
            print(shown(case))
        print(f"{one_plan(chosen.seed, chosen.plan)} cases agree")
        return
    started = time.process_time()
    seen = run(chosen.seed, itertools.count(), chosen.cases)
    print(f"{seen.cases} cases of {seen.plans} plans agree, {time.process_time() - started:.1f} s, seed {chosen.seed}")


if __name__ == "__main__":
    main()

"""`python -m tests.simulation.payments`: seeded lives of money at Stripe under faults, and what an auditor found.

`--seed N` tells one seed step by step; `--seeds N` runs many, from `--seed` on, and stops by itself.
"""

from __future__ import annotations

import argparse
import sys

from tests.simulation.payments.many import one_seed, run_many
from tests.simulation.payments.plan import draw_plan


def main() -> int:
    """0 when the auditor found nothing."""
    reader = argparse.ArgumentParser(prog="python -m tests.simulation.payments", description=__doc__)
    reader.add_argument("--seed", type=int, default=1, help="the one seed to run, or the first of many")
    reader.add_argument("--seeds", type=int, default=0, help="how many to run")
    reader.add_argument("--processes", type=int, default=2, help="how many at a time")
    chosen = reader.parse_args()
    if chosen.seeds:
        seeds = range(chosen.seed, chosen.seed + chosen.seeds)
        summary = run_many(seeds, chosen.processes, lambda line: print(line, flush=True))
        print("\n".join(summary.lines()))
        return 1 if summary.failing or summary.seeds < len(seeds) else 0
    plan = draw_plan(chosen.seed)
    told = one_seed(chosen.seed)
    print(f"faults {plan.rates}\n{plan.options}" + "\nits acts are mixed with its news" * plan.mixed)
    print("\n".join([*told.trace, ", ".join(f"{name} {count}" for name, count in sorted(told.counts.items()))]))
    print(f"seed {told.seed}: {told.seconds:.2f} s, books {told.digest}")
    print("\n".join(told.findings) or "The auditor found nothing.")
    return 1 if told.findings else 0


if __name__ == "__main__":
    sys.exit(main())

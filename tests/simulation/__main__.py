"""`python -m tests.simulation`: seeded lives of a small market under faults, and what an independent auditor found.

`--seed N` tells one seed step by step; `--seeds N` runs many; `--over-http` lets real servers die, which takes minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.simulation.market import Size, simulate
from tests.simulation.seeded.many import one_seed, run_many


def main() -> int:
    """0 when the auditor found nothing."""
    reader = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    reader.add_argument("--seed", type=int, default=1, help="the one seed to run, or the first of many")
    reader.add_argument("--seeds", type=int, default=0, help="how many to run")
    reader.add_argument("--processes", type=int, default=2, help="how many at a time")
    reader.add_argument("--over-http", action="store_true", help="the whole process, killed again and again")
    chosen = reader.parse_args()
    if chosen.over_http:
        return _over_http(chosen.seed)
    if chosen.seeds:
        seeds = range(chosen.seed, chosen.seed + chosen.seeds)
        summary = run_many(seeds, chosen.processes, lambda line: print(line, flush=True))
        print("\n".join(summary.lines()))
        return 1 if summary.failing or summary.seeds < len(seeds) else 0
    told = one_seed(chosen.seed)
    print("\n".join(told.trace))
    print("\n".join(told.lines))
    print(f"seed {told.seed}: {told.seconds:.2f} s, trace and books {told.digest}")
    print("\n".join(told.findings) or "The auditor found nothing.")
    return 1 if told.findings else 0


def _over_http(seed: int) -> int:
    size = Size(rich=3, poor=3, suppliers=3, hands=3, actions=30, crashes=4)
    # The embedded server runs as another user when root starts it, and has to get into the folder.
    with tempfile.TemporaryDirectory(prefix="cx-sim-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        told = simulate(seed, Path(folder) / "home", size)
    print("\n".join(told.lines))
    print("\n".join(told.findings) or "The auditor found nothing.")
    return 1 if told.findings else 0


if __name__ == "__main__":
    sys.exit(main())

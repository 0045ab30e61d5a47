"""`python -m tests.simulation --seed N`: run one simulation, and say what an independent auditor found."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.simulation.market import Size, simulate


def main() -> int:
    """0 when the auditor found nothing."""
    reader = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--actions", type=int, default=30, help="what each hand of each buyer does in a day")
    reader.add_argument("--crashes", type=int, default=4, help="how often the server dies in a day")
    chosen = reader.parse_args()
    size = Size(rich=3, poor=3, suppliers=3, hands=3, actions=chosen.actions, crashes=chosen.crashes)
    # The embedded server runs as another user when root starts it, and has to get into the folder.
    with tempfile.TemporaryDirectory(prefix="cx-sim-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        told = simulate(chosen.seed, Path(folder) / "home", size)
    print("\n".join(told.lines))
    print("\n".join(told.findings) or "The auditor found nothing.")
    return 1 if told.findings else 0


if __name__ == "__main__":
    sys.exit(main())

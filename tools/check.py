"""Runs every check of the house side by side, prints what failed, and ends non-zero if anything did.

`python tools/check.py` runs all of them, `python tools/check.py types lint` these.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
LINES_MAX = 120
# The slow ones first, so that two at a time end together.
CHECKS: Mapping[str, Sequence[str | Path]] = {
    # A cache of its own: one that runs over single files had filled leaves stale errors behind.
    "types": (BIN / "mypy", "--cache-dir", ".mypy_cache/check"),
    "laws": (sys.executable, "-m", "pytest", "-q", "tests/property"),
    "units": (sys.executable, "-m", "pytest", "-q", "tests/unit", "tests/architecture"),
    "imports": (BIN / "lint-imports", "--no-logo"),
    "lint": (BIN / "ruff", "check", "--quiet", "."),
    "format": (BIN / "ruff", "format", "--check", "--quiet", "."),
}
TESTS = ("laws", "units")


def run(name: str) -> tuple[str, int, str, float]:
    """Run one check: its name, exit code, output and seconds."""
    started = time.monotonic()
    command = [str(part) for part in CHECKS[name]]
    # Enough examples of each law to meet a fresh mistake; EXAMPLES=1000 looks longer.
    environment = {"EXAMPLES": "50", **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    return name, done.returncode, done.stdout + done.stderr, time.monotonic() - started


def main(chosen: Sequence[str]) -> int:
    """Run the chosen checks, or all of them, two at a time."""
    if unknown := set(chosen) - set(CHECKS):
        print(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
        return 2
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for name, code, output, seconds in pool.map(run, chosen or CHECKS):
            tests = name in TESTS
            last = output.strip().splitlines()[-1:] if tests else []
            print(f"{'ok  ' if code == 0 else 'FAIL'} {name} ({seconds:.0f} s) {' '.join(last)}".rstrip(), flush=True)
            if code != 0:
                # A formatter shows whole differences; the first of them say enough.
                lines = output.splitlines()
                print("\n".join(lines[-LINES_MAX:] if tests else lines[:LINES_MAX]), flush=True)
            failed += code != 0
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

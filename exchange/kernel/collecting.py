"""Python's search for unreachable cycles, which costs a third of the time where very many small values are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class _Resting:
    """How many ask for rest in this process now."""

    count: int = 0
    was_on: bool = False


_resting = _Resting()


@contextmanager
def no_collecting() -> Iterator[None]:
    """Let the search rest for a bounded piece of work on plain values: what has no cycles is freed as soon as it is let go.

    Several pieces may overlap; the search goes on when the last one has ended, if it was on before the first.
    """
    if not _resting.count:
        _resting.was_on = gc.isenabled()
        gc.disable()
    _resting.count += 1
    try:
        yield
    finally:
        _resting.count -= 1
        if not _resting.count and _resting.was_on:
            gc.enable()

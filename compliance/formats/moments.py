"""Moments of envelopes as numbers. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

_SECOND = len("2026-01-15T08:00:00")


def micros(at: str) -> int:
    """A moment as it stands in signed documents, in microseconds since 1970.

    units    UTC, six digits behind the point, Z
    errors   ValueError
    """
    if len(at) != _SECOND + 8 or at[_SECOND] != "." or at[-1] != "Z":
        raise ValueError(f"not a moment of the log: {at!r}")
    return _second(at[:_SECOND]) * 1_000_000 + int(at[_SECOND + 1 : -1])


# Entries come in order of their time: many of them share a second.
@lru_cache(maxsize=1024)
def _second(text: str) -> int:
    return int(datetime.fromisoformat(text + "+00:00").timestamp())

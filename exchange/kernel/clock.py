"""Time is handed in: the one place that asks the machine for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that knows the time."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that moves only when told."""

    def __init__(self, at: datetime) -> None:
        """Stand at `at`.

        errors   ValueError for a naive time
        """
        if at.tzinfo is None:
            raise ValueError("a time needs its zone")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The time it was last set to."""
        return self._at

    def advance(self, seconds: float) -> datetime:
        """Move forward (or back) and say the new time."""
        self._at += timedelta(seconds=seconds)
        return self._at

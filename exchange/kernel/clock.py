"""Time is handed in: the one place that asks the machine for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
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


class MovedClock:
    """The machine's clock moved by a fixed time: what another process's clock says, whatever kind it is."""

    def __init__(self, ahead_s: float) -> None:
        """Be ahead of the machine by so many seconds."""
        self._by = timedelta(seconds=ahead_s)

    def now(self) -> datetime:
        """The moved time."""
        return datetime.now(UTC) + self._by


def ahead_s(clock: Clock) -> float:
    """How many seconds a clock is ahead of the machine's."""
    return (clock.now() - datetime.now(UTC)).total_seconds()


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


class SandboxClock:
    """The machine's clock moved by an offset that a file holds, so that a demo can live through a month in a minute.

    Every process that reads the same file has the same time. Only for markets whose money is not real.
    """

    def __init__(self, path: Path) -> None:
        """Follow the offset in `path`; no file means none."""
        self._path = path
        self._seen_ns = -1
        self._offset = timedelta()

    def now(self) -> datetime:
        """The moved time."""
        try:
            changed_ns = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return datetime.now(UTC)
        if changed_ns != self._seen_ns:
            self._offset = timedelta(seconds=int(self._path.read_text()))
            self._seen_ns = changed_ns
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: int) -> datetime:
        """Move forward for every process that follows the file, and say the new time.

        errors   ValueError for a step back: what was signed cannot be unsigned
        """
        if seconds < 0:
            raise ValueError("a sandbox clock only moves forward")
        self.now()
        total = int(self._offset.total_seconds()) + seconds
        draft = self._path.with_suffix(".draft")
        draft.write_text(str(total))
        draft.replace(self._path)
        return self.now()

"""The sandbox's clock: a number of seconds in a file that every process of the exchange follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """The time of a sandbox, and a way to move it forward."""

    def __init__(self, path: Path) -> None:
        """Follow and write the file `path`, which a server with EXCHANGE_SANDBOX=1 has in its home."""
        self._path = path

    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.now(UTC) + timedelta(seconds=self._offset_s())

    def advance_to(self, moment: datetime) -> None:
        """Move to `moment`, in one step that no reader sees half done; a moment that has passed changes nothing."""
        seconds = (moment - self.now()).total_seconds()
        if seconds <= 0:
            return
        draft = self._path.with_suffix(".demo")
        draft.write_text(str(self._offset_s() + int(seconds) + 1))
        draft.replace(self._path)

    def _offset_s(self) -> int:
        return int(self._path.read_text()) if self._path.exists() else 0

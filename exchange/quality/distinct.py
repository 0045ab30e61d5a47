"""Counts how many different digests a stream holds, exactly, in bounded memory."""

from __future__ import annotations

import tempfile
from functools import partial
from typing import IO

DIGEST_BYTES = 16
IN_MEMORY_MAX = 1_000_000
_PARTS = 256


class Distinct:
    """An exact count of different 16-byte digests.

    Up to IN_MEMORY_MAX of them stay in memory (about 100 MB); beyond that all go to 256 temporary files by their
    first byte, and at the end one part at a time is read back (1/256 of the digests in memory).
    """

    def __init__(self, in_memory_max: int = IN_MEMORY_MAX) -> None:
        """Start empty."""
        self._max = in_memory_max
        self._seen: set[bytes] = set()
        self._parts: list[IO[bytes]] | None = None

    def add(self, digest: bytes) -> None:
        """Note one digest of DIGEST_BYTES bytes."""
        if self._parts is not None:
            self._parts[digest[0]].write(digest)
            return
        self._seen.add(digest)
        if len(self._seen) > self._max:
            self._spill()

    def count(self) -> int:
        """How many different digests were noted; ends the use of this object."""
        if self._parts is None:
            return len(self._seen)
        total = 0
        for part in self._parts:
            part.seek(0)
            total += len(set(iter(partial(part.read, DIGEST_BYTES), b"")))
        self.close()
        return total

    def close(self) -> None:
        """Give back the temporary files."""
        for part in self._parts or []:
            part.close()
        self._parts, self._seen = None, set()

    def _spill(self) -> None:
        self._parts = [tempfile.TemporaryFile() for _ in range(_PARTS)]  # noqa: SIM115 - closed in close()
        for digest in self._seen:
            self._parts[digest[0]].write(digest)
        self._seen = set()

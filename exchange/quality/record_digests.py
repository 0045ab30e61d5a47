"""The different records of a revision as sorted digests, as `cx-profile/1` compares them: what two suppliers both hold shows."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO

from exchange.kernel.records import BadRecord, Cut, Cutter, Form, fields_of, form_of, header_names, text_of
from exchange.quality.distinct import DIGEST_BYTES, IN_MEMORY_MAX
from exchange.quality.profile import normalised

METHOD = "cx-records/1"
_SPOOLS = 256
# A file without records of its own is one record; its content cannot collide with a text's.
_FILE = b"cx-file/1\0"


class RecordDigests:
    """Collects a digest for each record while bytes stream by; then gives the different ones in order, once.

    Two records are the same where their texts are (NFC, white space folded), as the scorecard counts duplicates; what cannot
    be read or has no text is none. Up to `in_memory_max` digests stay in memory, more go to temporary files.
    """

    def __init__(self, in_memory_max: int = IN_MEMORY_MAX) -> None:
        """Start empty."""
        self._max = in_memory_max
        self._seen: set[bytes] = set()
        self._spools: list[IO[bytes]] = []
        self._cutter = Cutter(Form.OPAQUE)
        self._columns: list[str] | None = None
        self._file_sha256 = b""

    def begin(self, path: str, media_type: str, sha256: bytes) -> None:
        """Start the file at `path`; `sha256` is of its content."""
        self._cutter, self._columns, self._file_sha256 = Cutter(form_of(path, media_type)), None, sha256

    @property
    def reads(self) -> bool:
        """Whether the file's bytes are asked for."""
        return self._cutter.form is not Form.OPAQUE

    def feed(self, chunk: bytes) -> None:
        """Note the records in the next bytes of the file."""
        self._note(self._cutter.feed(chunk))

    def end(self) -> None:
        """Note what the end of the file completes."""
        self._note(self._cutter.finish())
        if not self.reads:
            self._add(hashlib.blake2b(_FILE + self._file_sha256, digest_size=DIGEST_BYTES).digest())

    def ordered(self) -> Iterator[bytes]:
        """Every different digest, ascending; ends the use of this object."""
        if self._spools:
            self._spill()
            for spool in self._spools:
                spool.seek(0)
                yield from sorted(set(iter(partial(spool.read, DIGEST_BYTES), b"")))
        else:
            yield from sorted(self._seen)
        self.close()

    def close(self) -> None:
        """Give back memory and temporary files."""
        for spool in self._spools:
            spool.close()
        self._spools, self._seen = [], set()

    def _note(self, cuts: list[Cut]) -> None:
        form = self._cutter.form
        if cuts and form is Form.CSV and self._columns is None:
            try:
                self._columns = header_names(self._cutter.header or b"")
            except BadRecord:
                self._columns = None
        for cut in cuts:
            if cut.data is None:
                continue
            try:
                folded = normalised(text_of(form, fields_of(form, cut.data, self._columns)))
            except BadRecord:
                continue
            if folded:
                self._add(hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest())

    def _add(self, digest: bytes) -> None:
        self._seen.add(digest)
        if len(self._seen) > self._max:
            self._spill()

    def _spill(self) -> None:
        if not self._spools:
            self._spools = [tempfile.TemporaryFile() for _ in range(_SPOOLS)]  # noqa: SIM115 - closed in close()
        for digest in self._seen:
            self._spools[digest[0]].write(digest)
        self._seen = set()

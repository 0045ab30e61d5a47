"""Searches a file's records for those that rights cover."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from contracts.chain import EXAMPLES_MAX, Right, Trace
from exchange.kernel.records import BadRecord, Cut, Cutter, Form, fields_of, form_of, header_names

_NAMES = ("id", "record_id", "uid")


class Finder:
    """Counts the records of one file that each of some rights covers, chunk by chunk.

    Only records with named fields are looked at: the lines of JSONL and the rows of CSV.
    """

    def __init__(self, path: str, media_type: str, rights: Sequence[Right]) -> None:
        """Begin a file; `rights` are rights by record."""
        self._form = form_of(path, media_type)
        self._cutter = Cutter(self._form)
        self._columns: list[str] | None = None
        self._row = 0
        self._counts = {one.id: 0 for one in rights}
        self._examples: dict[UUID, list[str]] = {one.id: [] for one in rights}
        # By field and value, so that ten thousand speakers cost one look-up a record.
        self._by_value: dict[str, dict[str, list[UUID]]] = {}
        self._by_range = [one for one in rights if not one.draft.covers.values]
        for one in rights:
            for value in one.draft.covers.values:
                self._by_value.setdefault(one.draft.covers.field, {}).setdefault(value, []).append(one.id)

    @property
    def reads(self) -> bool:
        """Whether the file has records with fields at all."""
        return self._form in (Form.JSONL, Form.CSV)

    def feed(self, chunk: bytes) -> None:
        """Look at the records that `chunk` completes."""
        self._look(self._cutter.feed(chunk))

    def finish(self, asset_sha256: bytes) -> list[Trace]:
        """Look at the last record; what was found of every right, nothing included."""
        self._look(self._cutter.finish())
        return [
            Trace(right_id, asset_sha256, whole=False, records=found, examples=tuple(self._examples[right_id]))
            for right_id, found in self._counts.items()
        ]

    def _look(self, cuts: Sequence[Cut]) -> None:
        for cut in cuts:
            self._row += 1
            if cut.data is None:
                continue
            try:
                if self._columns is None and self._cutter.header is not None:
                    self._columns = header_names(self._cutter.header)
                record = fields_of(self._form, cut.data, self._columns)
            except BadRecord:
                continue
            for right_id in self._covering(record):
                self._counts[right_id] += 1
                if len(self._examples[right_id]) < EXAMPLES_MAX:
                    self._examples[right_id].append(self._name(record))

    def _covering(self, record: dict[str, object]) -> list[UUID]:
        found: list[UUID] = []
        for name, values in self._by_value.items():
            value = record.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool):
                found += values.get(str(value), ())
        return found + [one.id for one in self._by_range if one.draft.covers.holds(record)]

    def _name(self, record: dict[str, object]) -> str:
        for name in _NAMES:
            value = record.get(name)
            if isinstance(value, str | int) and str(value):
                return str(value)[:200]
        return f"row {self._row}"

"""Measures the files of a revision in one pass: `cx-profile/1`.

Memory is bounded whatever is fed: one record (kernel.records.RECORD_BYTES_MAX), one chunk, FIELDS_MAX field names, the
length histogram, and the digests of `distinct` (in memory up to a limit, then in temporary files).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from exchange.kernel.records import (
    BadRecord,
    Cut,
    Cutter,
    Form,
    count_tokens,
    fields_of,
    form_of,
    header_names,
    text_of,
)
from exchange.quality.distinct import DIGEST_BYTES, IN_MEMORY_MAX, Distinct
from exchange.quality.languages import language_of
from exchange.quality.lengths import Lengths
from exchange.quality.personal import KINDS, hints_in

METHOD = "cx-profile/1"
FIELDS_MAX = 1_000
FIELD_NAME_CHARS_MAX = 200
# A longer cell of a table is text, whatever it looks like.
CELL_CHARS_MAX = 64
COMPOSED_CHARS_MAX = 512

# What tables write for "no value"; compared after stripping spaces.
_NULLS = frozenset(["", "NA", "N/A", "n/a", "null", "NULL", "None", "NaN", "nan", "-"])
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?\Z")
_BOOLEAN = frozenset(["true", "false", "True", "False", "TRUE", "FALSE"])
_JSON_KINDS = {str: "text", bool: "boolean", int: "integer", float: "decimal", list: "list", dict: "object"}


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table, or one key of JSON records: how often which type stood there."""

    name: str
    types: Mapping[str, int]
    null_count: int


@dataclass(frozen=True, slots=True)
class Signals:
    """What was counted.

    shapes   records = well formed + malformed + badly encoded + oversized; duplicates and empty ones are well formed
    units    lengths in characters (Unicode code points); languages: tag -> (records, characters); `structured_records`
             are the well-formed ones that have fields
    """

    files: Mapping[str, int]
    size_bytes: int
    records: int
    malformed_records: int
    encoding_errors: int
    oversized_records: int
    empty_records: int
    structured_records: int
    characters: int
    tokens: int
    compared_records: int
    duplicate_records: int
    languages: Mapping[str, tuple[int, int]]
    fields: Sequence[Field]
    fields_left_out: int
    lengths: Mapping[str, int]
    personal_records: int
    personal_hints: Mapping[str, int]

    @property
    def well_formed(self) -> int:
        """Records that could be read."""
        return self.records - self.malformed_records - self.encoding_errors - self.oversized_records


def normalised(text: str) -> str:
    """The form in which texts are compared: NFC, each run of white space one space, none at the ends.

    units    a word longer than COMPOSED_CHARS_MAX is composed in pieces of that length
    """
    words = text.split()
    if text.isascii():
        return " ".join(words)
    # Putting many combining marks in order takes quadratic time, and nobody writes more than a few on one letter.
    n = COMPOSED_CHARS_MAX
    if len(text) > n:
        words = [word if len(word) <= n else _composed_in_pieces(word, n) for word in words]
    return " ".join([unicodedata.normalize("NFC", word) if len(word) <= n else word for word in words])


def _composed_in_pieces(word: str, size: int) -> str:
    return "".join([unicodedata.normalize("NFC", word[at : at + size]) for at in range(0, len(word), size)])


def cell_kind(cell: str) -> str | None:
    """The type of a CSV cell: integer, decimal, boolean, date or text; None where it says that there is no value."""
    return _short_cell_kind(cell) if len(cell) <= CELL_CHARS_MAX else "text"


# Tables repeat their values, so most cells are known.
@lru_cache(maxsize=1 << 15)
def _short_cell_kind(cell: str) -> str | None:
    cell = cell.strip()
    if cell in _NULLS:
        return None
    if _INTEGER.match(cell):
        return "integer"
    if _DECIMAL.match(cell):
        return "decimal"
    if cell in _BOOLEAN:
        return "boolean"
    return "date" if _DATE.match(cell) else "text"


class Profiler:
    """Counts signals while bytes stream by: begin a file, feed it, end it; then read `signals` once.

    The result does not depend on how a file is chunked.
    """

    def __init__(self, digests_in_memory_max: int = IN_MEMORY_MAX) -> None:
        """Start with nothing seen."""
        self._distinct = Distinct(digests_in_memory_max)
        self._lengths = Lengths()
        self._counts: Counter[str] = Counter()
        self._files: Counter[str] = Counter()
        self._languages: dict[str, list[int]] = {}
        self._cells: dict[tuple[str, str], int] = {}
        self._names: dict[str, None] = {}
        self._names_left_out: set[str] = set()
        self._hints: Counter[str] = Counter()
        self._cutter = Cutter(Form.OPAQUE)
        self._columns: list[str] | None = None

    def begin(self, path: str, media_type: str) -> None:
        """Start the file at `path`."""
        form = form_of(path, media_type)
        self._files[form.value] += 1
        self._cutter = Cutter(form)
        self._columns = None

    def feed(self, chunk: bytes) -> None:
        """Measure the next bytes of the file."""
        self._counts["bytes"] += len(chunk)
        self._measure(self._cutter.feed(chunk))

    def end(self) -> None:
        """Measure what the end of the file completes."""
        self._measure(self._cutter.finish())

    def close(self) -> None:
        """Drop everything, for a pass that is given up."""
        self._distinct.close()

    def signals(self) -> Signals:
        """Everything that was counted; the profiler is used up."""
        counts = self._counts
        return Signals(
            files=dict(sorted(self._files.items())),
            size_bytes=counts["bytes"],
            records=counts["records"],
            malformed_records=counts["malformed"],
            encoding_errors=counts["encoding"],
            oversized_records=counts["oversized"],
            empty_records=counts["empty"],
            structured_records=counts["structured"],
            characters=counts["characters"],
            tokens=counts["tokens"],
            compared_records=counts["compared"],
            duplicate_records=counts["compared"] - self._distinct.count(),
            languages={tag: (n[0], n[1]) for tag, n in sorted(self._languages.items())},
            fields=self._fields(),
            fields_left_out=len(self._names_left_out),
            lengths=self._lengths.summary(),
            personal_records=counts["personal"],
            personal_hints={kind: self._hints[kind] for kind in KINDS},
        )

    def _fields(self) -> list[Field]:
        types: dict[str, dict[str, int]] = {name: {} for name in self._names}
        for (name, kind), count in sorted(self._cells.items()):
            types[name][kind] = count
        whole = self._counts["structured"]
        return [Field(name, kinds, whole - sum(kinds.values())) for name, kinds in types.items()]

    def _measure(self, cuts: list[Cut]) -> None:
        form, counts = self._cutter.form, self._counts
        counts["records"] += len(cuts)
        if cuts and form is Form.CSV and self._columns is None:
            self._columns = self._read_header()
        for cut in cuts:
            if cut.data is None:
                counts["oversized"] += 1
                continue
            try:
                fields = fields_of(form, cut.data, self._columns)
            except BadRecord:
                counts["malformed" if _is_utf8(cut.data) else "encoding"] += 1
                continue
            if form is not Form.TEXT:
                counts["structured"] += 1
                self._note_fields(form, fields)
            self._note_text(form, text_of(form, fields))

    def _read_header(self) -> list[str] | None:
        try:
            return header_names(self._cutter.header or b"")
        except BadRecord:
            # The rows can still be read; their columns are then known by number.
            return None

    def _note_fields(self, form: Form, fields: dict[str, object]) -> None:
        cells = self._cells
        for raw, value in fields.items():
            if form is Form.CSV:
                kind = cell_kind(value)  # type: ignore[arg-type]  # every cell of a row is text
            else:
                kind = None if value == "" else _JSON_KINDS.get(type(value))
            name = raw if len(raw) <= FIELD_NAME_CHARS_MAX else _short_name(raw)
            if name not in self._names and not self._admit(name):
                continue
            if kind is not None:
                key = (name, kind)
                cells[key] = cells.get(key, 0) + 1

    def _admit(self, name: str) -> bool:
        if len(self._names) < FIELDS_MAX:
            self._names[name] = None
            return True
        if len(self._names_left_out) < FIELDS_MAX:
            self._names_left_out.add(name)
        return False

    def _note_text(self, form: Form, text: str) -> None:
        counts = self._counts
        length = len(text)
        counts["characters"] += length
        self._lengths.add(length)
        folded = normalised(text)
        if not folded:
            counts["empty"] += 1
            return
        counts["tokens"] += count_tokens(text)
        counts["compared"] += 1
        self._distinct.add(hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest())
        # A row of a table is not running text: its few words would only guess a language.
        tag = None if form is Form.CSV else language_of(text)
        if tag is not None:
            seen = self._languages.setdefault(tag, [0, 0])
            seen[0] += 1
            seen[1] += length
        hints = hints_in(text)
        if hints:
            counts["personal"] += 1
            self._hints.update(hints)


def _short_name(name: str) -> str:
    # The hash keeps two long names apart that begin alike.
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    return f"{name[: FIELD_NAME_CHARS_MAX - 17]}~{digest}"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

"""Cuts files into records, and finds record number i of a file by its bytes.

A record is, by the form of the file:

  JSONL  a line that is not blank, whether or not it is good JSON
  CSV    a row after the header, as RFC 4180 quotes it: a line end inside quotes does not end the row; blank lines are skipped
  TEXT   a paragraph: a run of lines that are not blank
  OPAQUE nothing: the file is bytes only
"""

from __future__ import annotations

import csv
import re
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

RECORD_BYTES_MAX = 16 * 1024 * 1024
NESTING_MAX = 200
TOKENISER = "cx-words/1"
TEXT_FIELDS = ("text", "content", "body")

_BOM = b"\xef\xbb\xbf"
_CJK = (
    "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # Kana
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"  # Hangul
)
_CJK_RUN = re.compile(f"[{_CJK}]+")
_WORD = re.compile(rf"[^\W_{_CJK}]+(?:['\u2019][^\W_{_CJK}]+)*")
_ASCII_WORD = re.compile(r"[0-9A-Za-z]+(?:'[0-9A-Za-z]+)*")

# The module's limit, not the csv module's 128 KiB, says how long a field may be.
csv.field_size_limit(RECORD_BYTES_MAX)


class Form(StrEnum):
    """How a file holds its records."""

    JSONL = "jsonl"
    CSV = "csv"
    TEXT = "text"
    OPAQUE = "opaque"


_BY_MEDIA_TYPE = {
    "application/jsonl": Form.JSONL,
    "application/x-ndjson": Form.JSONL,
    "application/ndjson": Form.JSONL,
    "application/jsonlines": Form.JSONL,
    "application/x-jsonlines": Form.JSONL,
    "text/csv": Form.CSV,
    "text/plain": Form.TEXT,
    "text/markdown": Form.TEXT,
}
_BY_SUFFIX = {"jsonl": Form.JSONL, "ndjson": Form.JSONL, "csv": Form.CSV, "txt": Form.TEXT, "md": Form.TEXT}


def form_of(path: str, media_type: str) -> Form:
    """The form of a file, by its suffix where we know it, else by its media type.

    The suffix goes first because browsers send `text/plain` for nearly everything.
    """
    suffix = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    essence = media_type.split(";", 1)[0].strip().lower()
    return _BY_SUFFIX.get(suffix) or _BY_MEDIA_TYPE.get(essence, Form.OPAQUE)


class BadRecord(ValueError):
    """A record that its file's form cannot hold; the message says why."""


class Cut(NamedTuple):
    """One record's place and bytes; `data` is None for a record longer than RECORD_BYTES_MAX."""

    start: int
    data: bytes | None


class Cutter:
    """Cuts a stream of bytes into records, however the stream is chunked.

    Holds at most one record (RECORD_BYTES_MAX) and one chunk.
    """

    def __init__(self, form: Form, *, header: bool = True) -> None:
        """Start at byte 0; with `header` false a CSV stream begins with a row (a span out of the middle)."""
        self.form = form
        self.header: bytes | None = None
        self._wants_header = form is Form.CSV and header
        self._line_start = 0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._over = False
        self._quoted = False
        self._paragraph: list[bytes] = []
        self._paragraph_start = 0
        self._paragraph_bytes = 0

    def feed(self, chunk: bytes) -> list[Cut]:
        """The records that `chunk` completes."""
        cuts: list[Cut] = []
        if self.form is Form.OPAQUE:
            return cuts
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            if self.form is Form.CSV and self._stays_quoted(line):
                self._hold(line + b"\n")
                continue
            self._end_line(line, cuts)
        if rest:
            if self.form is Form.CSV:
                self._stays_quoted(rest)
            self._hold(rest)
        return cuts

    def finish(self) -> list[Cut]:
        """The record that ends with the stream and not with a line end, if there is one."""
        cuts: list[Cut] = []
        if self._held_bytes:
            self._end_line(b"", cuts)
        if self._paragraph_bytes:
            self._end_paragraph(cuts)
        return cuts

    def _stays_quoted(self, piece: bytes) -> bool:
        # A doubled quote inside a field flips the state twice, so counting is enough.
        if piece.count(b'"') % 2:
            self._quoted = not self._quoted
        return self._quoted

    def _hold(self, piece: bytes) -> None:
        self._held_bytes += len(piece)
        if self._held_bytes > RECORD_BYTES_MAX:
            self._over = True
            self._held.clear()
        else:
            self._held.append(piece)

    def _end_line(self, line: bytes, cuts: list[Cut]) -> None:
        start, length = self._line_start, len(line)
        if self._held_bytes or length > RECORD_BYTES_MAX:
            self._hold(line)
            length, line = self._held_bytes, b"".join(self._held)
        over, self._over = self._over, False
        self._line_start = start + length + 1
        if self._held_bytes:
            self._held, self._held_bytes = [], 0
        if start == 0 and line.startswith(_BOM):
            start, line = 3, line[3:]
        if over:
            self._record(start, None, length, cuts)
        elif line and not line.isspace():
            self._record(start, line[:-1] if line.endswith(b"\r") else line, length, cuts)
        elif self._paragraph_bytes:
            self._end_paragraph(cuts)

    def _record(self, start: int, line: bytes | None, length: int, cuts: list[Cut]) -> None:
        if self.form is Form.TEXT:
            if not self._paragraph_bytes:
                self._paragraph_start = start
            self._paragraph_bytes += length + 1
            if line is not None and self._paragraph_bytes <= RECORD_BYTES_MAX:
                self._paragraph.append(line)
            else:
                self._paragraph_bytes = max(self._paragraph_bytes, RECORD_BYTES_MAX + 1)
                self._paragraph.clear()
        elif self._wants_header:
            self._wants_header, self.header = False, line or b""
        else:
            cuts.append(Cut(start, line))

    def _end_paragraph(self, cuts: list[Cut]) -> None:
        over = self._paragraph_bytes > RECORD_BYTES_MAX
        cuts.append(Cut(self._paragraph_start, None if over else b"\n".join(self._paragraph)))
        self._paragraph, self._paragraph_bytes = [], 0


_INDEX_HEAD = struct.Struct("<4sHHQQQ")
_INDEX_MAGIC = b"CXRI"
_FORM_CODES = {Form.JSONL: 1, Form.CSV: 2, Form.TEXT: 3, Form.OPAQUE: 4}
_FORMS = {code: form for form, code in _FORM_CODES.items()}


@dataclass(frozen=True, slots=True)
class RowIndex:
    """Where every record of one file begins.

    shapes   starts: one 64-bit byte offset per record, ascending
    units    bytes from the start of the file; `header_bytes` is where the CSV header's line ends, 0 without one
    """

    form: Form
    size_bytes: int
    header_bytes: int
    starts: array[int] | memoryview

    def __len__(self) -> int:
        """How many records the file has."""
        return len(self.starts)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The byte range [start, end) that holds records first..last-1; an empty range when there are none.

        errors   ValueError for first < 0 or last < first; a `last` past the end is cut
        """
        if first < 0 or last < first:
            raise ValueError("rows are asked for as 0 <= first <= last")
        count = len(self.starts)
        first, last = min(first, count), min(last, count)
        if first == last:
            return (self.size_bytes, self.size_bytes)
        end = self.starts[last] if last < count else self.size_bytes
        return (self.starts[first], end)

    def to_bytes(self) -> bytes:
        """Write the index: a head of INDEX_HEAD_BYTES, then each start as 8 bytes, little-endian."""
        starts = array("Q", self.starts)
        if sys.byteorder == "big":
            starts.byteswap()
        code = _FORM_CODES[self.form]
        head = _INDEX_HEAD.pack(_INDEX_MAGIC, 1, code, self.size_bytes, self.header_bytes, len(starts))
        return head + starts.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> RowIndex:
        """Read an index without copying its offsets.

        errors   ValueError for bytes that are no index of version 1
        """
        if len(data) < INDEX_HEAD_BYTES:
            raise ValueError("not a row index")
        magic, version, code, size, header, count = _INDEX_HEAD.unpack_from(data)
        if (magic, version) != (_INDEX_MAGIC, 1) or code not in _FORMS:
            raise ValueError("not a row index of version 1")
        if len(data) != INDEX_HEAD_BYTES + 8 * count:
            raise ValueError("a row index that was cut short")
        body = memoryview(data)[INDEX_HEAD_BYTES:]
        if sys.byteorder == "little":
            return cls(_FORMS[code], size, header, body.cast("Q"))
        starts = array("Q", body.tobytes())
        starts.byteswap()
        return cls(_FORMS[code], size, header, starts)


INDEX_HEAD_BYTES = _INDEX_HEAD.size


class IndexBuilder:
    """Builds a RowIndex while a file streams by; holds 8 bytes a record."""

    def __init__(self, form: Form) -> None:
        """Start at byte 0 of a file of `form`."""
        self._cutter = Cutter(form)
        self._starts: array[int] = array("Q")
        self._size = 0

    @property
    def header(self) -> bytes | None:
        """The CSV header's line, once it has been seen."""
        return self._cutter.header

    def feed(self, chunk: bytes) -> list[Cut]:
        """Note the records that `chunk` completes, and hand them on."""
        self._size += len(chunk)
        cuts = self._cutter.feed(chunk)
        self._starts.extend([cut.start for cut in cuts])
        return cuts

    def finish(self) -> tuple[list[Cut], RowIndex]:
        """The last record, if any, and the whole index."""
        cuts = self._cutter.finish()
        self._starts.extend([cut.start for cut in cuts])
        has_header = self._cutter.header is not None
        header_bytes = (self._starts[0] if self._starts else self._size) if has_header else 0
        return cuts, RowIndex(self._cutter.form, self._size, header_bytes, self._starts)


def build_index(form: Form, chunks: Iterable[bytes]) -> RowIndex:
    """Index a whole file at once."""
    builder = IndexBuilder(form)
    for chunk in chunks:
        builder.feed(chunk)
    return builder.finish()[1]


def cut_span(form: Form, data: bytes) -> Iterator[bytes]:
    """The records in the bytes of one `RowIndex.span`, in order; one longer than RECORD_BYTES_MAX as empty bytes."""
    cutter = Cutter(form, header=False)
    for cut in (*cutter.feed(data), *cutter.finish()):
        yield cut.data if cut.data is not None else b""


def header_names(header: bytes) -> list[str]:
    """The column names in a CSV header's line; an unnamed column is `column_n`, a repeated name gets `_n`.

    errors   BadRecord
    """
    names: dict[str, None] = {}
    for position, raw in enumerate(_cells(header), start=1):
        name = raw.strip() or f"column_{position}"
        while name in names:
            name = f"{name}_{position}"
        names[name] = None
    return list(names)


def fields_of(form: Form, data: bytes, columns: Sequence[str] | None = None) -> dict[str, object]:
    """One record as named values; a CSV row's values are text, a paragraph is `{"text": ...}`.

    errors   BadRecord for bad UTF-8, bad JSON, JSON that is no object or nested deeper than NESTING_MAX, or a row of another width than its header
    """
    if form is Form.JSONL:
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRecord(str(error)) from None
        if not isinstance(value, dict):
            raise BadRecord("a line that is no JSON object")
        # The decoder's own limit moves with the caller's stack; the same line must always be judged the same.
        if data.count(b"{") + data.count(b"[") > NESTING_MAX and _depth(value) > NESTING_MAX:
            raise BadRecord(f"JSON nested deeper than {NESTING_MAX}")
        return value
    if form is Form.CSV:
        cells = _cells(data)
        names = columns or [f"column_{n}" for n in range(1, len(cells) + 1)]
        if len(cells) != len(names):
            raise BadRecord(f"a row of {len(cells)} cells under a header of {len(names)}")
        return dict(zip(names, cells, strict=True))
    return {"text": _utf8(data)}


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, dict | list):
            deepest = max(deepest, depth)
            waiting.extend((inner, depth + 1) for inner in (one.values() if isinstance(one, dict) else one))
    return deepest


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRecord(str(error)) from None


def _cells(data: bytes) -> list[str]:
    try:
        rows = list(csv.reader([_utf8(data)], strict=True))
    except csv.Error as error:
        raise BadRecord(str(error)) from None
    return rows[0] if rows else []


def text_of(form: Form, fields: dict[str, object]) -> str:
    """The text by which a record is counted and compared.

    The first of TEXT_FIELDS that holds a string; else every string at any depth in document order, one a line.
    For a CSV row, all cells with tabs between them.
    """
    if form is Form.CSV:
        return "\t".join([str(value) for value in fields.values()])
    for name in TEXT_FIELDS:
        value = fields.get(name)
        if isinstance(value, str):
            return value
    return "\n".join(_strings(fields))


def _strings(value: object) -> Iterator[str]:
    # A stack of our own: JSON may be nested deeper than Python calls may.
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting.extend(reversed(one.values()))
        elif isinstance(one, list):
            waiting.extend(reversed(one))


def count_tokens(text: str) -> int:
    """Tokens of a text by `cx-words/1`.

    Each Han, kana and hangul character is one token; each other run of letters and digits is one, an apostrophe
    between letters included; punctuation, marks alone, underscores and white space are none. Letters and digits
    are what this Python's Unicode data call so.
    """
    if text.isascii():
        return len(_ASCII_WORD.findall(text))
    return sum(map(len, _CJK_RUN.findall(text))) + len(_WORD.findall(text))

"""Paths of files inside a revision: what may be named how, on every buyer's disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from exchange.kernel.text import Text

SEGMENT_MAX_BYTES = 255
PATH_MAX_BYTES = 1024
SEGMENTS_MAX = 32

# Windows opens a device for these, whatever the ending.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"com{n}" for n in range(1, 10)] + [f"lpt{n}" for n in range(1, 10)]
)
# Not one folder of these can be made on every system, or a shell or a web client reads them otherwise.
_FORBIDDEN = frozenset('\\:*?"<>|')
# Control and format characters (they hide or turn text round), surrogates, unassigned and private code points,
# line and paragraph separators.
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})

# A table of our own: the standard library's answer depends on the machine it runs on.
_MEDIA_TYPES = {
    "avif": "image/avif",
    "bin": "application/octet-stream",
    "csv": "text/csv",
    "flac": "audio/flac",
    "gif": "image/gif",
    "gz": "application/gzip",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "md": "text/markdown",
    "mkv": "video/x-matroska",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ndjson": "application/x-ndjson",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "png": "image/png",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xml": "application/xml",
    "zip": "application/zip",
    "zst": "application/zstd",
}


def refuse_path(path: str) -> Text | None:
    """Say why a path cannot be used, or None when it can.

    source   RFC 3986 section 3.3 for the segments; Unicode Standard Annex 15 for NFC
    """
    if not path:
        return Text("it is empty", "路径为空")
    if any(unicodedata.category(letter) in _CATEGORIES for letter in path):
        return Text("it has control or invisible characters", "含有控制字符或不可见字符")
    if unicodedata.normalize("NFC", path) != path:
        return Text("its characters are not in composed form (NFC)", "字符不是组合形式（NFC）")
    if len(path.encode()) > PATH_MAX_BYTES:
        return Text(f"it is longer than {PATH_MAX_BYTES} bytes", f"长度超过 {PATH_MAX_BYTES} 字节")
    if path.startswith("/"):
        return Text("it is not relative", "不是相对路径")
    segments = path.split("/")
    if len(segments) > SEGMENTS_MAX:
        return Text(f"it has more than {SEGMENTS_MAX} levels", f"层级超过 {SEGMENTS_MAX} 层")
    for segment in segments:
        reason = _refuse_segment(segment)
        if reason is not None:
            return reason
    return None


def _refuse_segment(segment: str) -> Text | None:
    if segment in ("", ".", ".."):
        return Text("it has an empty name, '.' or '..'", "含有空名称、“.” 或 “..”")
    if len(segment.encode()) > SEGMENT_MAX_BYTES:
        return Text(f"a name is longer than {SEGMENT_MAX_BYTES} bytes", f"名称超过 {SEGMENT_MAX_BYTES} 字节")
    if _FORBIDDEN.intersection(segment):
        return Text('a name has one of \\ : * ? " < > |', '名称含有 \\ : * ? " < > | 之一')
    if segment[-1] in " ." or segment[0] == " ":
        return Text("a name begins or ends with a space, or ends with a dot", "名称首尾有空格或以点结尾")
    if segment.split(".", 1)[0].casefold() in _DEVICES:
        return Text("a name means a device on Windows", "名称在 Windows 上表示设备")
    return None


def fold(path: str) -> str:
    """Give the key under which two paths would meet on a disk that ignores case."""
    folded = unicodedata.normalize("NFKC", path).casefold()
    return unicodedata.normalize("NFKC", folded)


def collision(paths: Iterable[str]) -> str | None:
    """Find a path that cannot lie beside the others: same key, or a file where another needs a folder."""
    seen: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        key = fold(path)
        above = _folders(key)
        if key in seen or key in folders or not seen.isdisjoint(above):
            return path
        seen.add(key)
        folders.update(above)
    return None


def _folders(key: str) -> list[str]:
    names = key.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def media_type(path: str) -> str:
    """Guess the media type from the ending; the same on every machine."""
    name = path.rsplit("/", 1)[-1]
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return _MEDIA_TYPES.get(ending, "application/octet-stream")

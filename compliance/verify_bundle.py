"""The files of an export, and how a change in one of them gets a place. The standard library is all it needs.

A part of the script in each export. What the manifest's signature covers is written here once, for both sides.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, NamedTuple, Optional, TypeVar

from compliance.verify_notes import Failed, Fault, canonical, failed, shown
from compliance.verify_zip import check_zip

MANIFEST_HEADER = "corpus-exchange/export-manifest@v2"
MANIFEST, SIG = "manifest.json", "manifest.json.sig"
# More faults than that say nothing new.
FAULTS_MAX = 20
LINE_MAX = 4_000_000
# What Python leaves beside the script.
COMPILED = re.compile(r"__pycache__/verify\.[A-Za-z0-9.-]+\.pyc\Z")
# How the files of an export are named: nothing that leads elsewhere, and nothing that another system reads differently.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")
A = TypeVar("A")
B = TypeVar("B")

# ---------------------------------------------------------------- what is signed


def manifest_text(manifest: bytes) -> bytes:
    """What the log signs of a manifest: its hash, and one for each part, so that a change in it has a place."""
    value = json.loads(manifest)
    parts = {name: one for name, one in value.items() if name != "files"}
    parts.update({f"files/{name}": one for name, one in value["files"].items()})
    lines = [f"{name} {hashlib.sha256(canonical(parts[name])).hexdigest()}" for name in sorted(parts)]
    whole = hashlib.sha256(manifest).hexdigest()
    return "\n".join([MANIFEST_HEADER, whole, *lines, ""]).encode()


def line_digests(data: bytes) -> list[str]:
    """A short digest for each line of a small file, so that a change in it has a place."""
    *whole, rest = data.split(b"\n")
    lines = [one + b"\n" for one in whole] + ([rest] if rest else [])
    return [hashlib.sha256(line).hexdigest()[:16] for line in lines]


# ---------------------------------------------------------------- reading a bundle


class Bundle:
    """The files of an export, in a folder or in a zip."""

    def __init__(self, place: Path) -> None:
        """Open the place."""
        self.place = place
        if not place.exists():
            raise failed(str(place), "there is no such file or folder", "没有此文件或目录")
        try:
            self.zip = zipfile.ZipFile(place) if place.is_file() else None
        except zipfile.BadZipFile as error:
            raise failed(place.name, f"not a whole zip ({error})", f"不是完整的 zip 文件（{error}）") from None

    def __enter__(self) -> Bundle:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the zip."""
        if self.zip is not None:
            self.zip.close()

    def names(self) -> list[str]:
        """Every file there is; a zip that names one twice is refused."""
        if self.zip is not None:
            names = self.zip.namelist()
        else:
            # A link to a folder is looked at as it is: whatever lies behind it is no part of an export.
            found = [p.relative_to(self.place) for p in self.place.rglob("*") if p.is_symlink() or not p.is_dir()]
            names = [one.as_posix() for one in found if not COMPILED.match(one.as_posix())]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise failed(twice[0], "is there twice", "重复出现")
        return names

    def refuse_other(self) -> None:
        """Refuse what is no export at all, rather than name the first file that it lacks."""
        if not {MANIFEST, SIG} & set(self.names()):
            en = "is no export: name the zip as it was downloaded, or a folder with all of its files"
            raise failed(str(self.place), en, "不是导出包：请指定下载所得的 zip 文件，或含其全部文件的目录")

    def open(self, name: str) -> BinaryIO:
        """Open a file."""
        try:
            if self.zip is None:
                return (self.place / name).open("rb")
            file = self.zip.open(name)
        except (KeyError, OSError):
            raise failed(name, "is missing", "缺失") from None
        # The hash judges and gives the line; the zip's own sum would only say that something is wrong.
        setattr(file, "_expected_crc", None)  # noqa: B010
        return file  # type: ignore[return-value]

    def read(self, name: str) -> bytes:
        """Read a small file."""
        return b"".join(self.chunks(name, LINE_MAX))

    def check_container(self, packed: Mapping[str, Mapping[str, Any]]) -> None:
        """Refuse a zip with anything in it that no export holds; a folder has nothing around its files."""
        if self.zip is not None:
            with self.place.open("rb") as data:
                check_zip(self.zip, data, packed)

    def chunks(self, name: str, most: int | None = None) -> Iterator[bytes]:
        """Give a file piece by piece, up to `most` bytes of it."""
        done, line = 0, 1
        try:
            with self.open(name) as file:
                while most is None or done < most:
                    chunk = file.read(1 << 16 if most is None else min(1 << 16, most - done))
                    if not chunk:
                        return
                    done, line = done + len(chunk), line + chunk.count(b"\n")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
            why = f"cannot be unpacked from here on ({error})"
            raise failed(name, why, f"自此处起无法解压（{error}）", line) from None

    def lines(self, name: str) -> Iterator[bytes]:
        """Give the lines of a file one by one with their ends; the last may have none, which is a fault of its own."""
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line + b"\n"
            if len(rest) > LINE_MAX:
                yield rest
                rest = b""
        if rest:
            yield rest

    def measure(self, name: str) -> dict[str, Any]:
        """Give a file's hash and size."""
        digest, size = hashlib.sha256(), 0
        for chunk in self.chunks(name):
            digest.update(chunk)
            size += len(chunk)
        return {"sha256": digest.hexdigest(), "size_bytes": size}


# ---------------------------------------------------------------- places


class Pair(NamedTuple):
    """Two things that should belong together: what was found, and what there should be; numbers count from 1."""

    what: str
    number: int
    found: Any
    wanted: Any


class Ahead(Generic[A]):
    """Something to walk through, with a look at the one after the next."""

    def __init__(self, items: Iterable[A]) -> None:
        """Walk through `items`."""
        self.items, self.known, self.number = iter(items), list[A](), 1

    def at(self, ahead: int) -> Optional[A]:  # noqa: UP045
        """The item at this place or after it, None behind the end."""
        while len(self.known) <= ahead:
            try:
                self.known.append(next(self.items))
            except StopIteration:
                return None
        return self.known[ahead]

    def go(self, by: int = 1) -> None:
        """Move on."""
        del self.known[:by]
        self.number += by


def paired(found: Iterable[A], wanted: Iterable[B], fits: Callable[[A, B], bool]) -> Iterator[Pair]:
    """Walk two rows that should fit one by one; say where one is missing, one is too many, two are exchanged, one differs."""
    left, right = Ahead(found), Ahead(wanted)
    while True:
        a, b = left.at(0), right.at(0)
        if a is None and b is None:
            return
        if a is not None and b is not None and fits(a, b):
            what, by = "fits", (1, 1)
        elif a is None:
            what, by = "missing", (0, 1)
        elif b is None:
            what, by = "extra", (1, 0)
        else:
            a1, b1 = left.at(1), right.at(1)
            later, sooner = b1 is not None and fits(a, b1), a1 is not None and fits(a1, b)
            what, by = {
                (True, True): ("swapped", (2, 2)),
                (True, False): ("missing", (0, 1)),
                (False, True): ("extra", (1, 0)),
                (False, False): ("changed", (1, 1)),
            }[later, sooner]
        yield Pair(what, left.number, a, b)
        left.go(by[0])
        right.go(by[1])


WORDS = {
    "missing": ("a line that belongs here is missing", "此处缺少一行"),
    "extra": ("this line does not belong here", "此行不应出现在这里"),
    "swapped": ("this line and the next are exchanged", "此行与下一行被对调"),
    "changed": ("this line was changed", "此行已被改动"),
}
UNLISTED = ("not the file that the manifest lists", "与清单所列文件不符")


def wrong_lines(file: str, found: Sequence[str], wanted: Sequence[str]) -> list[Fault]:
    """Where a small file differs from the digests of its lines."""
    rows = paired(found, wanted, lambda a, b: a == b)
    return [Fault(file, one.number, None, *WORDS[one.what]) for one in rows if one.what != "fits"]


# ---------------------------------------------------------------- what was found


class Findings:
    """What is found while a bundle is checked: every fault, and what can be said for it."""

    def __init__(self, bundle: Bundle) -> None:
        """Begin with nothing."""
        self.bundle = bundle
        self.faults: list[Fault] = []
        self.said: list[str] = []
        self.manifest: dict[str, Any] = {}
        self.wrong: set[str] = set()

    def note(self, file: str, en: str, zh: str, line: int | None = None, entry: int | None = None) -> None:
        """Note a fault."""
        self.faults.append(Fault(file, line, entry, en, zh))

    def say(self, en: str, zh: str) -> None:
        """Say what holds, in both languages."""
        self.said += [shown(en), shown(zh)]

    def stop(self, *files: str) -> None:
        """Go no further where nothing can be built on what is wrong: anywhere, or in one of these files."""
        if self.faults and (not files or self.wrong & set(files) or len(self.faults) >= FAULTS_MAX):
            raise Failed(*self.faults[:FAULTS_MAX])

    def enough(self) -> None:
        """Go no further where more faults would say nothing new."""
        self.stop(MANIFEST)

    def misfit(self, file: str, one: Pair, entry: int | None, en: str, zh: str) -> None:
        """Note a line without its counterpart; `en` says why where the file is the one that the manifest lists."""
        what, was = WORDS[one.what]
        if file not in self.wrong:
            what, was = f"{what}: {en}", f"{was}：{zh}"
        self.note(file, what, was, one.number, entry)
        self.wrong.add(file)

    def no_place(self, *files: str) -> None:
        """Note files that are not the listed ones though no place in them was found."""
        for name in files:
            if name in self.wrong and not any(one.file == name for one in self.faults):
                self.note(name, *UNLISTED)

"""The newest checkpoint, written down outside the database: a restored backup then cannot sign a second history.

A mark is written before its checkpoint is signed. What was ever signed is therefore at most as long as each mark, and a mark
is never ahead of a database that was not set back.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from compliance.log import LogBehind
from compliance.notes import Checkpoint, checkpoint_text, parse_checkpoint, parse_note

BYTES_MAX = 100_000


class Mark(Protocol):
    """A place outside the database that remembers the newest checkpoint."""

    @property
    def where(self) -> str:
        """The place's name, the same in every process of this log."""
        ...

    async def known(self) -> Sequence[Checkpoint]:
        """What is written down there, newest last; empty where there is nothing.

        errors   BadNote for something that is no checkpoint: never treated as nothing
        """
        ...

    async def keep(self, head: Checkpoint) -> None:
        """Write a checkpoint down, durably, before it is signed; a longer one stays.

        errors   LogBehind where another log of this size is written down
        """
        ...


def parse_mark(data: bytes) -> Checkpoint:
    """The checkpoint in a mark: its text, or a whole note as earlier versions wrote it.

    errors   BadNote
    """
    return parse_checkpoint(parse_note(data).text if b"\n\n" in data else data)


def read_mark(path: Path) -> Checkpoint | None:
    """The checkpoint in a file, None where there is no file.

    errors   BadNote for a file that is no checkpoint: never treated as none
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return parse_mark(os.read(file, BYTES_MAX))
    finally:
        os.close(file)


def write_mark(path: Path, note: bytes) -> None:
    """Write down what somebody has seen signed by us, so that nothing is signed below it; a longer one stays.

    errors   BadNote
    """
    seen = parse_mark(note)
    with _alone(path):
        there = read_mark(path)
        if there is None or there.size < seen.size:
            _replace(path, checkpoint_text(seen))


class FileMark:
    """A file beside the exchange."""

    where = "file"

    def __init__(self, path: Path) -> None:
        """Keep the mark at `path`."""
        self._path = path

    async def known(self) -> Sequence[Checkpoint]:
        """What the file says.

        errors   BadNote
        """
        there = read_mark(self._path)
        return [] if there is None else [there]

    async def keep(self, head: Checkpoint) -> None:
        """Write a checkpoint down, whole or not at all; whoever else does so waits.

        errors   LogBehind, BadNote
        """
        with _alone(self._path):
            there = read_mark(self._path)
            if there is None or there.size < head.size:
                _replace(self._path, checkpoint_text(head))
            elif there.size == head.size and there.root != head.root:
                raise LogBehind(f"{self.where} knows another log of {head.size} leaves than this one")


def _replace(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, and wait until it is on the disk."""
    draft = path.with_name(f"{path.name}.draft")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        assert os.write(file, data) == len(data)
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(draft, path)  # noqa: PTH105  # every step goes through os, where the fault tests cut in
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)

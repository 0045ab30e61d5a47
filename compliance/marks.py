"""The newest checkpoint, written down outside the database: a restored backup then cannot sign a second history."""

from __future__ import annotations

import os
from pathlib import Path

from compliance.notes import Checkpoint, parse_checkpoint, parse_note


def read_mark(path: Path) -> Checkpoint | None:
    """The newest checkpoint written down outside the database, None before the first.

    errors   BadNote for a file that is no checkpoint: never treated as none
    """
    try:
        note = path.read_bytes()
    except FileNotFoundError:
        return None
    return parse_checkpoint(parse_note(note).text)


def write_mark(path: Path, note: bytes) -> None:
    """Write a committed checkpoint down, whole or not at all; an older one changes nothing."""
    known, new = read_mark(path), parse_checkpoint(parse_note(note).text)
    if known is not None and new.size <= known.size:
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

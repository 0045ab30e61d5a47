"""The other forms of an export made again from its events: whether they say what the events say, to the byte. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, BinaryIO

from compliance.exports.parts import SLICE
from compliance.formats.known import FORMATS
from compliance.formats.shape import Format, Row, row
from compliance.verify_bundle import Bundle
from compliance.verify_evidence import EVENTS, indexes, read_whole
from compliance.verify_notes import failed


def check_forms(bundle: Bundle, manifest: dict[str, Any]) -> list[str]:
    """Make each form again and compare; the forms that were compared. The events must have been checked before.

    errors   raises Failed with the byte from which a form says something else
    """
    # By the files that are there: a manifest that lists one and does not call it a form hides nothing by that.
    stated, there = set(manifest["formats"]), set(manifest["files"])
    names = [name for name in sorted(FORMATS) if name in stated or FORMATS[name].member in there]
    for name in names:
        _check(bundle, manifest, FORMATS[name])
    return names


def _check(bundle: Bundle, manifest: dict[str, Any], form: Format) -> None:
    at, notes = 0, []
    with bundle.open(form.member) as file:
        at = _same(file, form, form.head(), at)
        for rows in _slices(bundle, manifest):
            data, note = form.part(rows, at)
            notes.append(note)
            at = _same(file, form, data, at)
        _same(file, form, form.tail(notes, at), at)
        if file.read(1):
            raise failed(form.member, "has more than the events say", "内容多于事件")


def _same(file: BinaryIO, form: Format, right: bytes, at: int) -> int:
    found = read_whole(file, len(right))
    if found != right:
        byte = at + next((n for n, one in enumerate(right) if found[n : n + 1] != bytes([one])), len(right))
        raise failed(
            form.member,
            f"from byte {byte} on it is not what the events say",
            f"自第 {byte} 字节起与事件不一致",
        )
    return at + len(right)


def _slices(bundle: Bundle, manifest: dict[str, Any]) -> Iterator[list[Row]]:
    """The events as they were cut when the forms were made: by fixed places of the log."""
    places = indexes(bundle, manifest["complete"], manifest["scope"]["from_index"])
    part = manifest["part_entries"]
    leaves = ((next(places), line[:-1]) for line in bundle.lines(EVENTS))
    for _, some in groupby(leaves, lambda leaf: (leaf[0] // part, leaf[0] // SLICE)):
        yield [row(index, envelope) for index, envelope in some]

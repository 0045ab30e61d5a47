"""Entries of the log as far as they say how something beside it should stand. Pure."""

from __future__ import annotations

import msgspec

from compliance.entries import DONE


class _Actor(msgspec.Struct):
    organisation: str | None


class _Object(msgspec.Struct):
    id: str | None
    version: str | None


class Line(msgspec.Struct):
    """What an entry says was done to an object, by whom and when."""

    action: str
    actor: _Actor
    at: str
    digests: dict[str, str]
    object: _Object
    organisations: list[str]
    outcome: str


def line_of(envelope: bytes) -> Line | None:
    """An entry; None for what was refused, and for what is no entry: the log's own audit names that."""
    try:
        line = msgspec.json.decode(envelope, type=Line)
    except msgspec.DecodeError:
        return None
    return line if line.outcome == DONE else None

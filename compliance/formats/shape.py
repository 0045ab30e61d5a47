"""What a convenience format of an export is: a file made again, in another form, from what the entries' envelopes say. Pure.

A format sees nothing but envelopes, so it can tell no more than the evidence does: no personal data, no words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec


class Actor(msgspec.Struct, frozen=True, gc=False):
    """Who acted: an organisation's program; both empty where the exchange did."""

    client: str | None
    organisation: str | None


class Thing(msgspec.Struct, frozen=True, gc=False):
    """What it was done to."""

    id: str | None
    version: str | None


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """An envelope, read. What an older version of it lacks is empty."""

    action: str
    actor: Actor
    agreement: str | None
    at: str
    digests: dict[str, str]
    id: str
    node: str
    object: Thing
    organisations: list[str]
    outcome: str
    problem: str | None
    rule_set: str | None
    v: int
    member: str | None = None
    sealed: list[str] = []
    where: str | None = None


class Row(NamedTuple):
    """One leaf of the log: its index, its bytes, and what they say."""

    index: int  # type: ignore[assignment]  # the field is meant, not the method of tuples
    envelope: bytes
    entry: Decoded


class Format(Protocol):
    """One member of the bundle, written in parts that do not know each other.

    The member is `head`, the parts one after the other, `tail`. The same rows give the same bytes, whoever writes which
    part when: a part depends on its rows and on the place where it begins, nothing else.

    units    `at` counts bytes from the member's beginning
    """

    @property
    def member(self) -> str:
        """The member's name in the bundle."""
        ...

    def head(self) -> bytes:
        """What the member begins with."""
        ...

    def part(self, rows: Sequence[Row], at: int) -> tuple[bytes, bytes]:
        """The bytes of some rows in order of their indexes, and a note that the tail wants of them, or an empty one."""
        ...

    def tail(self, notes: Sequence[bytes], at: int) -> bytes:
        """What the member ends with; `notes` are those of all parts, in order, also of the empty ones."""
        ...


decode = msgspec.json.Decoder(Decoded).decode


def row(index: int, envelope: bytes) -> Row:
    """A leaf, read.

    errors   msgspec.ValidationError, msgspec.DecodeError: not an envelope of ours
    """
    return Row(index, envelope, decode(envelope))

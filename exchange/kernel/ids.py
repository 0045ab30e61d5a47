"""Ids: UUID version 7 inside, `ord_01k8...` outside."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

# Crockford's base32 in lower case: sorts like the bytes, no i l o u.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Python reads base 32 with the digits 0-9a-v, in this order.
_AS_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_BODY = re.compile(rf"[0-7][{_ALPHABET}]{{25}}\Z")
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_TRIPLES = [pair + c for pair in _PAIRS for c in _ALPHABET]
_RANDOM_BITS = (1 << 74) - 1
_DRAW, _POOL = 10, 5_120
_PLACE_BITS, _HASH_BITS = 44, 30
PLACES = 1 << _PLACE_BITS
# How many ids of one part of a whole lie together.
PART_ROOM = 1 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class BadId(ValueError):
    """A text that is no id of the wanted kind."""


class IdSource:
    """Makes UUIDv7 values that increase within this process.

    source   RFC 9562, section 5.7 and method 2 of section 6.2
    """

    def __init__(self, entropy: bytes | None = None) -> None:
        """Start; `entropy` makes a reproducible sequence for tests."""
        self._seeded = entropy is not None
        self._state = int.from_bytes(entropy or b"", "big")
        self._last_ms = -1
        self._tail = 0
        # Random bytes are asked for in stock: one system call serves hundreds of ids.
        self._pool, self._left = b"", 0

    def new(self, now: datetime) -> UUID:
        """The next id for the moment `now`."""
        ms = int(now.timestamp() * 1000)
        if ms > self._last_ms:
            self._last_ms, self._tail = ms, self._random() >> 1
        else:
            self._tail += 1 + (self._random() & 0xFFFF_FFFF)
            if self._tail > _RANDOM_BITS:
                self._last_ms, self._tail = self._last_ms + 1, self._random() >> 1
        high, low = self._tail >> 62, self._tail & ((1 << 62) - 1)
        return UUID(int=self._last_ms << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)

    def _random(self) -> int:
        if not self._seeded:
            if self._left < _DRAW:
                self._pool, self._left = os.urandom(_POOL), _POOL
            at, self._left = _POOL - self._left, self._left - _DRAW
            return int.from_bytes(self._pool[at : at + _DRAW], "big") & _RANDOM_BITS
        # A linear congruential step is enough: test ids need order and repetition, not secrecy.
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % (1 << 128)
        return self._state & _RANDOM_BITS


def derived(at: datetime, *what: object, place: int | None = None) -> UUID:
    """The one id of what is named so at a moment: the same wherever and however often it is worked out.

    Of one moment, those with a place lie in the order of their places.

    shapes   what: ids, texts, numbers, moments, None; two different namings have different ids
    units    UUIDv7: 48 bits of `at` in milliseconds, then 44 of the place (0..PLACES - 1) and 30 of the SHA-256 of the
             naming, or 74 of the SHA-256 where there is no place
    errors   ValueError for a place that does not fit
    source   RFC 9562, section 5.7; the hash takes the place of the random bits
    """
    said = "\x1f".join([one.hex if type(one) is UUID else str(one) for one in what])
    tail = int.from_bytes(hashlib.sha256(said.encode()).digest()[:10], "big") >> 6
    if place is not None:
        if not 0 <= place < PLACES:
            raise ValueError(f"place {place}")
        tail = place << _HASH_BITS | tail >> _PLACE_BITS
    high, low = tail >> 62, tail & ((1 << 62) - 1)
    return UUID(int=(at - _EPOCH) // _MS << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


class DerivedIds(IdSource):
    """Hands out the ids of one part of a larger whole: the first, the second and so on, each time the same ones."""

    def __init__(self, at: datetime, *what: object, place: int = 0, room: int = PART_ROOM) -> None:
        """Start at the beginning; the parts of one whole have each a place of their own, with `room` for their ids."""
        super().__init__(b"")
        self._at, self._what, self._next, self._end = at, what, place * room, (place + 1) * room

    def new(self, now: datetime) -> UUID:
        """The next id of this part, whatever the clock says.

        errors   ValueError when the part has no room for more
        """
        place, self._next = self._next, self._next + 1
        if place >= self._end:
            raise ValueError(f"more ids than a part has room for: {self._what}")
        return derived(self._at, *self._what, place, place=place)


def text(prefix: str, value: UUID) -> str:
    """The public form of an id: `prefix_` and 26 letters."""
    # 130 bits, three letters at a time out of two small halves: called a dozen times for each purchase.
    high, low = value.int >> 75, value.int & 0x7FF_FFFF_FFFF_FFFF_FFFF
    t = _TRIPLES
    return (
        f"{prefix}_{_PAIRS[high >> 45]}{t[high >> 30 & 32767]}{t[high >> 15 & 32767]}{t[high & 32767]}{t[low >> 60]}"
        f"{t[low >> 45 & 32767]}{t[low >> 30 & 32767]}{t[low >> 15 & 32767]}{t[low & 32767]}"
    )


def array(values: Iterable[UUID]) -> str:
    """Ids as one array literal, for a parameter written `$1::text::uuid[]`.

    The driver probes every element of an array parameter in Python; for ids that costs more than the insert.
    """
    return "{" + ",".join([f"{value.int:032x}" for value in values]) + "}"


def parse(prefix: str, value: str) -> UUID:
    """Read the public form of an id of one kind.

    errors   BadId for another prefix, length or letter
    """
    head, _, body = value.partition("_")
    if head != prefix or not _BODY.match(body):
        raise BadId(f"not an id of kind {prefix}")
    return UUID(int=int(body.translate(_AS_DIGITS), 32))

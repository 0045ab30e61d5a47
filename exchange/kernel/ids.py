"""Ids: UUID version 7 inside, `ord_01k8...` outside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime
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

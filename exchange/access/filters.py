"""Which events of one day may stand under another: a Bloom filter for each day, in words of 64 bits. Pure.

A filter never misses an event that was added; it takes about one other in some thousands for one, so whoever asks looks
those up. Hashes are ours and not the database's, because filters are kept over its versions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
# An event as `int4send(source_id) || uuid_send(event_id)` gives it.
KEY = np.dtype([("source_id", ">i4"), ("high", ">u8"), ("low", ">u8")])
KEY_BYTES = KEY.itemsize
# Two events to a word, six bits of it for each.
_KEYS_PER_WORD, _BITS, _PLACE_BITS = 2, 6, 6
_WORDS_MIN = 64
_GOLDEN, _FIRST, _SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def read_keys(data: bytes) -> npt.NDArray[np.void]:
    """Events out of the bytes that the database joined."""
    return np.frombuffer(data, KEY)


@dataclass(frozen=True, slots=True)
class Hashed:
    """Events as filters see them: the upper bits of a hash name a word, the lower ones six bits of it."""

    hashes: Hashes
    bits: Words


def hashed(keys: npt.NDArray[np.void]) -> Hashed:
    """Events made ready to be held against many filters."""
    hashes = hashes_of(keys)
    # The lower bits, which do not name the word; no filter has so many words that they would meet.
    bits = np.zeros(len(hashes), np.uint64)
    for number in range(_BITS):
        bits |= np.uint64(1) << ((hashes >> np.uint64(number * _PLACE_BITS)) & np.uint64(63))
    return Hashed(hashes, bits)


def hashes_of(keys: npt.NDArray[np.void]) -> Hashes:
    """64 bits for each event, that differ in about half where the events differ at all.

    source   the finalizer of SplitMix64 (Steele, Lea and Flood 2014), once for each half of the id
    """
    mixed = _mixed(keys["high"].astype(np.uint64) ^ (keys["source_id"].astype(np.uint64) * _GOLDEN))
    return _mixed(mixed ^ (keys["low"].astype(np.uint64) + _GOLDEN))


def new_filter(events: int) -> Words:
    """An empty filter for so many events: a power of two of words, so that a hash names one by its upper bits."""
    words = max(_WORDS_MIN, -(-events // _KEYS_PER_WORD))
    return np.zeros(1 << (words - 1).bit_length(), np.uint64)


def add(words: Words, events: Hashed) -> None:
    """Remember events."""
    np.bitwise_or.at(words, _places(words, events.hashes), events.bits)


def may_hold(words: Words, events: Hashed) -> Flags:
    """Which of these events may have been added."""
    there = words[_places(words, events.hashes)]
    there &= events.bits
    found: Flags = there == events.bits
    return found


def to_bytes(words: Words) -> bytes:
    """A filter as it is kept."""
    return words.astype("<u8").tobytes()


def from_bytes(data: bytes) -> Words:
    """A filter that was kept; a copy, to which more can be added."""
    return np.frombuffer(data, "<u8").astype(np.uint64)


def _mixed(x: Hashes) -> Hashes:
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def _places(words: Words, hashes: Hashes) -> npt.NDArray[np.int64]:
    # Signed, as indexes are: numpy would make a copy of others.
    return (hashes >> np.uint64(64 - (len(words).bit_length() - 1))).view(np.int64)

"""Envelopes as they are read, and the columns beside them as they would stand in envelopes; many at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from exchange.kernel import ids

Bytes = NDArray[np.uint8]
ID, TIME = 16, 8
PREFIX, ID_LETTERS, TIME_LETTERS = 4, 30, 27
_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000
_DAY_US = 86_400_000_000
# The days of the years 1 to 9999, from 1970 on: no other has four digits.
_DAYS = range(-719_162, 2_932_897)
# The digits of a time: where they stand in the text, what one is worth in microseconds, and how far it counts.
_PLACES = np.array([11, 12, 14, 15, 17, 18, 20, 21, 22, 23, 24, 25])
_UNITS = np.array(
    [36_000_000_000, 3_600_000_000, 600_000_000, 60_000_000, 10_000_000, *(10**n for n in range(6, -1, -1))]
)
_BASES = np.array([10, 10, 6, 10, 6, 10, 10, 10, 10, 10, 10, 10])
_MIDNIGHT = np.frombuffer(b"0000-00-00T00:00:00.000000Z", np.uint8)
# 26 digits of five bits out of 130, two at a time: six pairs in the upper word, one across, six in the lower one.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = np.frombuffer("".join(a + b for a in _ALPHABET for b in _ALPHABET).encode(), np.uint16)
_HIGH = np.arange(56, 5, -10)
_LOW = np.arange(50, -1, -10)
# How PostgreSQL sends an array: dimensions, whether anything in it is missing, the type (uuid), then per dimension its
# length and where it begins; then each member behind its own length.
_EMPTY = bytes.fromhex("00000000 00000000 00000b86")
_HEAD, _MEMBER, _LENGTH = 20, 4 + ID, ID.to_bytes(4, "big")
# No envelope has this organisation: what cannot be read fits nothing.
_UNREADABLE = ("",)


# Fields stand in alphabetical order, as in the envelope itself: written again it is the same, or it was not canonical.
class Actor(msgspec.Struct, gc=False):
    """Who acted."""

    client: str | None
    organisation: str | None


class Object(msgspec.Struct, gc=False):
    """What it was done to."""

    id: str | None
    version: str | None


class Envelope(msgspec.Struct, gc=False, kw_only=True):
    """An entry of either version, so that it can be written back as it was."""

    action: str
    actor: Actor
    agreement: str | None
    at: str
    digests: dict[str, str]
    id: str
    # Version 2 brought these three; what is unset is not written, so that both versions are read and written back.
    member: str | UnsetType | None = UNSET
    node: str
    object: Object
    organisations: tuple[str, ...]
    outcome: str
    problem: str | None
    rule_set: str | None
    sealed: tuple[str, ...] | UnsetType = UNSET
    type: str
    v: int
    where: str | UnsetType = UNSET


_READ = msgspec.json.Decoder(list[Envelope]).decode
write = msgspec.json.Encoder(order="deterministic").encode


def read(envelopes: Sequence[bytes]) -> list[Envelope] | None:
    """Envelopes, read together; None where one of them is not canonical."""
    data = b"[" + b",".join(envelopes) + b"]"
    try:
        made = _READ(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return made if len(made) == len(envelopes) and write(made) == data else None


def letters(raw: Bytes) -> Bytes:
    """What stands behind the prefix of ids, ten bits at a time over all of them at once.

    shapes   n x 16 -> n x 26
    """
    words = np.ascontiguousarray(raw).view(">i8").astype(np.int64)
    high, low = words[:, :1], words[:, 1:]
    pairs = np.empty((len(words), 13), np.int64)
    np.right_shift(high, _HIGH, out=pairs[:, :6])
    pairs[:, 6:7] = high << 4 | low >> 60 & 15
    np.right_shift(low, _LOW, out=pairs[:, 7:])
    pairs &= 1023
    return _PAIRS.take(pairs, mode="clip").view(np.uint8)


def ids_of(raw: bytes, count: int) -> str | None:
    """The entries' ids as one text; None where they are not as many."""
    if len(raw) != ID * count:
        return None
    made = np.empty((count, ID_LETTERS), np.uint8)
    made[:, :PREFIX] = np.frombuffer(b"aud_", np.uint8)
    made[:, PREFIX:] = letters(np.frombuffer(raw, np.uint8).reshape(-1, ID))
    return made.tobytes().decode()


def moments_of(raw: bytes, count: int) -> Bytes | None:
    """Times as they stand in envelopes; None where they are not as many, or one has no such text.

    shapes   -> count x 27
    """
    if len(raw) != TIME * count or not count:
        return None
    days, inside = np.divmod(np.frombuffer(raw, ">i8").astype(np.int64) + _EPOCH_US, _DAY_US)
    # A date is written once for all that are of one day.
    each, which = (days[:1], 0) if days.min() == days.max() else np.unique(days, return_inverse=True)
    # As numbers of Python: a range looks through itself for any other.
    if int(each[0]) not in _DAYS or int(each[-1]) not in _DAYS:
        return None
    dates = np.datetime_as_string(each.astype("M8[D]")).astype("S10").view(np.uint8).reshape(-1, 10)
    made = np.empty((count, TIME_LETTERS), np.uint8)
    made[:] = _MIDNIGHT
    made[:, :10] = dates[which]
    made[:, _PLACES] += (inside[:, None] // _UNITS % _BASES).astype(np.uint8)
    return made


@lru_cache(maxsize=300)
def sent(organisations: int) -> tuple[Bytes, Bytes]:
    """How an array of so many organisations is sent: its bytes without the ids, and 255 where one has to be as it says."""
    head = (1, 0, 2950, organisations, 1)
    data = b"".join([*(one.to_bytes(4, "big") for one in head), (_LENGTH + bytes(ID)) * organisations])
    fixed = b"\xff" * _HEAD + (b"\xff" * 4 + bytes(ID)) * organisations
    if not organisations:
        data, fixed = _EMPTY, b"\xff" * len(_EMPTY)
    return np.frombuffer(data, np.uint8), np.frombuffer(fixed, np.uint8)


def members(arrays: Sequence[bytes | None], organisations: int) -> Bytes | None:
    """The ids in arrays of so many organisations each; None where one is another array.

    shapes   -> len(arrays) x organisations x 16
    """
    data, fixed = sent(organisations)
    raw = [array for array in arrays if array is not None]
    if len(raw) != len(arrays) or set(map(len, raw)) - {len(data)}:
        return None
    made = np.frombuffer(b"".join(raw), np.uint8).reshape(-1, len(data))
    if ((made ^ data) & fixed).any():
        return None
    return made[:, _HEAD:].reshape(len(raw), organisations, _MEMBER)[:, :, 4:]


@lru_cache(maxsize=65_536)
def organisations_of(raw: bytes | None) -> tuple[str, ...]:
    """One entry's organisations, as they stand in its envelope."""
    count = max(0, len(raw or b"") - _HEAD) // _MEMBER
    made = members([raw], count)
    return _UNREADABLE if made is None else tuple(ids.text("org", UUID(bytes=one.tobytes())) for one in made[0])

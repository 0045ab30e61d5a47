"""Entries that were cast in one mould: the same bytes, but for texts that differ from entry to entry. Pure.

Most entries of a log are of a few kinds, and those of a kind differ in ids, times and digests only. One of them is read as
JSON; the others are held against its bytes, many at once. That leaves nothing out: an entry that has the mould's bytes
outside of these texts, and in them neither quote nor backslash, control character or anything beyond ASCII, is read as the
same JSON with other texts, and written back the same way. What no mould fits is read by itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from compliance import tile_columns
from compliance.tile_columns import ID, ID_LETTERS, PREFIX, TIME_LETTERS, Actor, Bytes, Envelope, Object

# Fewer entries of one length than this are sooner read than compared.
WORTH = 8
# As many are compared at once as fit the processor's nearest memory.
_AT_ONCE = 256
# Moulds of one length that are tried, and lengths of which moulds are kept.
_TRIED, _KEPT = 4, 256
# Longer entries are rare, and what is kept of them would be long too.
_LONG = 4096
_QUOTE, _SPACE = ord('"'), ord(" ")

Place = tuple[int, int]


class Rows(NamedTuple):
    """Entries with the columns beside them.

    shapes   as in `TileRows`: ids of 16 bytes each, times of 8, organisations as PostgreSQL sends an array
    """

    envelopes: Sequence[bytes]
    ids: bytes
    times: bytes
    actions: Sequence[str | None]
    objects: Sequence[str | None]
    organisations: Sequence[bytes | None]


@dataclass(frozen=True, slots=True)
class Mould:
    """One entry's bytes, and where the texts are that may differ.

    shapes   `fixed`: 255 where a byte has to be the mould's; places are [first, end) in the envelope, of ids without prefix:
             `ids` of the entry itself and then of its organisations
    """

    data: Bytes
    fixed: Bytes
    quotes: int
    action: str
    at: Place
    object: Place | None
    ids: tuple[Place, ...]


def mould(envelope: bytes, sound: Callable[[Envelope], bool]) -> Mould | None:
    """The mould of an entry; None where it is not canonical, not `sound`, or has a text that is not written as it is."""
    read = tile_columns.read([envelope])
    if read is None or not sound(read[0]):
        return None
    one = read[0]
    data = np.frombuffer(envelope, np.uint8)
    # What moves when every text is filled with another letter is inside of texts; a text with an escape changes its length.
    made = [np.frombuffer(tile_columns.write(_filled(one, letter)), np.uint8) for letter in "ab"]
    if len(made[0]) != len(data):
        return None
    fixed = np.where(made[0] == made[1], np.uint8(255), np.uint8(0))
    quotes = int(np.count_nonzero(made[0] == _QUOTE))
    ids = (_place(lambda a: replace(one, id=a * len(one.id))), *_organisations(one))
    named = [envelope[first : first + PREFIX] for first, _ in ids] == [b"aud_"] + [b"org_"] * len(one.organisations)
    if not named or {end - first for first, end in ids} != {ID_LETTERS}:
        return None
    for first, _ in ids:
        fixed[first : first + PREFIX] = 255
    found = Mould(
        data,
        fixed,
        quotes,
        one.action,
        _place(lambda a: replace(one, at=a * len(one.at))),
        _place(lambda a: replace(one, object=Object(a * len(one.object.id or ""), one.object.version)))
        if one.object.id is not None
        else None,
        tuple((first + PREFIX, end) for first, end in ids),
    )
    wide = found.at[1] - found.at[0] == TIME_LETTERS and found.object != (0, 0)
    return found if wide and _plain(envelope, data[None], found) else None


def _filled(one: Envelope, letter: str) -> Envelope:
    """An entry with this letter in the place of all that differs between entries of a kind."""

    def text(value: str | None) -> str | None:
        return None if value is None else letter * len(value)

    return replace(
        one,
        actor=Actor(text(one.actor.client), text(one.actor.organisation)),
        agreement=text(one.agreement),
        at=letter * len(one.at),
        digests={name: letter * len(value) for name, value in one.digests.items()},
        id=letter * len(one.id),
        member=UNSET if one.member is UNSET else text(one.member),
        object=Object(text(one.object.id), text(one.object.version)),
        organisations=tuple(letter * len(value) for value in one.organisations),
        rule_set=text(one.rule_set),
        sealed=UNSET if one.sealed is UNSET else tuple(letter * len(value) for value in one.sealed),
    )


def _organisations(one: Envelope) -> Iterator[Place]:
    """Where each organisation stands."""
    for n in range(len(one.organisations)):

        def filled(letter: str, n: int = n) -> Envelope:
            parts = list(one.organisations)
            parts[n] = letter * len(parts[n])
            return replace(one, organisations=tuple(parts))

        yield _place(filled)


def _place(filled: Callable[[str], Envelope]) -> Place:
    """Where an entry differs from itself when a text is filled with another letter; (0, 0) where the text is empty."""
    one, other = (np.frombuffer(tile_columns.write(filled(letter)), np.uint8) for letter in "ab")
    at = np.flatnonzero(one != other)
    return (int(at[0]), int(at[-1]) + 1) if len(at) else (0, 0)


def _plain(joined: bytes, data: Bytes, one: Mould) -> bool:
    """Whether the texts of entries that fit a mould hold no quote and nothing that JSON writes in another way."""
    return (
        joined.isascii()
        and b"\\" not in joined
        and int(data.min()) >= _SPACE
        and int(np.count_nonzero(data == _QUOTE)) == one.quotes * len(data)
    )


class Moulds:
    """The moulds of a log's entries, found as they come."""

    def __init__(self, sound: Callable[[Envelope], bool]) -> None:
        """Begin with none; `sound` says of an entry whether others like it need not be asked."""
        self._sound = sound
        self._known: OrderedDict[int, list[Mould]] = OrderedDict()

    def strangers(self, rows: Rows) -> list[int] | None:
        """Which entries no mould fits; None where a column says something else than an entry that one does fit."""
        count = len(rows.envelopes)
        times = tile_columns.moments_of(rows.times, count)
        if times is None or len(rows.ids) != ID * count:
            return None
        ids = np.frombuffer(rows.ids, np.uint8).reshape(-1, ID)
        groups: dict[int, list[int]] = {}
        for index, length in enumerate(map(len, rows.envelopes)):
            if length in groups:
                groups[length].append(index)
            else:
                groups[length] = [index]
        strange: list[int] = []
        for length, group in groups.items():
            for at in range(0, len(group), _AT_ONCE):
                left = self._cast(length, group[at : at + _AT_ONCE], rows, ids, times)
                if left is None:
                    return None
                strange += left
        return strange

    def _cast(self, length: int, group: list[int], rows: Rows, ids: Bytes, times: Bytes) -> list[int] | None:
        """Hold entries of one length against the moulds of that length, and make those that are missing."""
        strange: list[int] = []
        known = self._of(length)
        for tried in range(_TRIED):
            if len(group) < WORTH or length > _LONG:
                break
            if tried == len(known):
                made = mould(rows.envelopes[group[0]], self._sound)
                if made is None:
                    break
                known.append(made)
            one = known[tried]
            joined = b"".join([rows.envelopes[n] for n in group])
            data = np.frombuffer(joined, np.uint8).reshape(-1, length)
            off = data ^ one.data
            off &= one.fixed
            others: list[int] = []
            if off.any():
                fit = ~off.any(axis=1)
                places, data = np.array(group), data[fit]
                group, others, joined = places[fit].tolist(), places[~fit].tolist(), data.tobytes()
            if group and not _plain(joined, data, one):
                strange += group
            elif group and not _same(one, data, rows, group, ids[group], times[group]):
                return None
            group = others
        return strange + group

    def _of(self, length: int) -> list[Mould]:
        known = self._known.setdefault(length, [])
        self._known.move_to_end(length)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known


def _same(one: Mould, data: Bytes, rows: Rows, group: list[int], ids: Bytes, times: Bytes) -> bool:
    """Whether the columns say what entries say that fit a mould."""
    organisations = tile_columns.members([rows.organisations[n] for n in group], len(one.ids) - 1)
    return (
        [rows.actions[n] for n in group].count(one.action) == len(group)
        and _same_objects(one, data, [rows.objects[n] for n in group])
        and _cut(data, one.at) == times.tobytes()
        and organisations is not None
        and _same_ids(one, data, np.concatenate([ids[:, None], organisations], axis=1))
    )


def _cut(data: Bytes, place: Place) -> bytes:
    return data[:, place[0] : place[1]].tobytes()


def _same_objects(one: Mould, data: Bytes, objects: Sequence[str | None]) -> bool:
    if one.object is None:
        return list(objects).count(None) == len(objects)
    texts = [text for text in objects if text is not None]
    # Joined they are the same, and each is as long as it is in its entry: then each is the same.
    wide = one.object[1] - one.object[0]
    return (
        len(texts) == len(objects)
        and set(map(len, texts)) == {wide}
        and "".join(texts).encode() == _cut(data, one.object)
    )


def _same_ids(one: Mould, data: Bytes, raw: Bytes) -> bool:
    """Whether the ids of entries and of their organisations are those in the envelopes, without their prefixes."""
    made = tile_columns.letters(raw.reshape(-1, ID)).reshape(len(raw), -1)
    return made.tobytes() == np.concatenate([data[:, first:end] for first, end in one.ids], axis=1).tobytes()

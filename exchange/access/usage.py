"""Usage that others report: reading events, deciding which are good, and the bytes that COPY takes. Pure.

An event is a CloudEvent in JSON: {"specversion": "1.0", "id": uuid, "source": "...", "type": "exchange.usage",
"subject": "grt_...", "time": "2026-01-15T08:00:00Z", "data": {"meter": "tokens", "value": 1200}}. The meter is a usage key, `tokens`, `tokens/medical` or `x_gpu_hours`.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from exchange.access import problems
from exchange.access.grants import QUANTITY_MAX
from exchange.access.meters import is_usage_key
from exchange.access.settings import AccessSettings
from exchange.kernel import ids
from exchange.kernel.errors import Problem

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_S = _EPOCH.timestamp()
_DAY_US = 86_400_000_000
_EPOCH_DAY = _EPOCH.date().toordinal()
# One row of PostgreSQL's binary COPY: a count of fields, then each with its length before it, all big-endian.
_ROW = np.dtype(
    [
        ("n", ">i2"),
        ("l1", ">i4"),
        ("source_id", ">i4"),
        ("l2", ">i4"),
        ("event_id", "V16"),
        ("l3", ">i4"),
        ("grant_id", "V16"),
        ("l4", ">i4"),
        ("meter", ">i2"),
        ("l5", ">i4"),
        ("at", ">i8"),
        ("l6", ">i4"),
        ("quantity", ">i8"),
        ("l7", ">i4"),
        ("batch_id", "V16"),
    ]
)
COPY_COLUMNS = ("source_id", "event_id", "grant_id", "meter", "at", "quantity", "batch_id")
_LENGTHS = {"n": 7, "l1": 4, "l2": 16, "l3": 16, "l4": 2, "l5": 8, "l6": 8, "l7": 16}
COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
COPY_TAIL = struct.pack(">h", -1)

Ints = npt.NDArray[np.int64]


class _Data(msgspec.Struct, gc=False):
    meter: str
    value: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]


class Event(msgspec.Struct, gc=False):
    """One reported event, as it comes in."""

    # Text, because making 1,000 UUID objects takes twice as long as reading everything else.
    id: Annotated[str, msgspec.Meta(min_length=36, max_length=36)]
    subject: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    data: _Data


class _Id(msgspec.Struct):
    id: UUID


_EVENTS = msgspec.json.Decoder(list[Event])
_EVENT = msgspec.json.Decoder(Event)
_ONLY_ID = msgspec.json.Decoder(_Id)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one event of a batch was not taken."""

    index: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Events:
    """The well-formed events of one batch, column by column.

    shapes   every array has one element per event; `grant` numbers `subjects`, `meter` numbers `keys`
    units    `at` is microseconds since 2000-01-01 UTC, as PostgreSQL counts; `day` is days since then
    """

    index: Ints
    event_id: npt.NDArray[np.void]
    grant: Ints
    meter: Ints
    at: Ints
    quantity: Ints
    subjects: tuple[str, ...]
    keys: tuple[str, ...]
    malformed: tuple[Refusal, ...]

    @property
    def day(self) -> Ints:
        """The UTC day of each event."""
        return self.at // _DAY_US


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What never changes of a grant, and so may be remembered."""

    id: UUID
    seller_id: UUID
    # Each usage key that the grant counts, with the number that rows store for it.
    meters: Mapping[str, int]
    starts_at: datetime
    ends_at: datetime | None


class GrantCache:
    """Remembers facts of grants by the text of their ids; safe, because they never change."""

    def __init__(self, grants_max: int) -> None:
        """Hold at most `grants_max`, then start afresh."""
        self._known: dict[str, GrantFacts] = {}
        self._max = grants_max

    def missing(self, subjects: Collection[str]) -> dict[UUID, str]:
        """The grants among `subjects` that are not known yet; a text that is no id is left out."""
        found = {}
        for subject in subjects:
            if subject not in self._known:
                try:
                    found[ids.parse("grt", subject)] = subject
                except ids.BadId:
                    continue
        return found

    def learn(self, facts: Mapping[str, GrantFacts]) -> None:
        """Remember more."""
        if len(self._known) + len(facts) > self._max:
            self._known.clear()
        self._known.update(facts)

    def get(self, subject: str) -> GrantFacts | None:
        """What is known of a grant."""
        return self._known.get(subject)


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch after the rules: which events are good, and what is wrong with the others."""

    events: Events
    good: npt.NDArray[np.bool_]
    refusals: tuple[Refusal, ...]
    grant_ids: tuple[bytes, ...]
    numbers: tuple[int, ...]

    @property
    def accepted(self) -> int:
        """How many events are good."""
        return int(self.good.sum())

    def days(self) -> list[date]:
        """The UTC days of the good events."""
        return [day_of(number) for number in np.unique(self.events.day[self.good]).tolist()]


def read_events(body: bytes, settings: AccessSettings) -> Events | Problem:
    """Read a batch; what is malformed is told by its index and does not spoil the rest.

    errors   answers USAGE_MALFORMED for what is no JSON list, USAGE_TOO_MANY
    """
    malformed: list[Refusal] = []
    numbers: list[int] | None = None
    try:
        events = _EVENTS.decode(body)
        packed = _packed([event.id for event in events])
        keys, meter = _keys(events)
    except (msgspec.DecodeError, ValueError, RecursionError):
        # Something in it is wrong: one by one, to say which.
        try:
            raws = _RAWS.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return problems.USAGE_MALFORMED(reason=str(error))
        if len(raws) > settings.events_max:
            return problems.USAGE_TOO_MANY(limit=settings.events_max)
        events, numbers = _one_by_one(raws, malformed)
        packed = _packed([event.id for event in events])
        keys, meter = _keys(events)
    if len(events) > settings.events_max:
        return problems.USAGE_TOO_MANY(limit=settings.events_max)
    subjects: dict[str, int] = {}
    grant = [subjects.setdefault(event.subject, len(subjects)) for event in events]
    seconds = np.array([event.time.timestamp() for event in events], dtype=np.float64)
    return Events(
        index=np.arange(len(events), dtype=np.int64) if numbers is None else np.array(numbers, dtype=np.int64),
        event_id=packed,
        grant=np.array(grant, dtype=np.int64),
        meter=np.array(meter, dtype=np.int64),
        # A float64 holds seconds since 1970 to a quarter of a microsecond: rounding gives the exact microsecond.
        at=np.rint((seconds - _EPOCH_S) * 1e6).astype(np.int64),
        quantity=np.array([event.data.value for event in events], dtype=np.int64),
        subjects=tuple(subjects),
        keys=keys,
        malformed=tuple(malformed),
    )


def _one_by_one(raws: Sequence[msgspec.Raw], malformed: list[Refusal]) -> tuple[list[Event], list[int]]:
    events, numbers = [], []
    for number, raw in enumerate(raws):
        try:
            event = _EVENT.decode(raw)
            _ONLY_ID.decode(raw)
            _keys([event])
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            malformed.append(Refusal(number, problems.EVENT_MALFORMED(reason=str(error))))
            continue
        events.append(event)
        numbers.append(number)
    return events, numbers


def _keys(events: Sequence[Event]) -> tuple[tuple[str, ...], list[int]]:
    """The usage keys that stand in events, and by number which one each has.

    errors   ValueError where one is no usage key
    """
    said = [event.data.meter for event in events]
    keys = tuple(dict.fromkeys(said))
    # A thousand events have a handful of keys: these are looked at, not every event.
    for key in keys:
        if not is_usage_key(key):
            raise ValueError(f"{key[:40]!r} is no meter")
    if len(keys) == 1:
        return keys, [0] * len(said)
    places = {key: place for place, key in enumerate(keys)}
    return keys, [places[key] for key in said]


def _packed(texts: Sequence[str]) -> npt.NDArray[np.void]:
    """The 16 bytes of each UUID, which is written with dashes.

    errors   ValueError where one is no UUID
    source   RFC 9562, section 4
    """
    letters = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), 36)
    if not (letters[:, _DASHES] == ord("-")).all():
        raise ValueError("an id is a UUID")
    data = bytes.fromhex(letters[:, _DIGITS].tobytes().decode("ascii"))
    if len(data) != 16 * len(texts):
        raise ValueError("an id is a UUID")
    return np.frombuffer(data, dtype="V16")


_DASHES = [8, 13, 18, 23]
_DIGITS = [place for place in range(36) if place not in _DASHES]


def judge(events: Events, seller_id: UUID, known: GrantCache, now: datetime, settings: AccessSettings) -> Judged:
    """Tell good events from bad: the grant is one the reporter sells, it counts the meter, the time is plausible."""
    soonest = micros(now) - settings.age_days_max * _DAY_US
    latest = micros(now + timedelta(seconds=settings.future_s))
    count = len(events.subjects)
    low, high = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sold = np.zeros(count, bool)
    meters = np.zeros((count, len(events.keys)), bool)
    numbers = [0] * len(events.keys)
    grant_ids = [bytes(16)] * count
    for number, subject in enumerate(events.subjects):
        facts = known.get(subject)
        if facts is None or facts.seller_id != seller_id:
            continue
        sold[number], grant_ids[number] = True, facts.id.bytes
        low[number] = max(soonest, micros(facts.starts_at))
        high[number] = latest if facts.ends_at is None else min(latest, micros(facts.ends_at) - 1)
        for place, key in enumerate(events.keys):
            if (stored := facts.meters.get(key)) is not None:
                meters[number, place], numbers[place] = True, stored
    grant = events.grant
    is_sold, counts = sold[grant], meters[grant, events.meter]
    in_time = (events.at >= low[grant]) & (events.at <= high[grant])
    good = is_sold & counts & in_time
    refusals = list(events.malformed)
    for place in np.flatnonzero(~good).tolist():
        subject = events.subjects[int(grant[place])]
        if not is_sold[place]:
            problem = problems.EVENT_GRANT_UNKNOWN(grant=subject)
        elif not counts[place]:
            problem = problems.EVENT_METER_UNKNOWN(grant=subject)
        else:
            problem = problems.EVENT_TIME_REFUSED(future_s=settings.future_s, age_days=settings.age_days_max)
        refusals.append(Refusal(int(events.index[place]), problem))
    refusals.sort(key=lambda refusal: refusal.index)
    return Judged(events, good, tuple(refusals), tuple(grant_ids), tuple(numbers))


def copy_rows(judged: Judged, day: date | None, source_id: int, batch_id: UUID) -> bytes:
    """The good events (of one day) as rows of binary COPY, without head and tail.

    shapes   100 bytes a row, in the order of COPY_COLUMNS
    source   PostgreSQL manual, COPY, binary format
    """
    events, mask = judged.events, judged.good
    if day is not None:
        mask = mask & (events.day == day.toordinal() - _EPOCH_DAY)
    rows = np.zeros(int(mask.sum()), _ROW)
    for name, length in _LENGTHS.items():
        rows[name] = length
    rows["source_id"] = source_id
    rows["event_id"] = events.event_id[mask]
    rows["grant_id"] = np.frombuffer(b"".join(judged.grant_ids), dtype="V16")[events.grant[mask]]
    rows["meter"] = np.array(judged.numbers, dtype=np.int64)[events.meter[mask]]
    rows["at"], rows["quantity"] = events.at[mask], events.quantity[mask]
    rows["batch_id"] = np.void(batch_id.bytes)
    return rows.tobytes()


def columns(judged: Judged, days: Sequence[date]) -> tuple[list[Any], ...]:
    """The good events of `days` as columns for a statement: event, grant, meter, at, quantity, day."""
    events = judged.events
    numbers = [day.toordinal() - _EPOCH_DAY for day in days]
    places = np.flatnonzero(judged.good & np.isin(events.day, numbers)).tolist()
    return (
        [UUID(bytes=events.event_id[place].tobytes()) for place in places],
        [UUID(bytes=judged.grant_ids[int(events.grant[place])]) for place in places],
        [judged.numbers[int(events.meter[place])] for place in places],
        [_EPOCH + timedelta(microseconds=int(events.at[place])) for place in places],
        [int(events.quantity[place]) for place in places],
        [day_of(int(events.day[place])) for place in places],
    )


def micros(at: datetime) -> int:
    """A time as PostgreSQL counts it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def day_of(number: int) -> date:
    """The day `number` days after 2000-01-01."""
    return date.fromordinal(number + _EPOCH_DAY)


def stamp(at: datetime) -> str:
    """A time as it stands in a usage leaf: UTC, microseconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def leaf(
    source_id: int,
    event_id: str,
    grant: str,
    meter: str,
    at: str,
    quantity: int,
    corrected: tuple[int, int] | None = None,
) -> bytes:
    """The canonical bytes of one usage record: what audit entries and the Merkle roots of statements hash.

    shapes   corrected: the number of its last correction, and the quantity that was reported first; None where it stands
    source   RFC 8785; written out, because every record of a day passes here (a test compares with kernel.canonical)
    """
    number, reported = (
        ("", "") if corrected is None else (f'"correction":{corrected[0]},', f',"reported":{corrected[1]}')
    )
    return (
        f'{{"at":"{at}",{number}"event":"{event_id}","grant":"{grant}","meter":"{meter}","quantity":{quantity}{reported},'
        f'"source":{source_id},"type":"usage","v":1}}'
    ).encode()

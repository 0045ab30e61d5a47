"""Corrections of usage that was reported: what a batch of them says, and which of them may be taken. Pure.

A correction never touches the event: it says what the event counts as from now on, with a number of its own. The last one
counts. Its effect is in the quarter-hour in which the event was, and so in the period that it was charged for.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from exchange.access import problems
from exchange.access.grants import QUANTITY_MAX
from exchange.access.settings import AccessSettings
from exchange.access.usage import Refusal
from exchange.kernel.errors import Problem

Key = tuple[date, int, UUID]


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one event counts as from now on.

    shapes   time: as the event was reported, it names the day; source: another source of the same organisation, if not
             the one that asks; value: with `amend` only
    """

    id: UUID
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    action: Literal["amend", "deprecate"]
    reason: Literal["counting_error", "duplicate", "not_used", "other"]
    value: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)] | None = None
    source: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None

    @property
    def day(self) -> date:
        """The UTC day that the event lies in."""
        return self.time.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class Standing:
    """An event as it counts now: what was reported of it, and how often it was corrected."""

    grant_id: UUID
    meter: int
    at: datetime
    quantity: int
    number: int
    deprecated: bool
    aside: bool
    buyer_id: UUID
    seller_id: UUID


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction that was taken, with the event as it stood before."""

    key: Key
    number: int
    kind: str
    quantity: int
    before: Standing
    reason: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """The well-formed corrections of one batch by their place, and what is wrong with the others."""

    wanted: tuple[tuple[int, Correction], ...]
    malformed: tuple[Refusal, ...]


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(Correction)


def read_corrections(body: bytes, settings: AccessSettings) -> Wishes | Problem:
    """Read a batch; what is malformed is told by its index and does not spoil the rest.

    errors   answers USAGE_MALFORMED for what is no JSON list, USAGE_TOO_MANY
    """
    try:
        raws = _RAWS.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return problems.USAGE_MALFORMED(reason=str(error))
    if len(raws) > settings.events_max:
        return problems.USAGE_TOO_MANY(limit=settings.events_max)
    wanted, malformed = [], []
    for index, raw in enumerate(raws):
        try:
            one = _ONE.decode(raw)
            if (one.action == "amend") != (one.value is not None):
                raise ValueError("`value` goes with `amend`, and only with it")
            _ = one.day
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
            malformed.append(Refusal(index, problems.EVENT_MALFORMED(reason=str(error))))
            continue
        wanted.append((index, one))
    return Wishes(tuple(wanted), tuple(malformed))


def key_of(one: Correction, source_id: int) -> Key:
    """Which event a correction names."""
    return one.day, one.source or source_id, one.id


def judge_corrections(
    wishes: Wishes, source_id: int, found: Mapping[Key, Standing], now: datetime, settings: AccessSettings
) -> tuple[list[Corrected], list[Refusal]]:
    """Take the corrections one after another, each over what those before it left; or say why not."""
    standing: MutableMapping[Key, Standing] = dict(found)
    taken: list[Corrected] = []
    refused: list[Refusal] = list(wishes.malformed)
    for index, one in wishes.wanted:
        key = key_of(one, source_id)
        there = standing.get(key)
        problem = _refused(one, there, now, settings)
        if problem is not None or there is None:
            refused.append(Refusal(index, problem or problems.EVENT_UNKNOWN(event=str(one.id), day=key[0].isoformat())))
            continue
        quantity = one.value or 0
        taken.append(Corrected(key, there.number + 1, one.action, quantity, there, one.reason))
        standing[key] = replace(there, quantity=quantity, number=there.number + 1, deprecated=one.action == "deprecate")
    return taken, sorted(refused, key=lambda refusal: refusal.index)


def earliest(now: datetime, settings: AccessSettings) -> datetime:
    """Events before this are not corrected any more."""
    return now - timedelta(days=settings.correction_days_max)


def named(wishes: Wishes, source_id: int) -> Sequence[Key]:
    """The events that a batch names, each once."""
    return sorted({key_of(one, source_id) for _, one in wishes.wanted})


def _refused(one: Correction, there: Standing | None, now: datetime, settings: AccessSettings) -> Problem | None:
    if one.time < earliest(now, settings):
        return problems.CORRECTION_TOO_LATE(days=settings.correction_days_max)
    if there is None:
        return None
    if there.aside:
        return problems.EVENT_PUT_ASIDE(event=str(one.id))
    if there.number >= settings.corrections_max:
        return problems.CORRECTIONS_TOO_MANY(event=str(one.id), limit=settings.corrections_max)
    deprecates = one.action == "deprecate"
    if deprecates == there.deprecated and (one.value or 0) == there.quantity:
        return problems.CORRECTION_CHANGES_NOTHING(event=str(one.id), quantity=there.quantity)
    return None

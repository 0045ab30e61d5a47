"""What a grant plausibly uses in a day, and how much of a window's use counts while the rest is held for a person. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from exchange.access.settings import AccessSettings

HISTORY_DAYS = 28


class Why(StrEnum):
    """Which limit a day's use is above."""

    ABSOLUTE = "absolute"
    QUOTA = "quota"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class DayUse:
    """What a grant used of one meter in one UTC day.

    shapes   quota: the least that any of its quotas allows of the meter, None without; busiest: its busiest day of the
             four weeks before, None where it used nothing then
    """

    grant_id: UUID
    meter: int
    key: str
    quantity: int
    quota: int | None
    busiest: int | None


@dataclass(frozen=True, slots=True)
class Aside:
    """Use of a grant's day that is held aside: `counted` was used, `limit` of it counts until it is decided."""

    id: UUID
    grant_id: UUID
    day: date
    meter: int
    number: int
    counted: int
    limit: int
    why: Why
    buyer_id: UUID
    seller_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What the operator said: the use counts after all, or never."""

    let_through: bool
    reason: dict[str, str]
    decided_by: UUID
    created_at: datetime


def limit_of(use: DayUse, settings: AccessSettings) -> tuple[int, Why]:
    """The most that the day plausibly held, and by what: the least of the limits that apply."""
    most = settings.day_bytes_most if use.key.partition("/")[0] == "bytes" else settings.day_units_most
    found = [(most, Why.ABSOLUTE)]
    if use.quota is not None:
        found.append((use.quota, Why.QUOTA))
    if use.busiest is not None:
        found.append((max(settings.day_use_least, settings.day_use_times * use.busiest), Why.HISTORY))
    return min(found)


def counting(before: int, upto: int, allowed: int) -> int:
    """How much of what a window used of a day counts, where the day counts up to `allowed`: what came first counts.

    shapes   before: what the day had used when the window began; upto: when it ended
    """
    return min(upto, allowed) - min(before, allowed)

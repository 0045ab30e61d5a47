"""Billing periods: anchored at the start of an agreement, counted in the calendar of its time zone."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

UNITS = ("day", "week", "month", "year")


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of time: `start` belongs to it, `end` does not.

    shapes   unit None is the whole life of an agreement, whose end may be None (open); index counts from 0
    """

    unit: str | None
    index: int
    start: datetime
    end: datetime | None

    @property
    def seconds(self) -> int | None:
        """Its exact length, None while it is open."""
        return None if self.end is None else int((self.end - self.start).total_seconds())


def quarter_hour(at: datetime) -> datetime:
    """The quarter-hour that `at` lies in: usage is rolled up by quarter-hours, so edges fall on them."""
    utc = at.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def life(anchor: datetime, end: datetime | None = None) -> Period:
    """The whole life of an agreement as one period."""
    return Period(None, 0, quarter_hour(anchor), end)


def period(unit: str, anchor: datetime, index: int, zone: ZoneInfo) -> Period:
    """Period number `index` of an agreement that began at `anchor`.

    shapes   period(i).end == period(i + 1).start for every i, so no moment is lost or counted twice
    units    edges are aware UTC; a month that lacks the anchor's day ends on its last day, and the next returns to it
    source   wall-clock arithmetic (PEP 495): a day of daylight saving has 23 or 25 hours
    """
    first = quarter_hour(anchor)
    begin = first.astimezone(zone).replace(tzinfo=None)
    # The first edge is the anchor itself: an hour that occurs twice must not move it.
    start = first if index == 0 else _edge(unit, begin, index, zone)
    return Period(unit, index, start, _edge(unit, begin, index + 1, zone))


def period_at(unit: str, anchor: datetime, at: datetime, zone: ZoneInfo) -> Period:
    """The period that holds the moment `at`, which is not before the anchor's quarter-hour.

    errors   ValueError when `at` is earlier
    """
    begin = quarter_hour(anchor)
    if at < begin:
        raise ValueError("before the first period")
    first, here = begin.astimezone(zone), at.astimezone(zone)
    months = (here.year - first.year) * 12 + here.month - first.month
    days = (here.date() - first.date()).days
    guess = {"day": days, "week": days // 7, "month": months, "year": months // 12}[unit]
    found = period(unit, anchor, max(guess, 0), zone)
    while found.start > at:
        found = period(unit, anchor, found.index - 1, zone)
    while found.end is not None and found.end <= at:
        found = period(unit, anchor, found.index + 1, zone)
    return found


def periods_begun(unit: str | None, anchor: datetime, until: datetime, zone: ZoneInfo) -> list[Period]:
    """Every period that has begun before `until`, in order; the life itself for unit None."""
    if until <= quarter_hour(anchor):
        return []
    if unit is None:
        return [life(anchor)]
    last = period_at(unit, anchor, until - timedelta(microseconds=1), zone)
    return [period(unit, anchor, index, zone) for index in range(last.index + 1)]


def _edge(unit: str, begin: datetime, index: int, zone: ZoneInfo) -> datetime:
    if unit == "day":
        wall = begin + timedelta(days=index)
    elif unit == "week":
        wall = begin + timedelta(weeks=index)
    elif unit in ("month", "year"):
        wall = _add_months(begin, index * (12 if unit == "year" else 1))
    else:
        raise ValueError(f"no such period: {unit}")
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _add_months(wall: datetime, months: int) -> datetime:
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    return wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))

"""Billing periods: anchored at the start of an agreement, counted in the calendar of its time zone."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

UNITS = ("day", "week", "month", "year")
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of time: `start` belongs to it, `end` does not.

    shapes   unit None is the whole life of an agreement, whose end may be None (open); index counts from 0
             whole_start and whole_end: the calendar's or the agreement's full period, where only a part is covered
             last: the agreement ends with it
    """

    unit: str | None
    index: int
    start: datetime
    end: datetime | None
    whole_start: datetime | None = None
    whole_end: datetime | None = None
    last: bool = False

    @property
    def seconds(self) -> int | None:
        """Its exact length, None while it is open."""
        return None if self.end is None else int((self.end - self.start).total_seconds())

    @property
    def share(self) -> tuple[int, int]:
        """How much of the full period is covered: seconds of it, and seconds in all; (1, 1) for a whole or open one.

        units    exact seconds: an hour lost or won to daylight saving counts as it was
        """
        if self.end is None or (self.whole_start is None and self.whole_end is None):
            return (1, 1)
        start, end = self.whole_start or self.start, self.whole_end or self.end
        whole = int((end - start).total_seconds())
        return (int((self.end - self.start).total_seconds()), whole) if whole else (1, 1)

    @property
    def used_until(self) -> datetime | None:
        """Up to when use counts in this period: an agreement's last minutes belong to its last period."""
        return self.end + QUARTER if self.last and self.end is not None else self.end

    def until(self, ends_at: datetime | None) -> Period:
        """The same period, cut off where the agreement ends."""
        if ends_at is None or (self.end is not None and self.end < ends_at):
            return self
        if self.end == ends_at or self.unit is None:
            return replace(self, end=ends_at, last=True)
        return replace(self, end=ends_at, whole_end=self.whole_end or self.end, last=True)


def quarter_hour(at: datetime) -> datetime:
    """The quarter-hour that `at` lies in: usage is rolled up by quarter-hours, so edges fall on them."""
    utc = at.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def life(anchor: datetime, end: datetime | None = None) -> Period:
    """The whole life of an agreement as one period."""
    return Period(None, 0, quarter_hour(anchor), end)


def period(unit: str, anchor: datetime, index: int, zone: ZoneInfo, *, calendar: bool = False) -> Period:
    """Period number `index` of an agreement that began at `anchor`.

    shapes   period(i).end == period(i + 1).start for every i, so no moment is lost or counted twice
             calendar: periods are those of the calendar (days from midnight, weeks from Monday), the first from `anchor` on
    units    edges are aware UTC; a month that lacks the anchor's day ends on its last day, and the next returns to it
    source   wall-clock arithmetic (PEP 495): a day of daylight saving has 23 or 25 hours
    """
    first = quarter_hour(anchor)
    begin = first.astimezone(zone).replace(tzinfo=None)
    if calendar:
        begin = _calendar_start(unit, begin)
    end = _edge(unit, begin, index + 1, zone)
    if index:
        return Period(unit, index, _edge(unit, begin, index, zone), end)
    # The first edge is the anchor itself: an hour that occurs twice must not move it.
    whole = _edge(unit, begin, 0, zone) if calendar else first
    return Period(unit, 0, first, end, whole_start=None if whole == first else whole)


def period_at(unit: str, anchor: datetime, at: datetime, zone: ZoneInfo, *, calendar: bool = False) -> Period:
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
    found = period(unit, anchor, max(guess, 0), zone, calendar=calendar)
    while found.start > at:
        found = period(unit, anchor, found.index - 1, zone, calendar=calendar)
    while found.end is not None and found.end <= at:
        found = period(unit, anchor, found.index + 1, zone, calendar=calendar)
    return found


def periods_begun(
    unit: str | None,
    anchor: datetime,
    until: datetime,
    zone: ZoneInfo,
    *,
    calendar: bool = False,
    ends_at: datetime | None = None,
) -> list[Period]:
    """Every period that has begun before `until`, in order; the life itself for unit None.

    shapes   none begins at or after `ends_at`, and the last one is cut off there
    """
    stop = until if ends_at is None else min(until, ends_at)
    if stop <= quarter_hour(anchor):
        return []
    if unit is None:
        return [life(anchor).until(ends_at)]
    last = period_at(unit, anchor, stop - timedelta(microseconds=1), zone, calendar=calendar)
    found = (period(unit, anchor, index, zone, calendar=calendar).until(ends_at) for index in range(last.index + 1))
    # A day that a zone left out of its calendar (Apia, 30 December 2011) has no length and costs nothing.
    return [one for one in found if one.start != one.end]


def _calendar_start(unit: str, wall: datetime) -> datetime:
    day = wall.replace(hour=0, minute=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


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

"""The oracle's periods: wall-clock arithmetic written out, from the plan document alone.

Nothing here imports `pricing`. A span is what the code under test calls a period.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Span:
    """Period `index` of a cadence: [start, end) is what the agreement covers of [whole_start, whole_end)."""

    unit: str | None
    index: int
    start: datetime
    end: datetime | None
    whole_start: datetime
    whole_end: datetime | None

    @property
    def share(self) -> Fraction:
        """Covered seconds over whole seconds; 1 while it is open."""
        if self.end is None or self.whole_end is None:
            return Fraction(1)
        return Fraction(_seconds(self.start, self.end), _seconds(self.whole_start, self.whole_end))

    def over(self, until: datetime) -> bool:
        """Whether it has ended by `until`."""
        return self.end is not None and until >= self.end


def spans(plan: dict[str, Any], starts_at: datetime, until: datetime, ends_at: datetime | None) -> list[Span]:
    """Every span of every cadence that has begun before `until`, by start, then as the cadences stand in the plan."""
    begin = begins(plan, starts_at)
    found: list[Span] = []
    for unit in cadences(plan):
        found += _of(unit, plan, begin, until, ends_at)
    return found


def cadences(plan: dict[str, Any]) -> list[str | None]:
    """The distinct periods of its components, in their order."""
    return list(dict.fromkeys(component["period"] for component in plan["components"]))


def begins(plan: dict[str, Any], starts_at: datetime) -> datetime:
    """When the first period begins: the quarter-hour of the start, moved by the trial's days on the wall clock."""
    utc = starts_at.astimezone(UTC)
    quarter = utc.replace(minute=utc.minute // 15 * 15, second=0, microsecond=0)
    return days_after(plan, quarter, plan["trial"]["days"]) if "trial" in plan else quarter


def days_after(plan: dict[str, Any], at: datetime, days: int) -> datetime:
    """The same time of day, `days` days later, where the plan's clocks hang."""
    return _moment(_wall(at, zone_of(plan)) + timedelta(days=days), zone_of(plan))


def zone_of(plan: dict[str, Any]) -> ZoneInfo:
    """The plan's time zone."""
    return _zone(plan.get("time_zone", "Asia/Shanghai"))


def _of(
    unit: str | None, plan: dict[str, Any], begin: datetime, until: datetime, ends_at: datetime | None
) -> list[Span]:
    stop = until if ends_at is None else min(until, ends_at)
    if begin >= stop:
        return []
    if unit is None:
        return [Span(None, 0, begin, ends_at, begin, ends_at)]
    calendar, zone = plan.get("anchor", "agreement") == "calendar", zone_of(plan)
    found = []
    index = 0
    while True:
        whole_start, whole_end = _whole(unit, calendar, zone, begin, index)
        start = max(whole_start, begin)
        if start >= stop:
            return found
        end = whole_end if ends_at is None else min(whole_end, ends_at)
        if end > start:  # A zone that moves across the date line skips a day: that day has no length.
            found.append(Span(unit, index, start, end, whole_start, whole_end))
        index += 1


@lru_cache(1024)
def _whole(unit: str, calendar: bool, zone: ZoneInfo, begin: datetime, index: int) -> tuple[datetime, datetime]:
    if calendar:
        first = _calendar_start(unit, _wall(begin, zone))
        return _moment(_later(unit, first, index), zone), _moment(_later(unit, first, index + 1), zone)
    first = _wall(begin, zone)
    # The first edge is the beginning itself: an hour that occurs twice does not move it.
    start = begin if index == 0 else _moment(_later(unit, first, index), zone)
    return start, _moment(_later(unit, first, index + 1), zone)


def _calendar_start(unit: str, wall: datetime) -> datetime:
    day = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "year":
        return day.replace(month=1, day=1)
    return day


def _later(unit: str, wall: datetime, count: int) -> datetime:
    if unit == "day":
        return wall + timedelta(days=count)
    if unit == "week":
        return wall + timedelta(days=7 * count)
    months = wall.year * 12 + wall.month - 1 + count * (12 if unit == "year" else 1)
    year, month = months // 12, months % 12 + 1
    return wall.replace(year=year, month=month, day=min(wall.day, monthrange(year, month)[1]))


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)

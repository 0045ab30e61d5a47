"""What a command's flags mean: days, times, zones, currencies and organisations, or a refusal in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from exchange.cli.reading import Refused
from exchange.kernel import ids
from exchange.kernel.text import Text

_CURRENCY_LENGTH = 3
_DAY_LENGTH = len("2026-01-15")
_YEARS = range(1970, 3000)


def organisation(text: str | None) -> Any:
    """The organisation that an id names; None where none is given."""
    try:
        return ids.parse("org", text) if text else None
    except ids.BadId as error:
        raise Refused(
            Text(f"{text} is no organisation's id; ids start with org_", f"{text} 不是机构标识符，应以 org_ 开头")
        ) from error


def currency(text: str) -> str:
    """A currency code of three capital letters."""
    if not (len(text) == _CURRENCY_LENGTH and text.isascii() and text.isalpha() and text.isupper()):
        raise Refused(Text(f"{text} is no currency such as CNY", f"{text} 不是币种代码（例如 CNY）"))
    return text


def moment(text: str | None, zone_name: str) -> datetime | None:
    """An RFC 3339 time with its zone, or the first moment of a day in a zone; None where none is given."""
    place = zone(zone_name)
    if text is None:
        return None
    try:
        if len(text) == _DAY_LENGTH:
            return datetime.combine(_in_reach(date.fromisoformat(text)), time(), place).astimezone(UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901  # has no zone, so it is refused below like any other such
    if found.tzinfo is None:
        raise Refused(
            Text(
                f"{text} is no day such as 2026-01-15, and no time with a zone such as 2026-01-15T08:00:00+08:00",
                f"{text} 不是日期（例如 2026-01-15），也不是带时区的时间（例如 2026-01-15T08:00:00+08:00）",
            )
        )
    return found


def _in_reach(day: date) -> date:
    if day.year not in _YEARS:
        raise ValueError(f"{day} is a day of no ledger")
    return day


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        # A path, an unknown key, a folder: each wrong name is told by an exception of its own.
        raise Refused(
            Text(f"{name} is no time zone such as Asia/Shanghai", f"{name} 不是时区名称（例如 Asia/Shanghai）")
        ) from error


def day(text: str | None) -> date | None:
    """A day such as 2026-01-15; None where none is given."""
    try:
        return _in_reach(date.fromisoformat(text)) if text else None
    except ValueError as error:
        raise Refused(Text(f"{text} is no day such as 2026-01-15", f"{text} 不是日期（例如 2026-01-15）")) from error

"""What is counted."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class BadMeter(ValueError):
    """A name that is no meter of ours."""


class Meter(IntEnum):
    """A quantity that use is measured in; the number is what records store."""

    BYTES = 1
    RECORDS = 2
    TOKENS = 3
    REQUESTS = 4
    FILES = 5

    @property
    def key(self) -> str:
        """The name on the wire."""
        return self.name.lower()


BY_KEY = {meter.key: meter for meter in Meter}


def meter_of(key: str) -> Meter:
    """The meter of a name.

    errors   BadMeter
    """
    try:
        return BY_KEY[key]
    except KeyError:
        raise BadMeter(f"a meter is one of {', '.join(BY_KEY)}") from None


def meters_of(keys: Iterable[str]) -> tuple[Meter, ...]:
    """The meters of several names, in order of their number.

    errors   BadMeter
    """
    return tuple(sorted({meter_of(key) for key in keys}))

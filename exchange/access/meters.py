"""What is counted: the exchange's own meters, suppliers' own (`x_<name>`), each perhaps of one data class (`meter/class`).

In the domain, on the wire and in hashed facts a meter is its usage key, a text. Rows store a small number instead: the
seven below have fixed ones, every other key has the one that the table access.custom_meter gave it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

CUSTOM_FROM = 1_000
# As pricing/plan.schema.json says: what a plan can name is what use can be reported in.
_CUSTOM = re.compile(r"x_[a-z][a-z0-9_]{0,30}\Z")
_CLASS = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_FOLDER = "data_class="


class BadMeter(ValueError):
    """A text that is no usage key."""


class Meter(StrEnum):
    """A quantity that the exchange itself knows how to count; as a text it is its own usage key."""

    BYTES = "bytes"
    RECORDS = "records"
    TOKENS = "tokens"
    REQUESTS = "requests"
    FILES = "files"
    MEDIA_SECONDS = "media_seconds"
    COMPUTE_MINUTES = "compute_minutes"


BY_KEY: Mapping[str, Meter] = {meter.value: meter for meter in Meter}
# What records store. Never renumber: a stored record keeps its number for good.
NUMBERS: Mapping[str, int] = {
    Meter.BYTES: 1,
    Meter.RECORDS: 2,
    Meter.TOKENS: 3,
    Meter.REQUESTS: 4,
    Meter.FILES: 5,
    Meter.MEDIA_SECONDS: 6,
    Meter.COMPUTE_MINUTES: 7,
}


def is_usage_key(key: str) -> bool:
    """Whether `key` names something that can be counted: a meter, or a meter and a data class."""
    if key in BY_KEY:
        return True
    meter, slash, data_class = key.partition("/")
    return (meter in BY_KEY or _CUSTOM.match(meter) is not None) and (not slash or bool(_CLASS.match(data_class)))


def meter_of(key: str) -> str:
    """The usage key that a text is.

    errors   BadMeter
    """
    known = BY_KEY.get(key)
    if known is not None:
        return known
    if not is_usage_key(key):
        raise BadMeter(f"a meter is one of {', '.join(BY_KEY)}, or x_<name>; a data class follows a slash")
    return key


def meters_of(keys: Iterable[str]) -> tuple[str, ...]:
    """The usage keys of several texts, each once: those with fixed numbers first, in their order, then by the alphabet.

    errors   BadMeter
    """
    return tuple(sorted({meter_of(key) for key in keys}, key=rank))


def rank(key: str) -> tuple[int, str]:
    """Where a usage key stands among others."""
    return NUMBERS.get(key, CUSTOM_FROM), key


def custom(keys: Iterable[str]) -> list[str]:
    """The keys that have no fixed number, each once and sorted."""
    return sorted({key for key in keys if key not in NUMBERS})


def meter_name(key: str) -> str:
    """What is counted, without the data class."""
    return key.partition("/")[0]


def is_counted(keys: Collection[str], meter: Meter) -> bool:
    """Whether any of `keys` counts `meter`, of whatever data class."""
    return meter in keys or any(key.startswith(f"{meter.value}/") for key in keys)


def data_class_of(path: str) -> str | None:
    """The data class of a file, which a folder `data_class=<class>` of its path names; the innermost counts.

    source   the partition folders of Apache Hive, as Spark, DuckDB and Arrow write and read them
    """
    if _FOLDER not in path:
        return None
    for folder in reversed(path.split("/")[:-1]):
        if folder.startswith(_FOLDER) and _CLASS.match(folder[len(_FOLDER) :]):
            return folder[len(_FOLDER) :]
    return None


def classed(keys: Collection[str], meter: Meter, data_class: str | None) -> str:
    """What `meter` of a file counts as: of its data class where `keys` has that, else plainly."""
    if data_class is None:
        return meter
    key = f"{meter.value}/{data_class}"
    return key if key in keys else meter

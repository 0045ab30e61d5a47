"""Grants: what a buyer may use, until when, for which purpose and with which quota."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from exchange.access.meters import BadMeter, meter_of, rank

QUANTITY_MAX = 2**53 - 1
PERIODS = ("grant", "month", "day")


class BadQuota(ValueError):
    """A quota document that means nothing."""


class BadTransition(ValueError):
    """A step that the transition table does not have."""


class GrantState(StrEnum):
    """Where a grant stands."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


TRANSITIONS: Mapping[GrantState, frozenset[GrantState]] = {
    GrantState.ACTIVE: frozenset({GrantState.SUSPENDED, GrantState.ENDED}),
    GrantState.SUSPENDED: frozenset({GrantState.ACTIVE, GrantState.ENDED}),
    GrantState.ENDED: frozenset(),
}


def sources_of(target: GrantState) -> tuple[GrantState, ...]:
    """The states from which `target` can be reached in one step."""
    return tuple(state for state, targets in TRANSITIONS.items() if target in targets)


def moved(state: GrantState, target: GrantState) -> GrantState:
    """The state after a step.

    errors   BadTransition
    """
    if target not in TRANSITIONS[state]:
        raise BadTransition(f"a grant that is {state} can't become {target}")
    return target


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that may be used of one meter in one period."""

    meter: str
    limit: int
    period: str


class NewGrant(msgspec.Struct, frozen=True):
    """A grant to be issued. `quota` maps a meter's name to a limit or to {"limit": n, "period": "grant|month|day"}."""

    id: UUID
    order_id: UUID
    agreement_id: UUID
    offer_id: UUID
    listing_id: UUID
    dataset_id: UUID
    revision_id: UUID
    buyer_id: UUID
    seller_id: UUID
    purposes: tuple[str, ...]
    meters: tuple[str, ...]
    quota: Mapping[str, Any]
    starts_at: datetime
    ends_at: datetime | None
    node_id: str = "centre"


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands."""

    id: UUID
    order_id: UUID
    agreement_id: UUID
    offer_id: UUID
    listing_id: UUID
    dataset_id: UUID
    revision_id: UUID
    buyer_id: UUID
    seller_id: UUID
    purposes: tuple[str, ...]
    meters: tuple[str, ...]
    quotas: tuple[Quota, ...]
    starts_at: datetime
    ends_at: datetime | None
    state: GrantState
    node_id: str
    created_at: datetime


@lru_cache(maxsize=4096)
def quotas_of(document: str) -> tuple[Quota, ...]:
    """Read a quota document as the database stores it.

    errors   BadQuota
    """
    return quotas(msgspec.json.decode(document, type=dict[str, Any]))


def quotas(document: Mapping[str, Any]) -> tuple[Quota, ...]:
    """Read a quota document: {"records": 1000} or {"bytes": {"limit": 10, "period": "month"}}.

    errors   BadQuota
    """
    found = []
    for key, value in document.items():
        terms = value if isinstance(value, Mapping) else {"limit": value}
        limit, period = terms.get("limit"), terms.get("period", "grant")
        if type(limit) is not int or not 0 <= limit <= QUANTITY_MAX:
            raise BadQuota(f"the limit of {key} is a whole number from 0 to 2^53 - 1")
        if period not in PERIODS:
            raise BadQuota(f"the period of {key} is one of {', '.join(PERIODS)}")
        try:
            found.append(Quota(meter_of(key), limit, period))
        except BadMeter as error:
            raise BadQuota(str(error)) from error
    return tuple(sorted(found, key=lambda quota: rank(quota.meter)))


def period_start(period: str, starts_at: datetime, now: datetime) -> datetime:
    """When the quota period that holds `now` began.

    `month` counts from the grant's start and stays at the month's last day where the start's day is missing.
    """
    if period == "grant" or now < starts_at:
        return starts_at
    if period == "day":
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    months = (now.year - starts_at.year) * 12 + now.month - starts_at.month
    start = _months_after(starts_at, months)
    return start if start <= now else _months_after(starts_at, months - 1)


def _months_after(start: datetime, months: int) -> datetime:
    year, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + year, month + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))

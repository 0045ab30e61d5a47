"""Periods of the ledger: when a journal counts, what a closed period is, and a statement of one account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

CLOSES_AFTER = timedelta(minutes=5)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_TAIL = (1 << 80) - 1


def ms_of(at: datetime) -> int:
    """The whole millisecond that a moment lies in, counted from 1970; exact, without a float."""
    return (at - _EPOCH) // _MS


def dated(fresh: UUID, ms: int) -> UUID:
    """A fresh id with the millisecond in which its journal counts as its time.

    So the index over (account, journal id) lies in the order in which journals count, and any period is one range of it.
    """
    value = fresh.int
    return fresh if value >> 80 == ms else UUID(int=ms << 80 | value & _TAIL)


def first_id(at: datetime) -> UUID:
    """The id before which all journals lie that count before `at`.

    units    `at` is cut to the millisecond
    """
    return UUID(int=ms_of(at) << 80)


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A currency's books up to `end` are closed: `accounts` were carried forward, after `entries` more entries."""

    currency: str
    end: datetime
    accounts: int
    entries: int
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class TooEarly:
    """Transactions may still be under way that count before `end`; by what is known now, ask again at `again_at`."""

    end: datetime
    again_at: datetime


@dataclass(frozen=True, slots=True)
class ClosedFurther:
    """The currency's books are closed beyond the wanted end already, without a cut at it."""

    currency: str
    until: datetime


class Cursor(NamedTuple):
    """Where a page of entries ended."""

    journal_id: UUID
    line: int


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One line on an account, with the journal that it belongs to."""

    journal_id: UUID
    line: int
    kind: str
    source_id: UUID
    amount: int
    tag: UUID | None
    effective_at: datetime

    @property
    def cursor(self) -> Cursor:
        """The place behind this entry."""
        return Cursor(self.journal_id, self.line)


class AccountStatement(NamedTuple):
    """What an account held, what came and went, and what it held then.

    `opening` and `closing` are those of the whole period; `rows` is a page of it, `next` where the following one starts.
    """

    opening: int
    rows: list[AccountEntry]
    closing: int
    next: Cursor | None


def closing_allowed(end: datetime, now: datetime, oldest: timedelta) -> TooEarly | None:
    """Whether books may be closed up to `end`, when the oldest open transaction has lasted for `oldest`.

    A journal counts from the beginning of its transaction, so one that began before `end` must be over.
    """
    wait = CLOSES_AFTER + oldest
    return None if now >= end + wait else TooEarly(end, end + wait)

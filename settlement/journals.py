"""Journals: balanced sets of postings, and the decision which of a batch may be written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from settlement.accounts import BOUNDED, MAX_BALANCE, MIN_BALANCE, AccountKey

LINES_MAX = 500
AMOUNT_MAX = 2**62

_encode = msgspec.json.Encoder().encode
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Line(NamedTuple):
    """One posting: positive = the exchange owes the account's holder more."""

    account: AccountKey
    amount: int
    tag: UUID | None = None


class Unbalanced(ValueError):
    """A journal that does not sum to zero in each currency: a defect, never a refusal."""


@dataclass(frozen=True, slots=True)
class Journal:
    """A balanced set of lines, named once and for all by (kind, source_id).

    `effective_at` is when it counts, by default the moment it is written; `note` is what else belongs to its body, so that
    a repetition has to say the same; `id` is what it is called where that follows from what it is, a fresh id by default.
    """

    kind: str
    source_id: UUID
    lines: tuple[Line, ...]
    effective_at: datetime | None = None
    note: str | None = None
    id: UUID | None = None

    @property
    def key(self) -> tuple[str, UUID]:
        """The name under which this journal can exist once."""
        return (self.kind, self.source_id)


@dataclass(frozen=True, slots=True)
class Posted:
    """The journal was written now."""

    journal_id: UUID


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same journal with the same body was written before; nothing was added."""

    journal_id: UUID


@dataclass(frozen=True, slots=True)
class BodyMismatch:
    """Another journal with another body already has this (kind, source_id)."""

    journal_id: UUID


@dataclass(frozen=True, slots=True)
class Insufficient:
    """The journal would take `account` below its floor; `available` is what could still be taken out then."""

    account: AccountKey
    available: int


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The journal would take `account` above its ceiling; `room` is what could still be put in then."""

    account: AccountKey
    room: int


@dataclass(frozen=True, slots=True)
class PeriodClosed:
    """The journal is dated into a period of `currency` that was closed; the first open moment is `until`."""

    currency: str
    until: datetime


PostResult = Posted | Duplicate | BodyMismatch | Insufficient | Exceeded | PeriodClosed


@dataclass(frozen=True, slots=True)
class Existing:
    """A journal that is already in the ledger."""

    journal_id: UUID
    body_sha256: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write of a batch and what to answer to each journal, in its order."""

    results: list[PostResult]
    accepted: list[tuple[UUID, bytes, Journal]]
    deltas: dict[AccountKey, tuple[int, int]]


def body_sha256(journal: Journal) -> bytes:
    """Hash what a journal says: kind, source, lines in order and note, not the time it was written.

    shapes   JSON array of strings and nulls, so its bytes are canonical (RFC 8785) as they come
    """
    lines = [(a.organisation_id, a.kind, a.currency, str(amount), tag) for a, amount, tag in journal.lines]
    said = ("journal", "1", journal.kind, journal.source_id, lines)
    return hashlib.sha256(_encode(said if journal.note is None else (*said, journal.note))).digest()


def assert_balanced(journal: Journal) -> None:
    """Raise unless the lines sum to zero per currency and none is zero or too large.

    errors   Unbalanced
    """
    lines = journal.lines
    if not 2 <= len(lines) <= LINES_MAX:
        raise Unbalanced(f"{journal.kind} {journal.source_id}: {len(lines)} lines")
    sums: dict[str, int] = {}
    for account, amount, _ in lines:
        if amount == 0 or not -AMOUNT_MAX < amount < AMOUNT_MAX:
            raise Unbalanced(f"{journal.kind} {journal.source_id}: line of {amount}")
        sums[account.currency] = sums.get(account.currency, 0) + amount
    if any(sums.values()):
        raise Unbalanced(f"{journal.kind} {journal.source_id}: sums to {sums}")


def bounded_keys(journals: Iterable[Journal]) -> set[AccountKey]:
    """The accounts of these journals that have a bound and must be locked before writing."""
    return {account for journal in journals for account, _, _ in journal.lines if account.kind in BOUNDED}


def late_currencies(journals: Iterable[Journal], now: datetime) -> set[str]:
    """The currencies of those journals that are dated before now: only they can meet a closed period."""
    late = [journal for journal in journals if journal.effective_at is not None and journal.effective_at < now]
    return {account.currency for journal in late for account, _, _ in journal.lines}


def decide(
    journals: Sequence[Journal],
    ids: Sequence[UUID],
    existing: Mapping[tuple[str, UUID], Existing],
    available: Mapping[AccountKey, int],
    room: Mapping[AccountKey, int] = _NOTHING,
    closed: Mapping[str, datetime] = _NOTHING,
) -> Decision:
    """Choose in the accepted order which journals to write; refuse only those that break a rule.

    shapes   n journals, n fresh ids -> n results; `available` holds what can be taken out of each account with a floor,
             `room` what can be put into each with a ceiling, `closed` until when the periods of late currencies are closed
    units    amounts in millionths; deltas give (sum, number of lines) per bounded account
    errors   Unbalanced; KeyError for a bounded account that was not locked
    """
    results: list[PostResult] = []
    accepted: list[tuple[UUID, bytes, Journal]] = []
    deltas: dict[AccountKey, tuple[int, int]] = {}
    seen = dict(existing)
    for journal, new_id in zip(journals, ids, strict=True):
        assert_balanced(journal)
        body = body_sha256(journal)
        before = seen.get(journal.key)
        if before is not None:
            same = before.body_sha256 == body
            results.append((Duplicate if same else BodyMismatch)(before.journal_id))
            continue
        changes = _changes(journal)
        broken = (_shut(journal, closed) if closed else None) or _broken(changes, deltas, available, room)
        if broken is not None:
            results.append(broken)
            continue
        for account, (amount, count) in changes.items():
            total, lines = deltas.get(account, (0, 0))
            deltas[account] = (total + amount, lines + count)
        seen[journal.key] = Existing(new_id, body)
        accepted.append((new_id, body, journal))
        results.append(Posted(new_id))
    return Decision(results, accepted, deltas)


def _changes(journal: Journal) -> dict[AccountKey, tuple[int, int]]:
    changes: dict[AccountKey, tuple[int, int]] = {}
    for account, amount, _ in journal.lines:
        if account.kind in BOUNDED:
            total, count = changes.get(account, (0, 0))
            changes[account] = (total + amount, count + 1)
    return changes


def _shut(journal: Journal, closed: Mapping[str, datetime]) -> PeriodClosed | None:
    at = journal.effective_at
    if at is None:
        return None
    shut = {account.currency for account, _, _ in journal.lines if at < closed.get(account.currency, at)}
    return PeriodClosed(min(shut), closed[min(shut)]) if shut else None


def _broken(
    changes: Mapping[AccountKey, tuple[int, int]],
    deltas: Mapping[AccountKey, tuple[int, int]],
    available: Mapping[AccountKey, int],
    room: Mapping[AccountKey, int],
) -> Insufficient | Exceeded | None:
    for account, (amount, _) in changes.items():
        before = deltas.get(account, (0, 0))[0]
        # Money coming in never breaks a floor, whatever the balance is, and money going out never a ceiling.
        floored = account.kind in MIN_BALANCE or account in available
        if amount < 0 and floored and available[account] + before + amount < 0:
            return Insufficient(account, available[account] + before)
        ceiled = account.kind in MAX_BALANCE or account in room
        if amount > 0 and ceiled and room[account] - before - amount < 0:
            return Exceeded(account, room[account] - before)
    return None

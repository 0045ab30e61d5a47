"""What an agreement's duties oblige to, with dates: which obligations there are, when each is due, where it may move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.rights import PERIOD_MONTHS, Duration, Duty
from contracts.terms import Terms

# How long before its date an obligation's organisation is reminded.
NOTICE = timedelta(days=7)
# Where terms name no days: what a period that is cut short asks for is due this long after the end, or on its own day.
CUT_SHORT = timedelta(days=14)


class State(StrEnum):
    """Where an obligation stands."""

    OPEN = "open"
    DUE = "due"
    OVERDUE = "overdue"
    FULFILLED = "fulfilled"
    WAIVED = "waived"


# From due back to open only by the clock, when a renewal moved the date away.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset({State.DUE, State.OVERDUE, State.FULFILLED, State.WAIVED}),
    State.DUE: frozenset({State.OPEN, State.OVERDUE, State.FULFILLED, State.WAIVED}),
    State.OVERDUE: frozenset({State.FULFILLED, State.WAIVED}),
    State.FULFILLED: frozenset(),
    State.WAIVED: frozenset(),
}
LIVE = (State.OPEN, State.DUE, State.OVERDUE)


class Rhythm(StrEnum):
    """When a duty falls due: all the time, at a date, each period, or when the supplier asks."""

    STANDING = "standing"
    DATED = "dated"
    PERIODIC = "periodic"
    ON_REQUEST = "on_request"


@dataclass(frozen=True, slots=True)
class Term:
    """The time of an agreement; ends_at is its real end, whatever brought it."""

    starts_at: datetime
    ends_at: datetime | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Expected:
    """An obligation that an agreement should have by now; number counts its periods or requests, from 1."""

    path: str
    number: int
    duty: Duty
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Obligation:
    """An obligation as it is kept.

    shapes   buyer_id: who owes it now; path: such as report_use/notify, where the last is the consequence of the first;
             due_at None: no date, or not asked for yet; parent_id: the obligation whose breach brought it
    """

    id: UUID
    agreement_id: UUID
    buyer_id: UUID
    seller_id: UUID
    parent_id: UUID | None
    path: str
    number: int
    duty: Duty
    state: State
    due_at: datetime | None
    created_at: datetime
    changed_at: datetime

    @property
    def rhythm(self) -> Rhythm:
        """When it falls due; a consequence has a date."""
        return Rhythm.DATED if self.parent_id is not None else rhythm(self.duty)

    def may(self, target: State) -> bool:
        """Whether it may move there."""
        return target in TRANSITIONS[self.state]

    def state_at(self, now: datetime) -> State:
        """Where the clock has taken it."""
        if self.state not in (State.OPEN, State.DUE):
            return self.state
        if self.due_at is None:
            return State.OPEN
        if now >= self.due_at:
            return State.OVERDUE
        return State.DUE if self.due_at - now <= NOTICE else State.OPEN


def duties_of(terms: Terms) -> tuple[Duty, ...]:
    """The duties that bind whoever uses the data; of several sets to choose from, what stands in each of them."""
    sets = [
        tuple(dict.fromkeys(duty for one in licences for duty in one.conditions)) for licences in terms.alternatives
    ]
    return tuple(duty for duty in sets[0] if all(duty in other for other in sets[1:]))


def rhythm(duty: Duty) -> Rhythm:
    """When a duty falls due; an audit is always at the supplier's request."""
    if duty.every is not None or duty.when == "yearly":
        return Rhythm.PERIODIC
    if duty.when == "at_end":
        return Rhythm.DATED
    if duty.when == "on_request" or (duty.duty == "allow_audit" and duty.when is None):
        return Rhythm.ON_REQUEST
    return Rhythm.STANDING


def due_at(duty: Duty, number: int, term: Term) -> datetime | None:
    """The last moment for a duty's obligation of that number; None where the agreement itself sets none."""
    kind = rhythm(duty)
    if kind is Rhythm.DATED:
        at = term.ends_at
    elif kind is Rhythm.PERIODIC:
        at = _period_end(duty, number, term)
        # A period that the agreement's end cuts short leaves time to hand in what it asks for: the terms' days, or some.
        left = timedelta() if duty.within_days else CUT_SHORT
        at = at if term.ends_at is None else min(at, term.ends_at + left)
    else:
        at = None
    return None if at is None else at + timedelta(days=duty.within_days or 0)


def expected(duties: Iterable[Duty], term: Term, now: datetime) -> list[Expected]:
    """The obligations that an agreement should have by now: of those that repeat, every period that has begun."""
    found = []
    for duty in duties:
        count = 1
        if rhythm(duty) is Rhythm.PERIODIC:
            while (begins := _period_end(duty, count, term)) <= now and _within(begins, term):
                count += 1
        found += [Expected(duty.duty, number, duty, due_at(duty, number, term)) for number in range(1, count + 1)]
    return found


def next_at(duties: Iterable[Duty], term: Term, now: datetime) -> datetime | None:
    """When the next period of any duty begins; None when nothing repeats any more."""
    found = []
    for duty in duties:
        if rhythm(duty) is Rhythm.PERIODIC:
            number = 1
            while (begins := _period_end(duty, number, term)) <= now:
                number += 1
            if _within(begins, term):
                found.append(begins)
    return min(found, default=None)


def consequences(broken: Obligation, now: datetime) -> list[Expected]:
    """What one owes because an obligation is overdue, with its date counted from now."""
    return [
        Expected(f"{broken.path}/{one.duty}", broken.number, one, now + timedelta(days=one.within_days or 0))
        for one in broken.duty.otherwise
    ]


def standings(obligations: Sequence[Obligation]) -> dict[str, str]:
    """How duties stand, by path, as `evaluation.Question.duties` asks: broken, pending, kept or waived."""
    names = {State.OVERDUE: "broken", State.FULFILLED: "kept", State.WAIVED: "waived"}
    found: dict[str, str] = {}
    for one in sorted(obligations, key=lambda one: (one.path, one.number)):
        if found.get(one.path) != "broken":
            found[one.path] = names.get(one.state, "pending")
    return found


def document(duty: Duty) -> dict[str, Any]:
    """A duty as JSON, without what it does not say."""
    said: dict[str, Any] = {"duty": duty.duty, "when": duty.when, "within_days": duty.within_days, "every": duty.every}
    said = {name: value for name, value in said.items() if value is not None}
    return {**said, "else": [document(one) for one in duty.otherwise]} if duty.otherwise else said


def duty_of(said: Mapping[str, Any]) -> Duty:
    """Read what `document` wrote."""
    below = tuple(duty_of(one) for one in said.get("else", ()))
    return Duty(said["duty"], said.get("when"), said.get("within_days"), below, said.get("every"))


def _within(at: datetime, term: Term) -> bool:
    return term.ends_at is None or at < term.ends_at


def _period_end(duty: Duty, number: int, term: Term) -> datetime:
    months = PERIOD_MONTHS[duty.every] if duty.every else 12
    return Duration(months=months * number).end(term.starts_at, term.zone)

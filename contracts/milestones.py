"""Milestones of a service: what the supplier reported as done, with which evidence, and what the buyer said of it. Pure.

Silence accepts where the offer's inspection window says so; nothing is written for it. After a rejection the supplier may
report again. What was accepted is charged once, by the price plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

REPORTS_MAX = 50
WORDS_MAX = 2_000


class MilestoneState(StrEnum):
    """Where a milestone stands."""

    OPEN = "open"
    REPORTED = "reported"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    DROPPED = "dropped"
    # Those that fall due on a day need nobody's word.
    WAITING = "waiting"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the buyer said to a report."""

    accepted: bool
    reason: Mapping[str, str] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """A milestone that the supplier says is done; from `silent_at` on silence has accepted it, None: it never does."""

    id: UUID
    order_id: UUID
    grant_id: UUID
    component: str
    number: int
    buyer_id: UUID
    seller_id: UUID
    evidence_sha256: bytes
    note: Mapping[str, str]
    silent_at: datetime | None
    client_id: UUID
    created_at: datetime
    answer: Answer | None = None

    def accepted_at(self) -> datetime | None:
        """When it was accepted, or will have been if nobody says anything."""
        if self.answer is None:
            return self.silent_at
        return self.answer.at if self.answer.accepted else None

    def waits(self, at: datetime) -> bool:
        """Whether the buyer may still answer."""
        return self.answer is None and (self.silent_at is None or at < self.silent_at)


def state_of(reports: Sequence[Report], at: datetime, *, dropped: bool = False) -> MilestoneState:
    """Where a milestone that the buyer accepts stands.

    shapes   reports: all of one milestone, the first first; the last one counts
    """
    if dropped:
        return MilestoneState.DROPPED
    if not reports:
        return MilestoneState.OPEN
    last = reports[-1]
    if last.waits(at):
        return MilestoneState.REPORTED
    return MilestoneState.REJECTED if last.accepted_at() is None else MilestoneState.ACCEPTED


def on_day(due_at: datetime, at: datetime) -> MilestoneState:
    """Where a milestone that falls due on a day stands."""
    return MilestoneState.DUE if due_at <= at else MilestoneState.WAITING

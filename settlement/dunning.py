"""Reminding buyers of what they owe: stages by the age of the debt, and what comes next. Pure.

A case is of one buyer, one seller and one currency. It climbs one step at a time, and after a notice there is always as
much time as the plan promises, however long nobody looked. What is disputed is not dunned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from settlement.settings import SettlementSettings


class Stage(StrEnum):
    """How far a case is, in the order of the ladder; `closed` is the end."""

    OPENED = "opened"
    REMINDED = "reminded"
    LAST_NOTICE = "last_notice"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Said(StrEnum):
    """What a notice says; the first four are the stages that it comes with."""

    OPENED = "opened"
    REMINDED = "reminded"
    LAST_NOTICE = "last_notice"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    CLOSED = "closed"


LADDER = (Stage.OPENED, Stage.REMINDED, Stage.LAST_NOTICE, Stage.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Plan:
    """Days after a sum became due at which each step of the ladder is taken; they increase, and 0 at the end is never."""

    open_days: int = 1
    remind_days: int = 3
    last_notice_days: int = 10
    suspend_days: int = 20

    def days(self, stage: Stage) -> int:
        """The day of a step."""
        return (self.open_days, self.remind_days, self.last_notice_days, self.suspend_days)[LADDER.index(stage)]


def plan_of(settings: SettlementSettings) -> Plan:
    """The plan that the operator has set."""
    return Plan(
        settings.dunning_open_days,
        settings.dunning_remind_days,
        settings.dunning_last_notice_days,
        settings.dunning_suspend_days,
    )


@dataclass(frozen=True, slots=True)
class Owed:
    """A sum that a buyer owes, since when, and for the use of which grant.

    shapes   grant_id None: an order on account, which is its own source; its grants are whatever it brought
    """

    source_id: UUID
    order_id: UUID
    grant_id: UUID | None
    buyer_id: UUID
    seller_id: UUID
    currency: str
    units: int
    since: datetime

    @property
    def between(self) -> tuple[UUID, UUID, str]:
        """Whose case it belongs to."""
        return self.buyer_id, self.seller_id, self.currency


@dataclass(frozen=True, slots=True)
class Case:
    """A case; `moved_at` is its last step, `paused_at` since when everything that is owed is disputed."""

    id: UUID
    buyer_id: UUID
    seller_id: UUID
    currency: str
    stage: Stage
    opened_at: datetime
    moved_at: datetime
    paused_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def between(self) -> tuple[UUID, UUID, str]:
        """Whose it is."""
        return self.buyer_id, self.seller_id, self.currency


@dataclass(frozen=True, slots=True)
class Notice:
    """What a buyer was told, and what was owed then, of which how much was disputed."""

    id: UUID
    case_id: UUID
    buyer_id: UUID
    seller_id: UUID
    said: Said
    owed_units: int
    paused_units: int
    currency: str
    created_at: datetime


def opens(owed: Sequence[Owed], now: datetime, plan: Plan) -> bool:
    """Whether a case begins over what is owed and not disputed."""
    return bool(owed) and now >= min(one.since for one in owed) + timedelta(days=plan.open_days)


def step(
    case: Case, active: Sequence[Owed], paused: Sequence[Owed], now: datetime, plan: Plan
) -> tuple[Case, Said | None]:
    """The case as it stands after one step at most, and what is to be said of it; the same case where nothing moves.

    shapes   active: owed and not disputed; paused: owed and disputed
    """
    if not active and not paused:
        return replace(case, stage=Stage.CLOSED, moved_at=now, closed_at=now, paused_at=None), Said.CLOSED
    if not active:
        if case.stage is Stage.SUSPENDED:
            # Nothing undisputed is left: use goes on, and after the dispute the last notice's time begins anew.
            return replace(case, stage=Stage.LAST_NOTICE, moved_at=now, paused_at=now), Said.RESUMED
        return (case, None) if case.paused_at is not None else (replace(case, paused_at=now), None)
    if case.paused_at is not None:
        # The time of a dispute does not count.
        return replace(case, moved_at=case.moved_at + (now - case.paused_at), paused_at=None), None
    after = next_step(case, min(one.since for one in active), plan)
    if after is None or now < after[1]:
        return case, None
    return replace(case, stage=after[0], moved_at=now), Said(after[0].value)


def next_step(case: Case, oldest: datetime, plan: Plan) -> tuple[Stage, datetime] | None:
    """The next step of a case and the moment from which it is taken; None at the top of the ladder."""
    place = LADDER.index(case.stage)
    if place + 1 == len(LADDER):
        return None
    stage = LADDER[place + 1]
    if not plan.days(stage):
        return None
    promised = timedelta(days=plan.days(stage) - plan.days(case.stage))
    return stage, max(oldest + timedelta(days=plan.days(stage)), case.moved_at + promised)

"""The ladder of dunning, as a function of what is owed and of time."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from settlement.dunning import LADDER, Case, Owed, Plan, Said, Stage, next_step, opens, step

NOW, DAY = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=1)
PLAN = Plan(1, 3, 10, 20)
ONE = uuid.UUID(int=1)


def owed(since: datetime = NOW, units: int = 5) -> Owed:
    return Owed(ONE, ONE, ONE, ONE, ONE, "CNY", units, since)


def case(stage: Stage = Stage.OPENED, moved: datetime = NOW, paused: datetime | None = None) -> Case:
    return Case(ONE, ONE, ONE, "CNY", stage, NOW, moved, paused)


def climb(start: Case, debt: Owed, days: float, every: float = 0.25) -> list[tuple[float, Said]]:
    """What is said, on which day, when somebody looks four times a day."""
    found, one, at = [], start, start.moved_at
    while at <= NOW + days * DAY:
        one, said = step(one, [debt], [], at, PLAN)
        if said is not None:
            found.append(((at - NOW) / DAY, said))
        at += every * DAY
    return found


def test_a_case_opens_and_climbs_on_the_days_of_the_plan() -> None:
    assert not opens([owed()], NOW + 0.9 * DAY, PLAN)
    assert opens([owed()], NOW + DAY, PLAN)
    assert not opens([], NOW + 99 * DAY, PLAN)
    said = climb(case(moved=NOW + DAY), owed(), 90)
    assert said == [(3, Said.REMINDED), (10, Said.LAST_NOTICE), (20, Said.SUSPENDED)]


def test_after_a_notice_there_is_as_much_time_as_the_plan_promises_however_late_it_was() -> None:
    # Nobody looked for sixty days: the debt is old, and still every notice gives its time.
    said = climb(case(moved=NOW + 60 * DAY), owed(), 120)
    assert said == [(62, Said.REMINDED), (69, Said.LAST_NOTICE), (79, Said.SUSPENDED)]


def test_zero_days_to_suspend_is_never() -> None:
    assert next_step(case(Stage.LAST_NOTICE), NOW, Plan(1, 3, 10, 0)) is None


def test_a_dispute_stops_the_clock_and_lets_use_go_on() -> None:
    debt, at = owed(), NOW + 12 * DAY
    stopped, said = step(case(Stage.LAST_NOTICE, NOW + 10 * DAY), [], [debt], at, PLAN)
    assert (said, stopped.paused_at, stopped.stage) == (None, at, Stage.LAST_NOTICE)
    assert step(stopped, [], [debt], at + 50 * DAY, PLAN) == (stopped, None)
    again, said = step(stopped, [debt], [], at + 50 * DAY, PLAN)
    assert (said, again.paused_at) == (None, None)
    # Eight of the ten promised days were left.
    assert step(again, [debt], [], at + 57.9 * DAY, PLAN)[1] is None
    assert step(again, [debt], [], at + 58 * DAY, PLAN)[1] is Said.SUSPENDED
    free, said = step(case(Stage.SUSPENDED), [], [debt], at, PLAN)
    assert (free.stage, free.paused_at, said) == (Stage.LAST_NOTICE, at, Said.RESUMED)
    # Part of it disputed: the rest is dunned.
    assert step(case(Stage.OPENED, NOW + DAY), [debt], [debt], NOW + 3 * DAY, PLAN)[1] is Said.REMINDED


@pytest.mark.parametrize("stage", LADDER)
def test_what_is_paid_is_over_whatever_the_stage(stage: Stage) -> None:
    done, said = step(case(stage), [], [], NOW + DAY, PLAN)
    assert (done.stage, done.closed_at, said) == (Stage.CLOSED, NOW + DAY, Said.CLOSED)

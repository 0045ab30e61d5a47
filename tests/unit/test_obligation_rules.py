"""Dated obligations: which there are, when they are due, and where they may move."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from contracts import obligations
from contracts.obligations import NOTICE, TRANSITIONS, Obligation, Rhythm, State, Term
from contracts.rights import Duty
from contracts.terms import load

START = datetime(2026, 1, 31, 4, tzinfo=UTC)
TERM = Term(START, datetime(2026, 4, 15, 4, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
REPORT = Duty("report_use", every="month", within_days=5)
ONE = UUID(int=1)


def test_a_report_is_not_overdue_when_its_agreement_ends_early() -> None:
    monthly = replace(REPORT, within_days=None)
    ends_at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    due = [one.due_at for one in obligations.expected([monthly], replace(TERM, ends_at=ends_at), ends_at)]
    # March is cut short: its report has two weeks, and never longer than March itself would have given.
    assert due[-1] == ends_at + obligations.CUT_SHORT
    assert held(duty=monthly, due_at=due[-1]).state_at(ends_at) is not State.OVERDUE
    late = datetime(2026, 3, 30, 12, tzinfo=UTC)
    whole = obligations.expected([monthly], TERM, ends_at)[-1].due_at
    assert obligations.expected([monthly], replace(TERM, ends_at=late), late)[-1].due_at == whole


def held(**changes: object) -> Obligation:
    plain = Obligation(ONE, ONE, ONE, ONE, None, "report_use", 1, REPORT, State.OPEN, START, START, START)
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_report_is_due_after_each_month_and_the_last_one_after_the_end() -> None:
    found = obligations.expected([REPORT], TERM, START + timedelta(days=400))
    due = [one.due_at for one in found]
    # The last day of February, of March; then the agreement's end. Five days each.
    assert due == [
        datetime(2026, 3, 5, 4, tzinfo=UTC),
        datetime(2026, 4, 5, 4, tzinfo=UTC),
        datetime(2026, 4, 20, 4, tzinfo=UTC),
    ]
    assert obligations.next_at([REPORT], TERM, START + timedelta(days=400)) is None


def test_a_period_begins_at_the_moment_the_one_before_ends() -> None:
    second = datetime(2026, 2, 28, 4, tzinfo=UTC)
    assert obligations.next_at([REPORT], TERM, START) == second
    before, at = second - timedelta(microseconds=1), second
    assert len(obligations.expected([REPORT], TERM, before)) == 1
    assert len(obligations.expected([REPORT], TERM, at)) == 2


@pytest.mark.parametrize(
    ("duty", "kind", "due"),
    [
        (Duty("attribution"), Rhythm.STANDING, None),
        (Duty("attribution", "on_publication", 3), Rhythm.STANDING, None),
        (Duty("keep_notices"), Rhythm.STANDING, None),
        (Duty("allow_audit"), Rhythm.ON_REQUEST, None),
        (Duty("certify_deletion", "on_request", 9), Rhythm.ON_REQUEST, None),
        (Duty("delete_at_end", "at_end", 30), Rhythm.DATED, datetime(2026, 5, 15, 4, tzinfo=UTC)),
        (Duty("delete_at_end", "at_end"), Rhythm.DATED, TERM.ends_at),
        (Duty("report_use", "yearly"), Rhythm.PERIODIC, TERM.ends_at + obligations.CUT_SHORT),
    ],
)
def test_when_each_kind_of_duty_is_due(duty: Duty, kind: Rhythm, due: datetime | None) -> None:
    assert obligations.rhythm(duty) is kind
    assert [one.due_at for one in obligations.expected([duty], TERM, START)] == [due]


def test_the_clock_moves_an_obligation_a_week_before_and_at_its_moment() -> None:
    due = START + timedelta(days=30)
    one = held(due_at=due)
    assert one.state_at(due - NOTICE - timedelta(microseconds=1)) is State.OPEN
    assert one.state_at(due - NOTICE) is State.DUE
    assert one.state_at(due - timedelta(microseconds=1)) is State.DUE
    assert one.state_at(due) is State.OVERDUE
    assert held(due_at=None).state_at(due) is State.OPEN
    for closed in (State.FULFILLED, State.WAIVED):
        assert held(due_at=due, state=closed).state_at(due) is closed


def test_what_is_closed_stays_closed_and_what_is_overdue_can_only_be_made_good() -> None:
    assert set(TRANSITIONS) == set(State)
    assert TRANSITIONS[State.FULFILLED] == TRANSITIONS[State.WAIVED] == frozenset()
    assert TRANSITIONS[State.OVERDUE] == {State.FULFILLED, State.WAIVED}
    assert held(state=State.DUE).may(State.OPEN)
    assert not held(state=State.OVERDUE).may(State.DUE)


def test_consequences_count_from_the_breach() -> None:
    below = Duty("stop_use", None, None, (Duty("compensate"),))
    broken = held(duty=replace(REPORT, otherwise=(below, Duty("notify", None, 5))), state=State.OVERDUE)
    found = obligations.consequences(broken, START)
    assert [(one.path, one.due_at) for one in found] == [
        ("report_use/stop_use", START),
        ("report_use/notify", START + timedelta(days=5)),
    ]
    assert found[0].duty.otherwise == below.otherwise
    assert held(parent_id=UUID(int=2), duty=found[0].duty).rhythm is Rhythm.DATED


def test_one_broken_period_breaks_the_duty_for_the_evaluation() -> None:
    rows = [held(number=number, state=state) for number, state in enumerate((State.OVERDUE, State.FULFILLED), 1)]
    assert obligations.standings(rows) == {"report_use": "broken"}
    assert obligations.standings([held(state=State.WAIVED), held(number=2)]) == {"report_use": "pending"}
    assert obligations.standings([held(), held(number=2, state=State.FULFILLED)]) == {"report_use": "kept"}


def test_a_duty_goes_to_json_and_back() -> None:
    duty = replace(REPORT, otherwise=(Duty("notify", None, 5),))
    assert obligations.duty_of(obligations.document(duty)) == duty
    assert obligations.document(Duty("attribution")) == {"duty": "attribution"}


def test_of_sets_to_choose_from_only_what_stands_in_all_is_owed() -> None:
    terms = load({"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "CC-BY-4.0 OR CC0-1.0"})
    assert obligations.duties_of(terms) == ()
    terms = load({"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "CC-BY-4.0"})
    assert "attribution" in {duty.duty for duty in obligations.duties_of(terms)}

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from exchange.kernel.ids import IdSource
from settlement.accounts import AccountKey, AccountKind, advance, debt, held, payable, platform, wallet
from settlement.holds import (
    BadHold,
    Ended,
    EndedOtherwise,
    Hold,
    HoldEnd,
    HoldOver,
    HoldRuns,
    HoldUnknown,
    Outcome,
    decide_ends,
    ending,
    opening,
)
from settlement.journals import (
    Duplicate,
    Exceeded,
    Existing,
    Insufficient,
    Journal,
    Line,
    PeriodClosed,
    Posted,
    assert_balanced,
    body_sha256,
    decide,
    late_currencies,
)
from settlement.periods import CLOSES_AFTER, TooEarly, closing_allowed, dated, first_id, ms_of

ONE, TWO = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def move(source: int, out: AccountKey, into: AccountKey, units: int, at: datetime | None = None) -> Journal:
    return Journal("move", UUID(int=source), (Line(out, -units), Line(into, units)), at)


def test_a_ceiling_refuses_only_the_journal_that_passes_it() -> None:
    owed, bank = debt(ONE, "EUR"), platform(AccountKind.BANK, "EUR")
    journals = [move(1, bank, owed, 60), move(2, bank, owed, 50), move(3, bank, owed, 40), move(4, owed, bank, 10)]
    journals.append(move(5, bank, owed, 11))
    decision = decide(journals, [UUID(int=100 + n) for n in range(5)], {}, {}, {owed: 100})
    assert [type(one) for one in decision.results] == [Posted, Exceeded, Posted, Posted, Exceeded]
    assert decision.results[1] == Exceeded(owed, 40)
    assert decision.results[4] == Exceeded(owed, 10)
    assert decision.deltas == {owed: (90, 3)}


def test_a_wallet_with_a_ceiling_of_its_own_meets_both_bounds() -> None:
    mine, bank = wallet(ONE, "EUR"), platform(AccountKind.BANK, "EUR")
    journals = [move(1, bank, mine, 31), move(2, bank, mine, 30), move(3, mine, bank, 51), move(4, mine, bank, 50)]
    decision = decide(journals, [UUID(int=100 + n) for n in range(4)], {}, {mine: 20}, {mine: 30})
    assert decision.results[0] == Exceeded(mine, 30)
    assert decision.results[2] == Insufficient(mine, 50)
    assert [type(one) for one in decision.results[1::2]] == [Posted, Posted]


def test_an_account_with_a_bound_that_was_not_locked_is_a_defect() -> None:
    with pytest.raises(KeyError):
        decide([move(1, wallet(ONE, "EUR"), payable(TWO, "EUR"), 1)], [ONE], {}, {})
    with pytest.raises(KeyError):
        decide([move(1, payable(TWO, "EUR"), advance(ONE, "EUR"), 1)], [ONE], {}, {})


def test_a_journal_dated_into_a_closed_period_is_refused_alone() -> None:
    bank, target = platform(AccountKind.BANK, "EUR"), payable(ONE, "EUR")
    journals = [
        move(1, bank, target, 5, NOW - HOUR),
        move(2, bank, target, 5, NOW),
        move(3, bank, target, 5),
        move(4, platform(AccountKind.BANK, "CNY"), payable(ONE, "CNY"), 5, NOW - HOUR),
    ]
    assert late_currencies(journals, NOW + HOUR) == {"EUR", "CNY"}
    assert late_currencies(journals[2:3], NOW) == set()
    decision = decide(journals, [UUID(int=100 + n) for n in range(4)], {}, {}, {}, {"EUR": NOW})
    assert decision.results[0] == PeriodClosed("EUR", NOW)
    assert [type(one) for one in decision.results[1:]] == [Posted] * 3
    known = {journals[0].key: Existing(TWO, body_sha256(journals[0]))}
    assert decide(journals[:1], [ONE], known, {}, {}, {"EUR": NOW}).results == [Duplicate(TWO)]


def test_a_note_belongs_to_the_body() -> None:
    journal = move(1, payable(ONE, "EUR"), payable(TWO, "EUR"), 5)
    noted = Journal(journal.kind, journal.source_id, journal.lines, note="why")
    assert body_sha256(journal) != body_sha256(noted)
    # Journals without one keep the hash that they have had so far.
    assert body_sha256(journal).hex().startswith("9480c84683b3576c")


def test_ids_of_journals_lie_in_the_order_in_which_they_count() -> None:
    source = IdSource(b"order")
    moments = [NOW + timedelta(milliseconds=n, microseconds=570) for n in (0, 1, 2, 500, 86_400_000)]
    made = [dated(source.new(NOW + HOUR), ms_of(at)) for at in reversed(moments)]
    assert sorted(made) == made[::-1]
    for at, one in zip(moments, reversed(made), strict=True):
        assert first_id(at) <= one < first_id(at + timedelta(milliseconds=1))
        assert one.version == 7
    fresh = source.new(NOW + HOUR)
    assert dated(fresh, fresh.int >> 80) is fresh


def test_milliseconds_are_counted_without_a_float() -> None:
    # As a float 1234567890.57 * 1000 is 1234567890569.99..., one millisecond too few.
    assert ms_of(datetime(2009, 2, 13, 23, 31, 30, 570_000, tzinfo=UTC)) == 1_234_567_890_570


def test_books_are_closed_only_when_everything_earlier_is_over() -> None:
    assert closing_allowed(NOW, NOW + CLOSES_AFTER, timedelta(0)) is None
    early = closing_allowed(NOW, NOW + CLOSES_AFTER, timedelta(seconds=90))
    assert early == TooEarly(NOW, NOW + CLOSES_AFTER + timedelta(seconds=90))


def hold(units: int = 100, *, until: datetime | None = None) -> Hold:
    return Hold(UUID(int=9), wallet(ONE, "EUR"), units, "escrow", TWO, until)


def test_a_hold_moves_money_within_one_organisation_and_back() -> None:
    one = hold()
    assert opening(one).lines == (Line(wallet(ONE, "EUR"), -100, TWO), Line(held(ONE, "EUR"), 100, TWO))
    given = ending(one, HoldEnd(one.id, Outcome.VOIDED))
    assert given.lines == (Line(held(ONE, "EUR"), -100, TWO), Line(wallet(ONE, "EUR"), 100, TWO))
    part = ending(one, HoldEnd(one.id, Outcome.SETTLED, payable(TWO, "EUR"), 60))
    assert [line.amount for line in part.lines] == [-100, 60, 40]
    whole = ending(one, HoldEnd(one.id, Outcome.SETTLED, payable(TWO, "EUR"), 100))
    assert [line.amount for line in whole.lines] == [-100, 100]
    for journal in (opening(one), given, part, whole):
        assert_balanced(journal)
    assert body_sha256(opening(one)) != body_sha256(opening(hold(until=NOW)))


@pytest.mark.parametrize(
    "wrong",
    [
        Hold(ONE, platform(AccountKind.BANK, "EUR"), 5, "escrow"),
        Hold(ONE, held(ONE, "EUR"), 5, "escrow"),
        Hold(ONE, wallet(ONE, "EUR"), 0, "escrow"),
        Hold(ONE, wallet(ONE, "EUR"), 5, "Because I say so"),
    ],
)
def test_holds_that_no_flow_may_open(wrong: Hold) -> None:
    with pytest.raises(BadHold):
        opening(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        HoldEnd(UUID(int=9), Outcome.VOIDED, payable(TWO, "EUR"), 0),
        HoldEnd(UUID(int=9), Outcome.EXPIRED, None, 5),
        HoldEnd(UUID(int=9), Outcome.SETTLED, None, 5),
        HoldEnd(UUID(int=9), Outcome.SETTLED, payable(TWO, "CNY"), 5),
        HoldEnd(UUID(int=9), Outcome.SETTLED, held(TWO, "EUR"), 5),
        HoldEnd(UUID(int=9), Outcome.SETTLED, payable(TWO, "EUR"), 0),
        HoldEnd(UUID(int=9), Outcome.SETTLED, payable(TWO, "EUR"), 101),
    ],
)
def test_ends_of_holds_that_no_flow_may_ask_for(wrong: HoldEnd) -> None:
    with pytest.raises(BadHold):
        ending(hold(), wrong)


def test_what_a_hold_answers_by_the_clock_and_to_who_comes_second() -> None:
    one = hold(until=NOW)
    settle = HoldEnd(one.id, Outcome.SETTLED, payable(TWO, "EUR"), 30)
    void, expire = HoldEnd(one.id, Outcome.VOIDED), HoldEnd(one.id, Outcome.EXPIRED)
    running = {one.id: one}
    assert decide_ends([settle], running, {}, NOW) == [HoldOver(one.id, NOW)]
    assert decide_ends([expire], running, {}, NOW - HOUR) == [HoldRuns(one.id, NOW)]
    assert isinstance(decide_ends([void], running, {}, NOW)[0], Journal)
    assert isinstance(decide_ends([expire], running, {}, NOW)[0], Journal)
    assert isinstance(decide_ends([settle], running, {}, NOW - HOUR)[0], Journal)
    over = {one.id: (one, settle)}
    assert decide_ends([settle], {}, over, NOW + HOUR) == [Ended(one.id, Outcome.SETTLED, 30, 70, repeated=True)]
    assert decide_ends([void], {}, over, NOW) == [EndedOtherwise(one.id, Outcome.SETTLED, 30)]
    assert decide_ends([void], {}, {}, NOW) == [HoldUnknown(one.id)]

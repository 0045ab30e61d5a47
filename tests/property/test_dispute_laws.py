"""Laws of disputes: what is held never passes what is disputed, and whoever does what, a case ends by its own table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money
from settlement.accounts import AccountKind, debt, payable, pending, platform, wallet
from settlement.dispute_holds import holds_wanted, share_left
from settlement.dispute_postings import arbitration_fee, award, taken
from settlement.dispute_settings import DisputeSettings
from settlement.disputes import (
    REWORK_DAYS_MAX,
    TABLE,
    Award,
    Dispute,
    Done,
    Kind,
    Move,
    Side,
    State,
    after_award,
    after_lapse,
    due_after,
    fault_of_award,
    faults_of,
    fees,
    may,
    may_here,
)
from settlement.journals import assert_balanced
from settlement.refunds import BadRefund, Paid, paid_by, reversed_units

GIVER, TAKER, ARBITRATOR, STRANGER, *PAYEES = (UUID(int=n) for n in range(1, 9))
AT = datetime(2026, 1, 15, tzinfo=UTC)
SETTINGS = DisputeSettings()
MOVES, STATES, SIDES = st.sampled_from(list(Move)), st.sampled_from(list(State)), st.sampled_from(list(Side))


@st.composite
def sales(draw: st.DrawFn) -> Paid:
    """What payees, a rule, the exchange and the tax got of a sale, some payees in two roles, some fractions given along."""
    amounts = draw(st.lists(st.integers(1, 10**10), min_size=1, max_size=6))
    lines = [(wallet(TAKER, "CNY"), -sum(amounts))]
    lines += [(pending([GIVER, *PAYEES][n % 4], "CNY"), amount) for n, amount in enumerate(amounts)]
    for kind in (AccountKind.REVENUE, AccountKind.TAX, AccountKind.CLEARING):
        lines.append((platform(kind, "CNY"), draw(st.integers(0, 10**9))))
    lines.append((platform(AccountKind.ROUNDING, "CNY"), -draw(st.integers(0, min(9_999, sum(amounts) - 1)))))
    return paid_by(lines)


@st.composite
def disputes(draw: st.DrawFn) -> Dispute:
    """A dispute in any state, whoever opened it."""
    state = draw(STATES)
    kind = (
        Kind.CHARGEBACK
        if state is State.EXTERNAL
        else draw(st.sampled_from([k for k in Kind if k is not Kind.CHARGEBACK]))
    )
    return Dispute(
        UUID(int=99), kind, "order", UUID(int=98), UUID(int=98), GIVER, TAKER, draw(st.sampled_from([GIVER, TAKER])),
        Money(draw(st.integers(1, 10**12)), "CNY"), state, AT,
        due_at=draw(st.sampled_from([None, AT + timedelta(days=1)])), round=draw(st.sampled_from([1, 2])),
        arbitrator_id=draw(st.sampled_from([None, ARBITRATOR])), waived_by=draw(st.sampled_from([None, GIVER, TAKER])),
        reworked=draw(st.booleans()), redelivered=draw(st.booleans()),
    )  # fmt: skip


@given(sales(), st.data())
def test_never_more_is_held_than_disputed_nor_than_a_payee_has(paid: Paid, data: st.DataObject) -> None:
    refunded = data.draw(st.integers(0, paid.units - 1))
    amount = data.draw(st.integers(1, paid.units - refunded))
    wanted = dict(holds_wanted(paid, refunded, amount, GIVER))
    assert all(units > 0 for units in wanted.values())
    assert sum(wanted.values()) <= amount
    for payee, units in wanted.items():
        by_rule = sum(part for key, part in paid.parts if key.kind is AccountKind.CLEARING) if payee == GIVER else 0
        assert units <= share_left(paid, refunded, payee) + by_rule
    assert not set(wanted) - {GIVER, *PAYEES}, "neither the buyer nor the exchange is held"


@given(sales(), st.lists(st.integers(0, 10**11), max_size=6), st.integers(0, 10**12))
def test_a_share_is_given_once_whatever_is_claimed_of_it(paid: Paid, claims: list[int], refunded: int) -> None:
    refunded = min(refunded, paid.units)
    got, given = share_left(paid, 0, GIVER), 0
    for claim in claims:
        given += min(claim, share_left(paid, refunded, GIVER, given))
    assert 0 <= given <= share_left(paid, refunded, GIVER) <= got
    assert share_left(paid, refunded, GIVER, got + 1) == 0


@given(sales(), st.data())
def test_what_is_held_is_what_the_refund_takes_from_payees(paid: Paid, data: st.DataObject) -> None:
    """Void the holds, give back: each payee has exactly what it must give, to the last unit, whatever went back before."""
    refunded = data.draw(st.integers(0, paid.units - 1))
    amount = data.draw(st.integers(1, paid.units - refunded))
    weights = [units for _, units in paid.parts]
    before, after = reversed_units(weights, refunded), reversed_units(weights, refunded + amount)
    given_back: dict[UUID, int] = {}
    others = 0
    for (key, _), a, b in zip(paid.parts, before, after, strict=True):
        if key.kind in (AccountKind.PENDING, AccountKind.CLEARING):
            holder = key.organisation_id or GIVER
            given_back[holder] = given_back.get(holder, 0) + b - a
        else:
            others += b - a
    wanted = dict(holds_wanted(paid, refunded, amount, GIVER))
    if others >= 0:
        assert wanted == {payee: units for payee, units in given_back.items() if units}
        assert sum(wanted.values()) + others == amount
    else:
        # The exchange gave a fraction of a coin along: it takes that back itself, and no payee is held for it.
        assert sum(wanted.values()) == amount


@given(sales(), st.data())
def test_what_a_disputed_part_and_the_rest_hold_together_is_the_whole(paid: Paid, data: st.DataObject) -> None:
    part = data.draw(st.integers(1, paid.units))
    first = dict(holds_wanted(paid, 0, part, GIVER))
    rest = dict(holds_wanted(paid, part, paid.units - part, GIVER)) if part < paid.units else {}
    whole = dict(holds_wanted(paid, 0, paid.units, GIVER))
    for payee in whole:
        assert first.get(payee, 0) + rest.get(payee, 0) <= whole[payee] + 10_000, "but for the fraction of a coin"


@given(sales(), st.integers(-5, 0))
def test_nothing_and_less_cannot_be_disputed(paid: Paid, amount: int) -> None:
    with pytest.raises(BadRefund):
        holds_wanted(paid, 0, amount, GIVER)
    with pytest.raises(BadRefund):
        holds_wanted(paid, 0, paid.units + 1, GIVER)


@given(disputes(), MOVES, SIDES)
def test_only_the_table_says_who_may_do_what(one: Dispute, move: Move, side: Side) -> None:
    allowed = may(one, move, side)
    assert allowed <= (side in TABLE[one.state].get(move, ()))
    assert not (one.state is State.CLOSED and allowed), "what is closed stays closed"
    if move is Move.LAPSE and allowed:
        assert side is Side.CLOCK
        assert one.due_at is not None


@given(disputes(), MOVES)
def test_strangers_do_nothing_and_each_move_has_its_hands(one: Dispute, move: Move) -> None:
    assert not may_here(one, move, STRANGER)
    if may_here(one, move, ARBITRATOR):
        assert move in (Move.TAKE_UP, Move.DECLINE, Move.ASK, Move.DECIDE)
        assert one.arbitrator_id == ARBITRATOR
    if move is Move.ANSWER:
        assert not may_here(one, move, one.claimant_id), "nobody answers its own claim"
    if move is Move.WITHDRAW:
        assert not may_here(one, move, one.respondent_id)
    if move is Move.REDELIVER:
        assert not may_here(one, move, TAKER)
    if move in (Move.CONFIRM, Move.OBJECT):
        assert not may_here(one, move, GIVER)
    if move in (Move.APPEAL, Move.WAIVE) and one.waived_by is not None:
        assert not may_here(one, move, one.waived_by), "who gave up an appeal makes none"


@given(disputes())
def test_every_state_but_the_last_has_a_way_out(one: Dispute) -> None:
    """Somebody can always move on: a side, the operator, the provider, or the clock."""
    ends = {Move.ACCEPT, Move.WITHDRAW, Move.LAPSE, Move.CLOSE, Move.WAIVE, Move.CONFIRM}
    assert (set(TABLE[one.state]) & ends != set()) == (one.state is not State.CLOSED)


@given(disputes())
def test_the_clock_only_leads_on(one: Dispute) -> None:
    before_it = {State.OPEN, State.ANSWERED, State.ARBITRATION, State.HEARING}
    expected = State.ARBITRATION if one.state in before_it else State.CLOSED
    assert after_lapse(one) is expected
    for state in State:
        due = due_after(state, SETTINGS, AT, assigned=True)
        assert due is None or due > AT


AWARDS = st.builds(
    Award,
    *(st.integers(-2, 10**12) for _ in range(3)),
    rework_days=st.integers(-1, REWORK_DAYS_MAX + 1),
)


@given(disputes(), AWARDS, st.data())
def test_an_award_moves_no_more_than_is_left(one: Dispute, said: Award, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, one.amount.units))
    if fault_of_award(one, said, left) is not None:
        return
    assert 0 <= said.money <= left <= one.amount.units
    assert not (said.share and said.money != said.share)
    assert bool(said.share) <= (one.kind is Kind.SPLIT)
    assert bool(said.refund or said.credit) <= (one.kind is not Kind.SPLIT)
    if said.rework_days:
        assert not one.reworked
        assert said.money < left
        assert after_award(said) is State.REWORK
    else:
        assert after_award(said) is State.CLOSED


@given(disputes(), st.data())
def test_nothing_awarded_always_fits_and_awards_survive_their_document(one: Dispute, data: st.DataObject) -> None:
    assert fault_of_award(one, Award(), one.amount.units) is None
    units = st.integers(0, 10**12)
    said = Award(data.draw(units), data.draw(units), data.draw(units), data.draw(st.integers(0, REWORK_DAYS_MAX)))
    assert Award.read(said.document("CNY")) == said


@given(disputes(), AWARDS, st.integers(1, 10**10))
def test_both_sides_bear_the_fee_as_far_as_they_lost(one: Dispute, said: Award, fee: int) -> None:
    if fault_of_award(one, said, one.amount.units) is not None:
        return
    giver, taker = fees(one, said, fee)
    assert giver + taker == fee
    assert min(giver, taker) >= 0
    if said.dismissed:
        assert giver == 0
    if said.money == one.amount.units or said.rework_days:
        assert taker == 0


@given(st.integers(1, 10**12), st.integers(-(10**12), 10**12))
def test_nothing_is_taken_below_nothing_and_the_rest_is_owed(units: int, there: int) -> None:
    purse = payable(GIVER, "CNY")
    given_ = dict(taken(purse, units, there))
    assert sum(given_.values()) == units
    assert given_.get(purse, 0) <= max(there, 0)
    assert given_.get(debt(GIVER, "CNY"), 0) == units - min(units, max(there, 0))
    lines = list(given_.items())
    assert_balanced(award(UUID(int=1), UUID(int=2), lines, wallet(TAKER, "CNY")))
    assert_balanced(arbitration_fee(UUID(int=1), UUID(int=2), lines, ARBITRATOR))


@given(st.lists(st.tuples(MOVES, STATES), min_size=1, max_size=12))
def test_facts_that_leave_the_table_are_found(steps: list[tuple[Move, State]]) -> None:
    facts = [Done(n, move, state) for n, (move, state) in enumerate(steps, start=1)]
    first, *rest = facts
    sound = first.move is Move.OPEN
    for before, after in zip(facts, rest, strict=False):
        sound = sound and after.move in TABLE[before.state]
    assert (faults_of(facts) == []) == sound
    if sound:
        assert faults_of([replace(first, number=2), *rest]), "a number is missing"

"""Laws of refunds and of acceptance: path independence, bounds, and silence that follows from the clock alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.kernel.money import Money
from settlement import postings, refunds
from settlement.acceptances import MOVES, ON_HOLD, Inspection, Said, Standing, inspection_of, may_say, standing
from settlement.accounts import AccountKind, debt, payable, pending, platform, receivable, wallet
from settlement.journals import assert_balanced
from settlement.payouts import net
from settlement.refunds import BadRefund, Paid, paid_by, reversed_units, step, taken_from, tax_in

ORGS = [UUID(int=n) for n in range(1, 9)]
AT = datetime(2026, 1, 15, tzinfo=UTC)
WEIGHTS = st.lists(st.integers(0, 10**13), min_size=1, max_size=12).filter(any)


@st.composite
def sales(draw: st.DrawFn) -> Paid:
    """What payees, the exchange and the tax got of a sale, with a fraction of a coin that no card was charged for."""
    amounts = draw(st.lists(st.integers(1, 10**10), min_size=1, max_size=6))
    lines = [(wallet(ORGS[7], "CNY"), -sum(amounts))]
    lines += [(pending(ORGS[n % 4], "CNY"), amount) for n, amount in enumerate(amounts)]
    for kind in (AccountKind.REVENUE, AccountKind.TAX):
        lines.append((platform(kind, "CNY"), draw(st.integers(0, 10**9))))
    lines.append((platform(AccountKind.ROUNDING, "CNY"), -draw(st.integers(0, min(9_999, sum(amounts) - 1)))))
    return paid_by(lines)


def cuts(draw: Callable[[st.SearchStrategy[Any]], Any], whole: int) -> list[int]:
    """Any way to pay `whole` back in parts."""
    at = draw(st.lists(st.integers(1, whole), max_size=8))
    edges = sorted({0, *at, whole})
    return [b - a for a, b in pairwise(edges)]


@given(WEIGHTS, st.data())
def test_parts_of_a_refund_sum_to_it_and_never_shrink_or_pass_what_was_got(
    weights: list[int], data: st.DataObject
) -> None:
    whole = sum(weights)
    a, b = sorted(data.draw(st.tuples(st.integers(0, whole), st.integers(0, whole))))
    less, more = reversed_units(weights, a), reversed_units(weights, b)
    assert (sum(less), sum(more)) == (a, b)
    assert all(0 <= x <= y <= weight for x, y, weight in zip(less, more, weights, strict=True))
    assert reversed_units(weights, whole) == weights
    assert reversed_units(weights, 0) == [0] * len(weights)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any))
def test_each_single_unit_of_a_refund_takes_one_unit_from_one_payee(weights: list[int]) -> None:
    """House monotone, unit by unit: what the method promises and largest remainders do not."""
    steps = [reversed_units(weights, n) for n in range(sum(weights) + 1)]
    for before, after in pairwise(steps):
        assert sorted(b - a for a, b in zip(before, after, strict=True)) == [0] * (len(weights) - 1) + [1]


@given(WEIGHTS, st.data())
def test_a_refund_is_within_two_units_of_the_exact_share_for_small_groups(
    weights: list[int], data: st.DataObject
) -> None:
    whole = sum(weights)
    units = data.draw(st.integers(0, whole))
    for part, weight in zip(reversed_units(weights, units), weights, strict=True):
        assert abs(part * whole - weight * units) <= (1 + len(weights) / 2) * whole


@given(sales(), st.data())
def test_partial_refunds_of_any_size_and_order_end_where_one_full_refund_does(paid: Paid, data: st.DataObject) -> None:
    parts = cuts(data.draw, paid.units)
    shuffled = data.draw(st.permutations(parts))
    for sizes in ([paid.units], parts, shuffled):
        gone, total = 0, dict.fromkeys((account for account, _ in paid.parts), 0)
        for units in sizes:
            for account, given_back in step(paid, gone, units):
                total[account] += given_back
            gone += units
        assert total == dict(paid.parts)


@given(sales(), st.data())
def test_the_tax_of_all_refunds_is_the_tax_that_was_paid(paid: Paid, data: st.DataObject) -> None:
    booked = dict(paid.parts).get(platform(AccountKind.TAX, "CNY"), 0)
    tax = data.draw(st.integers(0, booked))
    gone, total = 0, 0
    for units in cuts(data.draw, paid.units):
        part = tax_in(paid, tax, gone, units)
        assert 0 <= part <= units
        gone, total = gone + units, total + part
    assert total == tax


@given(sales(), st.data())
def test_before_or_after_the_release_or_a_payout_every_payee_ends_at_nothing(paid: Paid, data: st.DataObject) -> None:
    """The whole life of a sale, in plain integers: refunds, one release and payouts of anything in between."""
    books = dict(paid.parts)
    outside = dict.fromkeys(ORGS, 0)
    released, gone = False, 0
    for units in cuts(data.draw, paid.units):
        if data.draw(st.booleans()) and not released:
            released = True
            for account in [key for key in books if key.kind is AccountKind.PENDING]:
                assert account.organisation_id is not None
                books[payable(account.organisation_id, "CNY")] = books.pop(account)
        there = {key: books.get(key, 0) for org in ORGS if (key := payable(org, "CNY"))}
        for key in list(there):
            take = data.draw(st.integers(0, max(there[key], 0)))
            if take and key.organisation_id:
                books[key] -= take
                there[key] -= take
                outside[key.organisation_id] += take
        given_back = step(paid, gone, units)
        taken = taken_from(given_back, released, there)
        journal = postings.refund(UUID(int=500), UUID(int=501), taken, [(wallet(ORGS[7], "CNY"), units)])
        assert_balanced(journal)
        for account, amount in taken:
            books[account] = books.get(account, 0) - amount
            if account.kind in (AccountKind.PENDING, AccountKind.PAYABLE):
                assert books[account] >= 0
        gone += units
    for org in ORGS:
        purse = sum(books.get(key(org, "CNY"), 0) for key in (pending, payable, debt))
        assert purse == -outside[org], "what was paid out is owed, and nothing else"
    assert not any(units for key, units in books.items() if key.organisation_id is None)


@given(st.integers(0, 10**12), st.integers(-(10**12), 0))
def test_a_payout_nets_the_whole_debt_or_does_not_happen(there: int, owed: int) -> None:
    found = net(there, owed, "CNY")
    assert found.there.units == there + owed
    if found.amount.units:
        assert found.netted.units == -owed
        assert 0 <= there - found.netted.units - found.amount.units < 10_000
    else:
        assert there + owed < 10_000
        assert not found.netted.units


@given(WEIGHTS)
def test_no_more_than_was_paid_goes_back(weights: list[int]) -> None:
    with pytest.raises(BadRefund):
        reversed_units(weights, sum(weights) + 1)
    with pytest.raises(BadRefund):
        reversed_units(weights, -1)


def test_what_a_buyer_still_owes_is_no_part_of_who_got_what() -> None:
    lines = [(wallet(ORGS[0], "CNY"), -4), (receivable(ORGS[0], "CNY"), -6), (pending(ORGS[1], "CNY"), 10)]
    assert paid_by(lines) == Paid("CNY", ((pending(ORGS[1], "CNY"), 10),))


def test_a_netting_moves_what_is_payable_onto_the_debt() -> None:
    journal = postings.netting(UUID(int=9), ORGS[0], Money(5, "CNY"))
    assert_balanced(journal)
    assert [(line.account.kind.value, line.amount) for line in journal.lines] == [("payable", -5), ("debt", 5)]


@given(st.integers(1, 365), st.integers(0, 400 * 86_400), st.booleans())
def test_silence_is_worked_out_from_the_clock(days: int, later_s: int, refuses: bool) -> None:
    window = Inspection(days, refuses)
    found = standing(AT, window, [], AT + timedelta(seconds=later_s))
    if later_s < days * 86_400:
        assert found is Standing.INSPECTION
    else:
        assert found is (Standing.LAPSED if refuses else Standing.ACCEPTED)


@given(st.lists(st.sampled_from(Said), max_size=4), st.integers(0, 20))
def test_whatever_is_said_a_delivery_is_accepted_or_decided_once(words: list[Said], day: int) -> None:
    said: list[Said] = []
    for word in words:
        where = standing(AT, Inspection(), said, AT + timedelta(days=day))
        if may_say(where, said, word):
            said.append(word)
    assert sum(word is not Said.REJECTED for word in said) <= 1
    assert said.count(Said.REJECTED) <= 1
    where = standing(AT, Inspection(), said, AT + timedelta(days=day))
    if said and said[-1] is Said.REJECTED:
        assert where is Standing.REJECTED
        assert where in ON_HOLD
    assert all(not MOVES[one] for one in Standing if one not in ON_HOLD)


def test_the_window_is_that_of_the_legal_frame_and_seven_days_without_one() -> None:
    assert inspection_of({}) == inspection_of({"frame": {}}) == Inspection(7, silence_refuses=False)
    assert inspection_of({"frame": {"acceptance": {"days": 30}}}) == Inspection(30, silence_refuses=False)
    said = {"frame": {"acceptance": {"days": 3, "silence": "refuses"}}}
    assert inspection_of(said) == Inspection(3, silence_refuses=True)


@given(st.integers(0, 10**13), st.lists(st.tuples(st.integers(0, 100), st.integers(1, 100)), max_size=4))
def test_a_fraction_of_a_price_is_rounded_down_once(units: int, raw: list[tuple[int, int]]) -> None:
    parts = [(min(a, b), b) for a, b in raw]
    found = refunds.prorated(units, parts)
    above, below = units, 1
    for a, b in parts:
        above, below = above * a, below * b
    assert found == above // below

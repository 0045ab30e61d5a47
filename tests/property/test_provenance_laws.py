"""Laws of tracing: every unit that moves is joined once, and what a walk begins with is what it ends with."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from settlement.accounts import AccountKey, AccountKind
from settlement.provenance import At, Join, Posted, Rule, Seed, Walk, within_account, within_journal

A, B, C = (UUID(int=n) for n in (1, 2, 3))
KINDS = (AccountKind.WALLET, AccountKind.PENDING, AccountKind.PAYABLE, AccountKind.RECEIVABLE)
ACCOUNTS = [
    *(AccountKey(owner, kind, "CNY") for owner in (A, B, C) for kind in KINDS),
    AccountKey(None, AccountKind.REVENUE, "CNY"),
    AccountKey(None, AccountKind.BANK, "CNY"),
]
tags = st.sampled_from([None, *(UUID(int=n) for n in range(100, 104))])


@st.composite
def ledgers(draw: st.DrawFn) -> dict[UUID, list[Posted]]:
    """Journals that each sum to zero, over a few accounts."""
    found = {}
    for number in range(1, draw(st.integers(1, 14)) + 1):
        journal, tag = UUID(int=number << 80), draw(tags)
        parts = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
        sides = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=len(parts) + 1, max_size=len(parts) + 1, unique=True))
        lines = [(sides[0], -sum(parts)), *zip(sides[1:], parts, strict=True)]
        if draw(st.booleans()):
            lines = [(key, -amount) for key, amount in lines]
        found[journal] = [
            Posted(At(journal, n), "purchase", key, amount, tag) for n, (key, amount) in enumerate(lines, 1)
        ]
    return found


def stretches(joins: list[Join], *, source: bool) -> dict[At, list[tuple[int, int]]]:
    found: dict[At, list[tuple[int, int]]] = defaultdict(list)
    for join in joins:
        if source:
            found[join.source].append((join.source_start, join.source_start + join.source_size))
        else:
            found[join.target].append((join.target_start, join.target_start + join.target_size))
    return found


def covered(parts: list[tuple[int, int]]) -> int:
    """How much is covered; no unit twice."""
    ordered = sorted(parts)
    assert all(a[1] <= b[0] for a, b in pairwise(ordered)), ordered
    return sum(end - start for start, end in ordered)


@given(ledgers())
def test_within_a_journal_all_that_leaves_arrives(ledger: dict[UUID, list[Posted]]) -> None:
    for postings in ledger.values():
        joins = within_journal(postings)
        out, into = stretches(joins, source=True), stretches(joins, source=False)
        for one in postings:
            assert covered((out if one.amount < 0 else into)[one.at]) == abs(one.amount)
            assert one.at not in (into if one.amount < 0 else out)


@given(ledgers())
def test_within_an_account_what_is_not_joined_is_its_balance(ledger: dict[UUID, list[Posted]]) -> None:
    for account in ACCOUNTS:
        history = [one for postings in ledger.values() for one in postings if one.account == account]
        joins = within_account(history)
        out, into = stretches(joins, source=True), stretches(joins, source=False)
        if account.kind is AccountKind.BANK:
            assert joins == []
            continue
        left = {one.at: abs(one.amount) - covered((out if one.amount > 0 else into)[one.at]) for one in history}
        signed = sum(left[one.at] * (1 if one.amount > 0 else -1) for one in history)
        assert signed == sum(one.amount for one in history)
        if account.kind is AccountKind.REVENUE:
            assert all(join.rule is Rule.TAG for join in joins)
            continue
        # First in, first out: nothing of the other sign is left over.
        assert len({one.amount > 0 for one in history if left[one.at]}) <= 1


def walked(ledger: dict[UUID, list[Posted]], seeds: list[Seed]) -> Walk:
    walk = Walk(seeds)
    for _ in range(10_000):
        wanted = walk.wanted()
        if not wanted:
            return walk
        for journal in wanted.journals:
            walk.learn_journal(ledger[journal])
        for history in wanted.histories:
            walk.learn_history(
                history,
                [
                    one
                    for postings in ledger.values()
                    for one in postings
                    if one.account == history.account and history.tag in (None, one.tag)
                ],
            )
    raise AssertionError("the walk does not end")


@given(ledgers(), st.data())
def test_what_a_walk_begins_with_is_where_it_came_from_and_where_it_went(
    ledger: dict[UUID, list[Posted]], data: st.DataObject
) -> None:
    journal = data.draw(st.sampled_from(sorted(ledger)))
    whole = sum(one.amount for one in ledger[journal] if one.amount > 0)
    walk = walked(ledger, [Seed(journal)])
    # A unit can pass twice through a posting only where an advance closes a circle, which loses none and adds none.
    assert sum(walk.origins().values()) <= whole
    assert sum(walk.rests().values()) <= whole
    for passage in walk.passages():
        assert 0 < passage.amount == passage.arrived <= min(abs(passage.source.amount), abs(passage.target.amount))
    into: dict[At, int] = defaultdict(int)
    for passage in walk.passages():
        into[passage.target.at] += passage.amount
    for at, amount in into.items():
        assert amount <= abs(walk.postings[at].amount)


@given(ledgers(), st.data())
def test_all_holders_have_what_came_in_from_outside(ledger: dict[UUID, list[Posted]], data: st.DataObject) -> None:
    walk = walked(ledger, [Seed(data.draw(st.sampled_from(sorted(ledger))))])
    outside = [units for at, units in walk.origins().items() if walk.postings[at].account.kind is AccountKind.BANK]
    assert sum(walk.holdings().values()) == sum(outside)
    touched = {
        (one.account.organisation_id, one.account.kind if one.account.organisation_id is None else None)
        for passage in walk.passages()
        for one in (passage.source, passage.target)
        if one.account.kind is not AccountKind.BANK and passage.rule is Rule.LINES
    }
    assert {(who.organisation_id, who.kind) for who in walk.holdings()} == touched


@given(ledgers(), st.data())
def test_the_order_of_learning_changes_nothing(ledger: dict[UUID, list[Posted]], data: st.DataObject) -> None:
    journal = data.draw(st.sampled_from(sorted(ledger)))
    first, again = walked(ledger, [Seed(journal)]), Walk([Seed(journal)])
    for one in sorted(ledger, reverse=True):
        again.learn_journal(ledger[one])
    while wanted := again.wanted():
        assert not wanted.journals
        history = max(wanted.histories, key=str)
        again.learn_history(
            history,
            [
                one
                for postings in ledger.values()
                for one in postings
                if one.account == history.account and history.tag in (None, one.tag)
            ],
        )
    assert first.passages() == again.passages()
    assert (first.rests(), first.origins()) == (again.rests(), again.origins())

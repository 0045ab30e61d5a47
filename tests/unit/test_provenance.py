"""Where money came from and went to: each rule alone, on ledgers small enough to check by eye."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import pytest

from settlement import provenance
from settlement.accounts import AccountKey, AccountKind
from settlement.conversion import CONVERSION
from settlement.provenance import (
    At,
    History,
    Posted,
    Rule,
    Seed,
    TooMany,
    Walk,
    within_account,
    within_journal,
)

BUYER, SELLER, BROKER = (UUID(int=n) for n in (1, 2, 3))
X, Y = UUID(int=70), UUID(int=71)


def key(kind: AccountKind, owner: UUID | None = None, currency: str = "CNY") -> AccountKey:
    return AccountKey(owner, kind, currency)


WALLET = key(AccountKind.WALLET, BUYER)
BANK, REVENUE = key(AccountKind.BANK), key(AccountKind.REVENUE)


def journal(
    number: int, *lines: tuple[AccountKey, int], tag: UUID | None = None, kind: str = "purchase"
) -> list[Posted]:
    name = UUID(int=number)
    return [Posted(At(name, n), kind, account, amount, tag) for n, (account, amount) in enumerate(lines, 1)]


def told(joins: list[provenance.Join]) -> list[tuple[int, int, int, int, int, Rule]]:
    """(journal of the source, its line, journal of the target, its line, size, rule)."""
    return [
        (j.source.journal.int, j.source.line, j.target.journal.int, j.target.line, j.source_size, j.rule) for j in joins
    ]


def history(account: AccountKey, *amounts: tuple[int, UUID | None]) -> list[Posted]:
    return [Posted(At(UUID(int=n), 1), "x", account, amount, tag) for n, (amount, tag) in enumerate(amounts, 1)]


def test_money_of_the_same_tag_leaves_first_and_then_the_oldest() -> None:
    joins = within_account(history(WALLET, (10, X), (10, Y), (-15, Y), (-5, None)))
    assert told(joins) == [(2, 1, 3, 1, 10, Rule.TAG), (1, 1, 3, 1, 5, Rule.FIFO), (1, 1, 4, 1, 5, Rule.FIFO)]


def test_what_left_before_it_arrived_is_made_up_for_by_what_arrives_later() -> None:
    debts = key(AccountKind.DEBT, SELLER)
    joins = within_account(history(debts, (-10, X), (-10, Y), (4, None), (12, Y)))
    # The source is always what arrived, though it came later.
    assert told(joins) == [(3, 1, 1, 1, 4, Rule.FIFO), (4, 1, 2, 1, 10, Rule.TAG), (4, 1, 1, 1, 2, Rule.FIFO)]


def test_pooled_money_is_joined_by_its_tag_alone_and_the_edge_not_at_all() -> None:
    amounts = ((10, X), (10, Y), (-4, Y), (-3, None), (-20, X))
    assert told(within_account(history(REVENUE, *amounts))) == [(2, 1, 3, 1, 4, Rule.TAG), (1, 1, 5, 1, 10, Rule.TAG)]
    assert within_account(history(BANK, *amounts)) == []


def test_lines_of_one_holder_are_joined_before_those_of_others() -> None:
    one, other = ((key(AccountKind.PENDING, who), key(AccountKind.PAYABLE, who)) for who in (SELLER, BROKER))
    release = journal(9, (one[0], -7), (other[0], -3), (other[1], 3), (one[1], 7))
    assert told(within_journal(release)) == [(9, 1, 9, 4, 7, Rule.LINES), (9, 2, 9, 3, 3, Rule.LINES)]


def test_a_conversion_crosses_currencies_and_nothing_else_does() -> None:
    euro, pools = key(AccountKind.WALLET, BUYER, "EUR"), [key(AccountKind.CONVERSION, None, c) for c in ("EUR", "CNY")]
    lines = journal(5, (euro, -10), (pools[0], 10), (pools[1], -78), (WALLET, 78), kind=CONVERSION)
    joins = within_journal(lines)
    assert told(joins) == [(5, 1, 5, 2, 10, Rule.LINES), (5, 3, 5, 4, 78, Rule.LINES), (5, 2, 5, 3, 10, Rule.CONVERTED)]
    assert joins[-1].target_size == 78
    assert within_account([lines[1]]) == []


LEDGER = {
    1: journal(1, (BANK, -100), (WALLET, 100), kind="bank_credit"),
    2: journal(2, (WALLET, -60), (key(AccountKind.PENDING, SELLER), 50), (REVENUE, 10), tag=X),
    3: journal(3, (WALLET, -40), (key(AccountKind.PENDING, SELLER), 40), tag=Y),
    4: journal(4, (key(AccountKind.PENDING, SELLER), -30), (REVENUE, -6), (WALLET, 36), tag=X, kind="refund"),
    5: journal(
        5, (key(AccountKind.PENDING, SELLER), -20), (key(AccountKind.PAYABLE, SELLER), 20), tag=X, kind="release"
    ),
    6: journal(6, (WALLET, -36), (key(AccountKind.PENDING, BROKER), 36), tag=UUID(int=72)),
}


def walked(*seeds: Seed, ledger: Mapping[int, list[Posted]] = LEDGER) -> Walk:
    walk = Walk(seeds)
    while wanted := walk.wanted():
        for name in wanted.journals:
            walk.learn_journal(ledger[name.int])
        for one in wanted.histories:
            lines = [line for lines in ledger.values() for line in lines if line.account == one.account]
            walk.learn_history(one, [line for line in lines if one.tag in (None, line.tag)])
    return walk


def test_an_order_is_followed_to_its_origin_and_to_all_ends_and_a_refund_no_further() -> None:
    walk = walked(Seed(UUID(int=2)))
    steps = [
        (p.target.at.journal.int, p.source.account.kind, p.target.account.kind, p.amount)
        for p in walk.passages()
        if p.rule is Rule.LINES
    ]
    kinds = AccountKind
    assert steps == [
        (1, kinds.BANK, kinds.WALLET, 60),
        (2, kinds.WALLET, kinds.PENDING, 50),
        (2, kinds.WALLET, kinds.REVENUE, 10),
        (4, kinds.PENDING, kinds.WALLET, 30),
        (4, kinds.REVENUE, kinds.WALLET, 6),
        (5, kinds.PENDING, kinds.PAYABLE, 20),
    ]
    rests = {(at.journal.int, at.line): units for at, units in walk.rests().items()}
    assert rests == {(2, 3): 4, (4, 3): 36, (5, 2): 20}
    assert {at.journal.int: units for at, units in walk.origins().items()} == {1: 60}


def held(walk: Walk) -> dict[tuple[UUID | None, AccountKind | None], int]:
    return {(who.organisation_id, who.kind): units for who, units in walk.holdings().items()}


def test_whoever_had_some_of_it_is_named_with_what_is_left_there() -> None:
    walk = walked(Seed(UUID(int=2)))
    assert held(walk) == {(BUYER, None): 36, (SELLER, None): 20, (None, AccountKind.REVENUE): 4}
    assert list(held(walk)) == [(BUYER, None), (SELLER, None), (None, AccountKind.REVENUE)]


def test_what_was_paid_out_stays_with_its_payee_and_a_debt_takes_it_off_again() -> None:
    payable, debts = key(AccountKind.PAYABLE, SELLER), key(AccountKind.DEBT, SELLER)
    paid = {
        1: journal(1, (BANK, -60), (WALLET, 60), kind="bank_credit"),
        2: journal(2, (WALLET, -60), (payable, 50), (REVENUE, 10), tag=X),
        3: journal(3, (payable, -50), (BANK, 50), kind="payout_paid"),
    }
    back = {4: journal(4, (debts, -50), (REVENUE, -10), (WALLET, 60), tag=X, kind="refund")}
    assert held(walked(Seed(UUID(int=2)), ledger=paid)) == {
        (BUYER, None): 0,
        (SELLER, None): 50,
        (None, AccountKind.REVENUE): 10,
    }
    walk = walked(Seed(UUID(int=2)), Seed(UUID(int=4)), ledger=paid | back)
    assert held(walk) == {(BUYER, None): 60, (SELLER, None): 0, (None, AccountKind.REVENUE): 0}


def test_a_charge_that_nobody_paid_and_that_was_taken_back_lies_nowhere() -> None:
    owed, pending = key(AccountKind.RECEIVABLE, BUYER), key(AccountKind.PENDING, SELLER)
    ledger = {
        1: journal(1, (owed, -50), (pending, 50), tag=X, kind="charge"),
        2: journal(2, (pending, -50), (owed, 50), tag=X, kind="refund"),
    }
    walk = walked(Seed(UUID(int=1)), Seed(UUID(int=2)), ledger=ledger)
    assert walk.rests() == walk.origins() == {}
    assert held(walk) == {(BUYER, None): 0, (SELLER, None): 0}
    alone = walked(Seed(UUID(int=1)), ledger={1: ledger[1]})
    assert {at.line: units for at, units in alone.rests().items()} == {2: 50}
    assert held(alone) == {(BUYER, None): -50, (SELLER, None): 50}


def test_a_payment_is_followed_into_every_order_that_it_paid_for() -> None:
    walk = walked(Seed(UUID(int=1)))
    assert sum(walk.rests().values()) == sum(walk.origins().values()) == 100
    assert {passage.target.at.journal.int for passage in walk.passages()} == {1, 2, 3, 4, 5}


def test_one_line_is_followed_alone() -> None:
    walk = walked(Seed(UUID(int=2), 3))
    assert sum(walk.origins().values()) == 10
    assert {(at.journal.int, at.line): units for at, units in walk.rests().items()} == {(2, 3): 4, (4, 3): 6}
    paid = [passage for passage in walk.passages() if passage.source.at == At(UUID(int=2), 1)]
    assert [(one.stretches, [(out.amount, out.rule) for out in walk.out_of(one)]) for one in paid] == [
        (((50, 60),), [(10, Rule.FIFO)])
    ]


def test_a_walk_asks_for_nothing_that_it_does_not_need() -> None:
    walk = Walk([Seed(UUID(int=2))])
    assert walk.wanted().journals == {UUID(int=2)}
    walk.learn_journal(LEDGER[2])
    wanted = walk.wanted()
    assert wanted.histories == {
        History(WALLET, None),
        History(key(AccountKind.PENDING, SELLER), None),
        History(REVENUE, X),
    }


def test_money_spread_too_widely_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "POSTINGS_MAX", 3)
    with pytest.raises(TooMany):
        walked(Seed(UUID(int=1)))

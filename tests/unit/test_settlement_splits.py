from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import AccountKind, payable, pending, platform, wallet
from settlement.journals import (
    BodyMismatch,
    Duplicate,
    Existing,
    Insufficient,
    Journal,
    Line,
    Posted,
    Unbalanced,
    decide,
)
from settlement.orders import Source
from settlement.payments import amount_possible, named_in
from settlement.runs import covered, period_possible
from settlement.splits import BadShares, Role, Share, explain, parse_shares, split
from settlement.statement_totals import Entry, totals

SELLER, BROKER, BUYER = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 1, 15, tzinfo=UTC)


def test_the_offer_s_shares_become_parts_that_sum_to_the_price() -> None:
    shares = parse_shares(
        [
            {"role": "supplier", "weight": 8000},
            {"role": "broker", "organisation": ids.text("org", BROKER), "weight": 500},
            {"role": "platform", "weight": 1500},
        ],
        SELLER,
    )
    parts = split(Money(10_000_001, "EUR"), shares)
    assert [(p.role, p.organisation_id, p.amount.units) for p in parts] == [
        (Role.SUPPLIER, SELLER, 8_000_001),
        (Role.BROKER, BROKER, 500_000),
        (Role.PLATFORM, None, 1_500_000),
    ]
    (broker,) = (one for one in shares if one.role is Role.BROKER)
    assert explain(broker, 10_000, parts[1].amount.units, Money(10_000_001, "EUR")) == {
        "en": "broker: 10.000001 EUR x 500 / 10000 = 0.50 EUR",
        "zh": "经纪方: 10.000001 EUR x 500 / 10000 = 0.50 EUR",
    }


@pytest.mark.parametrize(
    "shares",
    [
        [],
        [{"role": "king", "weight": 1}],
        [{"role": "supplier", "weight": -1}],
        [{"role": "supplier", "weight": True}],
        [{"role": "supplier", "weight": 0}],
        [{"role": "broker", "weight": 1}],
        [{"role": "broker", "weight": 1, "organisation": "ord_00000000000000000000000001"}],
        [{"role": "supplier", "weight": 1}, {"role": "supplier", "weight": 1}],
    ],
)
def test_share_lists_that_cannot_be_split_by(shares: list[dict[str, object]]) -> None:
    with pytest.raises(BadShares):
        parse_shares(shares, SELLER)


def test_a_wallet_purchase_has_six_lines() -> None:
    price = Money(100_000_000, "CNY")
    shares = [
        Share(Role.SUPPLIER, SELLER, 7000),
        Share(Role.BROKER, BROKER, 500),
        Share(Role.ASSESSOR, UUID(int=4), 300),
        Share(Role.PLATFORM, None, 1600),
        Share(Role.TAX, None, 600),
    ]
    journal = postings.wallet_purchase(UUID(int=9), BUYER, price, postings.credits_of(split(price, shares)))
    assert [(line.account.kind, line.amount) for line in journal.lines] == [
        (AccountKind.WALLET, -100_000_000),
        (AccountKind.PENDING, 70_000_000),
        (AccountKind.PENDING, 5_000_000),
        (AccountKind.PENDING, 3_000_000),
        (AccountKind.REVENUE, 16_000_000),
        (AccountKind.TAX, 6_000_000),
    ]


def test_only_the_journal_that_breaks_the_bound_is_refused() -> None:
    mine = wallet(BUYER, "EUR")
    journals = [_spend(n, units) for n, units in ((1, 60), (2, 50), (3, 40), (4, 1))]
    decision = decide(journals, [UUID(int=100 + n) for n in range(4)], {}, {mine: 100})
    assert decision.results == [
        Posted(UUID(int=100)),
        Insufficient(mine, 40),
        Posted(UUID(int=102)),
        Insufficient(mine, 0),
    ]
    assert decision.deltas == {mine: (-100, 2)}


def test_money_in_earlier_in_the_batch_can_be_spent_later_in_it() -> None:
    mine = wallet(BUYER, "EUR")
    journals = [postings.top_up(UUID(int=7), BUYER, Money(50, "EUR")), _spend(1, 50)]
    decision = decide(journals, [UUID(int=100), UUID(int=101)], {}, {mine: 0})
    assert [type(one) for one in decision.results] == [Posted, Posted]


def test_duplicates_answer_with_the_first_and_others_are_told() -> None:
    mine = wallet(BUYER, "EUR")
    first = decide([_spend(1, 10)], [UUID(int=100)], {}, {mine: 100}).accepted[0]
    existing = {("spend", UUID(int=1)): Existing(first[0], first[1])}
    journals = [_spend(1, 10), _spend(1, 11), _spend(2, 10), _spend(2, 10)]
    decision = decide(journals, [UUID(int=200 + n) for n in range(4)], existing, {mine: 100})
    assert decision.results == [
        Duplicate(UUID(int=100)),
        BodyMismatch(UUID(int=100)),
        Posted(UUID(int=202)),
        Duplicate(UUID(int=202)),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        (Line(wallet(BUYER, "EUR"), -1), Line(platform(AccountKind.REVENUE, "CNY"), 1)),
        (Line(wallet(BUYER, "EUR"), -2), Line(platform(AccountKind.REVENUE, "EUR"), 1)),
        (Line(wallet(BUYER, "EUR"), 0), Line(platform(AccountKind.REVENUE, "EUR"), 0)),
        (Line(wallet(BUYER, "EUR"), 0),),
    ],
)
def test_a_journal_that_does_not_balance_is_a_defect(lines: tuple[Line, ...]) -> None:
    with pytest.raises(Unbalanced):
        decide([Journal("bad", UUID(int=1), lines)], [UUID(int=2)], {}, {wallet(BUYER, "EUR"): 100})


def test_bank_references_are_found_in_what_banks_make_of_them() -> None:
    name = ids.text("pay", UUID(int=2**120 + 5))
    for written in (name, name.upper(), f"RE: {name.replace('_', ' ')} thanks", name.replace("_", "")):
        assert named_in(written) == ("pay", UUID(int=2**120 + 5))
    assert named_in(f"for {ids.text('org', BUYER)}") == ("org", BUYER)
    assert named_in("invoice 12") is None
    assert named_in("ord_" + name[4:]) is None


def test_amounts_and_periods_that_are_possible() -> None:
    assert amount_possible(Money(1_230_000, "EUR"))
    assert not amount_possible(Money(1_230_001, "EUR"))
    assert not amount_possible(Money(1_230_000, "JPY"))
    assert not amount_possible(Money(-5_000_000, "EUR"))
    quarter = datetime(2026, 1, 1, 0, 15, tzinfo=UTC)
    assert period_possible(datetime(2026, 1, 1, tzinfo=UTC), quarter, AT)
    assert not period_possible(datetime(2026, 1, 1, tzinfo=UTC), quarter.replace(minute=16), AT)
    assert not period_possible(quarter, quarter, AT)
    assert not period_possible(datetime(2026, 1, 1, tzinfo=UTC), quarter, datetime(2026, 1, 1, tzinfo=UTC))
    assert (covered(10, 4), covered(10, 40), covered(-3, 0)) == (4, 10, -3)


def test_a_statement_shows_the_sale_the_fee_the_share_and_the_payout() -> None:
    mine, other = UUID(int=50), UUID(int=51)
    sources = {
        mine: Source("order", mine, BUYER, SELLER, UUID(int=9), Money(100, "EUR")),
        other: Source("order", other, BUYER, BROKER, UUID(int=9), Money(900, "EUR")),
    }
    entries = [
        Entry(UUID(int=1), 2, postings.RELEASE, mine, 80, AT),
        Entry(UUID(int=2), 4, postings.RELEASE, other, 7, AT),
        Entry(UUID(int=3), 1, postings.PAYOUT, UUID(int=60), -50, AT),
    ]
    found = totals(SELLER, 13, entries, sources)
    assert (found.opening, found.sales, found.fees, found.shares, found.payouts) == (13, 100, -20, 7, -50)
    assert found.closing == 13 + 80 + 7 - 50


def _spend(n: int, units: int) -> Journal:
    lines = (Line(wallet(BUYER, "EUR"), -units), Line(pending(SELLER, "EUR"), units))
    return Journal("spend", UUID(int=n), lines)


def test_payable_and_pending_are_different_accounts() -> None:
    assert payable(SELLER, "EUR") != pending(SELLER, "EUR")

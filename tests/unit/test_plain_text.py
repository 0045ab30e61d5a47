"""The ledger's text by itself: names and amounts as both programs want them, and nothing that could break a line."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from settlement.accounts import OWNED, AccountKey, AccountKind
from settlement.conversion import Rate
from settlement.ledger_words import ACCOUNTS, journal_word
from settlement.plain_text import (
    Dialect,
    PlainAccount,
    PlainJournal,
    PlainLine,
    Span,
    account_name,
    amount_text,
    entry,
    foot,
    head,
)

OWNER = UUID(int=7)
AT = datetime(2026, 1, 15, 23, 59, 59, 999000, tzinfo=UTC)
SPAN = Span(date(2026, 1, 1), date(2026, 2, 1))
WALLET, BANK = AccountKey(OWNER, AccountKind.WALLET, "CNY"), AccountKey(None, AccountKind.BANK, "CNY")
# beancount's own rule for the parts of a name.
_NAME = re.compile(r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+\Z")


@pytest.mark.parametrize("kind", list(AccountKind))
def test_every_kind_of_account_has_a_name_and_words(kind: AccountKind) -> None:
    key = AccountKey(OWNER if kind in OWNED else None, kind, "CNY")
    assert _NAME.match(account_name(key))
    assert ACCOUNTS[kind].en
    assert ACCOUNTS[kind].zh


def test_names_are_told_apart() -> None:
    names = {account_name(AccountKey(OWNER if kind in OWNED else None, kind, "CNY")) for kind in AccountKind}
    assert len(names) == len(AccountKind)
    assert account_name(WALLET) != account_name(AccountKey(UUID(int=8), AccountKind.WALLET, "CNY"))
    assert journal_word("nobody_knows").en == "nobody knows"


def test_amounts_have_six_decimals_and_the_other_sign() -> None:
    told = [amount_text(units, "CNY") for units in (0, 1, -1, 1_000_000, -12_345_678, 2**62)]
    assert told == [
        *("0.000000 CNY", "-0.000001 CNY", "0.000001 CNY", "-1.000000 CNY", "12.345678 CNY"),
        "-4611686018427.387904 CNY",
    ]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_no_source_can_break_out_of_its_line(dialect: Dialect) -> None:
    facts = {"rate-source": 'a "bank",\n2026-01-01 * "forged"\\'}
    lines = (PlainLine(BANK, -5, None), PlainLine(WALLET, 5, "ord_1"))
    text = "".join(entry(dialect, SPAN, PlainJournal(UUID(int=1), "conversion", "cnv_1", AT, lines, facts)))
    assert [line for line in text.splitlines() if line.startswith("2026")] == [text.splitlines()[1]]
    assert text.splitlines()[1].startswith("2026-01-15 ")
    rate = Rate(
        UUID(int=2),
        "EUR",
        "CNY",
        Decimal("7.80"),
        AT,
        datetime(2026, 2, 1, tzinfo=UTC),
        facts["rate-source"],
        OWNER,
        AT,
    )
    prices = "".join(head(dialect, SPAN, [], [rate]))
    assert len([line for line in prices.splitlines() if "forged" in line]) <= 1
    assert "7.8 CNY" in prices


@pytest.mark.parametrize("dialect", list(Dialect))
def test_accounts_come_out_by_name_however_they_came_in(dialect: Dialect) -> None:
    accounts = [PlainAccount(WALLET, 3, 5), PlainAccount(BANK, -3, -5)]
    there = [
        "".join([*head(dialect, SPAN, some, []), *foot(dialect, SPAN, some)]) for some in (accounts, accounts[::-1])
    ]
    assert there[0] == there[1]
    assert "opening_balances" in there[0]
    assert there[0].rstrip().endswith("-0.000005 CNY" if dialect is Dialect.HLEDGER else "-0.000005 ~ 0 CNY")


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Asia/Shanghai", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu"],
)
@pytest.mark.parametrize(
    "first", [date(2018, 11, 4), date(2018, 2, 18), date(2011, 12, 31), date(2026, 3, 29), date(2026, 1, 1)]
)
def test_days_of_a_zone_have_no_gap_and_no_overlap_whatever_its_clocks_do(zone: str, first: date) -> None:
    # Some of these clocks skip midnight, some go back over it, and Apia had no 30 December 2011.
    span = Span(first, first + timedelta(days=1), ZoneInfo(zone))
    since, until = span.bounds
    assert Span(first - timedelta(days=1), first, ZoneInfo(zone)).bounds[1] == since
    step = timedelta(minutes=1)
    days = {span.day_of(since + n * step) for n in range((until - since) // step)}
    assert days == {first}
    assert span.day_of(since - timedelta(milliseconds=1)) < first
    assert span.day_of(until) >= span.end

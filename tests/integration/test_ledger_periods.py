from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import AccountKey, AccountKind, debt, payable, pending, platform, wallet
from settlement.journals import Duplicate, Journal, Line, PeriodClosed, Posted, PostResult
from settlement.periods import AccountStatement, ClosedFurther, ClosedPeriod, TooEarly
from settlement.store import audit, ledger, periods

ONE, TWO = UUID(int=1), UUID(int=2)
BANK, PAYEE = platform(AccountKind.BANK, "EUR"), payable(ONE, "EUR")
HOUR = timedelta(hours=1)


def move(source: int, units: int, at: datetime | None = None, currency: str = "EUR") -> Journal:
    lines = (Line(platform(AccountKind.BANK, currency), -units), Line(payable(ONE, currency), units))
    return Journal("move", UUID(int=source), lines, at)


async def post(database: Database, *journals: Journal) -> list[PostResult]:
    return await database.run(lambda tx: ledger.post(tx, journals))


async def close(database: Database, end: datetime, currency: str = "EUR") -> ClosedPeriod | TooEarly | ClosedFurther:
    return await database.run(lambda tx: periods.close_period(tx, currency, end))


async def at(database: Database, moment: datetime, key: AccountKey = PAYEE) -> int:
    return (await database.run(lambda tx: periods.balances_at(tx, [key], moment)))[key]


async def test_nothing_is_booked_into_a_closed_period(database: Database, clock: FixedClock) -> None:
    start = clock.now()
    await post(database, move(1, 5), move(2, 7, start - HOUR))
    clock.advance(3_600)
    closed = await close(database, start)
    assert closed == ClosedPeriod("EUR", start, 2, 2, clock.now())
    assert await close(database, start) == closed
    assert await close(database, start - HOUR) == ClosedFurther("EUR", start)
    late = [move(3, 1, start - HOUR), move(4, 1, start), move(2, 7, start - HOUR), move(5, 1, start - HOUR, "CNY")]
    results = await post(database, *late)
    assert results[0] == PeriodClosed("EUR", start)
    assert [type(one) for one in results[1:]] == [Posted, Duplicate, Posted]

    async def asked(tx: Tx) -> list[bool]:
        wanted = [("EUR", start), ("EUR", start - HOUR), ("CNY", start - HOUR)]
        return [await periods.period_open(tx, currency, moment) for currency, moment in wanted]

    assert await database.run(asked) == [True, False, True]
    assert await database.run(audit.check) == []


async def test_the_schema_itself_refuses_a_journal_of_a_closed_period(database: Database, clock: FixedClock) -> None:
    start = clock.now()
    await post(database, move(1, 5))
    clock.advance(3_600)
    await close(database, start + timedelta(minutes=1))

    async def raw(tx: Tx, effective: datetime, currency: str) -> None:
        await post_nothing_known(tx, currency)
        driver, journal = await tx.driver(), tx.new_id()
        await driver.execute(
            "INSERT INTO settlement.journal (id, kind, source_id, body_sha256, line_count, effective_at, created_at) "
            "VALUES ($1, 'raw', $1, '', 2, $2, $3)",
            journal,
            effective,
            tx.now,
        )
        await driver.execute(
            "INSERT INTO settlement.posting (journal_id, line, account_id, amount, currency) SELECT $1, "
            "row_number() OVER (), a.id, CASE a.kind WHEN 'bank' THEN -1 ELSE 1 END, a.currency "
            "FROM settlement.account a WHERE a.currency = $2 AND a.kind IN ('bank', 'payable')",
            journal,
            currency,
        )

    await database.run(lambda tx: raw(tx, start + timedelta(minutes=1), "EUR"))
    await database.run(lambda tx: raw(tx, start, "CNY"))
    with pytest.raises(IntegrityError, match="closed period of EUR"):
        await database.run(lambda tx: raw(tx, start, "EUR"))


async def post_nothing_known(tx: Tx, currency: str) -> None:
    await ledger.post(tx, [move(900, 1, None, currency)])


async def test_books_are_closed_only_over_what_is_over(database: Database, clock: FixedClock) -> None:
    await post(database, move(1, 5))
    now = clock.now()
    early = await close(database, now)
    assert isinstance(early, TooEarly)
    assert early.again_at >= now + timedelta(minutes=5)
    with pytest.raises(ValueError, match="millisecond"):
        await close(database, now + timedelta(microseconds=1))

    async def under_way(tx: Tx) -> TooEarly | ClosedFurther | ClosedPeriod:
        await (await tx.driver()).execute("SELECT pg_sleep(0.3)")
        return await close(database, now)

    clock.advance(300)
    still = await database.run(under_way)
    assert isinstance(still, TooEarly)
    assert still.again_at >= now + timedelta(minutes=5, milliseconds=300)
    assert isinstance(await close(database, now), ClosedPeriod)


async def test_a_late_journal_and_a_closing_never_miss_each_other(database: Database, clock: FixedClock) -> None:
    start = clock.now()
    await post(database, move(1, 5))
    clock.advance(7_200)
    told = []

    async def late(number: int) -> None:
        if number % 4 == 3:
            await close(database, start + number * timedelta(minutes=1))
            return
        told.extend(await post(database, move(100 + number, 1, start + number * timedelta(minutes=1, seconds=-1))))

    await asyncio.gather(*(late(number) for number in random.Random(3).sample(range(24), 24)))
    assert {type(one) for one in told} <= {Posted, PeriodClosed}
    assert await database.run(audit.check) == []


@settings(max_examples=12)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 200), st.integers(1, 90)), min_size=1, max_size=30),
    st.lists(st.integers(0, 600), max_size=6),
)
async def test_carry_forward_equals_the_full_sum_wherever_periods_are_cut(
    database: Database, clock: FixedClock, history: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    clock.advance(3_600)
    start, salt = clock.now(), database.ids.new(clock.now()).int >> 64 << 64
    payee = payable(UUID(int=salt), "EUR")
    kept: list[tuple[datetime, int]] = []
    ends = sorted(start + timedelta(seconds=cut) for cut in cuts)
    for number, (moment, back, units) in enumerate(history):
        now = start + timedelta(seconds=max(moment, number))
        clock.advance((now - clock.now()).total_seconds())
        dated = clock.now() - timedelta(seconds=back) if back % 3 else None
        journal = Journal("move", UUID(int=salt + number), (Line(BANK, -units), Line(payee, units)), dated)
        (answer,) = await post(database, journal)
        if isinstance(answer, Posted):
            kept.append((dated or clock.now(), units))
        while ends and ends[0] + timedelta(minutes=6) <= clock.now():
            assert isinstance(await close(database, ends.pop(0)), ClosedPeriod)
    clock.advance(1_200)
    for end in ends:
        assert isinstance(await close(database, end), ClosedPeriod)
    for second in {0, 1, 250, 600, *cuts, *(seconds for seconds, _, _ in history)}:
        asked = start + timedelta(seconds=second)
        assert await at(database, asked, payee) == sum(units for when, units in kept if when < asked)
    assert await at(database, clock.now(), payee) == sum(units for _, units in kept)


@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
async def test_a_closing_balance_is_the_sum_of_the_entries_at_any_time(
    database: Database, clock: FixedClock, dice: random.Random
) -> None:
    # Accounts of their own per example: facts are never deleted.
    salt = database.ids.new(clock.now()).int >> 64 << 64
    owners = [UUID(int=salt + number) for number in (1, 2)]
    accounts = [make(owner, "EUR") for owner in owners for make in (wallet, payable, pending, debt)]
    clock.advance(3_600)
    start, kept = clock.now(), []
    for number in range(dice.randint(1, 24)):
        clock.advance(dice.choice([0, 0.001, 1, 59, 600]))
        back = dice.choice([0, 0, 0, 1, 300, 3_000])
        when = clock.now() - timedelta(seconds=back) if back else None
        out, into = dice.sample([*accounts, BANK], 2)
        units, source = dice.randint(1, 50), UUID(int=salt + 100 + number)
        (answer,) = await post(database, Journal("move", source, (Line(out, -units), Line(into, units)), when))
        if isinstance(answer, Posted):
            kept += [
                ((when or clock.now()), answer.journal_id, key, one) for key, one in ((out, -units), (into, units))
            ]
        if dice.random() < 0.3:
            # A period ends somewhere before now; whatever it closes is carried forward. One that is too early stays open.
            await close(database, start + timedelta(seconds=dice.randint(0, 4_000)))
    kept.sort(key=lambda one: (one[0], one[1]))
    moments = [start, clock.now() + HOUR, *(one[0] for one in kept)]
    for _ in range(12):
        since, until = sorted(dice.choice(moments) + timedelta(milliseconds=dice.choice([0, 0, 1, 700])) for _ in "ab")
        key, limit = dice.choice(accounts), dice.choice([1, 2, 3, 100])
        if since == until:
            continue
        pages = await _pages(database, key, since, until, limit)
        before = sum(units for when, _, account, units in kept if account == key and when < since)
        within = [units for when, _, account, units in kept if account == key and since <= when < until]
        assert [row.amount for page in pages for row in page.rows] == within
        assert all(len(page.rows) <= limit for page in pages)
        assert {(page.opening, page.closing) for page in pages} == {(before, before + sum(within))}
        assert await at(database, since, key) == before
        assert await at(database, until, key) == before + sum(within)


async def _pages(
    database: Database, key: AccountKey, since: datetime, until: datetime, limit: int
) -> list[AccountStatement]:
    async def read(tx: Tx) -> list[AccountStatement]:
        found, after = [], None
        while True:
            found.append(await periods.entries(tx, key, since, until, after, limit))
            after = found[-1].next
            if after is None:
                return found

    return await database.run(read)


async def test_a_statement_is_opening_entries_and_closing_page_by_page(database: Database, clock: FixedClock) -> None:
    start = clock.now()
    for number in range(12):
        await post(database, move(number, number + 1))
        clock.advance(600)
    await close(database, start + HOUR)
    since, until = start + timedelta(minutes=20), start + timedelta(minutes=100)

    found = await _pages(database, PAYEE, since, until, 3)
    assert [[entry.amount for entry in page.rows] for page in found] == [[3, 4, 5], [6, 7, 8], [9, 10]]
    assert {(page.opening, page.closing) for page in found} == {(3, 55)}
    assert found[0].rows[0].effective_at == since
    assert found[0].rows[0].kind == "move"

    async def none(tx: Tx) -> AccountStatement:
        return await periods.entries(tx, wallet(TWO, "EUR"), since, until)

    assert await database.run(none) == AccountStatement(0, [], 0, None)


async def test_a_statement_of_wallets_counts_what_other_flows_wrote(database: Database, clock: FixedClock) -> None:
    start = clock.now()
    await post(database, postings.top_up(UUID(int=1), ONE, Money(100, "EUR")))
    clock.advance(1)
    assert await at(database, start, wallet(ONE, "EUR")) == 0
    assert await at(database, clock.now(), wallet(ONE, "EUR")) == 100

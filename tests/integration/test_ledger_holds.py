from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from exchange.flows.expire_holds import expire_holds
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement import postings
from settlement.accounts import AccountKey, AccountKind, debt, held, payable, platform, wallet
from settlement.holds import BadHold, Ended, EndedOtherwise, Hold, HoldEnd, HoldResult, HoldUnknown, Outcome
from settlement.journals import BodyMismatch, Duplicate, Exceeded, Insufficient, Journal, Line, Posted, PostResult
from settlement.store import audit, holds, ledger
from settlement.store.accounts import set_bounds

BUYER, PAYEE = UUID(int=1), UUID(int=2)
WALLET, HELD, PAYABLE = wallet(BUYER, "EUR"), held(BUYER, "EUR"), payable(PAYEE, "EUR")


async def fund(database: Database, owner: UUID, units: int) -> None:
    async def flow(tx: Tx) -> None:
        await ledger.post(tx, [postings.top_up(tx.new_id(), owner, Money(units, "EUR"))])

    await database.run(flow)


async def opened(database: Database, *wanted: Hold) -> list[PostResult]:
    return await database.run(lambda tx: holds.open_holds(tx, wanted))


async def ended(database: Database, *wanted: HoldEnd) -> list[HoldResult]:
    return await database.run(lambda tx: holds.end_holds(tx, wanted))


async def inside(database: Database, *keys: AccountKey) -> list[int]:
    async def look(tx: Tx) -> list[int]:
        return list((await ledger.sums(tx, keys)).values())

    return await database.run(look)


async def sound(database: Database) -> None:
    assert await database.run(audit.check) == []


async def post(database: Database, *journals: Journal) -> list[PostResult]:
    return await database.run(lambda tx: ledger.post(tx, journals))


def a_hold(number: int, units: int = 100, **more: object) -> Hold:
    return Hold(UUID(int=0x500 + number), WALLET, units, "escrow", UUID(int=77), **more)  # type: ignore[arg-type]


async def test_a_hold_is_settled_in_part_and_the_rest_goes_back(database: Database) -> None:
    await fund(database, BUYER, 300)
    results = await opened(database, a_hold(1, 200), a_hold(2, 101), a_hold(3, 100))
    assert [type(one) for one in results] == [Posted, Insufficient, Posted]
    assert await inside(database, WALLET, HELD) == [0, 300]
    settle = HoldEnd(a_hold(1).id, Outcome.SETTLED, PAYABLE, 150)
    void = HoldEnd(a_hold(3).id, Outcome.VOIDED)
    assert await ended(database, settle, void, HoldEnd(a_hold(2).id, Outcome.VOIDED)) == [
        Ended(settle.hold_id, Outcome.SETTLED, 150, 50),
        Ended(void.hold_id, Outcome.VOIDED, 0, 100),
        HoldUnknown(a_hold(2).id),
    ]
    assert await inside(database, WALLET, HELD, PAYABLE) == [150, 0, 150]
    await sound(database)


async def test_repeated_holds_and_ends_answer_the_same_and_add_nothing(database: Database) -> None:
    await fund(database, BUYER, 300)
    first = await opened(database, a_hold(1), a_hold(1))
    assert first == [first[0], Duplicate(first[0].journal_id)]  # type: ignore[union-attr]
    until = database.clock.now() + timedelta(hours=1)
    changed = [a_hold(1, 99), a_hold(1, expires_at=until), Hold(a_hold(1).id, WALLET, 100, "dispute", UUID(int=77))]
    assert [type(one) for one in await opened(database, *changed)] == [BodyMismatch] * 3
    end = HoldEnd(a_hold(1).id, Outcome.SETTLED, PAYABLE, 40)
    other = HoldEnd(a_hold(1).id, Outcome.SETTLED, PAYABLE, 41)
    results = await ended(database, end, other, end, HoldEnd(end.hold_id, Outcome.VOIDED))
    assert results == [
        Ended(end.hold_id, Outcome.SETTLED, 40, 60),
        EndedOtherwise(end.hold_id, Outcome.SETTLED, 40),
        Ended(end.hold_id, Outcome.SETTLED, 40, 60, repeated=True),
        EndedOtherwise(end.hold_id, Outcome.SETTLED, 40),
    ]
    assert (await ended(database, end))[0] == results[2]
    # It was opened once, and stays so after its end.
    assert await opened(database, a_hold(1)) == [Duplicate(first[0].journal_id)]  # type: ignore[union-attr]
    assert await inside(database, WALLET, HELD, PAYABLE) == [260, 0, 40]
    await sound(database)


async def test_a_hold_ends_once_however_many_race_for_it(database: Database, clock: FixedClock) -> None:
    await fund(database, BUYER, 100_000)
    until = clock.now() + timedelta(minutes=1)
    all_holds = [a_hold(number, 10 + number, expires_at=until) for number in range(40)]
    await opened(database, *all_holds)
    clock.advance(120)
    dice = random.Random(5)

    async def race(kind: int) -> list[HoldResult]:
        mine = dice.sample(all_holds, len(all_holds))
        if kind == 0:
            while await database.run(expire_holds):
                pass
            return []
        outcome = Outcome.VOIDED if kind == 1 else Outcome.EXPIRED
        found: list[HoldResult] = []
        for start in range(0, len(mine), 7):
            found += await ended(database, *(HoldEnd(one.id, outcome) for one in mine[start : start + 7]))
        return found

    answers = [one for lane in await asyncio.gather(*(race(n % 3) for n in range(9))) for one in lane]
    assert all(isinstance(one, Ended | EndedOtherwise) for one in answers)
    by_hold: dict[UUID, set[Outcome]] = {}
    firsts = Counter(one.hold_id for one in answers if isinstance(one, Ended) and not one.repeated)
    for one in answers:
        assert isinstance(one, Ended | EndedOtherwise)
        by_hold.setdefault(one.hold_id, set()).add(one.outcome)
    assert all(len(outcomes) == 1 for outcomes in by_hold.values())
    assert max(firsts.values(), default=1) == 1
    assert await inside(database, WALLET, HELD) == [100_000, 0]
    await sound(database)


async def test_a_hold_is_settled_once_though_64_ask_at_once_for_different_ends(database: Database) -> None:
    await fund(database, BUYER, 50_000)
    owners = [UUID(int=0x900 + n) for n in range(4)]
    to = [payable(owner, "EUR") for owner in owners]
    all_holds = [a_hold(number, 100 + number) for number in range(24)]
    await opened(database, *all_holds)
    dice = random.Random(23)

    def an_end(one: Hold) -> HoldEnd:
        if dice.random() < 0.3:
            return HoldEnd(one.id, Outcome.VOIDED)
        return HoldEnd(one.id, Outcome.SETTLED, dice.choice(to), dice.randint(1, one.amount))

    wishes = [[an_end(one) for one in dice.sample(all_holds, 9)] for _ in range(64)]
    answers = await asyncio.gather(*(ended(database, *wish) for wish in wishes))
    told = [(end, one) for wish, lane in zip(wishes, answers, strict=True) for end, one in zip(wish, lane, strict=True)]
    assert all(isinstance(one, Ended | EndedOtherwise) for _, one in told)
    # Whoever was first moved the money; everybody else is told so, and added nothing.
    firsts = {end.hold_id: end for end, one in told if isinstance(one, Ended) and not one.repeated}
    assert sum(isinstance(one, Ended) and not one.repeated for _, one in told) == len(firsts) == len(all_holds)
    for end, one in told:
        first = firsts[end.hold_id]
        assert isinstance(one, Ended | EndedOtherwise)
        assert (one.outcome, one.amount) == (first.outcome, first.amount)
        assert isinstance(one, Ended) == (end == first)
    settled = [sum(end.amount for end in firsts.values() if end.to == key) for key in to]
    assert await inside(database, WALLET, HELD, *to) == [50_000 - sum(settled), 0, *settled]
    await sound(database)


async def test_what_runs_out_is_given_back_with_an_audit_entry(database: Database, clock: FixedClock) -> None:
    await fund(database, BUYER, 1_000)
    soon = clock.now() + timedelta(minutes=1)
    await opened(database, a_hold(1, expires_at=soon), a_hold(2), a_hold(3, expires_at=soon + timedelta(hours=1)))
    assert await database.run(expire_holds) == 0
    clock.advance(60)
    late = await ended(database, HoldEnd(a_hold(1).id, Outcome.SETTLED, PAYABLE, 5))
    assert type(late[0]).__name__ == "HoldOver"
    assert await database.run(expire_holds) == 1
    assert await database.run(expire_holds) == 0
    assert await inside(database, WALLET, HELD) == [800, 200]

    async def entries(tx: Tx) -> int:
        count = "SELECT count(*) FROM compliance.audit_entry WHERE action = 'hold.expire'"
        found: int = await (await tx.driver()).fetchval(count)
        return found

    assert await database.run(entries) == 1
    await sound(database)


async def test_money_that_fits_nowhere_stays_held_and_blocks_nobody(database: Database, clock: FixedClock) -> None:
    await fund(database, BUYER, 300)
    soon = clock.now() + timedelta(minutes=1)
    other = Hold(UUID(int=0x900), wallet(PAYEE, "EUR"), 5, "escrow", None, soon)
    await fund(database, PAYEE, 5)
    await opened(database, a_hold(1, 200, expires_at=soon), other)
    assert await database.run(lambda tx: set_bounds(tx, WALLET, 0, 150))
    clock.advance(60)
    assert await database.run(expire_holds) == 1
    assert await database.run(expire_holds) == 0
    assert await inside(database, WALLET, HELD, wallet(PAYEE, "EUR")) == [100, 200, 5]
    assert await database.run(lambda tx: set_bounds(tx, WALLET, 0, None))
    clock.advance(3_600)
    assert await database.run(expire_holds) == 1
    assert await inside(database, WALLET, HELD) == [300, 0]
    await sound(database)


async def test_the_schema_ends_a_hold_once_by_itself(database: Database) -> None:
    await fund(database, BUYER, 300)
    await opened(database, a_hold(1))
    await ended(database, HoldEnd(a_hold(1).id, Outcome.VOIDED))

    async def again(tx: Tx) -> None:
        await (await tx.driver()).execute(
            "INSERT INTO settlement.hold_end SELECT hold_id, organisation_id, 'expired', NULL, 0, created_at "
            "FROM settlement.hold_end"
        )

    with pytest.raises(asyncpg.UniqueViolationError):
        await database.run(again)


async def test_a_hold_that_has_run_out_is_not_opened(database: Database, clock: FixedClock) -> None:
    await fund(database, BUYER, 300)
    with pytest.raises(BadHold):
        await opened(database, a_hold(1, expires_at=clock.now()))
    assert await inside(database, WALLET, HELD) == [300, 0]


async def test_an_organisation_sees_its_own_holds_only(database: Database) -> None:
    await fund(database, BUYER, 300)
    await opened(database, a_hold(1), a_hold(2))
    await ended(database, HoldEnd(a_hold(1).id, Outcome.SETTLED, PAYABLE, 30))
    for owner, seen in ((BUYER, 2), (PAYEE, 0)):
        actor = Actor(owner, UUID(int=99), frozenset({"buyer"}), frozenset(), "jti")
        async with database.read(actor) as tx:
            page = await holds.list_holds(tx, actor, PageRequest())
            assert [one.outcome for one in page.items] == [None, Outcome.SETTLED][:seen]
            assert len((await holds.list_holds(tx, actor, PageRequest(), open_only=True)).items) == seen // 2
            driver = await tx.driver()
            # The second wall alone.
            assert await driver.fetchval("SELECT count(*) FROM settlement.hold") == seen
            assert await driver.fetchval("SELECT count(*) FROM settlement.hold_end") == seen // 2


def between(source: UUID, out: AccountKey, into: AccountKey, units: int) -> Journal:
    return Journal("move", source, (Line(out, -units), Line(into, units)))


async def test_no_account_passes_its_bounds_under_64_parallel_writers(database: Database) -> None:
    owners = [UUID(int=n) for n in range(1, 6)]
    accounts = [wallet(owner, "EUR") for owner in owners] + [debt(owner, "EUR") for owner in owners]
    bank = platform(AccountKind.BANK, "EUR")
    for owner in owners:
        await fund(database, owner, 500)

    async def bound(tx: Tx) -> None:
        for owner in owners:
            assert await set_bounds(tx, wallet(owner, "EUR"), -100, 800)

    await database.run(bound)
    dice = random.Random(11)
    sources = iter(UUID(int=0x10_000 + n) for n in range(10_000))

    async def writer(lane: random.Random) -> Counter[str]:
        told: Counter[str] = Counter()
        for _ in range(4):
            journals = []
            for _ in range(6):
                # In any order of accounts: the ledger sorts what it locks.
                one, two = lane.sample([*accounts, bank], 2)
                journals.append(between(next(sources), one, two, lane.randint(1, 400)))
            told.update(type(result).__name__ for result in await post(database, *journals))
        return told

    lanes = await asyncio.gather(*(writer(random.Random(dice.random())) for _ in range(64)))
    told = sum(lanes, Counter())
    assert set(told) == {"Posted", "Insufficient", "Exceeded"}
    assert told.total() == 64 * 4 * 6

    async def look(tx: Tx) -> None:
        rows = await (await tx.driver()).fetch("SELECT posted, min_balance, max_balance FROM settlement.balance")
        for posted, low, high in rows:
            assert low is None or posted >= low
            assert high is None or posted <= high

    await database.run(look)
    await sound(database)


async def test_bounds_are_given_only_where_what_is_in_the_account_fits(database: Database) -> None:
    await fund(database, BUYER, 100)
    assert not await database.run(lambda tx: set_bounds(tx, WALLET, 101, None))
    assert not await database.run(lambda tx: set_bounds(tx, WALLET, 0, 99))
    assert await database.run(lambda tx: set_bounds(tx, WALLET, -50, 100))

    async def flow(tx: Tx) -> list[PostResult]:
        assert await ledger.available(tx, [WALLET]) == {WALLET: 150}
        bank = platform(AccountKind.BANK, "EUR")
        return await ledger.post(
            tx,
            [
                between(UUID(int=1), bank, WALLET, 1),
                between(UUID(int=2), WALLET, bank, 151),
                between(UUID(int=3), WALLET, bank, 150),
            ],
        )

    results = await database.run(flow)
    assert results[:2] == [Exceeded(WALLET, 0), Insufficient(WALLET, 150)]
    assert isinstance(results[2], Posted)
    wrong: tuple[tuple[AccountKey, int | None, int | None], ...] = (
        (PAYABLE, 0, None),
        (WALLET, None, 5),
        (debt(BUYER, "EUR"), 0, None),
    )
    for key, low, high in wrong:
        with pytest.raises(ValueError, match="bound"):
            await database.run(partial(set_bounds, key=key, minimum=low, maximum=high))

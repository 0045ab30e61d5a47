from __future__ import annotations

import asyncio
import random
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement import postings
from settlement.accounts import AccountKind, pending, platform, wallet
from settlement.journals import BodyMismatch, Duplicate, Insufficient, Journal, Posted, PostResult
from settlement.splits import Role, Share, split
from settlement.store import audit, ledger, reads
from settlement.store.accounts import account_ids

SELLER, BROKER = UUID(int=0x71), UUID(int=0x72)
SHARES = [Share(Role.SUPPLIER, SELLER, 80), Share(Role.BROKER, BROKER, 5), Share(Role.PLATFORM, None, 15)]


def spend(source: UUID, buyer: UUID, units: int) -> Journal:
    price = Money(units, "EUR")
    return postings.wallet_purchase(source, buyer, price, postings.credits_of(split(price, SHARES)))


def fund(source: UUID, buyer: UUID, units: int) -> Journal:
    return postings.top_up(source, buyer, Money(units, "EUR"))


async def post(database: Database, *journals: Journal) -> list[PostResult]:
    return await database.run(lambda tx: ledger.post(tx, journals))


async def test_a_batch_is_answered_one_by_one_and_adds_up(database: Database) -> None:
    one, two = UUID(int=1), UUID(int=2)
    journals = [
        fund(UUID(int=10), one, 100),
        spend(UUID(int=11), one, 70),
        spend(UUID(int=12), two, 1),
        spend(UUID(int=13), one, 31),
        spend(UUID(int=14), one, 30),
    ]
    results = await post(database, *journals)
    assert [type(result) for result in results] == [Posted, Posted, Insufficient, Insufficient, Posted]
    assert results[3] == Insufficient(wallet(one, "EUR"), 30)
    again = await post(database, *journals)
    assert [type(result) for result in again] == [Duplicate, Duplicate, Insufficient, Insufficient, Duplicate]
    assert again[0] == Duplicate(results[0].journal_id)  # type: ignore[union-attr]
    assert [type(r) for r in await post(database, fund(UUID(int=10), one, 99))] == [BodyMismatch]

    async def look(tx: Tx) -> None:
        keys = [pending(SELLER, "EUR"), platform(AccountKind.STRIPE, "EUR"), pending(UUID(int=5), "EUR")]
        assert list((await ledger.sums(tx, keys)).values()) == [80, -100, 0]
        assert (await ledger.lock_balances(tx, [wallet(one, "EUR")])).available == {wallet(one, "EUR"): 0}
        # No order stands behind these purchases; everything else is sound.
        assert {finding.rule for finding in await audit.check(tx)} == {"purchase-has-order"}
        assert sum((await audit.trial_balance(tx))["EUR"].values()) == 0

    await database.run(look)


async def test_a_batch_of_any_size_takes_three_statements(database: Database) -> None:
    buyers = [UUID(int=n) for n in range(1, 21)]
    await post(database, *[fund(UUID(int=100 + n), buyer, 10**9) for n, buyer in enumerate(buyers)])
    await post(database, spend(UUID(int=150), buyers[0], 100))
    counts = []
    for size in (1, 100):

        async def batch(tx: Tx, size: int = size) -> int:
            driver, seen = await tx.driver(), []
            journals = [spend(tx.new_id(), buyers[n % 20], 100) for n in range(size)]
            driver.add_query_logger(seen.append)
            try:
                results = await ledger.post(tx, journals)
            finally:
                driver.remove_query_logger(seen.append)
            assert all(isinstance(result, Posted) for result in results)
            return len(seen)

        counts.append(await database.run(batch))
    assert counts == [3, 3]


async def test_concurrent_wallets_never_go_below_zero_and_nothing_is_posted_twice(database: Database) -> None:
    buyers = [UUID(int=n) for n in range(1, 6)]
    await post(database, *[fund(UUID(int=100 + n), buyer, 1_000) for n, buyer in enumerate(buyers)])
    dice = random.Random(7)
    sources = [UUID(int=1000 + n) for n in range(120)]
    wanted = [spend(source, buyers[source.int % 5], 20 + source.int % 90) for source in sources]

    async def writer() -> int:
        posted = 0
        shuffled = dice.sample(wanted, len(wanted))
        for start in range(0, len(shuffled), 15):
            results = await post(database, *shuffled[start : start + 15])
            posted += sum(isinstance(result, Posted) for result in results)
            assert not any(isinstance(result, BodyMismatch) for result in results)
        return posted

    counts = await asyncio.gather(*(writer() for _ in range(6)))

    async def look(tx: Tx) -> None:
        driver = await tx.driver()
        assert await driver.fetchval("SELECT count(*) FROM settlement.journal WHERE kind = 'purchase'") == sum(counts)
        assert await driver.fetchval("SELECT min(posted) FROM settlement.balance") >= 0
        # No order stands behind these purchases.
        assert {finding.rule for finding in await audit.check(tx)} == {"purchase-has-order"}

    await database.run(look)


async def test_two_transactions_with_the_same_journal_both_learn_its_id(database: Database) -> None:
    journal = postings.bank_credit(UUID(int=1), None, Money(5, "EUR"))
    results = await asyncio.gather(*(post(database, journal) for _ in range(8)))
    kinds = sorted(type(result[0]).__name__ for result in results)
    assert kinds == ["Duplicate"] * 7 + ["Posted"]
    assert len({result[0].journal_id for result in results}) == 1  # type: ignore[union-attr]


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 2), st.integers(-60, 60).filter(bool)), min_size=1, max_size=14
    ),
    st.lists(st.integers(1, 5), min_size=14, max_size=14),
)
async def test_any_batching_gives_the_same_ledger(
    database: Database, commands: list[tuple[int, int, int]], sizes: list[int]
) -> None:
    found = []
    for round_, cut in enumerate(([1] * 14, sizes)):
        # Fresh wallets and sources per round, in one database: its facts are never deleted.
        salt = (database.ids.new(database.clock.now()).int << 40) % (1 << 128)
        journals = [
            (fund if units > 0 else spend)(UUID(int=salt + 64 + source), UUID(int=salt + buyer), abs(units))
            for source, buyer, units in commands
        ]
        answers: list[str] = []
        left = journals * (round_ + 1)
        while left:
            size = cut[len(answers) % 14]
            answers += [type(result).__name__ for result in await post(database, *left[:size])]
            left = left[size:]
        found.append((answers[: len(journals)], await _held(database, salt)))
    assert found[0][0] == found[1][0]
    if "Insufficient" not in found[0][0]:
        assert found[0][1] == found[1][1]


async def _held(database: Database, salt: int) -> list[int]:
    keys = [wallet(UUID(int=salt + buyer), "EUR") for buyer in (1, 2)]

    async def look(tx: Tx) -> list[int]:
        return list((await ledger.sums(tx, keys)).values())

    return await database.run(look)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([(1, "wallet", -5, "EUR"), (2, "stripe", 4, "EUR")], "sum to zero"),
        ([(1, "wallet", -5, "EUR"), (2, "stripe", 5, "CNY")], "account of its currency"),
        ([(1, "wallet", -5, "EUR"), (2, "stripe", 2, "EUR"), (3, "stripe", 3, "EUR")], "not complete"),
        ([(1, "wallet", -5, "EUR"), (3, "stripe", 5, "EUR")], "not complete"),
    ],
)
async def test_the_schema_itself_refuses_what_does_not_balance(
    database: Database, lines: list[tuple[int, str, int, str]], said: str
) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=said):
        await database.run(lambda tx: _raw(tx, lines))


async def test_a_journal_gets_no_second_set_of_lines(database: Database) -> None:
    good = [(1, "wallet", -5, "EUR"), (2, "stripe", 5, "EUR")]
    for more in (
        [(1, "wallet", 1, "EUR"), (2, "stripe", -1, "EUR")],
        [(3, "wallet", 1, "EUR"), (4, "stripe", -1, "EUR")],
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await database.run(lambda tx, more=more: _raw(tx, good, more))


async def _raw(tx: Tx, *statements: list[tuple[int, str, int, str]]) -> None:
    driver = await tx.driver()
    keys = [wallet(UUID(int=1), "EUR"), platform(AccountKind.STRIPE, "EUR")]
    ids = {key.kind.value: number for key, number in (await account_ids(tx, keys)).items()}
    journal = tx.new_id()
    await driver.execute(
        "INSERT INTO settlement.journal (id, kind, source_id, body_sha256, line_count, effective_at, created_at) "
        "VALUES ($1, 'raw', $1, '', 2, $2, $2)",
        journal,
        tx.now,
    )
    for lines in statements:
        await driver.execute(
            "INSERT INTO settlement.posting (journal_id, line, account_id, amount, currency) "
            "SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::text[])",
            journal,
            [line for line, _, _, _ in lines],
            [ids[kind] for _, kind, _, _ in lines],
            [amount for _, _, amount, _ in lines],
            [currency for _, _, _, currency in lines],
        )


@pytest.mark.parametrize("table", ["journal", "posting", "account", "charge", "invoice", "statement"])
@pytest.mark.parametrize(
    "verb",
    ["UPDATE settlement.{0} SET created_at = created_at", "DELETE FROM settlement.{0}", "TRUNCATE settlement.{0}"],
)
async def test_facts_are_never_changed_not_even_by_the_owner(database_url: str, table: str, verb: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        column = {"posting": "amount", "invoice": "number", "statement": "number"}.get(table, "created_at")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changed"):
            await connection.execute(verb.format(table).replace("created_at", column))
    finally:
        await connection.close()


@pytest.mark.parametrize("table", ["journal", "posting", "account", "charge", "invoice", "statement"])
async def test_the_app_has_no_right_to_change_facts(rollback_tx: Tx, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await (await rollback_tx.driver()).execute(f"DELETE FROM settlement.{table}")


async def test_the_database_bounds_a_wallet_by_itself(database: Database) -> None:
    await post(database, fund(UUID(int=10), UUID(int=1), 5))
    with pytest.raises(asyncpg.CheckViolationError):
        await database.run(_steal)


async def _steal(tx: Tx) -> None:
    await (await tx.driver()).execute("UPDATE settlement.balance SET posted = posted - 6")


async def test_ids_of_accounts_that_were_rolled_back_are_not_remembered(database: Database) -> None:
    async def fails(tx: Tx) -> None:
        await ledger.post(tx, [fund(UUID(int=10), UUID(int=1), 5)])
        await ledger.post(tx, [fund(UUID(int=11), UUID(int=1), 5)])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.run(fails)
    assert [type(result) for result in await post(database, fund(UUID(int=10), UUID(int=1), 5))] == [Posted]


async def test_an_organisation_sees_its_own_money_and_nobody_else_s(database: Database) -> None:
    one, two = UUID(int=1), UUID(int=2)
    await post(database, fund(UUID(int=10), one, 100), fund(UUID(int=11), two, 7), spend(UUID(int=12), one, 40))
    request = PageRequest()
    async with database.read(_actor(one)) as tx:
        assert await reads.wallets(tx, _actor(one)) == [Money(60, "EUR")]
        page = await reads.movements(tx, _actor(one), "wallet", "EUR", request)
        assert [(line.kind, line.amount.units) for line in page.items] == [("purchase", -40), ("top_up", 100)]
        # The second wall alone: no filter of ours, still nothing of the others.
        driver = await tx.driver()
        assert await driver.fetchval("SELECT count(*) FROM settlement.posting") == 2
        assert await driver.fetchval("SELECT count(*) FROM settlement.journal") == 2
        assert await driver.fetchval("SELECT count(*) FROM settlement.balance") == 1
    async with database.read(None) as tx:
        assert await (await tx.driver()).fetchval("SELECT count(*) FROM settlement.posting") == 0


def _actor(organisation: UUID) -> Actor:
    return Actor(organisation, UUID(int=99), frozenset({"buyer"}), frozenset(), "jti")


def test_the_rules_of_fsck_have_names() -> None:
    assert len(set(audit.rules())) == len(audit.rules()) > 20

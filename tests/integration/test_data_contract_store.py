"""Data contracts in the database: versions by time, one check per revision, and two walls around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from contracts import data_contract_store as store
from contracts.data_contract_store import BreachNotice, Checked, StoredContract
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import canonical, sha256
from exchange.kernel.db import Database, Tx
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement import postings
from settlement.accounts import payable, wallet
from settlement.store import audit as books
from settlement.store import ledger, service_credits
from settlement.store.service_credits import ServiceCredit

SUPPLIER, BUYER, OTHER, DATASET, REVISION, GRANT = (UUID(int=n) for n in range(1, 7))
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = PageRequest(limit=10, after=None)


def actor(organisation: UUID) -> Actor:
    return Actor(organisation, UUID(int=99), frozenset({"supplier", "buyer"}), frozenset(), "jti")


def version(number: int, at: datetime) -> StoredContract:
    document = canonical({"number": number})
    return StoredContract(UUID(int=100 + number), DATASET, SUPPLIER, number, document, sha256(document), at)


def checked() -> Checked:
    return Checked(UUID(int=200), UUID(int=101), DATASET, REVISION, SUPPLIER, 1, "flag", b"{}", FIRST)


async def filled(tx: Tx) -> None:
    for number in (1, 2):
        await store.insert_contract(tx, version(number, FIRST + timedelta(days=number)))
    assert await store.insert_check(tx, checked())
    notice = BreachNotice(UUID(int=300), UUID(int=200), GRANT, DATASET, REVISION, BUYER, SUPPLIER, b"{}", FIRST)
    assert await store.insert_notices(tx, checked(), [notice]) == [BUYER]
    assert await store.insert_notices(tx, checked(), [notice]) == []
    assert await store.told_grants(tx, UUID(int=200)) == {GRANT}


async def test_the_version_in_force_is_the_newest_of_its_time(database: Database) -> None:
    await database.run(filled)

    async def asked(tx: Tx) -> list[int | None]:
        times = [None, FIRST + timedelta(days=1), FIRST + timedelta(hours=47), FIRST]
        found = [await store.newest(tx, DATASET, at) for at in times]
        return [one.number if one else None for one in found]

    assert await database.run(asked) == [2, 1, 1, None]


async def test_a_revision_is_checked_once(database: Database) -> None:
    await database.run(filled)
    assert await database.run(lambda tx: store.insert_check(tx, checked())) is False


async def test_contracts_and_breaches_are_seen_by_their_parties_only(database: Database) -> None:
    await database.run(filled)
    for one, contracts, told in ((SUPPLIER, 2, 0), (BUYER, 0, 1), (OTHER, 0, 0)):
        async with database.read(actor(one)) as tx:
            assert len((await store.own_contracts(tx, actor(one), DATASET, PAGE)).items) == contracts
            assert len((await store.own_checks(tx, actor(one), PAGE)).items) == (1 if one == SUPPLIER else 0)
            assert len((await store.told(tx, actor(one), PAGE)).items) == told
    async with database.read(None) as tx:
        assert await store.public_contract(tx, DATASET) is None
        assert await store.check_of(tx, REVISION) is None


async def test_a_contract_is_never_changed(database: Database) -> None:
    await database.run(filled)

    async def change(tx: Tx) -> None:
        await (await tx.driver()).execute("UPDATE contracts.data_contract SET number = 9")

    with pytest.raises(asyncpg.PostgresError):
        await database.run(change)


async def test_a_credit_without_its_journal_is_found(database: Database) -> None:
    credit = ServiceCredit(
        UUID(int=400), UUID(int=200), GRANT, BUYER, SUPPLIER, Money(5_000_000, "CNY"), 0, FIRST, {"en": "a", "zh": "甲"}
    )

    async def broken(tx: Tx) -> list[str]:
        await service_credits.insert_credits(tx, [credit])
        return [one.rule for one in await books.check(tx)]

    assert await database.run(broken) == ["service-credit-has-its-journal"]

    async def booked(tx: Tx) -> list[str]:
        await ledger.post(tx, [postings.service_credit(credit.id, SUPPLIER, BUYER, GRANT, credit.amount)])
        return [one.rule for one in await books.check(tx)]

    assert await database.run(booked) == []
    assert await database.run(lambda tx: service_credits.credited(tx, UUID(int=200))) == {GRANT}
    key = (GRANT, FIRST, "CNY")
    assert await database.run(lambda tx: service_credits.given(tx, [key])) == {key: 5_000_000}
    sums = await database.run(lambda tx: ledger.sums(tx, [payable(SUPPLIER, "CNY"), wallet(BUYER, "CNY")]))
    assert list(sums.values()) == [-5_000_000, 5_000_000]
    async with database.read(actor(BUYER)) as tx:
        assert await service_credits.of_causes(tx, actor(BUYER), [UUID(int=200)]) == {
            (UUID(int=200), GRANT): Money(5_000_000, "CNY")
        }
    async with database.read(actor(OTHER)) as tx:
        assert await service_credits.of_causes(tx, actor(OTHER), [UUID(int=200)]) == {}

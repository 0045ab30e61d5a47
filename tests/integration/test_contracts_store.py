"""Agreements and quotes in the database: who may write, who may see."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from sqlalchemy import select

from contracts import store, tables
from contracts.store import AgreementRow, QuoteRow
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.pages import PageRequest, page_request

BUYER, SELLER, STRANGER = UUID(int=1), UUID(int=2), UUID(int=3)


def actor(organisation_id: UUID) -> Actor:
    return Actor(organisation_id, UUID(int=9), frozenset({"buyer"}), frozenset(), "jti")


def agreement(tx: Tx, buyer: UUID = BUYER, seller: UUID = SELLER) -> AgreementRow:
    return AgreementRow(
        tx.new_id(), tx.new_id(), UUID(int=7), buyer, seller, b"{}", b"\0" * 32, "kid", b"\0" * 64, tx.now
    )


def quote(tx: Tx) -> QuoteRow:
    end = tx.now + timedelta(days=7)
    return QuoteRow(tx.new_id(), BUYER, SELLER, UUID(int=7), b"{}", b"\0" * 32, "kid", b"\0" * 64, tx.now, end)


async def test_many_agreements_in_one_statement_are_read_page_by_page(database: Database) -> None:
    async def flow(tx: Tx) -> list[AgreementRow]:
        rows = [agreement(tx) for _ in range(5)]
        await store.insert_agreements(tx, rows)
        await store.insert_agreements(tx, [])
        assert await store.find_agreements(tx, [row.id for row in rows]) == {row.id: row for row in rows}
        return rows

    rows = await database.run(flow)
    newest_first = rows[::-1]
    for side in (BUYER, SELLER):
        async with database.read(actor(side)) as tx:
            first = await store.agreements_of(tx, actor(side), PageRequest(limit=3))
            rest = await store.agreements_of(tx, actor(side), page_request(3, first.next_cursor))
            assert [*first.items, *rest.items] == newest_first
            assert rest.next_cursor is None
            assert await store.agreement(tx, actor(side), rows[0].id) == rows[0]


async def test_quotes_are_kept_and_found(database: Database) -> None:
    async def flow(tx: Tx) -> QuoteRow:
        row = quote(tx)
        await store.insert_quotes(tx, [row])
        assert await store.find_quote(tx, row.id) == row
        assert await store.find_quote(tx, tx.new_id()) is None
        return row

    row = await database.run(flow)
    async with database.read(actor(SELLER)) as tx:
        assert await store.quote(tx, actor(SELLER), row.id) == row
        assert (await store.quotes_of(tx, actor(SELLER), PageRequest())).items == [row]


async def test_strangers_see_nothing_through_either_wall(database: Database) -> None:
    async def flow(tx: Tx) -> tuple[UUID, UUID]:
        mine, offered = agreement(tx), quote(tx)
        await store.insert_agreements(tx, [mine])
        await store.insert_quotes(tx, [offered])
        return mine.id, offered.id

    agreement_id, quote_id = await database.run(flow)
    async with database.read(actor(STRANGER)) as tx:
        assert await store.agreement(tx, actor(STRANGER), agreement_id) is None
        assert await store.quote(tx, actor(STRANGER), quote_id) is None
        # Row-level security alone, with no condition of ours.
        for table in (tables.agreement, tables.quote):
            assert (await tx.conn.execute(select(table))).all() == []
    async with database.read(None) as tx:
        assert (await tx.conn.execute(select(tables.agreement))).all() == []


@pytest.mark.parametrize("table", ["agreement", "quote"])
@pytest.mark.parametrize(
    "change", ["UPDATE contracts.{} SET kid = 'x'", "DELETE FROM contracts.{}", "TRUNCATE contracts.{}"]
)
async def test_facts_are_never_changed(rollback_tx: Tx, table: str, change: str) -> None:
    driver = await rollback_tx.driver()
    with pytest.raises(InsufficientPrivilegeError):
        await driver.execute(change.format(table))

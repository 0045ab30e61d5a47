"""Rights in the database: one of each, never changed, seen by their supplier; notices seen by both sides; summaries by all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts import chain_form, chain_store
from contracts.chain import Asks, Right, RightDraft, RightState, Trace
from contracts.chain_store import Notice
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.pages import PageRequest, page_request

SUPPLIER, BUYER, STRANGER, DATASET = (UUID(int=n) for n in range(1, 5))
PAGE = PageRequest(limit=50)
REASON = {"en": "gone", "zh": "已撤回"}


def actor(organisation_id: UUID) -> Actor:
    return Actor(organisation_id, UUID(int=9), frozenset({"supplier", "buyer"}), frozenset(), "jti")


def draft(name: str, **changes: Any) -> RightDraft:
    document = {
        "subject": "work",
        "id": name,
        "kind": "copyright",
        "holder": "Ann",
        "territory": "*",
        "purposes": ["evaluate"],
        "covers": {"assets": [f"{name}.txt"]},
        **changes,
    }
    read = chain_form.parse(document)
    assert isinstance(read, RightDraft), read
    return read


async def declared(database: Database, *drafts: RightDraft) -> list[Right]:
    await database.run(lambda tx: chain_store.insert_rights(tx, DATASET, SUPPLIER, drafts))
    return await database.run(lambda tx: chain_store.rights_of(tx, DATASET))


def notice(tx: Tx, right: Right) -> Notice:
    return Notice(tx.new_id(), right.id, UUID(int=30), DATASET, UUID(int=31), BUYER, SUPPLIER, b"{}", tx.now)


async def test_the_same_right_twice_is_one(database: Database) -> None:
    async def flow(tx: Tx) -> None:
        ids, new = await chain_store.insert_rights(tx, DATASET, SUPPLIER, [draft("a"), draft("b")])
        assert new == set(ids)
        again, fresh = await chain_store.insert_rights(tx, DATASET, SUPPLIER, [draft("b"), draft("c"), draft("a")])
        assert (again[0], again[2]) == (ids[1], ids[0])
        assert fresh == {again[1]}
        assert await chain_store.count(tx, DATASET) == 3
        assert await chain_store.known(tx, DATASET, [draft("a"), draft("z")]) == 1
        assert [one.draft for one in await chain_store.rights_of(tx, DATASET)] == [draft("a"), draft("b"), draft("c")]

    await database.run(flow)


async def test_a_right_ends_once_and_is_read_as_ended(database: Database) -> None:
    one, other = await declared(database, draft("a"), draft("b", until="2020-01-01"))

    async def flow(tx: Tx) -> None:
        assert await chain_store.due(tx) == [DATASET]
        assert await chain_store.end(tx, [one], RightState.WITHDRAWN, Asks.DELETE, REASON) == {one.id}
        assert await chain_store.end(tx, [one, other], RightState.EXPIRED, Asks.STOP, REASON) == {other.id}
        assert await chain_store.due(tx) == []
        assert await chain_store.ended_datasets(tx) == [DATASET]
        assert await chain_store.any_ended(tx, DATASET)
        assert not await chain_store.any_ended(tx, UUID(int=77))
        found = await chain_store.find(tx, one.id)
        assert found is not None
        assert (found.state, found.asks, found.reason) == (RightState.WITHDRAWN, Asks.DELETE, REASON)

    await database.run(flow)


async def test_the_clock_alone_ends_a_right_for_whoever_asks(database: Database) -> None:
    await declared(database, draft("a", until="2020-01-01"), draft("b"))
    assert await database.run(lambda tx: chain_store.any_ended(tx, DATASET))
    me = actor(SUPPLIER)
    async with database.read(me) as tx:
        for state, expected in (
            (RightState.EXPIRED, ["a"]),
            (RightState.DECLARED, ["b"]),
            (RightState.WITHDRAWN, []),
            (None, ["a", "b"]),
        ):
            page = await chain_store.own_rights(tx, me, DATASET, PAGE, state)
            assert [one.draft.subject_id for one in page.items] == expected


async def test_rights_are_their_suppliers_alone_page_by_page(database: Database) -> None:
    rights = await declared(database, *[draft(name) for name in "abcde"])
    me, other = actor(SUPPLIER), actor(STRANGER)
    async with database.read(me) as tx:
        first = await chain_store.own_rights(tx, me, DATASET, PageRequest(limit=3))
        rest = await chain_store.own_rights(tx, me, DATASET, page_request(3, first.next_cursor))
        assert [*first.items, *rest.items] == rights
        assert await chain_store.own_right(tx, me, DATASET, rights[0].id) == rights[0]
        assert await chain_store.own_right(tx, me, UUID(int=77), rights[0].id) is None
    async with database.read(other) as tx:
        # The store's own filter aside, row security shows nothing either.
        assert await chain_store.rights_of(tx, DATASET) == []
        assert await chain_store.find(tx, rights[0].id) is None
        assert await chain_store.declared(tx, DATASET) is None


async def test_what_was_found_in_a_file_is_kept_once(database: Database) -> None:
    (right,) = await declared(database, draft("a"))
    content = bytes(range(32))

    async def flow(tx: Tx) -> None:
        first = Trace(right.id, content, whole=False, records=3, examples=("x", "逗,号"))
        await chain_store.insert_traces(tx, DATASET, SUPPLIER, [first])
        await chain_store.insert_traces(tx, DATASET, SUPPLIER, [Trace(right.id, content, whole=True, records=0)])
        await chain_store.insert_traces(tx, DATASET, SUPPLIER, [])
        assert await chain_store.traces_of(tx, DATASET, [right], [content, bytes(32)]) == [first]
        assert await chain_store.traces_of(tx, DATASET, [], [content]) == []

    await database.run(flow)


async def test_a_buyer_is_told_once_and_nobody_else_reads_it(database: Database) -> None:
    (right,) = await declared(database, draft("a"))

    async def flow(tx: Tx) -> None:
        assert await chain_store.insert_notices(tx, DATASET, [notice(tx, right)]) == [BUYER]
        assert await chain_store.insert_notices(tx, DATASET, [notice(tx, right)]) == []

    await database.run(flow)
    for side, count in ((BUYER, 1), (SUPPLIER, 0), (STRANGER, 0)):
        async with database.read(actor(side)) as tx:
            assert len((await chain_store.told(tx, actor(side), PAGE)).items) == count
    for side, count in ((BUYER, 1), (SUPPLIER, 1), (STRANGER, 0)):
        async with database.read(actor(side)) as tx:
            assert await (await tx.driver()).fetchval("SELECT count(*) FROM contracts.rights_notice") == count


async def test_a_summary_is_public_only_while_its_dataset_is_on_sale(database: Database) -> None:
    for document in ({"rights": {"declared": 1}}, {"rights": {"declared": 2}}):
        await database.run(lambda tx, said=document: chain_store.put_summary(tx, DATASET, SUPPLIER, said))
    async with database.read(None) as tx:
        assert await chain_store.summary(tx, DATASET) is None
    async with database.read(actor(SUPPLIER)) as tx:
        found = await chain_store.summary(tx, DATASET)
        assert found is not None
        assert found[0] == {"rights": {"declared": 2}}
        assert found[1] > datetime(2020, 1, 1, tzinfo=UTC)


async def test_a_right_cannot_be_changed(database: Database) -> None:
    (right,) = await declared(database, draft("a"))

    async def flow(tx: Tx) -> None:
        await (await tx.driver()).execute("UPDATE contracts.chain_right SET subject_id = 'b' WHERE id = $1", right.id)

    with pytest.raises(asyncpg.PostgresError):
        await database.run(flow)

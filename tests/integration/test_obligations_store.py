"""Obligations and questions in the database: one of each, seen by their sides, reminded of once, moved once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts import obligations_store as store
from contracts.obligations import NOTICE, Obligation, State
from contracts.obligations_store import AskedRow, Plan
from contracts.rights import Duty
from exchange.flows.keep_obligations import remind
from exchange.kernel.actor import Actor
from exchange.kernel.db import Database, Tx
from exchange.kernel.pages import PageRequest

BUYER, SELLER, STRANGER, AGREEMENT = (UUID(int=number) for number in range(1, 5))
PAGE = PageRequest(limit=1)
REPORT = Duty("report_use", every="month", otherwise=(Duty("notify", None, 5, (Duty("compensate"),)),))


def actor(organisation_id: UUID) -> Actor:
    return Actor(organisation_id, UUID(int=9), frozenset({"supplier", "buyer"}), frozenset(), "jti")


def owed(tx: Tx, number: int = 1, **changes: Any) -> Obligation:
    one = Obligation(
        id=tx.new_id(),
        agreement_id=AGREEMENT,
        buyer_id=BUYER,
        seller_id=SELLER,
        parent_id=None,
        path="report_use",
        number=number,
        duty=REPORT,
        state=State.OPEN,
        due_at=tx.now + timedelta(days=30),
        created_at=tx.now,
        changed_at=tx.now,
    )
    return replace(one, **changes)


async def test_an_obligation_is_written_once_and_read_back_whole(database: Database) -> None:
    async def flow(tx: Tx) -> None:
        one, same, other = owed(tx), owed(tx), owed(tx, 2)
        assert await store.add(tx, [one]) == {one.id}
        assert await store.add(tx, [same, other]) == {other.id}
        assert await store.of_agreement(tx, AGREEMENT) == [one, other]
        assert await store.add(tx, []) == set()

    await database.run(flow)


async def test_both_sides_see_an_obligation_and_nobody_else(database: Database) -> None:
    async def flow(tx: Tx) -> list[Obligation]:
        rows = [owed(tx, number) for number in (1, 2, 3)]
        await store.add(tx, rows)
        return rows

    rows = await database.run(flow)
    for side, organisation in (("buyer", BUYER), ("seller", SELLER)):
        async with database.read(actor(organisation)) as tx:
            first = await store.visible(tx, actor(organisation), side, PAGE)
            assert [one.id for one in first.items] == [rows[2].id]
            assert first.next_cursor
            assert await store.visible_one(tx, actor(organisation), side, rows[0].id) is not None
            closed = await store.visible(tx, actor(organisation), side, PAGE, state=State.WAIVED)
            assert list(closed.items) == []
    for side, organisation in (("buyer", SELLER), ("seller", BUYER), ("buyer", STRANGER), ("seller", STRANGER)):
        async with database.read(actor(organisation)) as tx:
            assert list((await store.visible(tx, actor(organisation), side, PAGE)).items) == []
            assert await store.visible_one(tx, actor(organisation), side, rows[0].id) is None


async def test_the_clock_moves_each_once_and_reminds_each_side_once(database: Database) -> None:
    async def flow(tx: Tx) -> None:
        soon, late = owed(tx, 1, due_at=tx.now + NOTICE), owed(tx, 2, due_at=tx.now)
        far = owed(tx, 3, due_at=tx.now + NOTICE + timedelta(seconds=1))
        await store.add(tx, [soon, late, far, owed(tx, 4, due_at=None)])
        # The consequence has five days, which is soon as well.
        assert [await remind(tx), await remind(tx), await remind(tx)] == [2, 1, 0]
        found = {(one.path, one.number): one for one in await store.of_agreement(tx, AGREEMENT)}
        assert {key: one.state for key, one in found.items()} == {
            ("report_use", 1): State.DUE,
            ("report_use", 2): State.OVERDUE,
            ("report_use", 3): State.OPEN,
            ("report_use", 4): State.OPEN,
            ("report_use/notify", 2): State.DUE,
        }
        below = found["report_use/notify", 2]
        assert (below.parent_id, below.due_at) == (late.id, tx.now + timedelta(days=5))
        assert below.duty.otherwise == (Duty("compensate"),)

    await database.run(flow)
    kinds = {}
    for organisation in (BUYER, SELLER, STRANGER):
        async with database.read(actor(organisation)) as tx:
            told = await store.notices(tx, actor(organisation), PageRequest(limit=50))
            kinds[organisation] = sorted(one.kind for one in told.items)
    assert kinds == {BUYER: ["due", "due", "overdue"], SELLER: ["overdue"], STRANGER: []}


async def test_an_agreement_is_looked_at_again_when_its_next_period_begins(database: Database) -> None:
    async def flow(tx: Tx) -> None:
        await store.put_plans(tx, [Plan(AGREEMENT, 0, False, tx.now + timedelta(days=1))])
        await store.put_plans(tx, [Plan(AGREEMENT, 1, False, None)])
        rows = await (await tx.driver()).fetch("SELECT events, waiting, next_at FROM contracts.obligation_plan")
        assert [tuple(row) for row in rows] == [(1, False, None)]
        assert await store.stale(tx) == []

    await database.run(flow)


async def test_a_question_is_read_by_who_asked_it_only(database: Database) -> None:
    async def flow(tx: Tx) -> AskedRow:
        row = AskedRow(tx.new_id(), BUYER, UUID(int=9), "ofr_1", "permit", b"{}", bytes(32), tx.now)
        await store.insert_question(tx, row)
        return row

    row = await database.run(flow)
    async with database.read(actor(BUYER)) as tx:
        assert await store.question(tx, actor(BUYER), row.id) == row
        assert list((await store.questions(tx, actor(BUYER), PAGE)).items) == [row]
    async with database.read(actor(SELLER)) as tx:
        assert await store.question(tx, actor(SELLER), row.id) is None

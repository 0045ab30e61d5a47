"""Negotiations in the database: who sees which rows, which facts stay, and what the database itself refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg.exceptions import CheckViolationError, InsufficientPrivilegeError, UniqueViolationError
from sqlalchemy.exc import IntegrityError

from contracts import negotiation as rules
from contracts import negotiation_store as store
from contracts.negotiation import Negotiation, NegotiationState, Proposal, Said, Side, Speaker, Verb
from exchange.flows.expire_negotiations import expire_negotiations
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.pages import PageRequest

BUYER, SELLER, STRANGER, LISTING, CLIENT = (UUID(int=n) for n in range(1, 6))
TERMS = Proposal({"type": "offer"}, {}, ("pretrain",))
PAGE = PageRequest(10)


def actor(organisation_id: UUID) -> Actor:
    return Actor(organisation_id, CLIENT, frozenset({"buyer"}), frozenset(), "jti")


async def begun(database: Database, *, seller: UUID = SELLER) -> Negotiation:
    """A negotiation that was requested."""

    async def write(tx: Tx) -> Negotiation:
        first = NegotiationState.REQUESTED
        blank = Negotiation(tx.new_id(), BUYER, seller, LISTING, None, None, first, 1, 1, b"", tx.now, tx.now, tx.now)
        made = rules.begin(blank, tx.new_id(), Speaker(Side.CONSUMER, BUYER, CLIENT), Said(Verb.REQUEST, TERMS))
        assert isinstance(made, tuple)
        await store.insert(tx, *made)
        return made[0]

    return await database.run(write)


async def test_both_sides_see_a_negotiation_and_nobody_else(database: Database) -> None:
    one = await begun(database)
    await begun(database, seller=STRANGER)
    for organisation, party, there in (
        (BUYER, "buyer", True),
        (SELLER, "seller", True),
        (SELLER, "buyer", False),
        (STRANGER, "buyer", False),
        (STRANGER, "seller", False),
    ):
        async with database.read(actor(organisation)) as tx:
            found = await store.visible_one(tx, actor(organisation), party, one.id)  # type: ignore[arg-type]
            listed = await store.visible(tx, actor(organisation), party, None, PAGE)  # type: ignore[arg-type]
        assert (found is not None) == there, (organisation, party)
        assert (one.id in {seen.id for seen in listed.items}) == there
        if found is not None:
            assert found[0] == one
            assert rules.broken_at(found[1]) is None


async def test_row_security_hides_negotiations_without_a_filter_of_ours(database: Database) -> None:
    await begun(database)
    seen = {}
    for name, who in (
        ("buyer", actor(BUYER)),
        ("seller", actor(SELLER)),
        ("other", actor(STRANGER)),
        ("anybody", None),
    ):
        async with database.read(who) as tx:
            driver = await tx.driver()
            seen[name] = [
                await driver.fetchval(f"SELECT count(*) FROM contracts.{table}")
                for table in ("negotiation", "negotiation_message")
            ]
    assert seen == {"buyer": [1, 1], "seller": [1, 1], "other": [0, 0], "anybody": [0, 0]}


async def _refused(database: Database, statement: str, *values: Any) -> None:
    async def change(tx: Tx) -> None:
        await (await tx.driver()).execute(statement, *values)

    with pytest.raises((InsufficientPrivilegeError, CheckViolationError)):
        await database.run(change)


async def test_the_database_keeps_messages_and_impossible_states_out(database: Database) -> None:
    one = await begun(database)
    await _refused(database, "UPDATE contracts.negotiation_message SET state = 'AGREED'")
    await _refused(database, "DELETE FROM contracts.negotiation_message")
    await _refused(database, "DELETE FROM contracts.negotiation")
    for state in ("AGREED", "VERIFIED", "FINALIZED", "PENDING"):
        await _refused(database, "UPDATE contracts.negotiation SET state = $2 WHERE id = $1", one.id, state)
    await _refused(database, "UPDATE contracts.negotiation SET buyer_id = seller_id WHERE id = $1", one.id)


async def test_a_place_in_the_history_is_taken_once(database: Database) -> None:
    one = await begun(database)

    async def again(tx: Tx) -> None:
        (first,) = await store.history(tx, one.id)
        await store.move(tx, one, replace(first, id=tx.new_id()))

    with pytest.raises((IntegrityError, UniqueViolationError)):
        await database.run(again)


async def test_what_is_over_is_ended_once_and_what_is_being_moved_is_left(
    database: Database, clock: FixedClock
) -> None:
    one, other = await begun(database), await begun(database)
    assert await database.run(expire_negotiations) == 0
    clock.advance(rules.VALID_FOR.total_seconds())

    async def meanwhile(tx: Tx) -> int:
        assert await store.lock(tx, one.id) is not None
        return await database.run(expire_negotiations)

    assert await database.run(meanwhile) == 1
    assert await database.run(expire_negotiations) == 1
    assert await database.run(expire_negotiations) == 0
    async with database.read(actor(SELLER)) as tx:
        for negotiation_id in (one.id, other.id):
            found = await store.visible_one(tx, actor(SELLER), "seller", negotiation_id)
            assert found is not None
            assert found[0].state is NegotiationState.TERMINATED
            assert [message.verb for message in found[1]] == [Verb.REQUEST, Verb.EXPIRE]
            assert rules.broken_at(found[1]) is None
            assert found[0].changed_at - found[0].created_at == timedelta(days=14)

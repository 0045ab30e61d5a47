"""Signatures and events in a real database: the worker in bulk, who sees what, and what two at once may do."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import pytest
from asyncpg.exceptions import UniqueViolationError

from contracts import lifecycle_store, signatures_store
from contracts import store as contracts
from contracts.life_events import Kind, Wish
from contracts.signatures import Role, Signing, signing, verified
from contracts.store import AgreementRow
from exchange.access.store import grants
from exchange.flows.agreement_life import Desk, standing
from exchange.flows.propose_event import EventReceipt, propose_event, sign_event
from exchange.flows.sale import Sales
from exchange.flows.sign_agreements import sign_agreements
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from tests.support.settlement_market import BUYER, ONE_OFF, SELLER, Market, actor, open_market

WHY = {"en": "The report is missing.", "zh": "未提交报告。"}
STRANGER = UUID(int=0xABC)


async def bought(market: Market, count: int = 1) -> list[AgreementRow]:
    """Agreements over one offer, the first ones first."""
    if "plain" not in market.offers:
        await market.fund(BUYER, 100_000_000_000)
        await market.offer("plain", ONE_OFF, kind="one_off")
    for _ in range(count):
        await market.buy(BUYER, "plain")
    found = await market.database.run(lambda tx: signatures_store.unsigned(tx, UUID(int=0), 1_000))
    rows = await market.database.run(lambda tx: contracts.find_agreements(tx, [one.id for one in found]))
    return sorted(rows.values(), key=lambda row: row.id)


async def signed(database: Database, keyring: Keyring, limit: int = 500) -> int:
    """Run the worker's step until nothing is left; how many signatures it added."""
    total, after = 0, None
    while True:
        done = await database.run(partial(sign_agreements, keyring=keyring, after=after, limit=limit))
        total, after = total + done.signed, done.after
        if after is None:
            return total


async def test_the_worker_signs_every_agreement_once_whatever_the_batch(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await open_market(database, keyring)
    rows = await bought(market, 7)
    assert await signed(database, keyring, limit=3) == 2 * len(rows)
    assert await signed(database, keyring) == 0
    clock.advance(3600)
    later = await bought(market, 2)
    assert len(later) == 2
    clock.advance(-1800)  # a clock that goes back loses nothing
    back = await bought(market)
    assert await signed(database, keyring) == 2 * (len(later) + 1)
    assert back
    keys = {key.kid: key for key in await database.run(lambda tx: signatures_store.keys_of(tx, [BUYER, SELLER]))}
    assert [key.kept for key in keys.values()] == [True, True]
    for row in [*rows, *later]:
        there = await database.run(partial(signatures_store.signatures_of, actor=None, agreement_id=row.id))
        assert [one.role for one in there] == [Role.EXCHANGE, Role.BUYER, Role.SELLER]
        assert signing(there) is Signing.SIGNED
        assert keyring.verify(there[0].kid, row.document, there[0].signature)
        assert all(verified(row.document, one, keys[one.kid].public) for one in there[1:])


async def test_two_workers_at_once_sign_once(database: Database, keyring: Keyring) -> None:
    market = await open_market(database, keyring)
    (row,) = await bought(market)
    counts = await asyncio.gather(*[signed(database, keyring) for _ in range(4)])
    assert sum(counts) >= 2
    there = await database.run(partial(signatures_store.signatures_of, actor=None, agreement_id=row.id))
    assert len(there) == 3
    kept = await database.run(lambda tx: signatures_store.kept_keys(tx, [BUYER, SELLER]))
    assert len(kept) == 2


async def test_signatures_and_events_are_seen_by_their_parties_alone(database: Database, keyring: Keyring) -> None:
    market = await open_market(database, keyring)
    (row,) = await bought(market)
    await signed(database, keyring)
    desk = Desk(Sales(), keyring)
    made = await database.run(
        lambda tx: propose_event(tx, desk, actor(BUYER), row.id, Wish(kind=Kind.RETIREMENT, open_days=3))
    )
    assert isinstance(made, EventReceipt), made
    for organisation, count in ((BUYER, 3), (SELLER, 3), (STRANGER, 0)):
        async with database.read(actor(organisation)) as tx:
            there = await signatures_store.signatures_of(tx, actor(organisation), row.id)
            events = await lifecycle_store.events_of(tx, actor(organisation), row.id)
            assert len([one for one in there if one.object_id == row.id]) == count
            assert len(events) == (1 if count else 0)
            # Row security alone says the same, and nobody reads a sealed key.
            driver = await tx.driver()
            seen = await driver.fetchval("SELECT count(*) FROM contracts.signature WHERE agreement_id = $1", row.id)
            assert bool(seen) is bool(count)
        async with database.read(actor(organisation)) as tx:
            with pytest.raises(Exception, match="permission denied"):
                await (await tx.driver()).fetch("SELECT sealed FROM contracts.kept_key")


async def test_the_database_gives_a_place_in_the_life_once(database: Database, keyring: Keyring) -> None:
    market = await open_market(database, keyring)
    (row,) = await bought(market)
    desk = Desk(Sales(), keyring)
    wish = Wish(kind=Kind.SUSPENSION, reason=WHY)
    made = await database.run(lambda tx: propose_event(tx, desk, actor(SELLER), row.id, wish))
    assert isinstance(made, EventReceipt), made
    event = await database.run(lambda tx: lifecycle_store.find(tx, ids.parse("evt", made.id)))
    assert event is not None
    assert event.force is not None
    with pytest.raises(Exception) as raised:  # the driver's own, wrapped by SQLAlchemy
        await database.run(lambda tx: lifecycle_store.insert_force(tx, event, event.force))  # type: ignore[arg-type]
    assert UniqueViolationError.__name__ in str(raised.value)


async def test_two_signatures_at_once_bring_an_event_into_force_once(database: Database, keyring: Keyring) -> None:
    market = await open_market(database, keyring)
    (row,) = await bought(market)
    desk = Desk(Sales(), keyring)
    wish = Wish(kind=Kind.AMENDMENT, purposes=("evaluate",))
    made = await database.run(lambda tx: propose_event(tx, desk, actor(BUYER), row.id, wish))
    assert isinstance(made, EventReceipt), made
    sign = partial(
        sign_event,
        desk=desk,
        actor=actor(SELLER),
        event_id=ids.parse("evt", made.id),
        document_sha256=bytes.fromhex(made.sha256),
        given=None,
    )
    answers = await asyncio.gather(*[database.run(sign) for _ in range(5)])
    assert sorted(getattr(one, "slug", "in force") for one in answers) == ["agreement-event-closed"] * 4 + ["in force"]
    now_at = await database.run(lambda tx: standing(tx, row.id))
    assert now_at is not None
    assert (now_at.life.number, now_at.life.purposes) == (1, ("evaluate",))
    (grant,) = await database.run(lambda tx: grants.of_orders(tx, [row.order_id]))
    assert grant.purposes == ("evaluate",)

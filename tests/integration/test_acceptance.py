"""Shares wait until a delivery is accepted: by a word, by silence, or by a decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exchange.flows.accept_delivery import DeliveryStands
from exchange.flows.decide_rejection import RejectionDecided
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from settlement.acceptances import Outcome
from settlement.store import acceptances, reads
from settlement.store import refunds as refund_store
from tests.support.refunding import (
    SHARES,
    YUAN,
    accept,
    books,
    decide,
    furnished,
    of,
    refund,
    reject,
    run_to,
    sound,
)
from tests.support.settlement_market import (
    BROKER,
    BUYER,
    ONE_OFF,
    OTHER,
    SELLER,
    actor,
)


async def test_shares_wait_for_the_window_and_silence_then_releases_them(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    await market.buy(BUYER, "one_off")
    bought_at = clock.now()
    clock.advance(30 * 86_400)
    # Cut a quarter-hour before the window ends: invoiced, and nothing released, whenever the run is made.
    end = bought_at + timedelta(days=7) - timedelta(minutes=bought_at.minute % 15, seconds=bought_at.second)
    end = end.replace(microsecond=0)
    await run_to(market, end - timedelta(minutes=15))
    assert await books(database) == {
        "wallet": 700 * YUAN,
        "seller pending": SHARES["seller"],
        "broker pending": SHARES["broker"],
        "revenue": SHARES["revenue"],
    }
    seller = actor(SELLER, "supplier")
    async with database.read(seller) as tx:
        assert len((await reads.list_invoices(tx, seller, PageRequest(), selling=True)).items) == 1
    await sound(database)
    await run_to(market, end + timedelta(minutes=15))
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    async with database.read(seller) as tx:
        assert len((await reads.list_invoices(tx, seller, PageRequest(), selling=True)).items) == 1
    await sound(database)


async def test_an_accepted_delivery_is_released_at_once_and_only_once(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    stranger = await accept(market, order, OTHER)
    assert isinstance(stranger, Problem)
    assert stranger.slug == "not-found"
    answer = await accept(market, order)
    assert isinstance(answer, DeliveryStands)
    assert answer.standing == "accepted"
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    again = await accept(market, order)
    assert isinstance(again, Problem)
    assert again.slug == "acceptance-state"
    assert (await reject(market, order)).slug == "acceptance-state"
    clock.advance(20 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    await sound(database)


@pytest.mark.parametrize("how", ["accepted", "released", "refunded", "partly"])
async def test_a_rejected_delivery_is_held_until_it_is_decided(
    database: Database, keyring: Keyring, clock: FixedClock, how: str
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    assert (await decide(market, order, Outcome.RELEASE)).slug == "acceptance-state", "nobody rejected it yet"
    assert (await reject(market, order)).standing == "rejected"
    assert (await reject(market, order)).slug == "acceptance-state"
    clock.advance(40 * 86_400)
    await run_to(market, datetime(2026, 2, 1, tzinfo=UTC))
    held = await books(database)
    assert (held["seller pending"], held["broker pending"]) == (SHARES["seller"], SHARES["broker"])
    await sound(database)
    match how:
        case "accepted":
            assert (await accept(market, order)).standing == "accepted"
            expected = {"wallet": 700 * YUAN, **SHARES}
        case "released":
            done = await decide(market, order, Outcome.RELEASE)
            assert isinstance(done, RejectionDecided)
            assert done.refund is None
            expected = {"wallet": 700 * YUAN, **SHARES}
        case "refunded":
            done = await decide(market, order, Outcome.REFUND)
            assert done.refunded["amount"] == "300.00"
            expected = {"wallet": 1_000 * YUAN}
        case _:
            assert (await decide(market, order, Outcome.REFUND, 301 * YUAN)).slug == "refund-too-large"
            done = await decide(market, order, Outcome.REFUND, 100 * YUAN)
            assert done.refund is not None
            expected = {"wallet": 800 * YUAN, "seller": 160 * YUAN, "broker": 10 * YUAN, "revenue": 30 * YUAN}
    assert await books(database) == expected
    assert (await decide(market, order, Outcome.RELEASE)).slug == "acceptance-state"
    await run_to(market, datetime(2026, 2, 2, tzinfo=UTC))
    assert await books(database) == expected
    await sound(database)


async def test_where_silence_refuses_nothing_is_released_by_itself(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    frame = {"acceptance": {"days": 3, "silence": "refuses"}}
    await market.offer("framed", ONE_OFF, kind="one_off", frame=frame)
    order = await market.buy(BUYER, "framed")
    clock.advance(500 * 86_400)
    await run_to(market, datetime(2027, 5, 1, tzinfo=UTC))
    assert (await books(database))["seller pending"] == SHARES["seller"]
    assert (await reject(market, order)).slug == "acceptance-state", "the window is over"
    assert (await decide(market, order, Outcome.RELEASE)).outcome == "release"
    assert await books(database) == {"wallet": 700 * YUAN, **SHARES}
    await sound(database)


async def test_charges_wait_with_their_order_and_are_released_with_it(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "per_use")
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(3 * 86_400)
    end = clock.now().replace(minute=0, second=0, microsecond=0)
    await run_to(market, end)
    found = await books(database)
    assert found == {"wallet": 985 * YUAN, "seller pending": 12 * YUAN, "broker pending": 750_000, "revenue": 2_250_000}
    await sound(database)
    assert (await accept(market, order)).standing == "accepted"
    found = await books(database)
    assert found == {"wallet": 985 * YUAN, "seller": 12 * YUAN, "broker": 750_000, "revenue": 2_250_000}
    # What is used after the acceptance is released by the run that charges it.
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(86_400)
    await run_to(market, end + timedelta(days=1))
    assert (await books(database))["seller"] == 24 * YUAN
    await sound(database)


async def test_what_waits_is_listed_for_both_sides_and_nobody_else(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await furnished(database, keyring)
    order = await market.buy(BUYER, "one_off")
    other = await market.buy(BUYER, "one_off")
    await reject(market, other)
    await refund(market, of(order), 5)
    for who, selling, seen in ((BUYER, False, 2), (SELLER, True, 2), (OTHER, False, 0), (BROKER, True, 0)):
        async with database.read(actor(who)) as tx:
            page = await acceptances.deliveries(tx, actor(who), PageRequest(), selling=selling)
            assert len(page.items) == seen
            back = await refund_store.list_refunds(tx, actor(who), PageRequest(), selling=selling)
            assert len(back.items) == seen // 2
            assert (await acceptances.find_delivery(tx, actor(who), of(order)[1], selling=selling) is None) == (
                not seen
            )
    rejected = await database.run(lambda tx: acceptances.open_deliveries(tx, PageRequest(), rejected=True))
    assert [one.order.id for one in rejected.items] == [of(other)[1]]
    await accept(market, order)
    async with database.read(actor(BUYER)) as tx:
        page = await acceptances.deliveries(tx, actor(BUYER), PageRequest())
    assert [[fact.said.value for fact in one.facts] for one in page.items] == [["rejected"]]

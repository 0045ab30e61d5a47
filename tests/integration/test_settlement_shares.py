"""Payable shares are money that a buyer really paid: what was given back never pays for them twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg

from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from settlement import postings
from settlement.accounts import payable, pending
from settlement.store import audit, ledger, runs
from tests.integration.test_settlement_priced import (
    CAP,
    FEBRUARY,
    JANUARY,
    MARCH,
    MINIMUM,
    USE,
    VOLUME,
    YUAN,
    booked,
    charges,
    opened,
    sound,
    sums,
)
from tests.integration.test_settlement_run import settle
from tests.support.settlement_market import BROKER, BUYER, SELLER, Market

APRIL_END = datetime(2026, 5, 1, tzinfo=UTC)


async def findings(market: Market) -> set[str]:
    return {one.rule for one in await market.database.run(audit.check)}


async def broker(market: Market) -> tuple[int, int]:
    """What waits for the broker, and what is payable to it."""
    keys = pending(BROKER, "CNY"), payable(BROKER, "CNY")
    found = await market.database.run(lambda tx: ledger.sums(tx, list(keys)))
    return found[keys[0]], found[keys[1]]


async def open_shares(market: Market) -> int:
    async def flow(tx: Tx) -> int:
        return int(await (await tx.driver()).fetchval("SELECT count(*) FROM settlement.due WHERE NOT released"))

    return await market.database.run(flow)


async def test_a_cap_pays_for_no_share_that_the_buyer_did_not_pay(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring, 1)
    use = {**USE, "model": {"type": "per_unit", "unit_price": "1000"}}
    cap = {"id": "most", "type": "maximum", "period": "month", "amount": "1"}
    await market.offer("plan", {**use, "id": "a"}, {**use, "id": "b"}, kind="pay_per_use", limits=[cap])
    order = await market.buy(BUYER, "plan")
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    await settle(market, JANUARY)
    # Two millions of use, less all but 1.00: what the cap gives back pays one of them, and nobody paid that.
    assert await sums(market) == {"wallet": 0, "owed": 1 - YUAN, "pending": 800_000, "seller": 0, "tax": 0}
    assert await broker(market) == (50_000, 0)
    await sound(market)
    await market.fund(BUYER, 10 * YUAN)
    await settle(market, JANUARY)
    assert await sums(market) == {"wallet": 9 * YUAN + 1, "owed": 0, "pending": 0, "seller": 800_000, "tax": 0}
    assert await broker(market) == (0, 50_000)
    assert await open_shares(market) == 0
    await sound(market)


async def test_use_that_falls_and_rises_with_an_empty_wallet_releases_what_was_paid(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring, 20 * YUAN)
    await market.register_for_tax(SELLER)
    await market.offer("plan", USE, kind="pay_per_use", discounts=[VOLUME], limits=[MINIMUM, CAP])
    order, start = await market.buy(BUYER, "plan"), clock.now()
    funded = 20 * YUAN
    for records, until in ((10_000, JANUARY), (-9_900, FEBRUARY), (100_000, MARCH)):
        await market.use(order.grant, records, start + timedelta(minutes=5))
        clock.advance((until.end - clock.now()).total_seconds() + 86_400)
        await settle(market, until)
        found = await sums(market)
        paid = funded - found["wallet"]
        # 80 of a hundred of what was paid is the supplier's, before tax; never more is released.
        assert 0 <= found["seller"] <= paid * 8 // 10
        assert found["pending"] >= 0
        await sound(market)
    await market.fund(BUYER, 1_000 * YUAN)
    clock.advance((APRIL_END - clock.now()).total_seconds() + 86_400)
    await settle(market, MARCH)
    found = await sums(market)
    # The cap of the first month, the minimum of the two that followed, and 6 % tax.
    whole = sum(one.amount.units for one in await charges(market))
    assert sum((await booked(market)).values()) == whole
    assert (found["wallet"], found["owed"], found["pending"]) == (funded + 1_000 * YUAN - whole, 0, 0)
    assert found["seller"] == (whole - found["tax"]) * 8 // 10
    assert await open_shares(market) == 0
    await sound(market)


async def test_what_goes_back_and_pays_for_other_use_of_the_same_seller_stays_with_the_payees(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring, 30 * YUAN)
    await market.offer("plan", USE, kind="pay_per_use")
    order, start = await market.buy(BUYER, "plan"), clock.now()
    await market.use(order.grant, 2_000, start + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    await settle(market, JANUARY)
    assert (await sums(market))["seller"] == 24 * YUAN
    # 15.00 go back, but 45.00 of another month are due: they are paid for in part.
    await market.use(order.grant, -1_000, start + timedelta(minutes=5))
    await market.use(order.grant, 3_000, datetime(2026, 2, 20, tzinfo=UTC))
    clock.advance(30 * 86_400)
    await settle(market, FEBRUARY)
    found = await sums(market)
    assert (found["wallet"], found["owed"], found["seller"]) == (0, -30 * YUAN, 24 * YUAN)
    await sound(market)
    await market.fund(BUYER, 30 * YUAN)
    await settle(market, FEBRUARY)
    found = await sums(market)
    assert (found["owed"], found["pending"], found["seller"]) == (0, 0, 48 * YUAN)
    await sound(market)


async def test_the_books_tell_of_a_share_that_nobody_paid(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring, 1)
    await market.offer("plan", USE, kind="pay_per_use")
    order = await market.buy(BUYER, "plan")
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    await settle(market, JANUARY)
    await sound(market)
    (charge,) = await charges(market)

    async def forge(tx: Tx) -> None:
        shares = await runs.pending_shares(tx, [charge.id])
        await ledger.post(tx, [postings.release(charge.id, shares[charge.id])])

    await database.run(forge)
    assert await findings(market) == {"released-share-was-paid"}


async def test_the_books_tell_of_a_charge_whose_sum_or_explanation_was_changed(
    database: Database, keyring: Keyring, clock: FixedClock, database_url: str
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("plan", USE, kind="pay_per_use", tax={"included": True})
    order, start = await market.buy(BUYER, "plan"), clock.now()
    clock.advance(20 * 86_400)
    for _ in range(2):
        await market.use(order.grant, 1_000, start + timedelta(minutes=5))
        await settle(market, JANUARY)
    await sound(market)
    first, _ = await charges(market)
    for change, rules in (
        ("cumulative_units = cumulative_units + 5", {"charge-is-cumulative-less-booked", "charge-is-explained"}),
        ("explanation = jsonb_set(explanation, '{amount,amount}', '\"1.00\"')", {"charge-is-explained"}),
        ("explanation = '{}'", {"charge-is-explained", "charge-is-cumulative-less-booked"}),
    ):
        connection = await asyncpg.connect(database_url)
        await connection.execute("ALTER TABLE settlement.charge DISABLE TRIGGER ALL")
        await connection.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM settlement.charge WHERE id = '{first.id}'")
        await connection.execute(f"UPDATE settlement.charge SET {change} WHERE id = '{first.id}'")
        assert await findings(market) == rules
        await connection.execute(
            "UPDATE settlement.charge c SET cumulative_units = k.cumulative_units, explanation = k.explanation "
            "FROM kept k WHERE k.id = c.id"
        )
        await connection.close()
    await sound(market)

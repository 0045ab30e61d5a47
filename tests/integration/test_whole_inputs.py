"""Laws over everything that reaches the exchange: the order and the number of tellings change nothing in the ledger."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.ids import IdSource
from exchange.kernel.keys import Keyring
from settlement.store import audit
from tests.conftest import NOW
from tests.support.clones import Clones
from tests.support.settlement_market import ONE_OFF, PER_RECORD, open_market
from tests.support.whole_inputs import BUYER, YUAN, Fact, World

JANUARY, FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
USE = {**PER_RECORD, "period": "month"}
VOLUME = {"id": "volume", "type": "volume", "bands": [{"from": "10", "percent": "20"}]}
MINIMUM = {"id": "least", "type": "minimum", "period": "month", "amount": "40"}


@asynccontextmanager
async def world(clones: Clones, keyring: Keyring, seed: bytes) -> AsyncIterator[World]:
    """A market in a database of its own, with ids of its own."""
    url = await clones.make()
    clock = FixedClock(NOW)
    database = Database(DatabaseUrls.from_one(url), clock, ids=IdSource(seed))
    try:
        market = await open_market(database, keyring)
        await market.offer("odd", {**ONE_OFF, "model": {"type": "one_off", "amount": "100.000007"}})
        await market.offer("tiers", USE, kind="pay_per_use", discounts=[VOLUME], limits=[MINIMUM])
        made = World(market, clock)
        await made.open()
        yield made
    finally:
        await database.close()
        await clones.drop(url)


def facts(w: World) -> list[Fact]:
    """What happens in January: money comes by card and bank, is spent, used, accepted and refunded."""

    def fact(name: str, tell: Any, *after: str) -> Fact:
        return Fact(name, tell, frozenset(after))

    named = ("B1", w.reference("bank"), 450 * YUAN)
    return [
        fact("processing", lambda: w.paid("card", "processing")),
        fact("card", lambda: w.paid("card", "succeeded")),
        fact("B1", lambda: w.transferred(named)),
        # The same line again, in a statement of two days.
        fact("B1+B2", lambda: w.transferred(named, ("B2", "nobody", 50 * YUAN))),
        fact("match", lambda: w.matched("B2", BUYER), "B1+B2"),
        fact("poems", lambda: w.buy("poems", "one_off")),
        fact("speeches", lambda: w.buy("speeches", "one_off")),
        fact("odd", lambda: w.buy("odd", "odd")),
        fact("use", lambda: w.buy("use", "tiers")),
        fact("u1", lambda: w.used("u1", "use", (1, 700, 0), (2, 301, 60)), "use"),
        fact("u2", lambda: w.used("u2", "use", (3, 999, 0)), "use"),
        # An event that stood in another batch already.
        fact("u3", lambda: w.used("u3", "use", (3, 999, 0), (4, 1, 5)), "use"),
        fact("accept poems", lambda: w.accepted("poems"), "poems"),
        fact("accept odd", lambda: w.accepted("odd"), "odd"),
        fact("r1", lambda: w.refunded("r1", "odd", 33_333_333), "odd"),
        fact("r2", lambda: w.refunded("r2", "odd", 1), "odd"),
        fact("r3", lambda: w.refunded("r3", "odd", 17_000_001), "odd"),
        fact("r4", lambda: w.refunded("r4", "speeches", None), "speeches"),
    ]


def confirmations(w: World) -> list[Fact]:
    """What the bank says of payouts."""
    return [
        Fact(f"{name} {state}", lambda name=name, state=state: w.confirmed(name, state))  # type: ignore[misc]
        for name in w.payouts
        for state in ("sent", "paid")
    ]


async def lived(w: World, dice: random.Random | None, lanes: int = 1) -> dict[str, Any]:
    """Everything happens; the ledger in the end."""
    await w.told(facts(w), dice, lanes)
    await w.month_ends(JANUARY)
    await w.month_ends(FEBRUARY)
    await w.pay_out()
    await w.told(confirmations(w), dice, lanes)
    found = await w.ledger()
    assert await w.market.database.run(audit.check) == []
    return found


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """The ledger of facts told once, in their order; the first test that needs it fills it."""
    return {}


async def once_in_order(clones: Clones, keyring: Keyring, expected: dict[str, Any]) -> dict[str, Any]:
    if not expected:
        async with world(clones, keyring, b"in order") as w:
            expected |= await lived(w, None)
    return expected


async def test_the_facts_in_order_give_the_ledger_that_one_can_work_out(
    clones: Clones, keyring: Keyring, expected: dict[str, Any]
) -> None:
    found = await once_in_order(clones, keyring, expected)
    by_account: dict[tuple[str, str], int] = {}
    for (who, kind, _, _), units in found["sums"].items():
        by_account[who, kind] = by_account.get((who, kind), 0) + units
    # 1,200 were paid in. Kept are 300 for poems, 49.666672 of the 100.000007 for odd, and 40 for use: 2,001 records come to
    # less, and the minimum of the month that ended makes up for it.
    kept = 300 * YUAN + (100_000_007 - 50_333_335) + 40 * YUAN
    assert by_account["buyer", "wallet"] == 1_200 * YUAN - kept
    assert by_account["exchange", "stripe"] == -700 * YUAN
    # Of what was kept 80% and 5% were paid out, in whole cents: 311.73 and 19.48.
    assert by_account["exchange", "bank"] == -500 * YUAN + 331_210_000
    assert {
        "purchase": 3,
        "refund": 4,
        "charge": 3,
        "release": 5,
        "top_up": 1,
        "bank_credit": 2,
        "payout_paid": 2,
    }.items() <= (found["journals"].items())
    assert sum(by_account.values()) == 0


@pytest.mark.parametrize(("seed", "lanes"), [*((seed, 1) for seed in range(6)), (6, 4), (7, 8), (8, 16)])
async def test_any_order_and_any_number_of_tellings_gives_the_same_ledger(
    clones: Clones, keyring: Keyring, expected: dict[str, Any], seed: int, lanes: int
) -> None:
    once = await once_in_order(clones, keyring, expected)
    async with world(clones, keyring, b"seed %d" % seed) as w:
        assert await lived(w, random.Random(seed), lanes) == once

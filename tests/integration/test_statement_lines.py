"""Lines of statements over split rules with advances, caps and refunds are worked out again by the script's own arithmetic."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from exchange.flows.explain_statement import explain_entries
from exchange.flows.pay_advance import pay_advance
from exchange.flows.refund_order import RefundWish, refund_order
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from settlement.documents import Divided, make_statement
from settlement.recompute_statement import Report, check
from settlement.refunds import Reason
from settlement.runs import Run
from settlement.store import audit, documents
from tests.support.ruled import purses, put_rule, ruled_offer, split_all, step, waterfall
from tests.support.settlement_market import (
    BROKER,
    BUYER,
    ONE_OFF,
    OPERATOR,
    SELLER,
    Market,
    actor,
    open_market,
)

YUAN = 1_000_000


@pytest_asyncio.fixture
async def market(database: Database, keyring: Keyring) -> Market:
    made = await open_market(database, keyring)
    await made.fund(BUYER, 100_000 * YUAN)
    return made


async def reports(market: Market) -> dict[UUID, Report]:
    """What the check says of a statement over everything that moved, by payee; nothing is written."""

    async def flow(tx: Tx) -> dict[UUID, Report]:
        run = Run(tx.new_id(), tx.now - timedelta(days=31), tx.now, "CNY", 1, "running", tx.now)
        entries = await documents.unstated_entries(tx, [SELLER, BROKER], "CNY", run.seen_until)
        explained = await explain_entries(tx, entries, {}, {})
        found = {}
        for payee in (SELLER, BROKER):
            made = make_statement(
                *(tx.new_id(), run, payee, (0, 1), entries[payee], Divided({}, {}), tx.now),
                shown=explained.lines[payee],
                rules=explained.rules[payee],
            )
            found[payee] = check(made.document)
        return found

    return await market.database.run(flow)


async def test_advances_caps_and_what_is_owed_after_refunds_are_worked_out_again(
    market: Market, clock: FixedClock
) -> None:
    rule = waterfall(
        step("b", "share_of_net", "broker", BROKER, percent="12.5", at_most="20"),
        step("fee", "share_of_gross", percent="10", at_most="40", per="month"),
        step("back", "recoup", amount="400.00", percent="50", per="lifetime"),
        per="lifetime",
    )
    await ruled_offer(market, "ruled", await put_rule(market, rule), "one_off", ONE_OFF)
    await market.database.run(lambda tx: pay_advance(tx, actor(OPERATOR, "operator"), SELLER, Money(200 * YUAN, "CNY")))
    orders = []
    for _ in range(3):
        orders.append(await market.buy(BUYER, "ruled"))
        clock.advance(60)
        await split_all(market, release=True)
    for order, part in ((orders[0], 100 * YUAN + 1), (orders[1], None), (orders[0], None)):
        amount = None if part is None else Money(part, "CNY")
        wish = RefundWish(("order", ids.parse("ord", order.id)), Reason.GOODWILL, amount)
        await market.database.run(lambda tx, wish=wish: refund_order(tx, actor(SELLER, "supplier"), wish))  # type: ignore[misc]
        clock.advance(60)
        await split_all(market, release=True)
    found = await reports(market)
    assert {payee: one.differences for payee, one in found.items()} == {SELLER: [], BROKER: []}
    assert [kind for _, kind in found[SELLER].as_they_stand] == ["advance"]
    assert found[SELLER].lines >= 6
    assert found[BROKER].lines >= 5


async def test_a_newer_version_of_a_rule_goes_on_from_the_older_one_and_follows_its_refunds(
    market: Market, clock: FixedClock
) -> None:
    def document(percent: str) -> dict[str, Any]:
        capped = step("b", "share_of_gross", "broker", BROKER, percent=percent, at_most="40", per="lifetime")
        return waterfall(capped, per="lifetime")

    await ruled_offer(market, "older", await put_rule(market, document("10")), "one_off", ONE_OFF)
    await ruled_offer(market, "newer", await put_rule(market, document("20")), "one_off", ONE_OFF)
    orders = {}
    for name in ("newer", "older"):
        orders[name] = await market.buy(BUYER, name)
        clock.advance(60)
        await split_all(market, release=True)
    # The newer version alone would give its cap of 40; the older one comes first and takes 30 of it.
    assert (await purses(market, "payable"))["broker"] == 40 * YUAN
    wish = RefundWish(("order", ids.parse("ord", orders["older"].id)), Reason.GOODWILL, None)
    await market.database.run(lambda tx: refund_order(tx, actor(SELLER, "supplier"), wish))
    clock.advance(60)
    assert await split_all(market, release=True) == 1
    assert await purses(market, "payable") == {"broker": 40 * YUAN, "seller": 260 * YUAN}
    found = await reports(market)
    assert {payee: one.differences for payee, one in found.items()} == {SELLER: [], BROKER: []}
    assert all(not one.as_they_stand for one in found.values())
    wish = RefundWish(("order", ids.parse("ord", orders["newer"].id)), Reason.GOODWILL, None)
    await market.database.run(lambda tx: refund_order(tx, actor(SELLER, "supplier"), wish))
    clock.advance(60)
    await split_all(market, release=True)
    assert await purses(market, "payable") == {}
    assert await market.database.run(audit.check) == []

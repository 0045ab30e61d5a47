"""Acceptance, refunds and payouts of a small market, asked for in one line each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from exchange.flows.accept_delivery import accept_delivery
from exchange.flows.decide_rejection import decide_rejection
from exchange.flows.pay_out import PayOut, pay_out
from exchange.flows.refund_order import RefundWish, refund_order
from exchange.flows.reject_delivery import reject_delivery
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.kernel import ids
from exchange.kernel.db import Database, Tx
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from settlement.acceptances import Ground, Outcome
from settlement.accounts import AccountKind, debt, payable, pending, platform, receivable, wallet
from settlement.payouts import Rail
from settlement.refunds import Reason
from settlement.store import audit, ledger, reads
from tests.support.settlement_market import (
    BROKER,
    BUYER,
    OPERATOR,
    SELLER,
    Market,
    actor,
    open_market,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
YUAN = 1_000_000
DIGEST = bytes(range(32))
SHARES = {"seller": 240 * YUAN, "broker": 15 * YUAN, "revenue": 45 * YUAN}


async def run_to(market: Market, end: datetime) -> RunProgress:
    """A whole run from the year's start to `end`, part by part."""
    found = await market.database.run(lambda tx: start_run(tx, Period(START, end, "CNY")))
    while isinstance(found, RunProgress) and not found.finished:
        run_id = ids.parse("run", found.run)
        found = await market.database.run(lambda tx, run_id=run_id: settle_next(tx, market.sales, run_id))  # type: ignore[misc]
    assert isinstance(found, RunProgress), found
    return found


async def books(database: Database) -> dict[str, int]:
    keys = {
        "wallet": wallet(BUYER, "CNY"),
        "owed": receivable(BUYER, "CNY"),
        "seller pending": pending(SELLER, "CNY"),
        "broker pending": pending(BROKER, "CNY"),
        "seller": payable(SELLER, "CNY"),
        "broker": payable(BROKER, "CNY"),
        "seller debt": debt(SELLER, "CNY"),
        "broker debt": debt(BROKER, "CNY"),
        "revenue": platform(AccountKind.REVENUE, "CNY"),
        "tax": platform(AccountKind.TAX, "CNY"),
    }
    found = await database.run(lambda tx: ledger.sums(tx, list(keys.values())))
    return {name: found[key] for name, key in keys.items() if found[key]}


async def sound(database: Database) -> None:
    found = await database.run(audit.check)
    assert found == [], found


async def accept(market: Market, order: Any, buyer: UUID = BUYER) -> Any:
    who, order_id = actor(buyer, "buyer"), ids.parse("ord", order.id)
    return await market.database.run(lambda tx: accept_delivery(tx, who, order_id))


async def reject(market: Market, order: Any) -> Any:
    who, order_id = actor(BUYER, "buyer"), ids.parse("ord", order.id)
    return await market.database.run(lambda tx: reject_delivery(tx, who, order_id, Ground.INCOMPLETE, DIGEST))


async def decide(market: Market, order: Any, outcome: Outcome, units: int | None = None) -> Any:
    who, order_id = actor(OPERATOR, "operator"), ids.parse("ord", order.id)
    amount = None if units is None else Money(units, "CNY")
    return await market.database.run(lambda tx: decide_rejection(tx, who, order_id, outcome, amount))


async def refund(market: Market, source: tuple[str, UUID], units: int | None = None, **more: Any) -> Any:
    who = more.pop("who", actor(SELLER, "supplier"))
    amount = None if units is None else Money(units, "CNY")
    wish = RefundWish(source, more.pop("reason", Reason.GOODWILL), amount, **more)
    return await market.database.run(lambda tx: refund_order(tx, who, wish))


def of(order: Any) -> tuple[str, UUID]:
    return "order", ids.parse("ord", order.id)


async def pay(market: Market, who: UUID, period: str) -> Any:
    wish = PayOut(who, "CNY", period, Rail.BANK, "account")
    (answer,) = await market.database.run(lambda tx: pay_out(tx, [wish]))
    return answer


async def furnished(database: Database, keyring: Keyring, units: int = 1_000 * YUAN) -> Market:
    market = await open_market(database, keyring)
    await market.fund(BUYER, units)
    return market


async def charges(database: Database) -> list[Any]:
    buyer = actor(BUYER, "buyer")
    async with database.read(buyer) as tx:
        return list((await reads.list_charges(tx, buyer, PageRequest())).items)


async def paid_out(database: Database) -> dict[str, int]:
    async def look(tx: Tx) -> dict[str, int]:
        rows = await (await tx.driver()).fetch(
            "SELECT organisation_id, sum(amount_units)::bigint FROM settlement.payout GROUP BY 1"
        )
        names = {SELLER: "seller", BROKER: "broker"}
        return {names[row[0]]: row[1] for row in rows}

    return await database.run(look)

"""Orders on account: a line that two approved, an order over the limit, shares that wait for the money, and what is owed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest_asyncio

from exchange.flows.bill_sales import sold_order
from exchange.flows.collect_credit import collect_overdue
from exchange.flows.credit_bank_transfer import Credited, credit_bank_transfer
from exchange.flows.disputing import DisputeStands
from exchange.flows.dun import dun
from exchange.flows.expire_disputes import close_case
from exchange.flows.open_dispute import CaseWish, open_case
from exchange.flows.refund_order import RefundReceipt, RefundWish, refund_order
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from exchange.worker.bank_steps import BankSteps
from exchange.worker.loop import drain
from settlement.accounts import credit, payable, pending
from settlement.dunning import Plan
from settlement.payments import BankEntry
from settlement.refunds import Reason
from settlement.store import audit, ledger
from settlement.store.credit import of_orders
from settlement.store.orders import get_orders
from tests.support import settlement_market as trade
from tests.support.api import Market, market
from tests.support.camt_files import Booked, camt053

YUAN = 1_000_000
DAY_S = 86_400
ACCOUNT = "6222021234567890123"


@pytest_asyncio.fixture
async def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 1, 12, tzinfo=UTC))


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    """The exchange with the portals of this module, at a clock that stands."""
    settings = {"EXCHANGE_TOKEN_TTL_S": str(200 * DAY_S)}
    async with market(database_url, tmp_path, clock=clock, only=("operator", "buyer"), **settings) as made:
        yield made


async def settle(m: Market, month: int) -> None:
    period = Period(datetime(2026, month, 1, tzinfo=UTC), datetime(2026, month + 1, 1, tzinfo=UTC), "CNY")
    found = await m.services.db.run(partial(start_run, period=period))
    while isinstance(found, RunProgress) and not found.finished:
        run_id = ids.parse("run", found.run)
        found = await m.services.db.run(partial(settle_next, sales=m.services.sales, run_id=run_id))
    assert isinstance(found, RunProgress), found


async def test_an_order_on_account_is_delivered_at_once_and_its_shares_wait_for_the_money(
    exchange: Market, clock: FixedClock
) -> None:
    m, db = exchange, exchange.services.db
    shop = await trade.open_market(db, m.services.keyring)
    first, buyer = await m.operator(), await m.join("buyer")
    second = await m.another_client(first)
    wish = {"offer": ids.text("ofr", shop.offers["one_off"]), "purposes": ["pretrain"], "payment": "account"}
    missing = await m.post(buyer, "/buyer/v1/orders", wish)
    assert (missing.status_code, missing.json()["type"]) == (402, "/problems/credit-line-missing")

    line = {"buyer": buyer.organisation, "limit": {"amount": "700", "currency": "CNY"}, "purchase_order_required": True}
    seller = {**line, "buyer": (await m.join("supplier")).organisation}
    assert (await m.post(first, "/operator/v1/credit-lines", seller)).json()["type"] == "/problems/credit-line-buyer"
    asked = await m.done(first, "/operator/v1/credit-lines", line)
    path = f"/operator/v1/credit-lines/{asked['id']}/activation"
    assert (await m.post(first, path)).json()["type"] == "/problems/approval-missing"
    await m.done(second, f"/operator/v1/approvals/{asked['approval']}/approval", {})
    assert (await m.done(first, path))["state"] == "active"
    assert (await m.post(first, path)).status_code == 409
    around = {
        "organisation": buyer.organisation,
        "account": "credit",
        "currency": "CNY",
        "minimum": "-999",
        "maximum": "0",
    }
    bounds = await m.post(first, "/operator/v1/ledger/bounds", around)
    assert bounds.status_code == 400, "nobody sets the limit alone"

    assert (await m.post(buyer, "/buyer/v1/orders", wish)).json()["type"] == "/problems/purchase-order-wanted"
    numbered = {**wish, "purchase_order": "PO-1"}
    orders = [await m.done(buyer, "/buyer/v1/orders", numbered) for _ in range(2)]
    assert {one["state"] for one in orders} == {"paid"}
    assert all(one["grant"] for one in orders)
    # Nothing came in for these yet, so no receipt says that it did.
    assert (await m.get(buyer, f"/buyer/v1/orders/{orders[0]['id']}/receipt.html")).status_code == 404
    over = (await m.post(buyer, "/buyer/v1/orders", numbered)).json()
    assert over["type"] == "/problems/credit-limit"
    assert [over[name] for name in ("price", "limit", "used", "free")] == [
        "300.00 CNY",
        "700.00 CNY",
        "600.00 CNY",
        "100.00 CNY",
    ]
    (mine,) = (await m.get(buyer, "/buyer/v1/credit-lines")).json()["items"]
    assert [mine[name]["amount"] for name in ("limit", "used", "free")] == ["700.00", "600.00", "100.00"]
    owing = (await m.get(buyer, "/buyer/v1/credit-orders")).json()["items"]
    assert [(one["due_on"], one["purchase_order"]) for one in owing] == [("2026-01-31", "PO-1")] * 2
    assert (await m.get(await m.join("buyer"), "/buyer/v1/credit-orders")).json()["items"] == []
    assert await db.run(audit.check) == []

    clock.advance(35 * DAY_S)
    await settle(m, 1)
    seller = [pending(trade.SELLER, "CNY"), payable(trade.SELLER, "CNY")]

    async def stands() -> list[int]:
        found = await db.run(lambda tx: ledger.sums(tx, [*seller, credit(buyer.id, "CNY")]))
        return [units // YUAN for units in found.values()]

    assert await stands() == [480, 0, -600], "nobody is released what nobody paid"
    aged = (await m.get(first, "/operator/v1/credit-ageing")).json()["items"]
    assert [(one["buyer"], one["days_30"]["amount"], one["not_due"]["amount"]) for one in aged] == [
        (buyer.organisation, "600.00", "0.00")
    ]
    before = (await m.get(first, "/operator/v1/credit-ageing", at="2026-01-02T00:00:00Z")).json()["items"]
    assert before[0]["not_due"]["amount"] == "600.00"

    # A refund lowers what is owed before it fills a wallet.
    one, two = (ids.parse("ord", order["id"]) for order in orders)
    back = RefundWish(("order", one), Reason.GOODWILL, Money(100 * YUAN, "CNY"))
    assert isinstance(await db.run(lambda tx: refund_order(tx, first.actor, back)), RefundReceipt)
    assert await stands() == [400, 0, -500]
    # An invoice has the buyer's number and day, and what a refund took off the debt is not paid by it.
    billed, placed = (
        await db.run(lambda tx: of_orders(tx, [one, two])),
        await db.run(lambda tx: get_orders(tx, [one, two])),
    )
    papers = [sold_order(placed[id_], billed[id_]) for id_ in (one, two)]
    assert [(p.paid, p.order_reference, str(p.due_on)) for p in papers] == [(0, "PO-1", "2026-01-31")] * 2
    short = await m.post(buyer, f"/buyer/v1/credit-orders/{orders[0]['id']}/payment")
    assert short.json()["type"] == "/problems/wallet-short-of-debt"
    await _pay_by_bank(m, first, orders[0]["id"])
    assert await stands() == [400, 0, -300]
    paid = await m.post(buyer, f"/buyer/v1/credit-orders/{orders[0]['id']}/payment")
    assert paid.json()["type"] == "/problems/order-on-account-paid"

    # What is due is taken from the wallet by the clock, as far as it goes.
    entry = BankEntry("late", ids.text("org", buyer.id), Money(350 * YUAN, "CNY"), clock.now())
    assert isinstance((await db.run(lambda tx: credit_bank_transfer(tx, first.actor, [entry])))[0], Credited)
    # What is disputed stays where it is, in the wallet and out of the reminders.
    wanted = CaseWish(("order", two), Money(YUAN, "CNY"), "du_1", UUID(int=77))
    opened = await db.run(lambda tx: open_case(tx, wanted))
    assert isinstance(opened, DisputeStands), opened
    await db.run(collect_overdue)
    assert (await stands())[2] == -300
    await db.run(partial(dun, plan=Plan()))
    assert (await m.get(buyer, "/buyer/v1/dunning-cases")).json()["items"] == []
    await db.run(lambda tx: close_case(tx, ids.parse("dsp", opened.id), won=True))
    await db.run(partial(dun, plan=Plan()))
    (case,) = (await m.get(buyer, "/buyer/v1/dunning-cases")).json()["items"]
    (debt,) = (await m.get(buyer, f"/buyer/v1/dunning-cases/{case['id']}")).json()["debts"]
    assert (debt["order"], debt["charge"], debt["since"]) == (orders[1]["id"], None, "2026-01-31T00:00:00Z")
    assert debt["unpaid"]["amount"] == "300.00"
    await db.run(collect_overdue)
    assert await stands() == [400, 0, 0]
    wallet = (await m.get(buyer, "/buyer/v1/wallet")).json()["balances"]
    assert wallet == [{"amount": "50.00", "currency": "CNY"}]
    assert (await m.get(first, "/operator/v1/credit-ageing")).json()["items"] == []
    clock.advance(28 * DAY_S)
    await settle(m, 2)
    assert await stands() == [0, 400, 0]
    assert two != one
    assert await db.run(audit.check) == []


async def _pay_by_bank(m: Market, operator: Any, order: str) -> None:
    """The buyer transfers 200 and quotes the order, in lower case and broken in two."""
    details = {
        "scheme": "cn",
        "holder": "语料交易所",
        "account": ACCOUNT,
        "bank": "102100099996",
        "bank_name": "工商银行北京分行",
    }
    opened = await m.done(
        operator, "/operator/v1/bank-accounts", {"kind": "client", "currency": "CNY", "details": details}
    )
    content = camt053(ACCOUNT, [Booked(200 * YUAN, "T1", words=(order[:10], order[10:]))], currency="CNY")
    headers = {**operator.headers, "idempotency-key": "t", "content-type": "application/xml"}
    path = f"/operator/v1/bank-accounts/{opened['id']}/statements"
    assert (await m.http.post(path, content=content, headers=headers)).status_code == 201
    made = m.services
    await drain(made.db, BankSteps(made.db, made.files, made.vault).table())

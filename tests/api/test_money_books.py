"""The operator's books on a socket: where reconciliation stopped, proofs of clients' money, own money, closing a month, charts."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest_asyncio

from exchange.flows.map_accounts import export_journals
from exchange.flows.prove_money import prove_money, recorded_now
from exchange.flows.reconcile import reconcile_next, record_movements
from exchange.kernel.canonical import canonical
from exchange.kernel.clock import FixedClock
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from settlement.accounts import AccountKind
from settlement.recon import Item, Place
from tests.support import settlement_market as trade
from tests.support.api import Market, Party, market

YUAN = 1_000_000
NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
PLACE = Place("stripe", "", "CNY")
MARCH = "2026-02-01T00:00:00Z"


@pytest_asyncio.fixture
async def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("operator", "buyer"), clock=clock) as made:
        yield made


@pytest_asyncio.fixture
async def shop(exchange: Market) -> trade.Market:
    """A seller's three offers in the running exchange."""
    return await trade.open_market(exchange.services.db, exchange.services.keyring)


def movement(name: str, kind: str, coins: int, seconds: int = 0) -> Item:
    amount, at = Money(coins * 10_000, "CNY"), NOW - timedelta(seconds=60 - seconds)
    return Item(name, kind, kind, amount, Money.zero("CNY"), amount, "", at, at)


async def reconciled(exchange: Market, *items: Item) -> None:
    db = exchange.services.db
    await db.run(lambda tx: record_movements(tx, PLACE, items))
    while (await db.run(lambda tx: reconcile_next(tx, PLACE))).left:
        pass


async def proved(exchange: Market, coins: int) -> None:
    db = exchange.services.db
    there = {"CNY": Money(coins * 10_000, "CNY")}
    recorded = await db.run(recorded_now)
    await db.run(partial(prove_money, at_provider=there, recorded=recorded))


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def two(exchange: Market) -> tuple[Party, Party]:
    first = await exchange.operator()
    return first, await exchange.another_client(first)


async def test_a_stop_is_seen_and_two_clients_settle_it(exchange: Market, shop: trade.Market) -> None:
    first, second = await two(exchange)
    await reconciled(exchange, movement("txn_1", "stripe_fee", -150), movement("txn_2", "moon_landing", -700, 1))
    (stand,) = (await exchange.get(first, "/operator/v1/reconciliation/stops")).json()["items"]
    assert (stand["movement"], stand["reason"], stand["movements"]) == ("txn_2", "type-unknown", 2)
    (odd,) = (await exchange.get(first, "/operator/v1/reconciliation/movements?only=open")).json()["items"]
    assert (odd["id"], odd["state"], odd["leg"]) == ("txn_2", "stopped", None)
    path = "/operator/v1/reconciliation/stops/{}/resolution"
    wish = {"remedy": "fees", "note": "A levy of the moon"}
    assert slug(await exchange.post(first, path.format("txn_1"), wish)) == "not-stopped"
    assert slug(await exchange.post(first, path.format("txn_0"), wish)) == "not-found"
    nobody = {**wish, "remedy": "wallet"}
    assert slug(await exchange.post(first, path.format("txn_2"), nobody)) == "remedy-owner"
    asked = await exchange.done(first, path.format("txn_2"), wish)
    await exchange.done(second, f"/operator/v1/approvals/{asked['approval']}/approval", {})
    await reconciled(exchange)
    page = (await exchange.get(first, "/operator/v1/reconciliation/movements")).json()
    assert [(one["id"], one["state"], len(one["journals"])) for one in page["items"]] == [
        ("txn_2", "resolved", 1),
        ("txn_1", "booked", 1),
    ]
    assert page["items"][0]["resolution"] == asked["id"]
    assert (await exchange.done(first, "/operator/v1/reconciliation/runs", {}))["job"].startswith("job_")


async def test_clients_money_is_proved_and_own_money_leaves_by_two(exchange: Market, shop: trade.Market) -> None:
    first, second = await two(exchange)
    await shop.fund(trade.BUYER, 1_000 * YUAN)
    assert not isinstance(await shop.buy(trade.BUYER, "one_off"), Problem)
    await proved(exchange, 0)
    (line,) = (await exchange.get(first, "/operator/v1/money-proofs?currency=CNY")).json()["items"]
    # What the market booked at Stripe, Stripe never had: it stands there by name, and nothing is unexplained.
    assert (line["difference"]["amount"], line["short"]["amount"], line["complete"]) == ("0.00", "0.00", True)
    proof = (await exchange.get(first, f"/operator/v1/money-proofs/{line['id']}")).json()
    assert hashlib.sha256(canonical(proof)).hexdigest() == line["sha256"]
    assert (proof["places"][0]["ours"]["amount"], proof["own_total"]) == ("1000.00", "45.00")
    assert proof["clients"] | {"wallet": "700.00", "pending": "255.00"} == proof["clients"]
    assert (await exchange.done(first, "/operator/v1/money-proofs"))["job"].startswith("job_")
    # 45.00 are the exchange's own, 46.00 are not.
    path = "/operator/v1/own-sweeps"
    more = {"amount": {"amount": "46.00", "currency": "CNY"}, "note": "Commission"}
    assert slug(await exchange.post(first, path, more)) == "not-own-money"
    asked = await exchange.done(first, path, {**more, "amount": {"amount": "45.00", "currency": "CNY"}})
    booking = f"{path}/{asked['id']}/booking"
    assert slug(await exchange.post(first, booking, {})) == "approval-missing"
    await exchange.done(second, f"/operator/v1/approvals/{asked['approval']}/approval", {})
    done = await exchange.done(first, booking, {})
    assert done["own_left"]["amount"] == "0.00"
    assert (await exchange.done(second, booking, {}))["journal"] == done["journal"]
    # The provider takes a fee that nothing is left for: clients' money is short, and that is an open item.
    await reconciled(exchange, movement("txn_1", "stripe_fee", -150))
    await proved(exchange, -150)
    (item,) = (await exchange.get(first, "/operator/v1/open-items")).json()["items"]
    assert (item["kind"], item["about"]["amount"]) == ("money-short", "1.50 CNY")


async def test_a_month_is_closed_by_its_checklist_or_with_a_reason(
    exchange: Market, shop: trade.Market, clock: FixedClock
) -> None:
    await reconciled(exchange, movement("txn_1", "moon_landing", -150))
    clock.advance(20 * 86_400)
    first, _ = await two(exchange)
    path = f"/operator/v1/close-checklist?currency=CNY&end={MARCH}"
    shown = (await exchange.get(first, path)).json()
    assert "points" in shown, shown
    points = {one["point"]: one for one in shown["points"]}
    assert {name for name, one in points.items() if not one["ready"]} == {
        "runs-closed",
        "reconciled",
        "nothing-stopped",
        "money-proved",
    }
    assert points["nothing-stopped"]["said"] == {"en": "txn_1", "zh": "txn_1"}
    wish = {"currency": "CNY", "end": MARCH}
    refused = await exchange.post(first, "/operator/v1/closed-periods", wish)
    assert slug(refused) == "month-not-ready"
    assert "nothing-stopped (txn_1)" in refused.json()["detail"]
    # A day of the month needs no checklist; the month does, or a reason.
    await exchange.done(first, "/operator/v1/closed-periods", {**wish, "end": "2026-01-20T00:00:00Z"})
    closed = await exchange.done(first, "/operator/v1/closed-periods", {**wish, "despite": "The moon is far away"})
    assert await exchange.done(first, "/operator/v1/closed-periods", wish) == closed


async def test_journals_leave_in_the_operators_own_accounts(exchange: Market, shop: trade.Market) -> None:
    first, _ = await two(exchange)
    await shop.fund(trade.BUYER, 1_000 * YUAN)
    assert not isinstance(await shop.buy(trade.BUYER, "one_off"), Problem)
    rows = [f"{kind.value},,{1000 + n},{kind.value.title()},V{n % 3}" for n, kind in enumerate(AccountKind)]
    chart = "\r\n".join(["account,currency,code,name,tax_code", *rows, "pending,CNY,1100,Payees CNY,"]) + "\r\n"

    async def hand_in(text: str) -> Any:
        headers = {
            **first.headers,
            "content-type": "text/csv",
            "idempotency-key": hashlib.sha256(text.encode()).hexdigest(),
        }
        return await exchange.http.post("/operator/v1/charts", content=text.encode(), headers=headers)

    for wrong, why in (
        (chart.replace("wallet,,", "purse,,"), "no kind of account"),
        (chart.replace("pool,,", "wallet,,"), "stands twice"),
        ("\r\n".join(chart.split("\r\n")[:-3]), "no line for"),
        (chart.replace("Payees CNY", "=cmd()"), "formula"),
    ):
        refused = await hand_in(wrong)
        assert slug(refused) == "bad-chart"
        assert why in refused.json()["detail"]
    assert (await hand_in(chart)).json()["version"] == 1
    assert (await exchange.get(first, "/operator/v1/charts/newest")).json()["content"] == chart
    pieces: list[str] = []
    made = await exchange.services.db.run(
        lambda tx: export_journals(tx, None, None, ZoneInfo("Asia/Shanghai"), pieces.append)
    )
    found = list(csv.DictReader(io.StringIO("".join(pieces))))
    assert (made.journals, made.lines, made.chart) == (2, len(found), 1)
    assert hashlib.sha256("".join(pieces).encode()).hexdigest() == made.sha256
    # Both payees' shares are one line: they stand on one account there.
    shares = [one for one in found if one["kind"] == "purchase"]
    assert [(one["name"], one["debit"], one["credit"]) for one in shares] == [
        ("Wallet", "300.00", ""),
        ("Payees CNY", "", "255.00"),
        ("Revenue", "", "45.00"),
    ]


async def test_what_was_sold_for_a_time_to_come_is_deferred_by_the_day(exchange: Market, shop: trade.Market) -> None:
    first, _ = await two(exchange)
    await shop.fund(trade.BUYER, 1_000 * YUAN)
    assert not isinstance(await shop.buy(trade.BUYER, "monthly"), Problem)
    at = "2026-01-25T00:00:00Z"
    report = (await exchange.get(first, f"/operator/v1/deferred-revenue?at={at}")).json()
    (sale,) = report["sales"]
    # 30.00 for 15 January to 15 February, which touches 32 days; 10 of them are over.
    assert (sale["days_left"], sale["days"]) == (22, 32)
    assert (sale["gross"]["amount"], report["totals"][0]["sales"]) == ("20.625", 1)
    assert sale["net"]["amount"] == "3.09375"
    assert (await exchange.get(first, "/operator/v1/deferred-revenue?at=2026-03-01T00:00:00Z")).json()["sales"] == []

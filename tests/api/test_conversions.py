"""Rates and conversions over HTTP: the operator publishes, a buyer and a payee see a quote, convert once, and see what they did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from exchange.kernel.money import Money
from settlement import postings
from settlement.accounts import AccountKind, payable, platform
from settlement.journals import Journal, Line
from settlement.store import ledger
from tests.support.api import Market, Party, market

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
SOURCE = "ECB euro foreign exchange reference rates, 2026-01-14"
YUAN = 1_000_000


@pytest.fixture
def time() -> FixedClock:
    """What the exchange takes for now."""
    return FixedClock(NOW)


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path, time: FixedClock) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, clock=time, only=("operator", "buyer", "supplier", "assessor")) as made:
        yield made


def rates(*wishes: tuple[str, str, str], **more: str) -> dict[str, Any]:
    until = (NOW + timedelta(hours=8)).isoformat()
    return {
        "rates": [
            {"sell": sell, "buy": buy, "value": value, "source": SOURCE, "valid_to": until, **more}
            for sell, buy, value in wishes
        ]
    }


async def fund(exchange: Market, party: Party, kind: AccountKind, money: Money) -> None:
    async def flow(tx: Tx) -> None:
        one = tx.new_id()
        if kind is AccountKind.WALLET:
            journal = postings.top_up(one, party.id, money)
        else:
            bank = Line(platform(AccountKind.BANK, money.currency), -money.units, one)
            journal = Journal("test", one, (bank, Line(payable(party.id, money.currency), money.units, one)))
        await ledger.post(tx, [journal])

    await exchange.services.db.run(flow)


async def test_a_buyer_sees_a_quote_and_converts_once(exchange: Market, time: FixedClock) -> None:
    operator, buyer = await exchange.operator(), await exchange.join("buyer")
    await fund(exchange, buyer, AccountKind.WALLET, Money(100 * YUAN, "EUR"))
    published = await exchange.done(
        operator, "/operator/v1/rates", rates(("EUR", "CNY", "7.8123"), ("CNY", "EUR", "0.12"))
    )
    time.advance(60)
    (shown,) = (await exchange.get(buyer, "/buyer/v1/rates", sell="EUR", amount="10.000001")).json()["items"]
    assert shown["id"] == published["rates"][0]["id"]
    assert shown["quote"] == {
        "sold": {"amount": "10.000001", "currency": "EUR"},
        "bought": {"amount": "78.123007", "currency": "CNY"},
        "remainder": 812300000000,
    }
    body = {"amount": shown["quote"]["sold"], "buy": "CNY", "rate": shown["id"], "expires_at": shown["expires_at"]}
    first = await exchange.post(buyer, "/buyer/v1/conversions", body, key="once")
    again = await exchange.post(buyer, "/buyer/v1/conversions", body, key="once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    done = first.json()
    assert (done["bought"], done["source"], done["value"]) == (shown["quote"]["bought"], SOURCE, "7.8123")
    wallet = (await exchange.get(buyer, "/buyer/v1/wallet")).json()["balances"]
    assert wallet == [{"amount": "78.123007", "currency": "CNY"}, {"amount": "89.999999", "currency": "EUR"}]
    (kept,) = (await exchange.get(buyer, "/buyer/v1/conversions")).json()["items"]
    assert {name: kept[name] for name in kept} == {name: done[name] for name in kept}
    (moved,) = (await exchange.get(buyer, "/buyer/v1/wallet/movements", currency="CNY")).json()["items"]
    assert (moved["kind"], moved["source"], moved["journal"]) == ("conversion", done["id"], done["journal"])
    stranger = await exchange.join("buyer")
    assert (await exchange.get(stranger, "/buyer/v1/conversions")).json()["items"] == []
    other_body = await exchange.post(buyer, "/buyer/v1/conversions", {**body, "buy": "USD"}, key="once")
    assert other_body.status_code == 422


async def test_a_lapsed_rate_is_refused_in_the_readers_language(exchange: Market, time: FixedClock) -> None:
    operator, buyer = await exchange.operator(), await exchange.join("buyer")
    await fund(exchange, buyer, AccountKind.WALLET, Money(100 * YUAN, "EUR"))
    await exchange.done(operator, "/operator/v1/rates", rates(("EUR", "CNY", "7.8")))
    time.advance(60)
    (shown,) = (await exchange.get(buyer, "/buyer/v1/rates")).json()["items"]
    assert shown["quote"] is None
    body = {
        "amount": {"amount": "1.00", "currency": "EUR"},
        "buy": "CNY",
        "rate": shown["id"],
        "expires_at": shown["expires_at"],
    }
    await exchange.done(operator, "/operator/v1/rates", rates(("EUR", "CNY", "7.7")))
    time.advance(1)
    late = await exchange.post(buyer, "/buyer/v1/conversions", body, headers={"accept-language": "zh"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/rate-lapsed")
    assert "汇率" in late.json()["detail"]
    (now,) = (await exchange.get(buyer, "/buyer/v1/rates")).json()["items"]
    dear = await exchange.post(
        buyer, "/buyer/v1/conversions", {**body, "rate": now["id"], "amount": {"amount": "100.01", "currency": "EUR"}}
    )
    assert (dear.status_code, dear.json()["type"]) == (402, "/problems/wallet-insufficient")
    for wrong in (
        {"rate": "rte_1"},
        {"buy": "yuan"},
        {"expires_at": "2026-01-15T09:00:00"},
        {"amount": {"amount": "1e3", "currency": "EUR"}},
    ):
        assert (await exchange.post(buyer, "/buyer/v1/conversions", {**body, **wrong})).status_code == 400, wrong
    assert (await exchange.get(buyer, "/buyer/v1/rates", amount="1.00")).status_code == 400


async def test_a_payee_converts_what_is_settled(exchange: Market, time: FixedClock) -> None:
    operator, supplier, assessor = (
        await exchange.operator(),
        await exchange.join("supplier"),
        await exchange.join("assessor"),
    )
    await exchange.done(operator, "/operator/v1/rates", rates(("CNY", "EUR", "0.125")))
    time.advance(60)
    for portal, party in (("supplier", supplier), ("assessor", assessor)):
        await fund(exchange, party, AccountKind.PAYABLE, Money(80 * YUAN, "CNY"))
        (shown,) = (await exchange.get(party, f"/{portal}/v1/rates", sell="CNY", amount="80.00")).json()["items"]
        body = {"amount": shown["quote"]["sold"], "buy": "EUR", "rate": shown["id"], "expires_at": shown["expires_at"]}
        done = await exchange.done(party, f"/{portal}/v1/conversions", body)
        assert (done["account"], done["bought"]) == ("payable", {"amount": "10.00", "currency": "EUR"})
        nothing = await exchange.post(party, f"/{portal}/v1/conversions", body)
        assert (nothing.status_code, nothing.json()["type"]) == (409, "/problems/payable-insufficient")
        (kept,) = (await exchange.get(party, f"/{portal}/v1/conversions")).json()["items"]
        assert kept["id"] == done["id"]


async def test_the_operator_sees_every_rate_with_where_it_stands(exchange: Market, time: FixedClock) -> None:
    operator = await exchange.operator()
    coming = (NOW + timedelta(hours=3)).isoformat()
    await exchange.done(operator, "/operator/v1/rates", rates(("EUR", "CNY", "7.8"), ("USD", "CNY", "7.1")))
    await exchange.done(operator, "/operator/v1/rates", rates(("EUR", "CNY", "7.9"), valid_from=coming))
    time.advance(60)
    await exchange.done(operator, "/operator/v1/rates", rates(("EUR", "CNY", "7.7")))
    time.advance(60)
    rows = (await exchange.get(operator, "/operator/v1/rates", sell="EUR")).json()["items"]
    assert [(one["value"], one["state"]) for one in rows] == [("7.7", "in_force"), ("7.9", "coming"), ("7.8", "ended")]
    assert rows[2]["ended_at"] == (NOW + timedelta(seconds=60)).isoformat().replace("+00:00", "Z")
    assert rows[0]["ended_at"] == (NOW + timedelta(hours=3)).isoformat().replace("+00:00", "Z")
    assert (await exchange.get(operator, f"/operator/v1/rates/{rows[0]['id']}")).json() == rows[0]
    assert (await exchange.get(operator, "/operator/v1/rates/rte_01m80jwmabesg81hwe4cc73nw9")).status_code == 404
    page = (await exchange.get(operator, "/operator/v1/rates", limit=2)).json()
    rest = (await exchange.get(operator, "/operator/v1/rates", limit=2, cursor=page["next_cursor"])).json()
    assert len({one["id"] for one in (*page["items"], *rest["items"])}) == 4
    for wishes, status, slug in (
        (rates(("CNY", "EUR", "0.2")), 422, "rate-round-trip"),
        (rates(("EUR", "CNY", "0")), 422, "rate-invalid"),
        (rates(("EUR", "CNY", "7.9"), valid_from=coming), 409, "rate-exists"),
        (rates(), 400, "invalid-request"),
    ):
        refused = await exchange.post(operator, "/operator/v1/rates", wishes)
        assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{slug}")
        chinese = await exchange.post(operator, "/operator/v1/rates", wishes, headers={"accept-language": "zh"})
        assert chinese.status_code == status
    buyer = await exchange.join("buyer")
    assert (await exchange.post(buyer, "/operator/v1/rates", rates(("EUR", "CNY", "7")))).status_code == 403

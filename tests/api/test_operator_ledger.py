"""The ledger on a socket, for the operator: money traced, bounds of accounts, open positions in currencies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest_asyncio

from exchange.kernel import ids
from tests.support import settlement_market as trade
from tests.support.api import Market, Party, market

YUAN = 1_000_000
NOBODY = "org_01m80jwmabesg81hwe4cc73nw9"


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("operator", "buyer", "supplier")) as made:
        yield made


@pytest_asyncio.fixture
async def shop(exchange: Market) -> trade.Market:
    """A seller's three offers in the running exchange."""
    return await trade.open_market(exchange.services.db, exchange.services.keyring)


async def bought(exchange: Market, shop: trade.Market) -> tuple[Party, str]:
    """A buyer with 1,000 CNY who bought for 300."""
    buyer = await exchange.join("buyer")
    await shop.fund(buyer.id, 1_000 * YUAN)
    wish = {"offer": ids.text("ofr", shop.offers["one_off"]), "purposes": ["pretrain"], "payment": "wallet"}
    return buyer, (await exchange.done(buyer, "/buyer/v1/orders", wish))["id"]


def held(told: dict[str, Any]) -> dict[str, str]:
    return {one["organisation"] or one["account"]: one["amount"]["amount"] for one in told["holders"]}


async def test_money_is_traced_to_every_payee_and_back(exchange: Market, shop: trade.Market) -> None:
    operator = await exchange.operator()
    buyer, order = await bought(exchange, shop)
    path = f"/operator/v1/ledger/traces/{order}"
    sold = (await exchange.get(operator, path)).json()
    assert sorted(held(sold).values()) == ["0.00", "15.00", "240.00", "45.00"]
    assert held(sold)[buyer.organisation] == "0.00"
    part = {"reason": "goodwill", "amount": {"amount": "100.000001", "currency": "CNY"}}
    await exchange.done(operator, f"/operator/v1/orders/{order}/refunds", part)
    partly = (await exchange.get(operator, path)).json()
    assert held(partly)[buyer.organisation] == "100.000001"
    assert sum(Decimal(one) for one in held(partly).values()) == 300
    await exchange.done(operator, f"/operator/v1/orders/{order}/refunds", {"reason": "goodwill"})
    after = (await exchange.get(operator, path)).json()
    assert held(after) == dict.fromkeys(held(sold), "0.00") | {buyer.organisation: "300.00"}
    assert after["started"] == [{"amount": "300.00", "currency": "CNY"}]
    # One line of a journal, and what there is not.
    line = f"{after['steps'][0]['journal']}:1"
    assert (await exchange.get(operator, f"/operator/v1/ledger/traces/{line}")).status_code == 200
    for unknown in (NOBODY, "ord_01m80jwmabesg81hwe4cc73nw9", "jnl_x", "x"):
        assert (await exchange.get(operator, f"/operator/v1/ledger/traces/{unknown}")).status_code == 404


BOUNDS = "/operator/v1/ledger/bounds"


def bound(who: Party, account: str = "wallet", **more: str) -> dict[str, str]:
    return {"organisation": who.organisation, "account": account, "currency": "CNY", **more}


async def test_an_account_gets_bounds_of_its_own_and_every_purchase_meets_them(
    exchange: Market, shop: trade.Market
) -> None:
    operator, (buyer, _) = await exchange.operator(), await bought(exchange, shop)
    wish = {"offer": ids.text("ofr", shop.offers["one_off"]), "purposes": ["pretrain"], "payment": "wallet"}
    # Credit of 200: 700 are left, so three more are bought, and the fourth is not.
    made = await exchange.done(operator, BOUNDS, bound(buyer, minimum="-200.00"))
    assert (made["minimum"], made["maximum"]) == ({"amount": "-200.00", "currency": "CNY"}, None)
    assert made["balance"]["amount"] == "700.00"
    answers = [await exchange.post(buyer, "/buyer/v1/orders", wish) for _ in range(4)]
    assert [one.status_code for one in answers] == [201, 201, 201, 402]
    assert answers[-1].json()["type"] == "/problems/wallet-too-low"
    # The wallet stands at -200 now: no floor above that.
    refused = await exchange.post(operator, BOUNDS, bound(buyer, minimum="0"))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/balance-outside-bounds")
    assert "-200.00 CNY" in refused.json()["detail"]
    (own,) = (await exchange.get(operator, BOUNDS, changed="true")).json()["items"]
    assert (own["organisation"], own["balance"]["amount"]) == (buyer.organisation, "-200.00")
    assert (own["minimum"]["amount"], own["maximum"]) == ("-200.00", None)
    other = await exchange.join("buyer")
    await shop.fund(other.id, YUAN)
    listed = (await exchange.get(operator, BOUNDS, account="wallet", limit="1")).json()
    assert listed["next_cursor"]
    rest = (await exchange.get(operator, BOUNDS, account="wallet", cursor=listed["next_cursor"])).json()["items"]
    assert [one["organisation"] for one in (*listed["items"], *rest)] == [buyer.organisation, other.organisation]
    (only,) = (await exchange.get(operator, BOUNDS, organisation=other.organisation)).json()["items"]
    assert only["minimum"]["amount"] == "0.00"
    assert (await exchange.get(operator, "/operator/v1/findings")).json()["sound"]


async def test_bounds_that_cannot_be_are_refused_and_change_nothing(exchange: Market) -> None:
    operator, buyer = await exchange.operator(), await exchange.join("buyer")
    for wish in (
        bound(buyer),
        bound(buyer, "debt"),
        bound(buyer, "debt", maximum="1"),
        bound(buyer, "held", minimum="-1"),
        bound(buyer, minimum="5", maximum="4"),
    ):
        answer = await exchange.post(operator, BOUNDS, wish)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bounds-invalid"), wish
    for wish in (bound(buyer, "payable", minimum="0"), bound(buyer, minimum="1.2345678"), bound(buyer, minimum="x")):
        assert (await exchange.post(operator, BOUNDS, wish)).status_code == 400, wish
    unknown = {"organisation": NOBODY, "account": "wallet", "currency": "CNY", "minimum": "0"}
    assert (await exchange.post(operator, BOUNDS, unknown)).status_code == 404
    assert (await exchange.get(operator, BOUNDS)).json()["items"] == []


async def test_conversions_stop_where_the_position_reaches_its_limit(exchange: Market, shop: trade.Market) -> None:
    operator, buyer = await exchange.operator(), await exchange.join("buyer")
    await shop.fund(buyer.id, 1_000 * YUAN)
    until = (exchange.services.db.clock.now() + timedelta(hours=9)).isoformat()
    rates = [
        {"sell": sell, "buy": buy, "value": value, "source": "a table", "valid_to": until}
        for sell, buy, value in (("CNY", "EUR", "0.125"), ("EUR", "CNY", "7.9"))
    ]
    await exchange.done(operator, "/operator/v1/rates", {"rates": rates})
    path = "/operator/v1/ledger/positions"
    assert (await exchange.get(operator, path)).json()["items"] == []
    made = await exchange.done(operator, path, {"currency": "CNY", "limit": "500.00"})
    assert (made["position"]["amount"], made["limit"]["amount"]) == ("0.00", "500.00")

    async def convert(amount: str, sell: str, buy: str) -> Any:
        (rate,) = (await exchange.get(buyer, "/buyer/v1/rates", sell=sell, buy=buy)).json()["items"]
        wish = {"amount": {"amount": amount, "currency": sell}, "buy": buy}
        return await exchange.post(
            buyer, "/buyer/v1/conversions", wish | {"rate": rate["id"], "expires_at": rate["expires_at"]}
        )

    # Several at once: together no further than the limit.
    answers = await asyncio.gather(*(convert("120.00", "CNY", "EUR") for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [201] * 4 + [409] * 4
    refused = next(one.json() for one in answers if one.status_code == 409)
    assert refused["type"] == "/problems/position-limited"
    assert "120.00 CNY" in refused["detail"]
    # The way back is open, also after a limit below what is open already; further out is not.
    await exchange.done(operator, path, {"currency": "CNY", "limit": "0"})
    assert (await convert("10.00", "EUR", "CNY")).status_code == 201
    assert (await convert("1.00", "CNY", "EUR")).status_code == 409
    standing = {one["currency"]: one for one in (await exchange.get(operator, path)).json()["items"]}
    assert {name: one["position"]["amount"] for name, one in standing.items()} == {"CNY": "401.00", "EUR": "-50.00"}
    assert standing["EUR"]["limit"] is None
    lifted = await exchange.done(operator, path, {"currency": "CNY"})
    assert lifted["limit"] is None
    assert (await convert("1.00", "CNY", "EUR")).status_code == 201
    assert (await exchange.post(operator, path, {"currency": "CNY", "limit": "-1"})).status_code == 400

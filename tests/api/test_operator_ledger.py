"""The ledger on a socket, for the operator: money traced from where it came to whoever has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
    async with market(database_url, tmp_path, only=("operator", "buyer")) as made:
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

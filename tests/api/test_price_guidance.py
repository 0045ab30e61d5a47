"""Price guidance over HTTP: who sees it, from what it is made, and whose price it never shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from exchange.kernel.money import Money
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.trade import CONTENT, DATASET, OnSale, component, measured, offer_document, on_sale, uploaded

PRICES = ("280.00", "320.00", "400.00")


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("supplier", "assessor", "buyer")) as made:
        yield made


async def rivals(m: Market) -> list[OnSale]:
    """Three suppliers who sell the like, for PRICES and by the month."""
    found = []
    for price in PRICES:
        sold = await on_sale(m)
        at = f"/supplier/v1/listings/{sold.listing}/offers"
        model = {"type": "one_off", "amount": price}
        await m.done(sold.supplier, at, {"code": "named", "document": offer_document("one_off", component(model))})
        flat = component({"type": "flat", "amount": price, "in_advance": True}, None, "year")
        await m.done(sold.supplier, at, {"code": "year", "document": offer_document("subscription", flat)})
        per = component({"type": "per_unit", "unit_price": "0.5"}, "records", "month")
        await m.done(sold.supplier, at, {"code": "use", "document": offer_document("pay_per_use", per)})
        found.append(sold)
    return found


async def own(m: Market) -> tuple[Party, str]:
    """A supplier with a measured dataset that was never listed."""
    supplier = await m.join("supplier")
    dataset = (await m.done(supplier, "/supplier/v1/datasets", DATASET))["id"]
    upload = await uploaded(m, supplier, dataset, "poems.jsonl", CONTENT)
    await measured(m, supplier, dataset, upload)
    return supplier, dataset


async def read(m: Market, supplier: Party, dataset: str, **query: Any) -> dict[str, Any]:
    answer = await m.get(supplier, f"/supplier/v1/datasets/{dataset}/price-guidance", **query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def of_kind(told: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in told["guidance"] if one["kind"] == kind)
    return found


async def funded(m: Market, role: str = "buyer") -> Party:
    buyer = await m.join(role)
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(9_000_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    return buyer


async def buy(m: Market, buyer: Party, offer: str) -> None:
    await m.done(buyer, "/buyer/v1/orders", {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"})


async def test_an_estimate_comes_with_everything_it_is_made_of(exchange: Market) -> None:
    sold = await rivals(exchange)
    supplier, dataset = await own(exchange)
    told = await read(exchange, supplier, dataset)
    assert "never applied" in told["never_applied"]["en"]
    assert "绝不会自动生效" in told["never_applied"]["zh"]
    assert sum(rule["weight"] for rule in told["rules"]) == 100
    assert told["features"]["sizes"].keys() == {"tokens", "records", "bytes"}
    assert (told["features"]["sizes"]["records"], told["features"]["sharing"]) == (80, 4)
    once = of_kind(told, "one_off")
    # Twice three offers: three at 300 (on_sale's own) and PRICES; all are as alike as can be.
    assert once["estimate"] == {"amount": "300.00", "currency": "CNY"}
    assert once["low"]["amount"] == "300.00"
    assert {one["listing"] for one in once["comparables"]} == {one.listing for one in sold}
    assert all(one["similarity_per_mille"] == 1000 for one in once["comparables"])
    year = of_kind(told, "subscription")
    assert sorted(one["listed"]["amount"] for one in year["comparables"]) == ["23.333334", "26.666667", "33.333334"]
    use = of_kind(told, "pay_per_use")
    assert {one["listed"]["amount"] for one in use["comparables"]} == {"40.00"}, "80 records at 0.5"
    exclusive = of_kind(await read(exchange, supplier, dataset, exclusive="true"), "one_off")
    assert exclusive["estimate"]["amount"] == "900.00"


async def test_too_few_neighbours_give_no_number(exchange: Market) -> None:
    supplier, dataset = await own(exchange)
    assert (await read(exchange, supplier, dataset))["guidance"] == []
    await on_sale(exchange)
    (once,) = (await read(exchange, supplier, dataset))["guidance"]
    assert once["estimate"] is once["low"] is once["high"] is None
    assert once["explanation"]["en"].startswith("No estimate: 1 similar offer")
    assert "暂无估价" in once["explanation"]["zh"]


async def test_traded_prices_take_three_orders_of_two_buyers(exchange: Market) -> None:
    first, *_ = await rivals(exchange)
    supplier, dataset = await own(exchange)

    async def price_is() -> tuple[str, int]:
        once = of_kind(await read(exchange, supplier, dataset), "one_off")
        (one,) = [one for one in once["comparables"] if one["offer"] == first.offer]
        return one["price_is"], one["orders_at_least"]

    one, two = await funded(exchange), await funded(exchange)
    for _ in range(3):
        await buy(exchange, one, first.offer)
    assert await price_is() == ("listed", 0), "three orders of one buyer stay its own affair"
    await buy(exchange, two, first.offer)
    assert await price_is() == ("traded", 3), "four orders are told as at least three"


async def test_nobody_is_guided_about_the_data_of_others(exchange: Market) -> None:
    _, dataset = await own(exchange)
    stranger = await exchange.join("supplier")
    path = f"/supplier/v1/datasets/{dataset}/price-guidance"
    assert (await exchange.get(stranger, path)).status_code == 404
    assert (await exchange.get(None, path)).status_code == 401
    missing = "/supplier/v1/datasets/ds_01m80jwmabesg81hwe4cc73nw9/price-guidance"
    assert (await exchange.get(stranger, missing)).status_code == 404

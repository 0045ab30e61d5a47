"""Simulations over HTTP: the buyer's class and choices, the curves, what is left out, and the same for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from pricing.basis import coupon_digest
from tests.support.api import Market, Party, market
from tests.support.trade import OnSale, component, offer_document, on_sale

FORECAST = [{"records": 60_000}] * 12
MONTHLY = component({"type": "flat", "amount": "300"}, None, "month")
PER_RECORD = component({"type": "per_unit", "unit_price": "0.01"}, "records", "month")


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("supplier", "assessor", "buyer", "operator")) as made:
        yield made


@pytest_asyncio.fixture
async def shelf(exchange: Market) -> OnSale:
    """A listing with a price once (300 CNY), one by the month, one by use, one in tokens, one to be agreed on."""
    sold = await on_sale(exchange)
    use = offer_document("pay_per_use", PER_RECORD)
    use["plan"] |= {
        "discounts": [
            {"id": "spring", "type": "coupon", "code_sha256": coupon_digest("SPRING26"), "percent": "50"},
            {"id": "school", "type": "buyer_class", "classes": ["academic"], "percent": "20"},
        ],
        "price_lists": [
            {"currency": "USD", "models": {PER_RECORD["id"]: {"type": "per_unit", "unit_price": "0.0015"}}},
        ],
    }
    tokens = offer_document("pay_per_use", component({"type": "per_unit", "unit_price": "0.000001"}, "tokens", "month"))
    asked = offer_document("one_off", component({"type": "negotiated"}))
    for code, document in (
        ("month", offer_document("subscription", MONTHLY)),
        ("use", use),
        ("tokens", tokens),
        ("asked", asked),
    ):
        await exchange.done(
            sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", {"code": code, "document": document}
        )
    return sold


async def simulate(m: Market, buyer: Party, listing: str, **wish: Any) -> dict[str, Any]:
    body = {"listing": listing, "forecast": FORECAST, **wish}
    answer = await m.http.post("/buyer/v1/simulations", json=body, headers=buyer.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def totals(told: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: f"{one['total']['amount']} {one['total']['currency']}" for one in told["offers"]}


async def test_all_offers_are_compared_and_the_crossovers_are_exact(exchange: Market, shelf: OnSale) -> None:
    buyer = await exchange.join("buyer")
    told = await simulate(exchange, buyer, shelf.listing)
    assert totals(told) == {"tokens": "0.00 CNY", "once": "300.00 CNY", "month": "3600.00 CNY", "use": "7200.00 CNY"}
    (asked,) = told["left_out"]
    assert asked["code"] == "asked"
    assert set(asked["why"]) == {"en", "zh"}
    (compared,) = told["comparisons"]
    assert (compared["currency"], compared["meter"], compared["months"]) == ("CNY", "records", 12)
    assert [one["code"] for one in compared["left_out"]] == ["tokens"], "it would look free"
    names = {one["offer"]: one["code"] for one in told["offers"]}
    found = [
        (one["from_volume"], names[one["offer"]], one["amount"], one["exact"]) for one in compared["cheapest_from"]
    ]
    # 12 x 2,500 x 0.01 = 300: the same; the offer that is named first counts as the cheaper.
    assert found == [(0, "use", "0.00", True), (2_500, "once", "300.00", True)]
    assert {len(curve["amounts"]) for curve in compared["curves"]} == {len(compared["volumes"])}
    line = next(one for one in told["offers"] if one["code"] == "use")["months"][0]["lines"][0]
    assert line["amount"] == line["due"] == {"amount": "600.00", "currency": "CNY"}
    assert "60,000" in line["explain"]["text"]["en"]


async def test_choices_count_where_they_are_offered_and_are_named_where_not(exchange: Market, shelf: OnSale) -> None:
    buyer = await exchange.join("buyer")
    told = await simulate(exchange, buyer, shelf.listing, coupon="spring26", term_months=12)
    assert totals(told)["use"] == "3600.00 CNY"
    by_code = {one["code"]: one for one in told["offers"]}
    assert by_code["use"]["not_offered"] == ["term_months"]
    assert sorted(by_code["month"]["not_offered"]) == ["coupon", "term_months"]
    ids = [line["component"] for line in by_code["use"]["months"][0]["lines"]]
    assert "spring@month" in ids
    dollars = await simulate(exchange, buyer, shelf.listing, currency="USD")
    assert totals(dollars) == {"use": "1080.00 USD"}
    assert {one["code"] for one in dollars["left_out"]} == {"once", "month", "tokens", "asked"}


async def test_anybody_may_ask_at_list_prices(exchange: Market, shelf: OnSale) -> None:
    path = f"/catalog/v1/listings/{shelf.listing}/simulations"
    answer = await exchange.http.post(path, json={"forecast": FORECAST})
    assert answer.status_code == 200, answer.text
    assert totals(answer.json())["use"] == "7200.00 CNY"
    assert (await exchange.http.post(path, json={"forecast": []})).status_code == 422
    odd = await exchange.http.post(path, json={"forecast": [{"smells": 1}]})
    assert (odd.status_code, odd.json()["type"]) == (422, "/problems/forecast-invalid")
    nowhere = path.replace(shelf.listing, "lst_01m80jwmabesg81hwe4cc73nw9")
    assert (await exchange.http.post(nowhere, json={"forecast": FORECAST})).status_code == 404


async def test_no_use_at_all_has_totals_and_no_curve(exchange: Market, shelf: OnSale) -> None:
    buyer = await exchange.join("buyer")
    told = await simulate(exchange, buyer, shelf.listing, forecast=[{}, {}])
    assert totals(told)["month"] == "600.00 CNY"
    assert told["comparisons"] == []


async def test_the_buyers_class_is_the_one_that_was_verified(exchange: Market, shelf: OnSale) -> None:
    scholar = await exchange.join("buyer")

    async def classify(tx: Any) -> None:
        driver = await tx.driver()
        await driver.execute("UPDATE parties.organisation SET buyer_class = 'academic' WHERE id = $1", scholar.id)

    await exchange.services.db.run(classify)
    assert totals(await simulate(exchange, scholar, shelf.listing))["use"] == "5760.00 CNY"
    named = {"listing": shelf.listing, "forecast": FORECAST, "buyer_class": "academic"}
    answer = await exchange.http.post("/buyer/v1/simulations", json=named, headers=scholar.headers)
    assert answer.status_code == 400, "a class is never claimed"

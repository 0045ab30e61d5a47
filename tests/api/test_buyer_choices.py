"""Choices, drafts and changes of offer over HTTP: what a buyer may choose, and what it costs so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from exchange.kernel import ids
from pricing.basis import coupon_digest
from tests.support import settlement_market as trade
from tests.support.api import Market, Party, market

YUAN = 1_000_000
USE = {**trade.PER_RECORD, "period": "month"}
GIFT = {
    "id": "gift",
    "meter": None,
    "period": None,
    "model": {"type": "pay_what_you_want", "floor": "5", "suggested": "20"},
}
TERM = {"id": "year", "type": "term", "months": 12, "percent": "10"}
COMMITMENT = {"id": "much", "type": "commitment", "period": "month", "at_least": "20", "percent": "50"}
COUPON = {"id": "spring", "type": "coupon", "code_sha256": coupon_digest("SPRING"), "percent": "20"}


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("buyer", "supplier")) as made:
        yield made


@pytest_asyncio.fixture
async def shop(exchange: Market) -> trade.Market:
    """A registered seller's offers in the running exchange."""
    made = await trade.open_market(exchange.services.db, exchange.services.keyring)
    await made.register_for_tax(trade.SELLER)
    await made.offer("gift", GIFT, kind="one_off")
    await made.offer("choices", trade.MONTHLY, discounts=[TERM, COMMITMENT, COUPON])
    await made.offer("use", USE, kind="pay_per_use")
    return made


async def funded(exchange: Market, shop: trade.Market) -> Party:
    buyer = await exchange.join("buyer")
    await shop.fund(buyer.id, 1_000 * YUAN)
    return buyer


def wish(shop: trade.Market, name: str, **more: Any) -> dict[str, Any]:
    return {"offer": ids.text("ofr", shop.offers[name]), "purposes": ["pretrain"], **more}


async def test_an_order_takes_choices_and_says_what_fixed_its_price(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    chosen = wish(shop, "choices", commitment="25.00", term_months=12, coupon="spring")
    quote = await exchange.done(buyer, "/buyer/v1/quotes", chosen)
    # 30.00: half of it for the commitment, a tenth of the rest for the term, a fifth of that for the coupon; 6 % tax.
    assert quote["total"] == {"amount": "11.448", "currency": "CNY"}
    document = (await exchange.get(buyer, f"/buyer/v1/quotes/{quote['id']}")).json()["document"]
    assert [(line["component"], line["amount"]["amount"]) for line in document["lines"]] == [
        ("fee", "30.00"),
        ("much@month", "-15.00"),
        ("year@month", "-1.50"),
        ("spring@month", "-2.70"),
    ]
    assert document["net"]["amount"] == "10.80"
    (tax,) = document["tax"]
    assert (tax["rate"], tax["amount"]["amount"]) == ("0.06", "0.648")
    basis = {"commitment": "25", "coupon": coupon_digest("SPRING"), "term_months": 12}
    assert document["basis"] == basis
    placed = await exchange.done(buyer, "/buyer/v1/orders", {**wish(shop, "choices"), "quote": quote["id"]})
    same = await exchange.done(buyer, "/buyer/v1/orders", chosen)
    for receipt in (placed, same):
        shown = (await exchange.get(buyer, f"/buyer/v1/orders/{receipt['id']}")).json()
        assert (shown["total"]["amount"], shown["tax"]["amount"]) == ("11.448", "0.648")
        assert shown["basis"] == basis
        agreed = (await exchange.get(buyer, f"/buyer/v1/agreements/{receipt['agreement']}")).json()
        assert agreed["document"]["basis"] == basis
        page = f"/buyer/v1/agreements/{receipt['agreement']}/paper.html?lang="
        english, chinese = [(await exchange.get(buyer, page + language)).text for language in ("en", "zh")]
        for words in (
            "Of this, VAT 6%: CNY 0.648; without it: CNY 10.80",
            "the term chosen is 12 months",
            "a coupon was redeemed",
        ):
            assert words in english
        for words in ("其中增值税 6%：CNY 0.648；不含税：CNY 10.80", "对本买方确定：买方承诺每期至少消费 CNY 25.00"):
            assert words in chinese


async def test_choices_that_an_offer_does_not_have_are_refused_with_words(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    for name, more, status, slug in (
        ("one_off", {"currency": "USD"}, 422, "currency-not-offered"),
        ("one_off", {"term_months": 12}, 422, "choice-invalid"),
        ("choices", {"commitment": "1"}, 422, "choice-invalid"),
        ("choices", {"coupon": "AUTUMN"}, 422, "coupon-invalid"),
        ("gift", {"amounts": {"gift": "4.99"}}, 422, "price-below-floor"),
        ("one_off", {"amounts": {"price": "1"}}, 422, "choice-invalid"),
        ("gift", {"amounts": {"gift": "-1"}}, 400, "invalid-request"),
        ("gift", {"term_months": 0}, 400, "invalid-request"),
        ("gift", {"buyer_class": "academic"}, 400, "invalid-request"),
    ):
        answer = await exchange.post(buyer, "/buyer/v1/orders", wish(shop, name, **more))
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), answer.text
    placed = await exchange.done(buyer, "/buyer/v1/orders", wish(shop, "gift", amounts={"gift": "50"}))
    assert placed["total"] == {"amount": "53.00", "currency": "CNY"}


async def test_drafts_show_each_side_its_own_grants_and_page(exchange: Market, shop: trade.Market) -> None:
    buyer, stranger = await funded(exchange, shop), await exchange.join("buyer")
    orders = [await exchange.done(buyer, "/buyer/v1/orders", wish(shop, "use")) for _ in range(3)]
    now = exchange.services.db.clock.now()
    for number, order in enumerate(orders, 1):
        await shop.use(order["grant"], 1_000 * number, now)
    page = (await exchange.get(buyer, "/buyer/v1/draft-invoices", limit=2)).json()
    rest = (await exchange.get(buyer, "/buyer/v1/draft-invoices", cursor=page["next_cursor"])).json()
    shown = [*page["items"], *rest["items"]]
    assert [one["grant"] for one in shown] == [order["grant"] for order in orders]
    assert [one["total"]["amount"] for one in shown] == ["15.90", "31.80", "47.70"]
    (line,) = shown[0]["lines"]
    assert (line["component"], line["amount"]["amount"], line["quantity"]) == ("use", "15.00", "1000")
    assert line["description"]["zh"]
    assert line["explain"]["steps"]
    assert shown[0]["tax"][0]["amount"] == {"amount": "0.90", "currency": "CNY"}
    assert (await exchange.get(stranger, "/buyer/v1/draft-invoices")).json()["items"] == []
    supplier = await exchange.join("supplier")
    assert (await exchange.get(supplier, "/supplier/v1/draft-invoices")).json()["items"] == []
    assert (await exchange.get(buyer, "/buyer/v1/draft-invoices", cursor="bad")).status_code == 400
    assert (await exchange.get(buyer, "/buyer/v1/charges")).json()["items"] == []


async def test_a_grant_changes_to_another_offer_of_its_listing(exchange: Market, shop: trade.Market) -> None:
    buyer, stranger = await funded(exchange, shop), await exchange.join("buyer")
    order = await exchange.done(buyer, "/buyer/v1/orders", wish(shop, "monthly"))
    path = f"/buyer/v1/grants/{order['grant']}/change-offer"
    to = {"offer": ids.text("ofr", shop.offers["choices"]), "coupon": "SPRING"}
    assert (await exchange.post(stranger, path, to)).status_code == 404
    answer = await exchange.post(buyer, path, to, key="once")
    assert answer.status_code == 201, answer.text
    changed = answer.json()
    again = await exchange.post(buyer, path, to, key="once")
    assert (again.json(), again.headers["idempotency-replayed"]) == (changed, "true")
    assert changed["order"]["total"]["amount"] == "25.44"
    old = (await exchange.get(buyer, f"/buyer/v1/grants/{order['grant']}")).json()["grant"]
    new = (await exchange.get(buyer, f"/buyer/v1/grants/{changed['order']['grant']}")).json()["grant"]
    assert old["ends_at"] == new["starts_at"] == changed["changes_at"]
    assert new["purposes"] == ["pretrain"]
    assert exchange.services.db.clock.now() + timedelta(minutes=15) >= datetime.fromisoformat(new["starts_at"])


async def test_of_changes_with_keys_of_their_own_one_is_made(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    order = await exchange.done(buyer, "/buyer/v1/orders", wish(shop, "monthly"))
    path = f"/buyer/v1/grants/{order['grant']}/change-offer"
    to = {"offer": ids.text("ofr", shop.offers["choices"])}
    back = {"offer": ids.text("ofr", shop.offers["monthly"])}
    same = await exchange.post(buyer, path, back)
    assert (same.status_code, same.json()["type"]) == (409, "/problems/same-offer")
    answers = await asyncio.gather(*(exchange.post(buyer, path, to) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    kinds = {one.json()["type"] for one in answers if one.status_code == 409}
    assert kinds == {"/problems/grant-ends-already"}
    (made,) = [one.json() for one in answers if one.status_code == 201]
    again = await exchange.post(buyer, f"/buyer/v1/grants/{made['order']['grant']}/change-offer", back)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/change-too-early")


async def test_a_trial_runs_once(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    await shop.offer("tried", trade.MONTHLY, trial={"days": 30})
    paid = []
    for _ in range(3):
        order = await exchange.done(buyer, "/buyer/v1/orders", wish(shop, "tried"))
        paid.append(order["total"]["amount"])
        await exchange.done(buyer, f"/buyer/v1/grants/{order['grant']}/end")
    assert paid == ["0.00", "31.80", "31.80"]
    shown = (await exchange.get(buyer, f"/buyer/v1/orders/{order['id']}")).json()
    assert shown["basis"] == {"trial_used": True}

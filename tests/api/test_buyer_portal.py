"""The buyer's portal on a socket: from a quote to an order, a grant, a token and an end."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio

from contracts.agreements import verify
from exchange.kernel import ids
from exchange.kernel.canonical import canonical
from exchange.kernel.money import Money
from settlement.payments import PaymentState
from settlement.store import payments
from tests.support import settlement_market as trade
from tests.support.api import Market, Party, market

FORECAST = [{"records": 1000}, {"records": 5000}]


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("buyer", "data")) as made:
        yield made


@pytest_asyncio.fixture
async def shop(exchange: Market) -> trade.Market:
    """A seller's three offers in the running exchange."""
    return await trade.open_market(exchange.services.db, exchange.services.keyring)


def offer(shop: trade.Market, name: str) -> str:
    return ids.text("ofr", shop.offers[name])


async def funded(exchange: Market, shop: trade.Market, units: int = 1_000_000_000) -> Party:
    buyer = await exchange.join("buyer")
    await shop.fund(buyer.id, units)
    return buyer


async def order(exchange: Market, buyer: Party, offer_id: str, **more: Any) -> dict[str, Any]:
    return await exchange.done(
        buyer, "/buyer/v1/orders", {"offer": offer_id, "purposes": ["pretrain"], "payment": "wallet", **more}
    )


async def test_a_quote_is_signed_and_an_order_may_name_it(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    wish = {"offer": offer(shop, "monthly"), "purposes": ["pretrain"], "forecast": FORECAST}
    quote = await exchange.done(buyer, "/buyer/v1/quotes", wish)
    assert quote["total"] == {"amount": "30.00", "currency": "CNY"}
    shown = (await exchange.get(buyer, f"/buyer/v1/quotes/{quote['id']}")).json()
    data = base64.b64decode(shown["document_base64"])
    assert hashlib.sha256(data).hexdigest() == shown["sha256"] == quote["sha256"]
    assert canonical(shown["document"]) == data
    assert exchange.services.keyring.verify(shown["kid"], data, base64.b64decode(shown["signature"]))
    assert len(shown["document"]["estimate"]) == 2
    (listed,) = (await exchange.get(buyer, "/buyer/v1/quotes")).json()["items"]
    assert listed["id"] == quote["id"]
    placed = await order(exchange, buyer, wish["offer"], quote=quote["id"])
    assert placed["state"] == "paid"
    stranger = await exchange.join("buyer")
    assert (await exchange.get(stranger, f"/buyer/v1/quotes/{quote['id']}")).status_code == 404


async def test_what_may_not_be_ordered_is_not_quoted(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    unknown = {"offer": "ofr_01m80jwmabesg81hwe4cc73nw9", "purposes": ["pretrain"]}
    assert (await exchange.post(buyer, "/buyer/v1/quotes", unknown)).status_code == 404
    odd = {"offer": offer(shop, "per_use"), "purposes": ["pretrain"], "forecast": [{"smells": 1}]}
    refused = await exchange.post(buyer, "/buyer/v1/quotes", odd)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/forecast-invalid")
    huge = {**odd, "forecast": [{"records": 2**53 - 1}] * 36}
    assert (await exchange.post(buyer, "/buyer/v1/quotes", huge)).status_code == 422


async def test_a_simulation_compares_the_offers_of_a_listing(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    placed = await order(exchange, buyer, offer(shop, "per_use"))
    shown = (await exchange.get(buyer, f"/buyer/v1/orders/{placed['id']}")).json()
    body = {"listing": shown["listing"], "forecast": FORECAST}
    answer = await exchange.http.post("/buyer/v1/simulations", json=body, headers=buyer.headers)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [one["code"] for one in told["offers"]] == ["monthly", "per_use", "one_off"]
    assert [one["total"]["amount"] for one in told["offers"]] == ["60.00", "90.00", "300.00"]
    assert told["cheapest"] == {"CNY": told["offers"][0]["offer"]}
    missing = {**body, "listing": "lst_01m80jwmabesg81hwe4cc73nw9"}
    assert (await exchange.http.post("/buyer/v1/simulations", json=missing, headers=buyer.headers)).status_code == 404


async def test_an_order_leaves_an_agreement_that_anybody_can_verify(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    placed = await order(exchange, buyer, offer(shop, "one_off"))
    shown = (await exchange.get(buyer, f"/buyer/v1/agreements/{placed['agreement']}")).json()
    keys = {one["kid"]: one["x"] for one in (await exchange.http.get("/.well-known/jwks.json")).json()["keys"]}
    public = base64.urlsafe_b64decode(keys[shown["kid"]] + "==")
    data = base64.b64decode(shown["document_base64"])
    assert verify(data, base64.b64decode(shown["signature"]), public) is None
    assert msgspec.json.decode(data) == shown["document"]
    assert set(shown["how_to_verify"]) == {"en", "zh"}
    wallet = (await exchange.get(buyer, "/buyer/v1/wallet")).json()
    assert wallet == {"balances": [{"amount": "700.00", "currency": "CNY"}], "bank_reference": buyer.organisation}
    moved = (await exchange.get(buyer, "/buyer/v1/wallet/movements", currency="CNY")).json()["items"]
    assert [(one["kind"], one["amount"]["amount"]) for one in moved] == [("purchase", "-300.00"), ("top_up", "1000.00")]
    assert moved[0]["source"] == placed["id"]


async def test_a_token_is_taken_shown_once_and_revoked(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    placed = await order(exchange, buyer, offer(shop, "per_use"))
    path = f"/buyer/v1/grants/{placed['grant']}"
    first = await exchange.post(buyer, f"{path}/tokens", key="once")
    again = await exchange.post(buyer, f"{path}/tokens", key="once")
    assert first.status_code == again.status_code == 201
    assert again.headers["idempotency-replayed"] == "true"
    token, replayed = first.json(), again.json()
    assert replayed == {**token, "token": ""}
    bearer = {"authorization": f"Bearer {token['token']}"}
    assert (await exchange.http.get("/data/v1/grant", headers=bearer)).status_code == 200
    detail = (await exchange.get(buyer, path)).json()
    assert [one["id"] for one in detail["tokens"]] == [token["id"]]
    stranger = await exchange.join("buyer")
    for other in (await exchange.get(stranger, path), await exchange.post(stranger, f"{path}/tokens")):
        assert other.status_code == 404
    assert (await exchange.post(stranger, f"/buyer/v1/tokens/{token['id']}/revocation")).status_code == 404
    assert (await exchange.done(buyer, f"/buyer/v1/tokens/{token['id']}/revocation"))["revoked"] is True
    assert (await exchange.get(buyer, path)).json()["tokens"][0]["revoked_at"] is not None


async def test_a_subscription_ends_with_its_paid_period_and_use_ends_now(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop)
    monthly = await order(exchange, buyer, offer(shop, "monthly"))
    per_use = await order(exchange, buyer, offer(shop, "per_use"))
    later = await exchange.done(buyer, f"/buyer/v1/grants/{monthly['grant']}/end")
    now = await exchange.done(buyer, f"/buyer/v1/grants/{per_use['grant']}/end")
    assert later["state"] == "active"
    assert now["state"] == "ended"
    assert later["ends_at"] > now["ends_at"]
    refused = await exchange.post(buyer, f"/buyer/v1/grants/{per_use['grant']}/end")
    assert refused.json()["type"] == "/problems/grant-ended"
    listed = (await exchange.get(buyer, "/buyer/v1/grants")).json()["items"]
    assert {one["id"]: one["state"] for one in listed} == {monthly["grant"]: "active", per_use["grant"]: "ended"}


async def test_a_top_up_by_card_waits_for_its_charge(exchange: Market) -> None:
    buyer = await exchange.join("buyer")
    wish = {"amount": {"amount": "50.00", "currency": "CNY"}, "method": "card"}
    assert (await exchange.post(buyer, "/buyer/v1/top-ups", wish)).status_code == 400
    paid = await exchange.done(buyer, "/buyer/v1/top-ups", {**wish, "payment_method": "pm_card_visa"})
    by_bank = await exchange.done(buyer, "/buyer/v1/top-ups", {**wish, "method": "bank"})
    assert by_bank["reference"] == by_bank["id"]
    shown = (await exchange.get(buyer, f"/buyer/v1/payments/{paid['id']}")).json()
    assert (shown["state"], shown["method"], shown["amount"]["amount"]) == ("created", "card", "50.00")
    assert len((await exchange.get(buyer, "/buyer/v1/payments")).json()["items"]) == 2
    stranger = await exchange.join("buyer")
    assert (await exchange.get(stranger, f"/buyer/v1/payments/{paid['id']}")).status_code == 404


async def test_an_unpaid_order_can_be_given_up(exchange: Market, shop: trade.Market) -> None:
    buyer = await funded(exchange, shop, 1_000_000)
    waiting = await order(exchange, buyer, offer(shop, "one_off"), payment="card", payment_method="pm_card_visa")
    assert waiting["state"] == "awaiting_payment"
    path = f"/buyer/v1/orders/{waiting['id']}/cancellation"
    assert (await exchange.done(buyer, path))["state"] == "cancelled"
    assert (await exchange.post(buyer, path)).json()["type"] == "/problems/state-conflict"
    kept = await exchange.services.db.run(lambda tx: payments.get_payments(tx, [ids.parse("pay", waiting["payment"])]))
    (payment,) = kept.values()
    assert (payment.state, payment.amount) == (PaymentState.CREATED, Money(300_000_000, "CNY"))

"""Negotiated prices: a supplier's quote for one buyer, and what it cannot change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.kernel.clock import FixedClock
from tests.support.api import Market, market
from tests.support.outcomes import funded
from tests.support.trade import OnSale, component, offer_document, on_sale

NOTE = {"en": "As agreed on Monday.", "zh": "如周一所议。"}


@pytest.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=FixedClock(datetime(2026, 1, 15, 8, tzinfo=UTC))) as made:
        yield made


async def negotiable(m: Market, sale: OnSale) -> str:
    parts = (
        component({"type": "negotiated", "guide": "1000"}),
        component({"type": "pay_what_you_want", "floor": "10", "suggested": "50"}),
        component({"type": "one_off", "amount": "5"}),
    )
    body = {"code": "talk", "document": offer_document("one_off", *parts)}
    made: str = (await m.done(sale.supplier, f"/supplier/v1/listings/{sale.listing}/offers", body))["id"]
    return made


def wish(m: Market, offer: str, buyer: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "offer": offer,
        "buyer": buyer,
        "amounts": {"c_negotiated": "800.00"},
        "purposes": ["pretrain"],
        "expires_at": (m.services.db.clock.now() + timedelta(days=30)).isoformat(),
        "note": NOTE,
        **changes,
    }


async def test_a_negotiated_price_is_quoted_and_ordered(m: Market) -> None:
    sale = await on_sale(m)
    offer, buyer, other = await negotiable(m, sale), await funded(m), await funded(m)
    order = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    refused = await m.post(buyer, "/buyer/v1/orders", order)
    assert refused.json()["type"] == "/problems/price-not-agreed"
    amounts = {"c_negotiated": "800.00", "c_pay_what_you_want": "20"}
    body = wish(m, offer, buyer.organisation, amounts=amounts)
    quote = await m.done(sale.supplier, "/supplier/v1/quotes", body)
    assert quote["total"] == {"amount": "825.00", "currency": "CNY"}
    for party, portal in ((sale.supplier, "supplier"), (buyer, "buyer")):
        listed = (await m.get(party, f"/{portal}/v1/quotes")).json()["items"]
        assert [row["id"] for row in listed] == [quote["id"]]
        shown = (await m.get(party, f"/{portal}/v1/quotes/{quote['id']}")).json()
        assert (shown["sha256"], shown["document"]["note"]) == (quote["sha256"], NOTE)
    stranger = await m.join("supplier")
    assert (await m.get(stranger, f"/supplier/v1/quotes/{quote['id']}")).status_code == 404
    assert (await m.get(stranger, "/supplier/v1/quotes")).json()["items"] == []
    # The price is that buyer's alone.
    assert (await m.post(other, "/buyer/v1/orders", {**order, "quote": quote["id"]})).status_code == 404
    done = await m.done(buyer, "/buyer/v1/orders", {**order, "quote": quote["id"]})
    assert done["total"] == {"amount": "825.00", "currency": "CNY"}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"amounts": {"c_one_off": "1"}}, "not-negotiable"),
    ({"amounts": {"nothing": "1"}}, "not-negotiable"),
    ({"amounts": {"c_pay_what_you_want": "20"}}, "price-not-agreed"),
    ({"amounts": {"c_negotiated": "8", "c_pay_what_you_want": "9.99"}}, "price-below-floor"),
    ({"amounts": {}}, "invalid-request"),
    ({"amounts": {"c_negotiated": "-1"}}, "invalid-request"),
    ({"expires_at": "2026-01-15T07:00:00Z"}, "private-quote-invalid"),
    ({"expires_at": "2026-06-15T07:00:00Z"}, "private-quote-invalid"),
    ({"note": {"en": "only English"}}, "private-quote-invalid"),
    ({"buyer": "org_01m80jwmabesg81hwe4cc73nw9"}, "private-quote-invalid"),
    ({"offer": "ofr_01m80jwmabesg81hwe4cc73nw9"}, "not-found"),
]


async def test_what_a_private_quote_may_not_do(m: Market) -> None:
    sale = await on_sale(m)
    offer, buyer = await negotiable(m, sale), await m.join("buyer")
    for changes, slug in WRONG:
        refused = await m.post(sale.supplier, "/supplier/v1/quotes", wish(m, offer, buyer.organisation, **changes))
        assert refused.json()["type"] == f"/problems/{slug}", (changes, refused.text)
    assert (await m.get(buyer, "/buyer/v1/quotes")).json()["items"] == []


async def test_nobody_quotes_what_another_sells_or_to_itself(m: Market) -> None:
    sale = await on_sale(m)
    offer, buyer, stranger = await negotiable(m, sale), await m.join("buyer"), await m.join("supplier")
    refused = await m.post(stranger, "/supplier/v1/quotes", wish(m, offer, buyer.organisation))
    assert refused.status_code == 404
    own = await m.post(sale.supplier, "/supplier/v1/quotes", wish(m, offer, sale.supplier.organisation))
    assert own.json()["type"] == "/problems/private-quote-invalid"

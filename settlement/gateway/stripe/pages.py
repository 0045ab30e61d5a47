"""Stripe's own pages on which somebody pays: Checkout."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import stripe

from exchange.kernel.money import Money
from settlement.gateway.stripe import reading
from settlement.gateway.stripe.amounts import minor
from settlement.gateway.stripe.answers import Missing, SessionAnswer
from settlement.gateway.stripe.reading import CLOCKS_DIFFER_S, outcome

if TYPE_CHECKING:
    from stripe.params.checkout import SessionListParams


class Pages:
    """The calls for Checkout, over one client of the SDK."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """Use a client; nothing is sent."""
        self._v1 = client.v1

    async def create(
        self, payment_text: str, amount: Money, kinds: list[str], return_url: str, idempotency_key: str
    ) -> SessionAnswer:
        """Open a page on which this amount is paid; the payment that comes of it has our name as well.

        shapes   kinds: as `settlement.payments.OFFERED` names them
        errors   NotPayable
        """
        line = {
            "quantity": 1,
            "price_data": {
                "currency": amount.currency.lower(),
                "unit_amount": minor(amount),
                "product_data": {"name": payment_text},
            },
        }
        params: Any = {
            "mode": "payment",
            "line_items": [line],
            "allowed_payment_method_types": kinds,
            "client_reference_id": payment_text,
            "metadata": {"payment": payment_text},
            "payment_intent_data": {"metadata": {"payment": payment_text}, "transfer_group": payment_text},
            "success_url": return_url,
            "cancel_url": return_url,
        }
        if "wechat_pay" in kinds:
            params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
        made = await outcome(self._v1.checkout.sessions.create_async(params, {"idempotency_key": idempotency_key}))
        return reading.session(made) if isinstance(made, stripe.checkout.Session) else made

    async def fetch(self, session_id: str) -> SessionAnswer:
        """The page as it stands now."""
        made = await outcome(self._v1.checkout.sessions.retrieve_async(session_id))
        return reading.session(made) if isinstance(made, stripe.checkout.Session) else made

    async def find(self, payment_text: str, since: datetime) -> SessionAnswer | Missing:
        """Look for the page that an unknown call opened."""
        params: SessionListParams = {"created": {"gte": int(since.timestamp()) - CLOCKS_DIFFER_S}, "limit": 100}
        while True:
            page = await outcome(self._v1.checkout.sessions.list_async(params))
            if not isinstance(page, stripe.ListObject):
                return page
            for made in page.data:
                if reading.named(made, "payment") == payment_text:
                    return reading.session(made)
            if not page.has_more:
                return Missing()
            params["starting_after"] = page.data[-1].id

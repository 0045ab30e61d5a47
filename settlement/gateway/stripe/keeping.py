"""Payment methods kept at Stripe: customers, setup intents, what is detached."""

from __future__ import annotations

from typing import Any

import stripe

from settlement.gateway.stripe.answers import Refused, Retry, Unknown
from settlement.gateway.stripe.reading import named, outcome
from settlement.kept_methods import CardFacts
from settlement.provider_objects import Setup

SetupAnswer = Setup | Refused | Retry | Unknown
_EXPAND = ["payment_method"]


class Keeping:
    """The calls for what a buyer keeps, over one client of the SDK. No money moves by any of them."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """Use a client; nothing is sent."""
        self._v1 = client.v1

    async def customer(self, organisation_text: str, idempotency_key: str) -> str | Refused | Retry | Unknown:
        """A customer to keep a buyer's cards under; answers its id. No name goes there: our id says who it is."""
        params: Any = {"metadata": {"organisation": organisation_text}}
        made = await outcome(self._v1.customers.create_async(params, {"idempotency_key": idempotency_key}))
        return made.id if isinstance(made, stripe.Customer) else made

    async def set_up(
        self, method_text: str, customer_ref: str, payment_method: str, return_url: str, idempotency_key: str
    ) -> SetupAnswer:
        """Check a method with its bank, and keep it under a customer to be charged later.

        shapes   payment_method "pm_..."; return_url: where its holder comes back to after agreeing, "" for nowhere
        """
        params: Any = {
            "customer": customer_ref,
            "payment_method": payment_method,
            "usage": "off_session",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "always" if return_url else "never"},
            "metadata": {"method": method_text},
            "expand": _EXPAND,
        }
        if return_url:
            params["return_url"] = return_url
        made = await outcome(self._v1.setup_intents.create_async(params, {"idempotency_key": idempotency_key}))
        return _setup(made) if isinstance(made, stripe.SetupIntent) else made

    async def fetch_setup(self, setup_id: str) -> SetupAnswer:
        """The setup as it stands now."""
        made = await outcome(self._v1.setup_intents.retrieve_async(setup_id, {"expand": _EXPAND}))
        return _setup(made) if isinstance(made, stripe.SetupIntent) else made

    async def detach(self, payment_method: str) -> str | Refused | Retry | Unknown:
        """Let a method go; it cannot be charged any more."""
        made = await outcome(self._v1.payment_methods.detach_async(payment_method))
        return made.id if isinstance(made, stripe.PaymentMethod) else made


def _setup(made: stripe.SetupIntent) -> Setup:
    method, error = made.payment_method, made.last_setup_error
    held = method if isinstance(method, stripe.PaymentMethod) else None
    card = held.card if held is not None and held.type == "card" else None
    action = made.next_action
    page = action.redirect_to_url.url if action is not None and action.redirect_to_url is not None else None
    return Setup(
        id=made.id,
        state=str(made.status),
        method=named(made, "method"),
        payment_method=held.id if held is not None else (method if isinstance(method, str) else None),
        kind=held.type if held is not None else None,
        card=None if card is None else CardFacts(card.brand, card.last4, card.exp_month, card.exp_year),
        redirect_url=page,
        failure=None if error is None else (error.decline_code or error.code or error.type),
    )

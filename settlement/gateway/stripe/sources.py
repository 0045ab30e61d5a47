"""The charge of a payment as Stripe has it, for the transfers that are to go out with its money."""

from __future__ import annotations

from datetime import UTC, datetime

import stripe

from settlement.gateway.stripe.answers import Missing, Refused, Retry, Unknown
from settlement.gateway.stripe.client import StripeGateway
from settlement.gateway.stripe.reading import booked, money, outcome
from settlement.transfer_sources import Charge


async def charge_of(gateway: StripeGateway, intent_id: str) -> Charge | Missing | Refused | Retry | Unknown:
    """The charge that took a payment's money; Missing where there is none, or where it took less than was asked for."""
    made = await outcome(
        gateway.sdk.v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge.balance_transaction"]})
    )
    if not isinstance(made, stripe.PaymentIntent):
        return made
    found = made.latest_charge
    if not isinstance(found, stripe.Charge) or found.status != "succeeded" or found.amount_captured != found.amount:
        return Missing()
    entry, details = found.balance_transaction, found.payment_method_details
    return Charge(
        found.id,
        details.type if details is not None else "",
        money(found.amount, found.currency),
        money(found.amount_refunded, found.currency),
        found.disputed,
        found.transfer_group,
        booked(entry),
        datetime.fromtimestamp(entry.available_on, UTC) if isinstance(entry, stripe.BalanceTransaction) else None,
    )

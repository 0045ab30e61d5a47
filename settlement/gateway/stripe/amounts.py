"""Amounts as Stripe counts them."""

from __future__ import annotations

from exchange.kernel.money import Money, Rounding, from_minor, to_minor
from settlement.gateway.stripe.answers import NotPayable
from settlement.payments import COUNTED_OTHERWISE, THREE_DECIMALS


def minor(amount: Money) -> int:
    """The amount as Stripe counts it.

    errors   NotPayable unless it was already rounded to a coin: rounding belongs to the flow, which books the rest
    """
    if amount.currency in COUNTED_OTHERWISE:
        raise NotPayable(f"{amount.currency} is counted otherwise by Stripe")
    count = to_minor(amount, Rounding.DOWN)
    if count <= 0 or from_minor(count, amount.currency) != amount:
        raise NotPayable(f"{amount} is not a positive number of smallest coins")
    if amount.currency in THREE_DECIMALS and count % 10:
        raise NotPayable(f"{amount} needs a last digit of zero at Stripe")
    return count

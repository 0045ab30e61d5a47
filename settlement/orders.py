"""Orders: who bought which offer from whom, for how much, and whether it is paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel.money import Money


class OrderState(StrEnum):
    """Where an order stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.AWAITING_PAYMENT: frozenset({OrderState.PAID, OrderState.CANCELLED}),
    OrderState.PAID: frozenset(),
    OrderState.CANCELLED: frozenset(),
}


class PayBy(StrEnum):
    """How an order is paid."""

    WALLET = "wallet"
    CARD = "card"
    # Within a credit line: the order counts as paid at once, and its shares wait until it is (settlement.credit).
    ACCOUNT = "account"


class Order(msgspec.Struct, frozen=True):
    """An order as it stands.

    shapes   price_basis: canonical JSON of what fixed the price, None where only the offer did; tax: how it was taxed
    units    `price` is what the buyer pays, `tax_units` the millionths of it that are tax
    """

    id: UUID
    buyer_id: UUID
    seller_id: UUID
    offer_id: UUID
    listing_id: UUID
    agreement_id: UUID
    price: Money
    payment: PayBy
    state: OrderState
    created_at: datetime
    paid_at: datetime | None = None
    price_basis: bytes | None = None
    tax_units: int = 0
    tax: Mapping[str, Any] | None = None
    quote_id: UUID | None = None

    @property
    def net(self) -> Money:
        """The price without its tax: what is split."""
        return Money(self.price.units - self.tax_units, self.price.currency)

    @property
    def tax_money(self) -> Money:
        """The part of the price that is tax."""
        return Money(self.tax_units, self.price.currency)


def shown_state(order: Order, refunded: int) -> str:
    """What an order is called to people: one that went back as a whole is not called paid any more.

    units    `refunded` of its price, in millionths
    """
    return "refunded" if 0 < refunded == order.price.units else order.state.value


@dataclass(frozen=True, slots=True)
class Source:
    """What money came from: an order or a charge, with what is needed to recompute its split.

    units    `gross` is what was split: the price or the charge without its tax
    """

    kind: str
    id: UUID
    buyer_id: UUID
    seller_id: UUID
    offer_id: UUID
    gross: Money

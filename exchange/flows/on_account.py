"""Orders on account: the credit line that allows one, what it still leaves free, and the debt that an order makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from settlement.accounts import AccountKey, credit, wallet
from settlement.banking_problems import CREDIT_LIMIT, CREDIT_NONE, PURCHASE_ORDER_WANTED
from settlement.credit import CreditLine, CreditOrder, purchase_order_possible
from settlement.store import credit as store

ACCOUNT = "account"
Lines = Mapping[tuple[UUID, str], CreditLine]


class Wish(Protocol):
    """How an order is to be paid."""

    @property
    def payment(self) -> str:
        """`wallet`, `card` or `account`."""

    @property
    def purchase_order(self) -> str | None:
        """The buyer's own number of it."""


async def lines_of(tx: Tx, buyers: Sequence[UUID]) -> Lines:
    """The credit lines of those who want to order on account; no statement where nobody does."""
    return await store.active_lines(tx, buyers) if buyers else {}


def refused(wish: Wish, buyer_id: UUID, price: Money, lines: Lines) -> Problem | None:
    """Why this cannot be ordered on account whatever is free, or None.

    errors   answers credit-line-missing, purchase-order-wanted
    """
    number = wish.purchase_order
    if number is not None and not purchase_order_possible(number):
        return PURCHASE_ORDER_WANTED()
    if wish.payment != ACCOUNT:
        return None
    line = lines.get((buyer_id, price.currency))
    if line is None:
        return CREDIT_NONE(currency=price.currency)
    return PURCHASE_ORDER_WANTED() if line.purchase_order_required and number is None else None


def payer(wish: Wish, buyer_id: UUID, currency: str) -> AccountKey:
    """The account that an order leaves."""
    return credit(buyer_id, currency) if wish.payment == ACCOUNT else wallet(buyer_id, currency)


def over_limit(line: CreditLine, price: Money, free: int) -> Problem:
    """The refusal of an order that the line does not cover, with what is free.

    units    `free` millionths
    """
    left = Money(max(0, free), price.currency)
    return CREDIT_LIMIT(price=str(price), limit=str(line.limit), used=str(line.limit - left), free=str(left))


def owed(tx: Tx, wish: Wish, order: tuple[UUID, UUID, UUID], price: Money, line: CreditLine) -> CreditOrder:
    """The debt that an order makes.

    shapes   order: (order id, buyer id, seller id)
    """
    due_on = (tx.now + timedelta(days=line.days)).date()
    return CreditOrder(*order, price, price.units, due_on, wish.purchase_order, tx.now)

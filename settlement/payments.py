"""Payments: money that comes in from outside, and the events that tell of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.kernel import ids
from exchange.kernel.money import Money, Rounding, from_minor, round_to_minor, to_minor

TOP_UP_LEAST_UNITS = 1_000_000
TOP_UP_MOST_UNITS = 10_000_000 * 1_000_000
# Currencies that Stripe counts in other coins than ISO 4217, and those whose third decimal it wants to be zero.
COUNTED_OTHERWISE = frozenset(("ISK", "UGX", "MGA"))
THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
_REFERENCE = re.compile(r"\b(org|pay)[_ -]?([0-7][0-9a-hjkmnp-tv-z]{25})\b", re.IGNORECASE)


class PaymentState(StrEnum):
    """Where a payment stands."""

    CREATED = "created"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


# A card that failed can still succeed: Stripe lets the payer try again on the same payment.
TRANSITIONS: Mapping[PaymentState, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset({PaymentState.PROCESSING, PaymentState.SUCCEEDED, PaymentState.FAILED}),
    PaymentState.PROCESSING: frozenset({PaymentState.SUCCEEDED, PaymentState.FAILED}),
    PaymentState.FAILED: frozenset({PaymentState.PROCESSING, PaymentState.SUCCEEDED}),
    PaymentState.SUCCEEDED: frozenset(),
}


class Purpose(StrEnum):
    """What a payment is for."""

    TOP_UP = "top_up"
    ORDER = "order"


class Method(StrEnum):
    """The way the money comes."""

    CARD = "card"
    BANK = "bank"
    ALIPAY = "alipay"
    WECHAT_PAY = "wechat_pay"
    SEPA_DEBIT = "sepa_debit"
    CHECKOUT = "checkout"


# The currencies that each way of paying takes; the others take what the provider does.
# source: https://docs.stripe.com/payments/alipay, https://docs.stripe.com/payments/wechat-pay,
#         https://docs.stripe.com/payments/sepa-debit
CURRENCIES: Mapping[Method, frozenset[str]] = {
    Method.ALIPAY: frozenset(["AUD", "CAD", "CNY", "EUR", "GBP", "HKD", "JPY", "MYR", "NZD", "SGD", "USD"]),
    Method.WECHAT_PAY: frozenset(
        ["AUD", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "HKD", "JPY", "NOK", "SEK", "SGD", "USD"]
    ),
    Method.SEPA_DEBIT: frozenset({"EUR"}),
}
# What Checkout offers, in the currencies that each takes.
OFFERED = (Method.CARD, Method.ALIPAY, Method.WECHAT_PAY, Method.SEPA_DEBIT)


@dataclass(frozen=True, slots=True)
class Means:
    """How a payment through the provider is made: the way, and the payment method kept there where the way needs one."""

    method: Method
    payment_method: str = ""


def means_of(word: str) -> Means:
    """What a buyer's word for a payment method says.

    shapes   "alipay", "wechat_pay", "checkout", "sepa_debit:pm_..." or the id of a card
    """
    kind, _, rest = word.partition(":")
    if kind == Method.SEPA_DEBIT and rest:
        return Means(Method.SEPA_DEBIT, rest)
    if word in (Method.ALIPAY, Method.WECHAT_PAY, Method.CHECKOUT):
        return Means(Method(word))
    return Means(Method.CARD, word)


def word_of(method: Method, payment_method: str) -> str:
    """The word that `means_of` reads as this way of paying."""
    if method is Method.CARD:
        return payment_method
    return f"{method.value}:{payment_method}" if payment_method else method.value


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it stands."""

    id: UUID
    organisation_id: UUID
    purpose: Purpose
    order_id: UUID | None
    amount: Money
    method: Method
    state: PaymentState
    created_at: datetime
    provider_ref: str | None = None
    failure: str | None = None
    finished_at: datetime | None = None
    redirect_url: str | None = None
    qr_code: str | None = None
    session_ref: str | None = None


@dataclass(frozen=True, slots=True)
class BankEntry:
    """A movement on the exchange's bank account, as the bank reports it; `account_id` is unknown where none is named.

    units    above zero it came in
    """

    entry_ref: str
    reference: str
    amount: Money
    booked_at: datetime
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class BankEntryRecord:
    """A bank entry as it was recorded, and whom it was given to; `maybe_id` is whose it may be, by amount and account."""

    id: UUID
    entry: BankEntry
    organisation_id: UUID | None
    payment_id: UUID | None
    maybe_id: UUID | None = None
    maybe_payment_id: UUID | None = None


def amount_possible(amount: Money) -> bool:
    """Whether a top-up of this amount can be charged: within the limits and in whole coins."""
    if not TOP_UP_LEAST_UNITS <= amount.units <= TOP_UP_MOST_UNITS:
        return False
    return round_to_minor(amount, Rounding.DOWN) == amount


def chargeable(amount: Money) -> bool:
    """Whether a card can be charged exactly this: whole coins above zero, as Stripe counts the currency.

    source   https://docs.stripe.com/currencies (special cases, three-decimal currencies)
    """
    if amount.currency in COUNTED_OTHERWISE or amount.units <= 0:
        return False
    if round_to_minor(amount, Rounding.DOWN) != amount:
        return False
    return amount.currency not in THREE_DECIMALS or to_minor(amount, Rounding.DOWN) % 10 == 0


def card_amount(price: Money, tax: Money | None) -> Money | None:
    """What a card is charged for a price: the price itself, or whole coins where a tax left a fraction of one.

    shapes   None: no card can be charged for it
    units    rounded down; the fraction of a coin is the exchange's, on its account `rounding`
    """
    if chargeable(price):
        return price
    if tax is None or not tax.units:
        return None
    coins = to_minor(price, Rounding.DOWN)
    coins -= coins % 10 if price.currency in THREE_DECIMALS else 0
    rounded = from_minor(coins, price.currency)
    return rounded if chargeable(rounded) else None


def named_in(reference: str) -> tuple[str, UUID] | None:
    """The payment or organisation that a bank reference names, if it names one.

    shapes   free text of a bank -> ("pay" | "org", id); banks may drop the underscore and change the case
    """
    found = _REFERENCE.search(reference)
    if not found:
        return None
    prefix = found.group(1).lower()
    try:
        return prefix, ids.parse(prefix, f"{prefix}_{found.group(2).lower()}")
    except ids.BadId:
        return None

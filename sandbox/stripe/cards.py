"""Stripe's documented test cards and test payment methods, and what a charge on each one does."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe.wire import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens when this means of payment is charged."""

    decline_code: str | None = None
    code: str = "card_declined"
    message: str = "Your card was declined."
    authenticate: bool = False
    dispute: bool = False


_GOOD = Outcome()
_DECLINED = Outcome("generic_decline")
_FUNDS = Outcome("insufficient_funds", message="Your card has insufficient funds.")
_LOST = Outcome("lost_card")
_EXPIRED = Outcome("expired_card", "expired_card", "Your card has expired.")
_CVC = Outcome("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
_ERROR = Outcome(
    "processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit."
)

# source: https://docs.stripe.com/testing
BY_NUMBER: dict[str, Outcome] = {
    "4242424242424242": _GOOD,
    "5555555555554444": _GOOD,
    "6200000000000005": _GOOD,
    "4000000000000077": _GOOD,
    "4000000000000002": _DECLINED,
    "4000000000000341": _DECLINED,
    "4000000000009995": _FUNDS,
    "4000000000009987": _LOST,
    "4000000000000069": _EXPIRED,
    "4000000000000127": _CVC,
    "4000000000000119": _ERROR,
    "4000002500003155": Outcome(authenticate=True),
    "4000002760003184": Outcome(authenticate=True),
    "4000000000000259": Outcome(dispute=True),
}
TEST_METHODS: dict[str, str] = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_unionpay": "6200000000000005",
    "pm_card_bypassPending": "4000000000000077",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_threeDSecure2Required": "4000002500003155",
    "pm_card_createDispute": "4000000000000259",
}
_BY_LAST4 = {number[-4:]: outcome for number, outcome in BY_NUMBER.items()}
# Wallets whose payer confirms on another page.
REDIRECTED = frozenset(("alipay", "wechat_pay"))


def outcome_of(method: Json) -> Outcome:
    """What charging this payment method does; the number itself is not kept, its last four digits tell."""
    if method["type"] in REDIRECTED:
        return Outcome(authenticate=True)
    if method["type"] == "card":
        return _BY_LAST4.get(method["card"]["last4"], _GOOD)
    return _GOOD

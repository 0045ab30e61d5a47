"""Stripe's documented test cards, test accounts and test payment methods, and what a charge on each one does."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe.wire import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens when this means of payment is charged; a `debit` is answered days later."""

    decline_code: str | None = None
    code: str = "card_declined"
    message: str = "Your card was declined."
    authenticate: bool = False
    dispute: str | None = None
    debit: bool = False


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
    "4000000000000259": Outcome(dispute="fraudulent"),
    "4000000000002685": Outcome(dispute="product_not_received"),
    "4000000000001976": Outcome(dispute="inquiry"),
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
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
}
TEST_TOKENS = {"tok_" + name.removeprefix("pm_card_"): number for name, number in TEST_METHODS.items()}
BYPASSES_PENDING = "0077"
_BY_LAST4 = {number[-4:]: outcome for number, outcome in BY_NUMBER.items()}
# source: https://docs.stripe.com/payments/sepa-debit/accept-a-payment#test-your-integration
_BY_IBAN_END = {
    "3000": Outcome(debit=True),
    "3003": Outcome(debit=True),
    "3001": Outcome("generic_decline", "charge_failed", "The bank could not take the money.", debit=True),
    "3004": Outcome("generic_decline", "charge_failed", "The bank could not take the money.", debit=True),
    "2227": Outcome("insufficient_funds", "insufficient_funds", "The account has insufficient funds.", debit=True),
    "3002": Outcome(dispute="debit_not_authorized", debit=True),
}
TEST_IBANS = {
    "clears": "DE89370400440532013000",
    "fails": "DE62370400440532013001",
    "disputed": "DE35370400440532013002",
    "no funds": "DE65370400440002222227",
}
# Bank accounts that refuse a payout, and what they say.
# source: https://docs.stripe.com/connect/testing#account-numbers
FAILING_BANKS = {
    "000111111113": ("account_closed", "The bank account has been closed."),
    "000111111116": ("no_account", "The bank account could not be found."),
    "000222222227": ("no_account", "The bank account could not be found."),
    "000333333335": ("debit_not_authorized", "Debit transactions are not approved on this bank account."),
    "000444444440": ("invalid_currency", "The bank was unable to process this payout because of its currency."),
    "DE62370400440532013001": ("no_account", "The bank account could not be found."),
}
GOOD_BANK = "DE89370400440532013000"
# Wallets whose payer confirms on another page, and what they may be charged in.
# source: https://docs.stripe.com/payments/alipay, https://docs.stripe.com/payments/wechat-pay
REDIRECTED: dict[str, frozenset[str]] = {
    "alipay": frozenset(("aud", "cad", "cny", "eur", "gbp", "hkd", "jpy", "myr", "nzd", "sgd", "usd")),
    "wechat_pay": frozenset(
        ("aud", "cad", "chf", "cny", "dkk", "eur", "gbp", "hkd", "jpy", "nok", "sek", "sgd", "usd")
    ),
}
CURRENCIES: dict[str, frozenset[str]] = {**REDIRECTED, "sepa_debit": frozenset(("eur",))}


def outcome_of(method: Json) -> Outcome:
    """What charging this payment method does; the number itself is not kept, its last four digits tell."""
    if method["type"] in REDIRECTED:
        return Outcome(authenticate=True)
    if method["type"] == "sepa_debit":
        return _BY_IBAN_END.get(method["sepa_debit"]["last4"], Outcome(debit=True))
    return _BY_LAST4.get(method["card"]["last4"], _GOOD)

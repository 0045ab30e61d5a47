"""Every endpoint served, with the SDK's name for its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe import (
    accounts,
    checkout,
    disputes,
    events,
    files,
    intents,
    methods,
    money,
    payouts,
    refunds,
    transfers,
)
from sandbox.stripe.events import emit
from sandbox.stripe.listing import merge_metadata, page, search
from sandbox.stripe.wire import Call, Json
from sandbox.stripe.world import World

Handler = Callable[[World, Call], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path; `spec` names the TypedDict its parameters must fit."""

    method: str
    path: str
    pattern: re.Pattern[str]
    spec: str
    run: Handler


def _one(kind: str, param: str = "id") -> Handler:
    return lambda world, call: world.get(kind, call.names["id"], call.account, param)


def _many(kind: str, *filters: str) -> Handler:
    return lambda world, call: page(world, kind, call, **{name: call.params.get(name) for name in filters})


def _search(kind: str) -> Handler:
    return lambda world, call: search(world, kind, call)


def _relabel(kind: str) -> Handler:
    def handler(world: World, call: Call) -> Json:
        found = world.get(kind, call.names["id"], call.account)
        merge_metadata(found, call)
        if "description" in call.params:
            found["description"] = call.params["description"]
        emit(world, f"{kind}.updated", found, call=call)
        return found

    return handler


_TABLE: list[tuple[str, str, str, Handler]] = [
    # customers and how they pay
    ("POST", "/v1/customers", "CustomerCreateParams", methods.customer_create),
    ("GET", "/v1/customers", "CustomerListParams", methods.customer_list),
    ("GET", "/v1/customers/search", "CustomerSearchParams", _search("customer")),
    ("GET", "/v1/customers/{id}", "CustomerRetrieveParams", methods.customer_get),
    ("POST", "/v1/customers/{id}", "CustomerUpdateParams", methods.customer_update),
    ("DELETE", "/v1/customers/{id}", "CustomerDeleteParams", methods.customer_delete),
    ("GET", "/v1/customers/{id}/payment_methods", "CustomerPaymentMethodListParams", methods.customer_methods),
    ("POST", "/v1/payment_methods", "PaymentMethodCreateParams", methods.method_create),
    ("GET", "/v1/payment_methods", "PaymentMethodListParams", methods.method_list),
    ("GET", "/v1/payment_methods/{id}", "PaymentMethodRetrieveParams", methods.method_get),
    ("POST", "/v1/payment_methods/{id}", "PaymentMethodUpdateParams", methods.method_update),
    ("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams", methods.method_attach),
    ("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams", methods.method_detach),
    ("POST", "/v1/setup_intents", "SetupIntentCreateParams", intents.setup_create),
    ("GET", "/v1/setup_intents", "SetupIntentListParams", _many("setup_intent", "customer", "payment_method")),
    ("GET", "/v1/setup_intents/{id}", "SetupIntentRetrieveParams", _one("setup_intent", "intent")),
    ("POST", "/v1/setup_intents/{id}", "SetupIntentUpdateParams", _relabel("setup_intent")),
    ("POST", "/v1/setup_intents/{id}/confirm", "SetupIntentConfirmParams", intents.setup_confirm),
    ("POST", "/v1/setup_intents/{id}/cancel", "SetupIntentCancelParams", intents.setup_cancel),
    ("GET", "/v1/mandates/{id}", "MandateRetrieveParams", _one("mandate")),
    # payments
    ("POST", "/v1/payment_intents", "PaymentIntentCreateParams", intents.create),
    ("GET", "/v1/payment_intents", "PaymentIntentListParams", _many("payment_intent", "customer")),
    ("GET", "/v1/payment_intents/search", "PaymentIntentSearchParams", _search("payment_intent")),
    ("GET", "/v1/payment_intents/{id}", "PaymentIntentRetrieveParams", _one("payment_intent", "intent")),
    ("POST", "/v1/payment_intents/{id}", "PaymentIntentUpdateParams", intents.update),
    ("POST", "/v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams", intents.confirm),
    ("POST", "/v1/payment_intents/{id}/capture", "PaymentIntentCaptureParams", intents.capture),
    ("POST", "/v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams", intents.cancel),
    ("GET", "/v1/charges", "ChargeListParams", _many("charge", "customer", "payment_intent", "transfer_group")),
    ("GET", "/v1/charges/search", "ChargeSearchParams", _search("charge")),
    ("GET", "/v1/charges/{id}", "ChargeRetrieveParams", _one("charge", "charge")),
    ("POST", "/v1/charges/{id}", "ChargeUpdateParams", _relabel("charge")),
    ("POST", "/v1/refunds", "RefundCreateParams", refunds.create),
    ("GET", "/v1/refunds", "RefundListParams", _many("refund", "charge", "payment_intent")),
    ("GET", "/v1/refunds/{id}", "RefundRetrieveParams", _one("refund")),
    ("POST", "/v1/refunds/{id}", "RefundUpdateParams", refunds.update),
    ("GET", "/v1/disputes", "DisputeListParams", _many("dispute", "charge", "payment_intent")),
    ("GET", "/v1/disputes/{id}", "DisputeRetrieveParams", _one("dispute")),
    ("POST", "/v1/disputes/{id}", "DisputeUpdateParams", disputes.respond),
    ("POST", "/v1/disputes/{id}/close", "DisputeCloseParams", disputes.close),
    ("POST", "/v1/files", "FileCreateParams", files.create),
    ("GET", "/v1/files", "FileListParams", _many("file", "purpose")),
    ("GET", "/v1/files/{id}", "FileRetrieveParams", _one("file")),
    ("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", checkout.create),
    (
        *("GET", "/v1/checkout/sessions", "checkout.SessionListParams"),
        _many("checkout.session", "payment_intent", "customer", "status"),
    ),
    ("GET", "/v1/checkout/sessions/{id}", "checkout.SessionRetrieveParams", _one("checkout.session", "session")),
    ("GET", "/v1/checkout/sessions/{id}/line_items", "checkout.SessionLineItemListParams", checkout.lines_of),
    ("POST", "/v1/checkout/sessions/{id}", "checkout.SessionUpdateParams", _relabel("checkout.session")),
    ("POST", "/v1/checkout/sessions/{id}/expire", "checkout.SessionExpireParams", checkout.expire),
    # Connect
    ("GET", "/v1/account", "AccountRetrieveCurrentParams", accounts.own),
    ("POST", "/v1/accounts", "AccountCreateParams", accounts.create),
    ("GET", "/v1/accounts", "AccountListParams", _many("account")),
    ("GET", "/v1/accounts/{id}", "AccountRetrieveParams", accounts.get),
    ("POST", "/v1/accounts/{id}", "AccountUpdateParams", accounts.update),
    ("DELETE", "/v1/accounts/{id}", "AccountDeleteParams", accounts.delete),
    ("GET", "/v1/accounts/{id}/capabilities", "AccountCapabilityListParams", accounts.capability_list),
    ("GET", "/v1/accounts/{id}/capabilities/{capability}", "AccountCapabilityRetrieveParams", accounts.capability_get),
    (
        "POST",
        "/v1/accounts/{id}/capabilities/{capability}",
        "AccountCapabilityUpdateParams",
        accounts.capability_update,
    ),
    ("POST", "/v1/accounts/{id}/external_accounts", "AccountExternalAccountCreateParams", accounts.bank_create),
    ("GET", "/v1/accounts/{id}/external_accounts", "AccountExternalAccountListParams", accounts.bank_list),
    ("GET", "/v1/accounts/{id}/external_accounts/{bank}", "AccountExternalAccountRetrieveParams", accounts.bank_get),
    (
        "DELETE",
        "/v1/accounts/{id}/external_accounts/{bank}",
        "AccountExternalAccountDeleteParams",
        accounts.bank_delete,
    ),
    ("POST", "/v1/account_links", "AccountLinkCreateParams", accounts.link_create),
    ("POST", "/v1/transfers", "TransferCreateParams", transfers.create),
    ("GET", "/v1/transfers", "TransferListParams", transfers.listed),
    ("GET", "/v1/transfers/{id}", "TransferRetrieveParams", _one("transfer")),
    ("POST", "/v1/transfers/{id}", "TransferUpdateParams", _relabel("transfer")),
    ("POST", "/v1/transfers/{id}/reversals", "TransferReversalCreateParams", transfers.reverse),
    ("GET", "/v1/transfers/{id}/reversals", "TransferReversalListParams", transfers.reversal_list),
    ("GET", "/v1/transfers/{id}/reversals/{reversal}", "TransferReversalRetrieveParams", transfers.reversal_get),
    ("POST", "/v1/payouts", "PayoutCreateParams", payouts.create),
    ("GET", "/v1/payouts", "PayoutListParams", _many("payout", "destination", "status")),
    ("GET", "/v1/payouts/{id}", "PayoutRetrieveParams", _one("payout")),
    ("POST", "/v1/payouts/{id}", "PayoutUpdateParams", _relabel("payout")),
    ("POST", "/v1/payouts/{id}/cancel", "PayoutCancelParams", payouts.cancel),
    ("POST", "/v1/topups", "TopupCreateParams", payouts.topup_create),
    ("GET", "/v1/topups", "TopupListParams", _many("topup", "status")),
    ("GET", "/v1/topups/{id}", "TopupRetrieveParams", _one("topup")),
    # what happened
    ("GET", "/v1/balance", "BalanceRetrieveParams", money.balance_get),
    ("GET", "/v1/balance_transactions", "BalanceTransactionListParams", money.entry_list),
    ("GET", "/v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams", _one("balance_transaction")),
    ("GET", "/v1/events", "EventListParams", events.event_list),
    ("GET", "/v1/events/{id}", "EventRetrieveParams", _one("event")),
    ("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams", events.endpoint_create),
    ("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams", _many("webhook_endpoint")),
    ("GET", "/v1/webhook_endpoints/{id}", "WebhookEndpointRetrieveParams", _one("webhook_endpoint")),
    ("POST", "/v1/webhook_endpoints/{id}", "WebhookEndpointUpdateParams", events.endpoint_update),
    ("DELETE", "/v1/webhook_endpoints/{id}", "WebhookEndpointDeleteParams", events.endpoint_delete),
]


def _compile(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")


ROUTES = [Route(method, path, _compile(path), spec, handler) for method, path, spec, handler in _TABLE]


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for a request, with the names found in its path."""
    for route in ROUTES:
        found = route.pattern.match(path) if route.method == method else None
        if found:
            return route, found.groupdict()
    return None

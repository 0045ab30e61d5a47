"""Every endpoint served, with the SDK's name for its parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe import checkout, connect, disputes, payments
from sandbox.stripe.bridge import Bridge
from sandbox.stripe.wire import Call, Json
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path; `spec` names the TypedDict its parameters must fit."""

    method: str
    pattern: re.Pattern[str]
    spec: str
    handler: Callable[..., Any]

    async def run(self, world: World, bridge: Bridge, call: Call) -> Json:
        """Call the handler; those that may ask localstripe are coroutines and get the bridge."""
        if inspect.iscoroutinefunction(self.handler):
            return dict(await self.handler(world, bridge, call))
        return dict(self.handler(world, call))


def _one(kind: str, account: str | None = None) -> Callable[[World, Call], Json]:
    def handler(world: World, call: Call) -> Json:
        return world.get(kind, call.names["id"], account or call.account)

    return handler


def _many(kind: str, *filters: str) -> Callable[[World, Call], Json]:
    def handler(world: World, call: Call) -> Json:
        return world.page(kind, call, **{name: call.params.get(name) for name in filters})

    return handler


def _relabel(kind: str, prefix: str = "") -> Callable[[World, Call], Json]:
    def handler(world: World, call: Call) -> Json:
        found = world.get(kind, call.names["id"], call.account)
        connect.merge_metadata(found, call)
        if "description" in call.params:
            found["description"] = call.params["description"]
        world.emit(f"{prefix or kind}.updated", found, call=call)
        return found

    return handler


_TABLE: list[tuple[str, str, str, Callable[..., Any]]] = [
    # kept by localstripe
    ("POST", "/v1/customers", "CustomerCreateParams", payments.customer_create),
    ("GET", "/v1/customers", "CustomerListParams", payments.forward),
    ("GET", "/v1/customers/{id}", "CustomerRetrieveParams", payments.forward),
    ("POST", "/v1/customers/{id}", "CustomerUpdateParams", payments.forward),
    ("DELETE", "/v1/customers/{id}", "CustomerDeleteParams", payments.forward),
    ("POST", "/v1/payment_methods", "PaymentMethodCreateParams", payments.method_create),
    ("GET", "/v1/payment_methods", "PaymentMethodListParams", payments.forward),
    ("GET", "/v1/payment_methods/{id}", "PaymentMethodRetrieveParams", payments.method_get),
    ("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams", payments.method_attach),
    ("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams", payments.forward),
    # payments
    ("POST", "/v1/payment_intents", "PaymentIntentCreateParams", payments.intent_create),
    ("GET", "/v1/payment_intents", "PaymentIntentListParams", _many("payment_intent", "customer")),
    ("GET", "/v1/payment_intents/search", "PaymentIntentSearchParams", payments.intent_search),
    ("GET", "/v1/payment_intents/{id}", "PaymentIntentRetrieveParams", _one("payment_intent")),
    ("POST", "/v1/payment_intents/{id}", "PaymentIntentUpdateParams", _relabel("payment_intent")),
    ("POST", "/v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams", payments.intent_confirm),
    ("POST", "/v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams", payments.intent_cancel),
    ("GET", "/v1/charges", "ChargeListParams", _many("charge", "customer", "payment_intent", "transfer_group")),
    ("GET", "/v1/charges/{id}", "ChargeRetrieveParams", _one("charge")),
    ("POST", "/v1/charges/{id}", "ChargeUpdateParams", _relabel("charge")),
    ("POST", "/v1/refunds", "RefundCreateParams", payments.refund_create),
    ("GET", "/v1/refunds", "RefundListParams", _many("refund", "charge", "payment_intent")),
    ("GET", "/v1/refunds/{id}", "RefundRetrieveParams", _one("refund")),
    ("GET", "/v1/disputes", "DisputeListParams", _many("dispute", "charge", "payment_intent")),
    ("GET", "/v1/disputes/{id}", "DisputeRetrieveParams", _one("dispute")),
    ("POST", "/v1/disputes/{id}", "DisputeUpdateParams", disputes.respond),
    ("POST", "/v1/disputes/{id}/close", "DisputeCloseParams", disputes.close),
    ("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", checkout.session_create),
    (
        "GET",
        "/v1/checkout/sessions",
        "checkout.SessionListParams",
        _many("checkout.session", "payment_intent", "customer"),
    ),
    ("GET", "/v1/checkout/sessions/{id}", "checkout.SessionRetrieveParams", _one("checkout.session")),
    ("POST", "/v1/checkout/sessions/{id}/expire", "checkout.SessionExpireParams", checkout.session_expire),
    # Connect
    ("POST", "/v1/accounts", "AccountCreateParams", connect.account_create),
    ("GET", "/v1/accounts", "AccountListParams", _many("account")),
    ("GET", "/v1/accounts/{id}", "AccountRetrieveParams", connect.account_get),
    ("POST", "/v1/accounts/{id}", "AccountUpdateParams", connect.account_update),
    ("POST", "/v1/account_links", "AccountLinkCreateParams", connect.link_create),
    ("POST", "/v1/transfers", "TransferCreateParams", connect.transfer_create),
    ("GET", "/v1/transfers", "TransferListParams", connect.transfer_list),
    ("GET", "/v1/transfers/{id}", "TransferRetrieveParams", connect.transfer_get),
    ("POST", "/v1/transfers/{id}", "TransferUpdateParams", _relabel("transfer")),
    ("POST", "/v1/transfers/{id}/reversals", "TransferReversalCreateParams", connect.reversal_create),
    ("GET", "/v1/transfers/{id}/reversals", "TransferReversalListParams", connect.reversal_list),
    ("GET", "/v1/transfers/{id}/reversals/{reversal}", "TransferReversalRetrieveParams", connect.reversal_get),
    ("POST", "/v1/payouts", "PayoutCreateParams", connect.payout_create),
    ("GET", "/v1/payouts", "PayoutListParams", _many("payout", "destination", "status")),
    ("GET", "/v1/payouts/{id}", "PayoutRetrieveParams", _one("payout")),
    ("POST", "/v1/topups", "TopupCreateParams", connect.topup_create),
    ("GET", "/v1/topups/{id}", "TopupRetrieveParams", _one("topup")),
    ("GET", "/v1/balance", "BalanceRetrieveParams", connect.balance_get),
    ("GET", "/v1/balance_transactions", "BalanceTransactionListParams", connect.entry_list),
    ("GET", "/v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams", _one("balance_transaction")),
    ("GET", "/v1/events", "EventListParams", connect.event_list),
    ("GET", "/v1/events/{id}", "EventRetrieveParams", _one("event")),
]


def _compile(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")


ROUTES = [Route(method, _compile(path), spec, handler) for method, path, spec, handler in _TABLE]


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for a request, with the names found in its path."""
    for route in ROUTES:
        found = route.pattern.match(path) if route.method == method else None
        if found:
            return route, found.groupdict()
    return None

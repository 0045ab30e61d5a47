"""Payment methods and customers (kept by localstripe), payment intents, charges, refunds."""

from __future__ import annotations

import re
from typing import Any

from sandbox.stripe import disputes
from sandbox.stripe.bridge import Bridge
from sandbox.stripe.cards import REDIRECTED, TEST_METHODS, Outcome, outcome_of
from sandbox.stripe.wire import Call, Json, Refusal, missing
from sandbox.stripe.world import World

# source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
_MINIMUM = {"usd": 50, "eur": 50, "gbp": 30, "chf": 50, "sgd": 50, "jpy": 50, "hkd": 400, "cny": 400}
_MAXIMUM = 99_999_999
_QUERY = re.compile(
    r"""(metadata\[(?P<q>['"])(?P<key>.+?)(?P=q)\]|(?P<field>status|currency|customer)):(?P<r>['"])(?P<value>.*?)(?P=r)\Z"""
)


async def forward(world: World, bridge: Bridge, call: Call) -> Json:
    """Let localstripe answer for what it keeps."""
    params = {name: value for name, value in call.params.items() if name != "expand"}
    return await bridge.call(call.method, call.path, params, basis=world.basis(call) if call.method != "GET" else "")


async def customer_create(world: World, bridge: Bridge, call: Call) -> Json:
    """Make a customer in localstripe and tell about it."""
    made = await forward(world, bridge, call)
    world.emit("customer.created", made, call.account, call)
    return made


async def method_create(world: World, bridge: Bridge, call: Call) -> Json:
    """Make a payment method: cards and debits in localstripe, redirect wallets here."""
    if call.params.get("type") in REDIRECTED:
        return _wallet(world, call.params["type"], call.account, world.basis(call))
    return await forward(world, bridge, call)


async def method_get(world: World, bridge: Bridge, call: Call) -> Json:
    """Read a payment method wherever it is kept."""
    return await chosen(world, bridge, call.names["id"], call.account, "", "id")


async def method_attach(world: World, bridge: Bridge, call: Call) -> Json:
    """Keep a card under a customer; a test card's name becomes a card in localstripe first."""
    given, basis = call.names["id"], world.basis(call)
    if given in world.objects:
        message = "This PaymentMethod was used without being attached to a Customer and may not be used again."
        raise Refusal(400, message, param="payment_method")
    if given in TEST_METHODS:
        card = {"number": TEST_METHODS[given], "exp_month": 12, "exp_year": 2035, "cvc": "123"}
        made = await bridge.call("POST", "/v1/payment_methods", {"type": "card", "card": card}, basis=basis)
        given = made["id"]
    return await bridge.call("POST", f"/v1/payment_methods/{given}/attach", call.params, basis=basis)


def _wallet(world: World, kind: str, account: str, basis: str) -> Json:
    made: Json = {
        "id": world.new_id("pm", basis),
        "type": kind,
        kind: {},
        "billing_details": {},
        "customer": None,
        "metadata": {},
    }
    return world.add("payment_method", account, made)


def _test_card(world: World, name: str, account: str, basis: str) -> Json:
    number = TEST_METHODS[name]
    brand = {"5": "mastercard", "6": "unionpay"}.get(number[0], "visa")
    card = {
        "brand": brand,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2035,
        "funding": "credit",
        "last4": number[-4:],
    }
    made: Json = {
        "id": world.new_id("pm", basis),
        "type": "card",
        "card": card,
        "billing_details": {},
        "customer": None,
    }
    return world.add("payment_method", account, {**made, "metadata": {}})


async def chosen(world: World, bridge: Bridge, given: str, account: str, basis: str, param: str) -> Json:
    """The payment method with this id, or a fresh one for the name of a test card.

    errors   Refusal 400 or 404 resource_missing
    """
    if given in TEST_METHODS:
        return _test_card(world, given, account, basis)
    if given in world.objects:
        return world.get("payment_method", given, account, param)
    if not re.fullmatch(r"(pm|card|src)_\w+", given):
        raise missing("PaymentMethod", given, param)
    try:
        return await bridge.call("GET", f"/v1/payment_methods/{given}", {})
    except Refusal as refusal:
        if refusal.status == 404:
            raise missing("PaymentMethod", given, param) from refusal
        raise


# --- payment intents -----------------------------------------------------------------------
async def intent_create(world: World, bridge: Bridge, call: Call) -> Json:
    """Make a payment intent and, when asked, confirm it at once."""
    params = call.params
    _check_amount(params["amount"], params["currency"])
    if params.get("off_session") and not params.get("confirm"):
        raise Refusal(400, "off_session can only be used with confirm=true.", param="off_session")
    basis = world.basis(call)
    method = await _chosen_method(world, bridge, call, basis)
    intent = new_intent(world, call.account, params, method, basis)
    world.emit("payment_intent.created", intent, call=call)
    if params.get("confirm"):
        if method is None:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise Refusal(400, message, code="payment_intent_unexpected_state")
        confirm(world, intent, method, call)
    return intent


def new_intent(world: World, account: str, params: Json, method: Json | None, basis: str) -> Json:
    """A payment intent that waits for its confirmation."""
    automatic = params.get("automatic_payment_methods")
    types = params.get("allowed_payment_method_types") or [method["type"] if method else "card"]
    if method and method["type"] not in types:
        message = f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent."
        raise Refusal(400, message, param="payment_method")
    intent_id = world.new_id("pi", basis)
    copied = (
        "customer",
        "description",
        "on_behalf_of",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "transfer_group",
    )
    return world.add(
        "payment_intent",
        account,
        {
            "id": intent_id,
            "amount": params["amount"],
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": automatic,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": f"{intent_id}_secret_{world.new_id('s', intent_id)[2:]}",
            "confirmation_method": params.get("confirmation_method", "automatic"),
            "currency": params["currency"].lower(),
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": params.get("metadata") or {},
            "next_action": None,
            "payment_method": method["id"] if method else None,
            "payment_method_types": types,
            "statement_descriptor": params.get("statement_descriptor"),
            "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
            "status": "requires_confirmation" if method else "requires_payment_method",
            "transfer_data": None,
            **{name: params.get(name) for name in copied},
            "_pay": {"return_url": params.get("return_url")},
        },
    )


async def _chosen_method(world: World, bridge: Bridge, call: Call, basis: str) -> Json | None:
    if data := call.params.get("payment_method_data"):
        if data["type"] not in REDIRECTED:
            message = "This sandbox takes payment_method_data for alipay and wechat_pay; make a PaymentMethod first."
            raise Refusal(400, message, param="payment_method_data[type]")
        return _wallet(world, data["type"], call.account, basis)
    given = call.params.get("payment_method")
    return await chosen(world, bridge, given, call.account, basis, "payment_method") if given else None


async def intent_confirm(world: World, bridge: Bridge, call: Call) -> Json:
    """Confirm a waiting payment intent, perhaps with another means of payment."""
    intent = world.get("payment_intent", call.names["id"], call.account, "intent")
    if intent["status"] not in ("requires_confirmation", "requires_payment_method", "requires_action"):
        raise _wrong_state(intent, "confirm")
    method = await _chosen_method(world, bridge, call, world.basis(call))
    if method is None:
        if not intent["payment_method"]:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise Refusal(400, message, code="payment_intent_unexpected_state")
        method = await chosen(world, bridge, intent["payment_method"], call.account, "", "payment_method")
    intent["payment_method"] = method["id"]
    if "return_url" in call.params:
        intent["_pay"]["return_url"] = call.params["return_url"]
    confirm(world, intent, method, call)
    return intent


def confirm(world: World, intent: Json, method: Json, call: Call) -> None:
    """Charge now, or send the payer to the page where they agree.

    errors   Refusal 402 for a declined card; the intent then waits for another payment method
    """
    outcome = outcome_of(method)
    if outcome.authenticate:
        if method["type"] in REDIRECTED and not intent["_pay"]["return_url"]:
            raise Refusal(
                400, "A return_url must be specified because this payment method redirects.", param="return_url"
            )
        intent["_pay"]["method"] = method
        intent["status"] = "requires_action"
        intent["next_action"] = _next_action(intent, method, call.origin)
        world.emit("payment_intent.requires_action", intent, call=call)
        return
    charge(world, intent, method, outcome, call)


def _next_action(intent: Json, method: Json, origin: str) -> Json:
    step = {"return_url": intent["_pay"]["return_url"], "url": f"{origin}/authorize/{intent['id']}"}
    if method["type"] == "alipay":
        return {
            "type": "alipay_handle_redirect",
            "alipay_handle_redirect": {"native_data": None, "native_url": None, **step},
        }
    return {"type": "redirect_to_url", "redirect_to_url": step}


def charge(world: World, intent: Json, method: Json, outcome: Outcome, call: Call | None) -> Json:
    """Take the money, or decline, and record the events either way."""
    account, declined = intent["_account"], outcome.decline_code is not None
    made = world.add("charge", account, _charge_fields(world, intent, method, outcome))
    intent["latest_charge"], intent["next_action"] = made["id"], None
    if declined:
        error: Json = {"code": outcome.code, "decline_code": outcome.decline_code, "message": outcome.message}
        intent["status"], intent["payment_method"] = "requires_payment_method", None
        intent["last_payment_error"] = {
            **error,
            "charge": made["id"],
            "type": "card_error",
            "payment_method": world.show(method),
        }
        world.emit("charge.failed", made, call=call)
        world.emit("payment_intent.payment_failed", intent, call=call)
        raise Refusal(
            402, outcome.message, kind="card_error", **_decline(made, outcome), payment_intent=world.show(intent)
        )
    fee = (made["amount"] * world.options.fee_bps + 5_000) // 10_000
    made["balance_transaction"] = world.book(account, "charge", made["amount"], made["currency"], made["id"], fee=fee)[
        "id"
    ]
    intent["status"], intent["amount_received"], intent["last_payment_error"] = "succeeded", intent["amount"], None
    world.emit("charge.succeeded", made, call=call)
    world.emit("payment_intent.succeeded", intent, call=call)
    if outcome.dispute:
        disputes.open_dispute(world, made)
    return made


def _decline(made: Json, outcome: Outcome) -> dict[str, Any]:
    return {"charge": made["id"], "code": outcome.code, "decline_code": outcome.decline_code}


def _charge_fields(world: World, intent: Json, method: Json, outcome: Outcome) -> Json:
    declined = outcome.decline_code is not None
    copied = (
        "amount",
        "currency",
        "customer",
        "description",
        "metadata",
        "on_behalf_of",
        "receipt_email",
        "transfer_group",
    )
    return {
        "id": world.new_id("ch", intent["id"]),
        **{name: intent[name] for name in copied},
        "amount_captured": 0 if declined else intent["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {},
        "captured": not declined,
        "disputed": False,
        "failure_code": outcome.code if declined else None,
        "failure_message": outcome.message if declined else None,
        "outcome": {
            "network_status": "declined_by_network" if declined else "approved_by_network",
            "reason": outcome.decline_code,
        },
        "paid": not declined,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": method["type"], method["type"]: dict(method.get(method["type"]) or {})},
        "refunded": False,
        "status": "failed" if declined else "succeeded",
    }


async def intent_cancel(world: World, bridge: Bridge, call: Call) -> Json:
    """Cancel a payment intent that took no money yet."""
    intent = world.get("payment_intent", call.names["id"], call.account, "intent")
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise _wrong_state(intent, "cancel")
    intent.update(status="canceled", canceled_at=world.now, next_action=None)
    intent["cancellation_reason"] = call.params.get("cancellation_reason")
    world.emit("payment_intent.canceled", intent, call=call)
    return intent


async def intent_search(world: World, bridge: Bridge, call: Call) -> Json:
    """Find payment intents by one clause: metadata['key']:'value', status, currency or customer."""
    found = _QUERY.match(call.params["query"].strip())
    if not found:
        raise Refusal(400, "We were unable to parse your search query.", param="query")
    rows = [world.objects[i] for i in reversed(world.kinds.get("payment_intent", []))]
    key, name, value = found["key"], found["field"], found["value"]
    rows = [r for r in rows if r["_account"] == call.account and (r["metadata"].get(key) if key else r[name]) == value]
    limit = call.params.get("limit", 10)
    return {
        "object": "search_result",
        "data": rows[:limit],
        "has_more": len(rows) > limit,
        "next_page": None,
        "url": call.path,
    }


def _wrong_state(intent: Json, verb: str) -> Refusal:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return Refusal(400, message, code="payment_intent_unexpected_state")


def _check_amount(amount: int, currency: str) -> None:
    if amount < _MINIMUM.get(currency.lower(), 1):
        message = "Amount must be at least the minimum charge amount."
        raise Refusal(400, message, code="amount_too_small", param="amount")
    if amount > _MAXIMUM:
        raise Refusal(400, "Amount must be no more than 99999999.", code="amount_too_large", param="amount")


# --- refunds -------------------------------------------------------------------------------
async def refund_create(world: World, bridge: Bridge, call: Call) -> Json:
    """Give money back from the platform's balance; transfers stay where they are, as at Stripe."""
    paid = _charge_of(world, call)
    left = paid["amount_captured"] - paid["amount_refunded"]
    amount = call.params.get("amount", left)
    if paid["status"] != "succeeded" or left == 0:
        message = f"Charge {paid['id']} has already been refunded."
        raise Refusal(400, message, code="charge_already_refunded")
    if not 0 < amount <= left:
        raise Refusal(
            400, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    made: dict[str, Any] = {
        "id": world.new_id("re", world.basis(call)),
        "amount": amount,
        "charge": paid["id"],
        "currency": paid["currency"],
        "metadata": call.params.get("metadata") or {},
        "payment_intent": paid["payment_intent"],
        "reason": call.params.get("reason"),
        "status": "succeeded",
    }
    refund = world.add("refund", call.account, made)
    refund["balance_transaction"] = world.book(call.account, "refund", -amount, paid["currency"], refund["id"])["id"]
    before = paid["amount_refunded"]
    paid["amount_refunded"] += amount
    paid["refunded"] = paid["amount_refunded"] == paid["amount_captured"]
    world.emit("refund.created", refund, call=call)
    world.emit("charge.refunded", paid, call=call, amount_refunded=before)
    return refund


def _charge_of(world: World, call: Call) -> Json:
    params = call.params
    if "charge" in params:
        return world.get("charge", params["charge"], call.account, "charge")
    if "payment_intent" not in params:
        raise Refusal(400, "One of the following params should be provided for this request: payment_intent or charge.")
    intent = world.get("payment_intent", params["payment_intent"], call.account, "payment_intent")
    if not intent["latest_charge"]:
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise Refusal(400, message, code="payment_intent_unexpected_state")
    return world.objects[str(intent["latest_charge"])]

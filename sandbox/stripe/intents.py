"""Payment intents and setup intents: made, confirmed, authorised on a page, captured, cancelled."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import charging, methods
from sandbox.stripe.cards import CURRENCIES, REDIRECTED, Outcome, outcome_of
from sandbox.stripe.events import emit
from sandbox.stripe.listing import merge_metadata
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import World

# source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
_MINIMUM = {"usd": 50, "eur": 50, "gbp": 30, "chf": 50, "sgd": 50, "jpy": 50, "hkd": 400, "cny": 400}
_MAXIMUM = 99_999_999
_WAITING = ("requires_confirmation", "requires_payment_method", "requires_action")
_COPIED = (
    *("customer", "description", "on_behalf_of", "receipt_email", "setup_future_usage", "shipping"),
    *("statement_descriptor", "statement_descriptor_suffix", "transfer_group"),
)


# --- payment intents -----------------------------------------------------------------------
def create(world: World, call: Call) -> Json:
    """Make a payment intent and, when asked, confirm it at once."""
    params = call.params
    _check_amount(params["amount"], params["currency"])
    for name in ("transfer_data", "application_fee_amount"):
        if name in params:
            raise Refusal(400, "This sandbox does separate charges and transfers, no destination charges.", param=name)
    if params.get("error_on_requires_action"):
        raise Refusal(400, "This sandbox does not refuse what needs the payer.", param="error_on_requires_action")
    if params.get("off_session") and not params.get("confirm"):
        raise Refusal(400, "off_session can only be used with confirm=true.", param="off_session")
    if "customer" in params:
        world.get("customer", params["customer"], call.account, "customer")
    basis = world.basis(call)
    method = _method(world, call, params.get("customer"), basis)
    intent = new(world, call.account, params, method, basis)
    emit(world, "payment_intent.created", intent, call=call)
    if params.get("confirm"):
        if method is None:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise Refusal(400, message, code="payment_intent_unexpected_state")
        _confirm(world, intent, method, call)
    return intent


def new(world: World, account: str, params: Json, method: Json | None, basis: str) -> Json:
    """A payment intent that waits for its confirmation."""
    currency = params["currency"].lower()
    types = params.get("allowed_payment_method_types") or (
        [method["type"]] if method else [t for t in ("card", *CURRENCIES) if currency in CURRENCIES.get(t, (currency,))]
    )
    for kind in params.get("allowed_payment_method_types") or ():
        if currency not in CURRENCIES.get(kind, (currency,)):
            message = f"The payment method type {kind} does not take {currency}."
            raise Refusal(400, message, param="allowed_payment_method_types")
    if method:
        _fits(method, types, currency)
    automatic = params.get("automatic_payment_methods")
    intent_id = world.new_id("pi", basis)
    made = {
        "id": intent_id,
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount": params["amount"],
        "automatic_payment_methods": {"allow_redirects": "always", **automatic} if automatic else None,
        "capture_method": params.get("capture_method", "automatic"),
        "client_secret": f"{intent_id}_secret_{world.new_id('s', intent_id)[2:]}",
        "currency": currency,
        "metadata": params.get("metadata") or {},
        "payment_method": method["id"] if method else None,
        "payment_method_types": types,
        "status": "requires_confirmation" if method else "requires_payment_method",
        **{name: params.get(name) for name in _COPIED},
    }
    return world.add("payment_intent", account, made, return_url=params.get("return_url"))


def _fits(method: Json, types: list[str], currency: str) -> None:
    if method["type"] not in types:
        message = f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent."
        raise Refusal(400, message, param="payment_method")
    if currency not in CURRENCIES.get(method["type"], (currency,)):
        message = f"The currency provided ({currency}) is invalid for the payment method type {method['type']}."
        raise Refusal(400, message, param="currency")


def _method(world: World, call: Call, customer: str | None, basis: str) -> Json | None:
    if data := call.params.get("payment_method_data"):
        return methods.make(world, data, call.account, basis)
    if not (given := call.params.get("payment_method")):
        return None
    method = methods.fresh(world, given, call.account, basis, "payment_method")
    methods.usable(world, method, customer)
    return method


def confirm(world: World, call: Call) -> Json:
    """Confirm a waiting payment intent, perhaps with another means of payment."""
    intent = world.get("payment_intent", call.names["id"], call.account, "intent")
    if intent["status"] not in _WAITING:
        raise _wrong_state(intent, "confirm")
    method = _method(world, call, intent["customer"], world.basis(call))
    if method is None:
        if not intent["payment_method"]:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise Refusal(400, message, code="payment_intent_unexpected_state")
        method = world.objects[intent["payment_method"]]
    _fits(method, intent["payment_method_types"], intent["currency"])
    intent["payment_method"] = method["id"]
    if "setup_future_usage" in call.params:
        intent["setup_future_usage"] = call.params["setup_future_usage"]
    if "return_url" in call.params:
        world.note(intent["id"])["return_url"] = call.params["return_url"]
    _confirm(world, intent, method, call)
    return intent


def _confirm(world: World, intent: Json, method: Json, call: Call) -> None:
    """Charge now, or send the payer to the page where they agree.

    errors   Refusal 402 for a declined card; the intent then waits for another payment method
    """
    outcome, note = outcome_of(method), world.note(intent["id"])
    methods.mandated(world, method, call.params, call.account)
    if outcome.authenticate and call.params.get("off_session"):
        said = "This payment requires the payer to authenticate."
        outcome = Outcome("authentication_required", "authentication_required", said)
    if not outcome.authenticate:
        charging.charge(world, intent, method, outcome, call)
        return
    automatic = intent["automatic_payment_methods"] or {}
    if method["type"] == "wechat_pay":
        client = (call.params.get("payment_method_options") or {}).get("wechat_pay", {}).get("client")
        if client is None:
            at = "payment_method_options[wechat_pay][client]"
            raise Refusal(400, f"Missing required param: {at}.", code="parameter_missing", param=at)
    elif not note.get("return_url") and (method["type"] in REDIRECTED or automatic.get("allow_redirects") == "always"):
        message = "A return_url must be specified because this payment method may redirect."
        raise Refusal(400, message, param="return_url")
    note["method"] = method["id"]
    intent["status"] = "requires_action"
    intent["next_action"] = _next_action(world, intent, method, call.origin)
    emit(world, "payment_intent.requires_action", intent, call=call)


def _next_action(world: World, intent: Json, method: Json, origin: str) -> Json:
    page = f"{origin}/authorize/{intent['id']}"
    step = {"return_url": world.note(intent["id"]).get("return_url"), "url": page}
    if method["type"] == "alipay":
        native: Json = {"native_data": None, "native_url": None, **step}
        return {"type": "alipay_handle_redirect", "alipay_handle_redirect": native}
    if method["type"] == "wechat_pay":
        code = {
            "data": f"weixin://wxpay/bizpayurl?pr={intent['id'][-8:]}",
            "hosted_instructions_url": page,
            "image_data_url": "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'/>",
            "image_url_png": f"{page}.png",
            "image_url_svg": f"{page}.svg",
        }
        return {"type": "wechat_pay_display_qr_code", "wechat_pay_display_qr_code": code}
    return {"type": "redirect_to_url", "redirect_to_url": step}


def authorized(world: World, intent: Json, agreed: bool) -> None:
    """The payer agreed, or refused, on the page of their bank or wallet."""
    method = world.objects[world.note(intent["id"]).pop("method")]
    if intent["object"] == "setup_intent":
        _set_up(world, intent, method, agreed, None)
    elif agreed:
        outcome = outcome_of(method)
        charging.charge(world, intent, method, Outcome(dispute=outcome.dispute), None)
    else:
        message = "We are unable to authenticate your payment method. Please choose a different payment method."
        error = {"code": "payment_intent_authentication_failure", "message": message, "type": "invalid_request_error"}
        intent.update(status="requires_payment_method", next_action=None, payment_method=None, last_payment_error=error)
        emit(world, "payment_intent.payment_failed", intent)


def update(world: World, call: Call) -> Json:
    """Change what is not yet confirmed; our own names at any time."""
    intent = world.get("payment_intent", call.names["id"], call.account, "intent")
    params = call.params
    wanted = [name for name in ("amount", "currency", "customer", "payment_method", "transfer_group") if name in params]
    if wanted and intent["status"] not in _WAITING and wanted != ["transfer_group"]:
        raise _wrong_state(intent, "update")
    if "amount" in params or "currency" in params:
        merged = {**intent, **params}
        _check_amount(merged["amount"], merged["currency"])
    if "payment_method" in params:
        method = methods.fresh(world, params["payment_method"], call.account, world.basis(call), "payment_method")
        _fits(method, intent["payment_method_types"], intent["currency"])
        params = {**params, "payment_method": method["id"]}
        intent["status"] = "requires_confirmation"
    intent.update({name: params[name] for name in (*wanted, "description") if name in params})
    merge_metadata(intent, call)
    return intent


def capture(world: World, call: Call) -> Json:
    """Take what was reserved, or a part of it."""
    intent = world.get("payment_intent", call.names["id"], call.account, "intent")
    if intent["status"] != "requires_capture":
        raise _wrong_state(intent, "capture")
    amount = call.params["amount_to_capture"] if "amount_to_capture" in call.params else intent["amount_capturable"]
    if not 0 < amount <= intent["amount_capturable"]:
        raise Refusal(400, "The amount to capture is more than can be captured.", code="amount_too_large")
    charging.capture(world, intent, amount, call)
    return intent


def cancel(world: World, call: Call) -> Json:
    """Cancel a payment intent that took no money yet."""
    intent = world.get("payment_intent", call.names["id"], call.account, "intent")
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise _wrong_state(intent, "cancel")
    if intent["status"] == "requires_capture":
        charging.release(world, intent, call)
    intent.update(status="canceled", canceled_at=world.now, next_action=None)
    intent["cancellation_reason"] = call.params.get("cancellation_reason")
    emit(world, "payment_intent.canceled", intent, call=call)
    return intent


def _wrong_state(intent: Json, verb: str) -> Refusal:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return Refusal(400, message, code="payment_intent_unexpected_state", payment_intent=intent)


def _check_amount(amount: int, currency: str) -> None:
    if amount < _MINIMUM.get(currency.lower(), 1):
        message = "Amount must be at least the minimum charge amount."
        raise Refusal(400, message, code="amount_too_small", param="amount")
    if amount > _MAXIMUM:
        raise Refusal(400, "Amount must be no more than 99999999.", code="amount_too_large", param="amount")


# --- setup intents -------------------------------------------------------------------------
def setup_create(world: World, call: Call) -> Json:
    """Prepare to keep a means of payment for later."""
    params, basis = call.params, world.basis(call)
    if "customer" in params:
        world.get("customer", params["customer"], call.account, "customer")
    method = _method(world, call, params.get("customer"), basis)
    setup_id = world.new_id("seti", basis)
    made: dict[str, Any] = {
        "id": setup_id,
        "client_secret": f"{setup_id}_secret_{world.new_id('s', setup_id)[2:]}",
        "customer": params.get("customer"),
        "description": params.get("description"),
        "metadata": params.get("metadata") or {},
        "payment_method": method["id"] if method else None,
        "payment_method_types": params.get("allowed_payment_method_types") or [method["type"] if method else "card"],
        "status": "requires_confirmation" if method else "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
    intent = world.add("setup_intent", call.account, made, return_url=params.get("return_url"))
    emit(world, "setup_intent.created", intent, call=call)
    if params.get("confirm"):
        _setup_confirm(world, intent, method, call)
    return intent


def setup_confirm(world: World, call: Call) -> Json:
    """Confirm a setup intent, perhaps with another means of payment."""
    intent = world.get("setup_intent", call.names["id"], call.account, "intent")
    if intent["status"] not in _WAITING:
        message = f"You cannot confirm this SetupIntent because it has a status of {intent['status']}."
        raise Refusal(400, message, code="setup_intent_unexpected_state")
    if "return_url" in call.params:
        world.note(intent["id"])["return_url"] = call.params["return_url"]
    method = _method(world, call, intent["customer"], world.basis(call))
    _setup_confirm(world, intent, method or world.objects.get(str(intent["payment_method"])), call)
    return intent


def _setup_confirm(world: World, intent: Json, method: Json | None, call: Call) -> None:
    if method is None:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise Refusal(400, message, code="setup_intent_unexpected_state")
    intent["payment_method"] = method["id"]
    intent["mandate"] = methods.mandated(world, method, call.params, call.account)
    if outcome_of(method).authenticate:
        world.note(intent["id"])["method"] = method["id"]
        page = {
            "return_url": world.note(intent["id"]).get("return_url"),
            "url": f"{call.origin}/authorize/{intent['id']}",
        }
        intent.update(status="requires_action", next_action={"type": "redirect_to_url", "redirect_to_url": page})
        emit(world, "setup_intent.requires_action", intent, call=call)
        return
    _set_up(world, intent, method, True, call)


def _set_up(world: World, intent: Json, method: Json, agreed: bool, call: Call | None) -> None:
    refusal = methods.declined_at_once(world, method)
    if agreed and refusal is None:
        intent.update(status="succeeded", next_action=None)
        methods.keep_under(world, method, intent["customer"])
        emit(world, "setup_intent.succeeded", intent, call=call)
        return
    refused = refusal or Refusal(
        402, "The payer refused.", kind="card_error", code="setup_intent_authentication_failure"
    )
    error = {name: refused.body[name] for name in ("code", "decline_code", "message", "type") if name in refused.body}
    intent.update(status="requires_payment_method", payment_method=None, next_action=None, last_setup_error=error)
    emit(world, "setup_intent.setup_failed", intent, call=call)
    if call is not None:
        refused.body["setup_intent"] = world.show(intent)
        raise refused


def setup_cancel(world: World, call: Call) -> Json:
    """Give up keeping a means of payment."""
    intent = world.get("setup_intent", call.names["id"], call.account, "intent")
    if intent["status"] not in _WAITING:
        message = f"You cannot cancel this SetupIntent because it has a status of {intent['status']}."
        raise Refusal(400, message, code="setup_intent_unexpected_state")
    intent.update(status="canceled", next_action=None, cancellation_reason=call.params.get("cancellation_reason"))
    emit(world, "setup_intent.canceled", intent, call=call)
    return intent

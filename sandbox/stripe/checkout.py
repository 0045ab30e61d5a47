"""Checkout sessions: a page on which somebody pays for the given lines, at once or by a debit that clears later."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import charging, intents, methods
from sandbox.stripe.cards import CURRENCIES, REDIRECTED, TEST_IBANS, TEST_METHODS, Outcome, outcome_of
from sandbox.stripe.events import emit
from sandbox.stripe.listing import cut
from sandbox.stripe.wire import Call, Json, Refusal, missing
from sandbox.stripe.world import World, step

_COPIED = (
    *("cancel_url", "client_reference_id", "customer", "customer_creation", "customer_email", "locale"),
    *("return_url", "success_url"),
)
_LIFE_S = 86_400
_ACCEPTED = {"type": "online", "online": {"ip_address": "192.0.2.1", "user_agent": "sandbox"}}


def create(world: World, call: Call) -> Json:
    """Open a session for the given lines."""
    params = call.params
    if params.get("mode", "payment") != "payment":
        raise Refusal(400, "This sandbox serves mode=payment only.", param="mode")
    for name in ("automatic_tax", "discounts", "optional_items", "shipping_options"):
        if params.get(name):
            raise Refusal(400, f"This sandbox's totals know no {name}.", param=name)
    session_id = world.new_id("cs_test", world.basis(call))
    lines, currency = _lines(params, session_id)
    if "customer" in params:
        world.get("customer", params["customer"], call.account, "customer")
    types = params.get("allowed_payment_method_types") or [
        kind for kind in ("card", *CURRENCIES) if currency in CURRENCIES.get(kind, (currency,))
    ]
    for kind in types:
        if currency not in CURRENCIES.get(kind, (currency,)) or kind not in ("card", *CURRENCIES):
            message = f"The payment method type {kind} does not take {currency} here."
            raise Refusal(400, message, param="allowed_payment_method_types")
    total = sum(line["amount_total"] for line in lines)
    made = {
        "id": session_id,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "currency": currency,
        "custom_text": {
            **dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        },
        "expires_at": params.get("expires_at", world.now + _LIFE_S),
        "metadata": params.get("metadata") or {},
        "mode": "payment",
        "payment_method_types": types,
        "payment_status": "unpaid",
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": f"{call.origin}/pay/{session_id}",
        **{name: params.get(name) for name in _COPIED if name in params},
    }
    session = world.add(
        "checkout.session", call.account, made, intent=params.get("payment_intent_data") or {}, lines=lines
    )
    world.later(session["expires_at"] - world.clock, "session_expired", session_id)
    return session


def _lines(params: Json, session_id: str) -> tuple[list[Json], str]:
    lines: list[Json] = []
    currency = ""
    given = params.get("line_items") or []
    if not given:
        raise Refusal(400, "Missing required param: line_items.", code="parameter_missing", param="line_items")
    for position, line in enumerate(given):
        price = line.get("price_data")
        if price is None or "unit_amount" not in price:
            at = f"line_items[{position}][price_data][unit_amount]"
            raise Refusal(400, f"Missing required param: {at}.", code="parameter_missing", param=at)
        if currency and price["currency"].lower() != currency:
            raise Refusal(400, "All line items must have the same currency.", param="line_items")
        currency = price["currency"].lower()
        total = price["unit_amount"] * line.get("quantity", 1)
        lines.append(
            {
                "id": f"li_{session_id[8:20]}{position}",
                "object": "item",
                "amount_discount": 0,
                "amount_subtotal": total,
                "amount_tax": 0,
                "amount_total": total,
                "currency": currency,
                "description": (price.get("product_data") or {}).get("name", "Item"),
                "quantity": line.get("quantity", 1),
            }
        )
    return lines, currency


def lines_of(world: World, call: Call) -> Json:
    """What a session is about."""
    session = world.get("checkout.session", call.names["id"], call.account, "session")
    return cut(list(world.note(session["id"])["lines"]), call)


def expire(world: World, call: Call) -> Json:
    """Close a session nobody paid."""
    session = world.get("checkout.session", call.names["id"], call.account, "session")
    if session["status"] != "open":
        raise Refusal(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
    _expire(world, session, call)
    return session


@step
def session_expired(world: World, session_id: str) -> None:
    """Nobody paid in time."""
    session = world.objects[session_id]
    if session["status"] == "open":
        _expire(world, session, None)


def _expire(world: World, session: Json, call: Call | None) -> None:
    session.update(status="expired", url=None)
    emit(world, "checkout.session.expired", session, call=call)


def session_of(world: World, session_id: str) -> Json:
    """The session a page shows.

    errors   Refusal 404
    """
    session = world.objects.get(session_id)
    if session is None or session["object"] != "checkout.session":
        raise missing("checkout.session", session_id)
    return session


def pay(world: World, session_id: str, chosen: str, origin: str) -> str:
    """Pay the session with a test payment method and say where the payer goes next.

    shapes   chosen: the name of a test card, alipay, wechat_pay, or sepa_debit and one of the test accounts' words
    errors   Refusal 402 when declined (the session stays open), 400 when it is no longer open
    """
    session = session_of(world, session_id)
    if session["status"] != "open":
        raise Refusal(400, "This Checkout Session is no longer open.")
    account = world.owners[session_id]
    basis = world.basis(Call("POST", f"/pay/{session_id}", {}, account, None, origin))
    method = _method(world, session, chosen, account, basis)
    intent = world.objects.get(str(session["payment_intent"]))
    if intent is None:
        intent = _intent(world, session, method, account, basis)
    intent["payment_method"] = method["id"]
    intent["payment_method_types"] = session["payment_method_types"]
    outcome = outcome_of(method)
    if outcome.authenticate:
        # The page itself is where an Alipay payer agrees, so no second page follows.
        outcome = Outcome(dispute=outcome.dispute)
    charging.charge(world, intent, method, outcome, None)
    paid = intent["status"] in ("succeeded", "requires_capture")
    session.update(status="complete", payment_status="paid" if paid else "unpaid", url=None)
    billing = method["billing_details"]
    session["customer_details"] = {
        "address": None,
        "business_name": None,
        "email": session["customer_email"] or billing["email"],
        "individual_name": None,
        "name": billing["name"],
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    emit(world, "checkout.session.completed", session)
    if not paid:
        # A little after the bank's answer, which is due at that very moment.
        world.later(world.options.debit_s, "session_answered", session_id)
    target = session["success_url"] or session.get("return_url") or f"/pay/{session_id}"
    return str(target).replace("{CHECKOUT_SESSION_ID}", session_id)


@step
def session_answered(world: World, session_id: str) -> None:
    """The bank has answered about the debit this session was paid with."""
    session = world.objects[session_id]
    intent = world.objects[session["payment_intent"]]
    if intent["status"] == "succeeded":
        session["payment_status"] = "paid"
        emit(world, "checkout.session.async_payment_succeeded", session)
    else:
        emit(world, "checkout.session.async_payment_failed", session)


def _method(world: World, session: Json, chosen: str, account: str, basis: str) -> Json:
    kind, _, word = chosen.partition(":")
    kind = "card" if chosen in TEST_METHODS else kind
    if kind not in session["payment_method_types"]:
        raise Refusal(400, f"This session does not take {chosen!r}.", param="payment_method")
    if kind == "card":
        return methods.test_card(world, chosen, account, basis)
    params: dict[str, Any] = {"type": kind}
    if kind not in REDIRECTED:
        params |= {"sepa_debit": {"iban": TEST_IBANS[word or "clears"]}}
        params |= {"billing_details": {"name": "Test Payer", "email": session["customer_email"] or "payer@example.com"}}
    method = methods.make(world, params, account, basis)
    methods.mandated(world, method, {"mandate_data": {"customer_acceptance": _ACCEPTED}}, account)
    return method


def _intent(world: World, session: Json, method: Json, account: str, basis: str) -> Json:
    fields = {
        "amount": session["amount_total"],
        "currency": session["currency"],
        "customer": session["customer"],
        "allowed_payment_method_types": session["payment_method_types"],
    }
    intent = intents.new(world, account, {**world.note(session["id"])["intent"], **fields}, method, basis)
    world.note(intent["id"])["session"] = session["id"]
    session["payment_intent"] = intent["id"]
    emit(world, "payment_intent.created", intent)
    return intent

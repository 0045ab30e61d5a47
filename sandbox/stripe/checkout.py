"""Checkout sessions, and the three pages a person sees: pay, authorise, finish onboarding."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from sandbox.stripe import connect, payments
from sandbox.stripe.bridge import Bridge
from sandbox.stripe.cards import REDIRECTED, Outcome, outcome_of
from sandbox.stripe.wire import Call, Json, Refusal, missing
from sandbox.stripe.world import PLATFORM, World

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Stripe sandbox</title><style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{display:block;margin:.6rem 0;padding:.7rem 1rem;width:100%}}.note{{color:#666}}.error{{color:#a00}}</style>
<h1>{title}</h1><p class="note">Sandbox: no real money moves. <span lang="zh-CN">沙盒环境：不会发生真实扣款。</span></p>{body}</html>"""
_CHOICES = {
    "pm_card_visa": "Visa 4242 · pays · 支付成功",
    "alipay": "Alipay · pays · 支付宝支付成功",
    "pm_card_chargeDeclined": "Visa 0002 · is declined · 银行卡被拒",
    "pm_card_chargeDeclinedInsufficientFunds": "Visa 9995 · has no funds · 余额不足",
}


def session_create(world: World, call: Call) -> Json:
    """A page on which somebody pays for the given lines."""
    params = call.params
    if params.get("mode", "payment") != "payment":
        raise Refusal(400, "This sandbox serves mode=payment only.", param="mode")
    lines = params.get("line_items") or []
    if not lines:
        raise Refusal(400, "Missing required param: line_items.", code="parameter_missing", param="line_items")
    amounts, currency = [], ""
    for position, line in enumerate(lines):
        price = line.get("price_data")
        if price is None or "unit_amount" not in price:
            at = f"line_items[{position}][price_data][unit_amount]"
            raise Refusal(400, f"Missing required param: {at}.", code="parameter_missing", param=at)
        amounts.append(price["unit_amount"] * line.get("quantity", 1))
        if currency and price["currency"] != currency:
            raise Refusal(400, "All line items must have the same currency.", param="line_items")
        currency = price["currency"]
    session_id = world.new_id("cs_test", world.basis(call))
    copied = ("cancel_url", "client_reference_id", "customer", "customer_email", "locale", "return_url", "success_url")
    return world.add(
        "checkout.session",
        call.account,
        {
            "id": session_id,
            "amount_subtotal": sum(amounts),
            "amount_total": sum(amounts),
            "currency": currency,
            "expires_at": params.get("expires_at", world.now + 86_400),
            "metadata": params.get("metadata") or {},
            "mode": "payment",
            "payment_intent": None,
            "payment_method_types": params.get("allowed_payment_method_types") or ["card", "alipay"],
            "payment_status": "unpaid",
            "status": "open",
            "ui_mode": params.get("ui_mode", "hosted"),
            "url": f"{call.origin}/pay/{session_id}",
            **{name: params.get(name) for name in copied},
            "_pay": {"intent": params.get("payment_intent_data") or {}, "names": [_name(line) for line in lines]},
        },
    )


def _name(line: Json) -> str:
    return str((line["price_data"].get("product_data") or {}).get("name", "Item"))


def session_expire(world: World, call: Call) -> Json:
    """Close a session nobody paid."""
    session = world.get("checkout.session", call.names["id"], call.account, "session")
    if session["status"] != "open":
        raise Refusal(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
    session.update(status="expired", url=None)
    world.emit("checkout.session.expired", session, call=call)
    return session


# --- pages ---------------------------------------------------------------------------------
def _total(amount: int, currency: str) -> str:
    whole = currency in (
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "pyg",
        "rwf",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    )
    return f"{amount if whole else f'{amount // 100}.{amount % 100:02d}'} {currency.upper()}"


def show_pay(world: World, session_id: str, error: str = "") -> str:
    """The page that asks how to pay."""
    session = _session(world, session_id)
    total = _total(session["amount_total"], session["currency"])
    if session["status"] != "open":
        return _PAGE.format(title=total, body=f"<p>{escape(session['status'])}</p>")
    kinds = session["payment_method_types"]
    shown = {n: t for n, t in _CHOICES.items() if (n if n in REDIRECTED else "card") in kinds}
    buttons = "".join(f'<button name="payment_method" value="{n}">{escape(t)}</button>' for n, t in shown.items())
    names = "".join(f"<li>{escape(name)}</li>" for name in session["_pay"]["names"])
    note = f'<p class="error">{escape(error)}</p>' if error else ""
    back = f'<p><a href="{escape(session["cancel_url"])}">Cancel · 取消</a></p>' if session["cancel_url"] else ""
    body = f'<ul>{names}</ul>{note}<form method="post">{buttons}</form>{back}'
    return _PAGE.format(title=total, body=body)


async def pay(world: World, bridge: Bridge, session_id: str, chosen: str, origin: str) -> str:
    """Pay the session with a test payment method and say where the payer goes next.

    errors   Refusal 402 when declined (the session stays open), 400 when it is no longer open
    """
    session = _session(world, session_id)
    if session["status"] != "open":
        raise Refusal(400, "This Checkout Session is no longer open.")
    account = session["_account"]
    call = Call("POST", f"/pay/{session_id}", {}, account, None, origin)
    basis = world.basis(call)
    if chosen in REDIRECTED:
        wanted = Call("POST", "", {"type": chosen}, account, basis, origin)
        method = await payments.method_create(world, bridge, wanted)
    else:
        method = await payments.chosen(world, bridge, chosen, account, basis, "payment_method")
    intent = world.objects.get(str(session["payment_intent"]))
    if intent is None:
        fields = {"amount": session["amount_total"], "currency": session["currency"], "customer": session["customer"]}
        intent = payments.new_intent(world, account, {**session["_pay"]["intent"], **fields}, method, basis)
        session["payment_intent"] = intent["id"]
        world.emit("payment_intent.created", intent)
    intent["payment_method"] = method["id"]
    outcome = outcome_of(method)
    # The page itself is where an Alipay payer agrees, so no second page follows.
    payments.charge(world, intent, method, outcome, None)
    session.update(status="complete", payment_status="paid", url=None)
    world.emit("checkout.session.completed", session)
    target = session["success_url"] or session["return_url"] or f"/pay/{session_id}"
    return str(target).replace("{CHECKOUT_SESSION_ID}", session_id)


def _session(world: World, session_id: str) -> Json:
    session = world.objects.get(session_id)
    if session is None or session["object"] != "checkout.session":
        raise missing("checkout.session", session_id)
    return session


def show_authorize(world: World, intent_id: str) -> str:
    """The bank's or the wallet's page."""
    intent = _waiting(world, intent_id)
    total = _total(intent["amount"], intent["currency"])
    body = (
        '<form method="post"><button name="outcome" value="succeed">Authorise · 授权</button>'
        '<button name="outcome" value="fail">Refuse · 拒绝</button></form>'
    )
    return _PAGE.format(title=total, body=body)


def authorize(world: World, intent_id: str, agreed: bool) -> str:
    """The payer agrees or refuses; answers where they go next."""
    intent = _waiting(world, intent_id)
    method = intent["_pay"].pop("method")
    if agreed:
        payments.charge(world, intent, method, Outcome(), None)
    else:
        message = (
            "We are unable to authenticate your payment method. Please choose a different payment method and try again."
        )
        intent.update(status="requires_payment_method", next_action=None, payment_method=None)
        intent["last_payment_error"] = {
            "code": "payment_intent_authentication_failure",
            "message": message,
            "type": "invalid_request_error",
        }
        world.emit("payment_intent.payment_failed", intent)
    query = urlencode({"payment_intent": intent_id, "redirect_status": "succeeded" if agreed else "failed"})
    back = intent["_pay"]["return_url"]
    return f"{back}{'&' if '?' in back else '?'}{query}" if back else "/"


def _waiting(world: World, intent_id: str) -> Json:
    intent = world.objects.get(intent_id)
    if intent is None or intent["object"] != "payment_intent":
        raise missing("payment_intent", intent_id)
    if intent["status"] != "requires_action":
        raise Refusal(400, f"This PaymentIntent has a status of {intent['status']}.")
    return intent


def onboard(world: World, account_id: str) -> str:
    """The account's owner has ended the onboarding; answers where they go next."""
    account = world.get("account", account_id, PLATFORM, "account")
    connect.finish_onboarding(world, account)
    return str((account.get("_pay") or {}).get("return_url") or "/")

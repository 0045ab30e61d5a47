"""Customers and their payment methods: cards, Alipay, WeChat Pay, SEPA debits with their mandates."""

from __future__ import annotations

from sandbox.stripe.cards import BY_NUMBER, REDIRECTED, TEST_METHODS, TEST_TOKENS
from sandbox.stripe.events import emit
from sandbox.stripe.listing import cut, merge_metadata, page, rows
from sandbox.stripe.wire import Call, Json, Refusal, missing
from sandbox.stripe.world import World

_BRANDS = {"4": "visa", "5": "mastercard", "6": "unionpay", "3": "amex"}
_COPIED = ("address", "description", "email", "name", "phone", "preferred_locales", "shipping", "tax_exempt")


# --- customers -----------------------------------------------------------------------------
def customer_create(world: World, call: Call) -> Json:
    """Open a customer, perhaps with a first payment method."""
    params, basis = call.params, world.basis(call)
    if "source" in params:
        raise Refusal(400, "This sandbox keeps payment methods, no sources; use payment_method.", param="source")
    made = {"id": world.new_id("cus", basis), "metadata": params.get("metadata") or {}}
    customer = world.add("customer", call.account, {**made, "invoice_prefix": made["id"][-8:].upper()})
    customer.update({name: params[name] or None for name in _COPIED if name in params})
    if given := params.get("payment_method"):
        _keep(world, fresh(world, given, call.account, basis, "payment_method"), customer)
    _set_default(world, customer, call)
    emit(world, "customer.created", customer, call=call)
    return customer


def customer_update(world: World, call: Call) -> Json:
    """Change a customer."""
    customer = customer_get(world, call)
    if customer.get("deleted"):
        raise missing("customer", customer["id"])
    customer.update({name: call.params[name] or None for name in _COPIED if name in call.params})
    merge_metadata(customer, call)
    _set_default(world, customer, call)
    emit(world, "customer.updated", customer, call=call)
    return customer


def _set_default(world: World, customer: Json, call: Call) -> None:
    given = (call.params.get("invoice_settings") or {}).get("default_payment_method")
    if given:
        method = world.get("payment_method", given, call.account, "invoice_settings[default_payment_method]")
        if method["customer"] != customer["id"]:
            message = "The customer does not have a payment method with this ID."
            raise Refusal(400, message, code="resource_missing", param="invoice_settings[default_payment_method]")
        customer["invoice_settings"]["default_payment_method"] = given


def customer_get(world: World, call: Call) -> Json:
    """Read a customer; a deleted one is still named as such."""
    if world.note(call.names["id"]).get("deleted") == call.account:
        return {"id": call.names["id"], "object": "customer", "deleted": True}
    return world.get("customer", call.names["id"], call.account)


def customer_delete(world: World, call: Call) -> Json:
    """Forget a customer; its payment methods may not be used again."""
    customer = world.get("customer", call.names["id"], call.account)
    for method in rows(world, "payment_method", call, customer=customer["id"]):
        method["customer"] = None
        world.note(method["id"])["spent"] = True
    emit(world, "customer.deleted", customer, call=call)
    world.note(customer["id"])["deleted"] = call.account
    return world.drop(customer["id"])


def customer_list(world: World, call: Call) -> Json:
    """Customers, newest first, by address of mail."""
    return page(world, "customer", call, email=call.params.get("email"))


def customer_methods(world: World, call: Call) -> Json:
    """The payment methods of one customer."""
    customer = world.get("customer", call.names["id"], call.account)
    found = rows(world, "payment_method", call, customer=customer["id"], type=call.params.get("type"))
    return cut(found, call)


# --- payment methods -----------------------------------------------------------------------
def method_create(world: World, call: Call) -> Json:
    """Keep a means of payment."""
    return make(world, call.params, call.account, world.basis(call))


def make(world: World, params: Json, account: str, basis: str) -> Json:
    """A means of payment from its details.

    errors   Refusal 400 for a kind the sandbox has not, 402 for a card number that is none
    """
    kind = params.get("type", "")
    if kind == "card":
        details, number = _card(params.get("card") or {}, 1970 + world.now // 31_556_952)
        notes = {"number": number}
    elif kind in REDIRECTED:
        details, notes = {}, {}
    elif kind == "sepa_debit":
        details, notes = _debit(world, params), {}
    else:
        raise Refusal(400, f"This sandbox knows card, alipay, wechat_pay and sepa_debit, not {kind!r}.", param="type")
    method_id = world.new_id("pm", basis)
    made = {"id": method_id, "type": kind, "metadata": params.get("metadata") or {}, "customer": None}
    method = world.add("payment_method", account, made, **notes)
    method.pop("card", None)
    method[kind] = details
    method["billing_details"] = _billing(params.get("billing_details") or {})
    return method


def _billing(given: Json) -> Json:
    address = {**dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))}
    blank: Json = {"address": address, "email": None, "name": None, "phone": None, "tax_id": None}
    return {**blank, **given, "address": {**address, **(given.get("address") or {})}}


def _card(given: Json, this_year: int) -> tuple[Json, str]:
    if "token" in given:
        if given["token"] not in TEST_TOKENS:
            raise missing("token", given["token"], "card[token]")
        given = {"number": TEST_TOKENS[given["token"]], "exp_month": 12, "exp_year": this_year + 9}
    number = str(given.get("number", "")).replace(" ", "")
    if not number:
        raise Refusal(400, "Missing required param: card[number].", code="parameter_missing", param="card[number]")
    if not number.isdigit() or not 13 <= len(number) <= 19 or _luhn(number):
        raise Refusal(402, "Your card number is incorrect.", kind="card_error", code="incorrect_number", param="number")
    year, month = int(given.get("exp_year", 0)), int(given.get("exp_month", 0))
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12:
        raise Refusal(
            402,
            "Your card's expiration month is invalid.",
            kind="card_error",
            code="invalid_expiry_month",
            param="exp_month",
        )
    if not this_year <= year <= this_year + 50:
        raise Refusal(
            402,
            "Your card's expiration year is invalid.",
            kind="card_error",
            code="invalid_expiry_year",
            param="exp_year",
        )
    return _card_details(number, month, year), number


def _luhn(number: str) -> int:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10


def _card_details(number: str, month: int, year: int) -> Json:
    brand = _BRANDS.get(number[0], "unknown")
    return {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": None,
        "funding": "credit",
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _debit(world: World, params: Json) -> Json:
    iban = str((params.get("sepa_debit") or {}).get("iban", "")).replace(" ", "").upper()
    named = params.get("billing_details") or {}
    if not iban:
        at = "sepa_debit[iban]"
        raise Refusal(400, f"Missing required param: {at}.", code="parameter_missing", param=at)
    if len(iban) < 15 or int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4]) or "0") % 97 != 1:
        raise Refusal(400, "The IBAN you provided is invalid.", code="invalid_iban", param="sepa_debit[iban]")
    for name in ("name", "email"):
        if not named.get(name):
            at = f"billing_details[{name}]"
            raise Refusal(400, f"Missing required param: {at}.", code="parameter_missing", param=at)
    return {
        "bank_code": iban[4:12],
        "branch_code": "",
        "country": iban[:2],
        "fingerprint": None,
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": iban[-4:],
    }


def test_card(world: World, name: str, account: str, basis: str) -> Json:
    """A fresh card for the name of a test card."""
    card = {"number": TEST_METHODS[name], "exp_month": 12, "exp_year": 2035}
    return make(world, {"type": "card", "card": card}, account, basis)


def fresh(world: World, given: str, account: str, basis: str, param: str) -> Json:
    """The payment method with this id, or a fresh one for the name of a test card.

    errors   Refusal 404 resource_missing
    """
    if given in TEST_METHODS:
        return test_card(world, given, account, basis)
    found = world.objects.get(given)
    if found is None or found["object"] != "payment_method" or world.owners[given] != account:
        raise missing("PaymentMethod", given, param)
    return found


def usable(world: World, method: Json, customer: str | None) -> None:
    """Refuse what Stripe refuses: another customer's, or one that was used without a customer.

    errors   Refusal 400
    """
    if world.note(method["id"]).get("spent"):
        message = (
            f"The provided PaymentMethod {method['id']} was previously used with a PaymentIntent without Customer attachment "
            "or was detached from a Customer, and may not be used again."
        )
        raise Refusal(400, message, param="payment_method")
    if method["customer"] is not None and method["customer"] != customer:
        message = f"The PaymentMethod {method['id']} belongs to a Customer; please include the Customer of it."
        raise Refusal(400, message, param="customer" if customer is None else "payment_method")


def method_get(world: World, call: Call) -> Json:
    """Read a payment method."""
    return fresh(world, call.names["id"], call.account, world.basis(call), "id")


def method_update(world: World, call: Call) -> Json:
    """Change who is billed, when a card ends, or our own names."""
    method = world.get("payment_method", call.names["id"], call.account)
    if "billing_details" in call.params:
        method["billing_details"] = _billing({**method["billing_details"], **call.params["billing_details"]})
    for name in ("exp_month", "exp_year"):
        if name in (call.params.get("card") or {}):
            method["card"][name] = call.params["card"][name]
    merge_metadata(method, call)
    emit(world, "payment_method.updated", method, call=call)
    return method


def method_list(world: World, call: Call) -> Json:
    """Payment methods of a customer, newest first."""
    wanted = {name: call.params.get(name) for name in ("customer", "type")}
    found = rows(world, "payment_method", call, **wanted)
    return cut([one for one in found if one["customer"] is not None], call)


def method_attach(world: World, call: Call) -> Json:
    """Keep a payment method under a customer."""
    method = fresh(world, call.names["id"], call.account, world.basis(call), "payment_method")
    customer = world.get("customer", call.params["customer"], call.account, "customer")
    if method["customer"] not in (None, customer["id"]):
        raise Refusal(400, "The payment method you provided has already been attached to a customer.")
    if method["type"] in REDIRECTED:
        raise Refusal(400, f"Payment methods of type {method['type']} cannot be saved to customers.")
    usable(world, method, customer["id"])
    if (error := declined_at_once(world, method)) is not None:
        raise error
    _keep(world, method, customer)
    emit(world, "payment_method.attached", method, call=call)
    return method


def declined_at_once(world: World, method: Json) -> Refusal | None:
    """Cards a bank refuses already when they are kept; the one that fails only later (0341) is kept."""
    outcome = BY_NUMBER.get(str(world.note(method["id"]).get("number")))
    if outcome is None or outcome.decline_code is None or method["card"]["last4"] == "0341":
        return None
    return Refusal(402, outcome.message, kind="card_error", code=outcome.code, decline_code=outcome.decline_code)


def _keep(world: World, method: Json, customer: Json) -> None:
    method["customer"] = customer["id"]


def method_detach(world: World, call: Call) -> Json:
    """Take a payment method away from its customer; it may not be used again."""
    method = world.get("payment_method", call.names["id"], call.account)
    if method["customer"] is None:
        raise Refusal(400, "The payment method you provided is not attached to a customer so detachment is impossible.")
    method["customer"] = None
    world.note(method["id"])["spent"] = True
    emit(world, "payment_method.detached", method, call=call)
    return method


def keep_under(world: World, method: Json, customer_id: str | None) -> None:
    """After a first use that asked for it, the method stays with the customer; without a customer it is used up."""
    customer = world.objects.get(str(customer_id))
    if method["customer"] is None and customer is not None:
        _keep(world, method, customer)


# --- mandates ------------------------------------------------------------------------------
def mandated(world: World, method: Json, params: Json, account: str) -> str | None:
    """The mandate of a debit: given now, or earlier with this payment method. Nothing for other means of payment.

    errors   Refusal 400 when a debit has none
    """
    if method["type"] != "sepa_debit":
        return None
    note = world.note(method["id"])
    accepted = (params.get("mandate_data") or {}).get("customer_acceptance")
    if accepted is None and "mandate" not in note:
        message = (
            "A mandate is required for this PaymentMethod: pass mandate_data or confirm a SetupIntent with it first."
        )
        raise Refusal(400, message, code="payment_intent_mandate_invalid", param="mandate_data")
    if accepted is not None:
        mandate_id = world.new_id("mandate", method["id"])
        details = {"reference": mandate_id[-16:].upper(), "url": f"https://hooks.stripe.test/mandate/{mandate_id}"}
        made = {
            "id": mandate_id,
            "customer_acceptance": {"accepted_at": world.now, **accepted},
            "multi_use": {},
            "payment_method": method["id"],
            "payment_method_details": {"type": "sepa_debit", "sepa_debit": details},
            "status": "active",
            "type": "multi_use",
        }
        world.add("mandate", account, made)
        note["mandate"] = mandate_id
    return str(note["mandate"])

"""What happens to the payer's money: a charge that succeeds, is declined, waits for the bank, or comes back."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import money
from sandbox.stripe.cards import BYPASSES_PENDING, Outcome, outcome_of
from sandbox.stripe.disputes import dispute_later, open_dispute
from sandbox.stripe.events import emit
from sandbox.stripe.methods import keep_under
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import World, step

_COPIED = (
    *("amount", "currency", "customer", "description", "metadata", "on_behalf_of", "receipt_email", "shipping"),
    *("statement_descriptor", "transfer_group"),
)


def charge(world: World, intent: Json, method: Json, outcome: Outcome, call: Call | None) -> Json:
    """Take the money, reserve it, wait for the bank, or be declined; the events tell either way.

    errors   Refusal 402 when declined; the intent then waits for another payment method
    """
    made = _new(world, intent, method, outcome)
    intent["latest_charge"], intent["next_action"], intent["last_payment_error"] = made["id"], None, None
    if outcome.debit:
        made["status"], made["paid"], intent["status"] = "pending", False, "processing"
        made["captured"], made["amount_captured"] = True, made["amount"]
        emit(world, "charge.pending", made, call=call)
        emit(world, "payment_intent.processing", intent, call=call)
        world.later(world.options.debit_s, "debit_answered", intent["id"], method["id"])
        return made
    if outcome.decline_code is not None:
        raise _declined(world, intent, made, method, outcome, call)
    if intent["capture_method"] == "manual":
        made["paid"], made["captured"], made["amount_captured"] = True, False, 0
        intent["status"], intent["amount_capturable"] = "requires_capture", intent["amount"]
        emit(world, "charge.succeeded", made, call=call)
        emit(world, "payment_intent.amount_capturable_updated", intent, call=call)
        return made
    _taken(world, intent, made, outcome, call)
    return made


@step
def debit_answered(world: World, intent_id: str, method_id: str) -> None:
    """Days after a debit the payer's bank says whether it paid."""
    intent, method = world.objects[intent_id], world.objects[method_id]
    made, outcome = world.objects[intent["latest_charge"]], outcome_of(method)
    if intent["status"] != "processing":
        return
    if outcome.decline_code is not None:
        made.update(captured=False, amount_captured=0)
        _declined(world, intent, made, method, outcome, None)
        return
    _taken(world, intent, made, outcome, None)


def _taken(world: World, intent: Json, made: Json, outcome: Outcome, call: Call | None) -> None:
    book(world, made)
    made.update(paid=True, captured=True, amount_captured=made["amount"], status="succeeded")
    intent.update(status="succeeded", amount_received=made["amount"], amount_capturable=0)
    emit(world, "charge.succeeded", made, call=call)
    _finish(world, intent, made, outcome, call)


def _finish(world: World, intent: Json, made: Json, outcome: Outcome, call: Call | None) -> None:
    method = world.objects[made["payment_method"]]
    if intent["setup_future_usage"] or world.note(intent["id"]).get("session"):
        keep_under(world, method, intent["customer"])
    if method["customer"] is None:
        world.note(method["id"])["spent"] = True
    emit(world, "payment_intent.succeeded", intent, call=call)
    if outcome.dispute:
        open_dispute(world, made, outcome.dispute)
    elif world.faults.hits("charge_disputed", made["metadata"].get("payment", made["id"])):
        dispute_later(world, made)


def book(world: World, made: Json) -> None:
    """Put a charge into the balance, pending until it settles."""
    wait_s = (
        0.0
        if made["payment_method_details"].get("card", {}).get("last4") == BYPASSES_PENDING
        else world.options.settle_s
    )
    amount, account = made["amount"] - made["amount_refunded"], world.owners[made["id"]]
    kind = "charge" if made["id"].startswith("ch_") else "payment"
    settled, currency, rate = money.settle(world, account, amount, made["currency"])
    fee, on = money.fee_of(world, settled), world.clock + wait_s if wait_s else 0.0
    entry = money.book(world, account, kind, settled, currency, made["id"], fee=fee, on=on, rate=rate)
    made["balance_transaction"] = entry["id"]


def _declined(world: World, intent: Json, made: Json, method: Json, outcome: Outcome, call: Call | None) -> Refusal:
    made.update(
        status="failed",
        paid=False,
        failure_code=outcome.code,
        failure_message=outcome.message,
        outcome=_outcome("declined_by_network", "issuer_declined", outcome),
    )
    error: Json = {"code": outcome.code, "message": outcome.message, "charge": made["id"], "type": "card_error"}
    error |= {"decline_code": outcome.decline_code, "payment_method": world.show(method)}
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
    emit(world, "charge.failed", made, call=call)
    emit(world, "payment_intent.payment_failed", intent, call=call)
    said: dict[str, Any] = {"charge": made["id"], "code": outcome.code, "decline_code": outcome.decline_code}
    return Refusal(402, outcome.message, kind="card_error", payment_intent=world.show(intent), **said)


def _new(world: World, intent: Json, method: Json, outcome: Outcome) -> Json:
    kind = method["type"]
    details = {name: value for name, value in (method.get(kind) or {}).items() if name in _DETAILS[kind]}
    if kind == "sepa_debit":
        details["mandate"] = world.note(method["id"]).get("mandate")
    made = {
        "id": world.new_id("ch" if kind == "card" else "py", intent["id"]),
        **{name: intent[name] for name in _COPIED},
        "billing_details": world.show(method["billing_details"]),
        "outcome": _outcome("approved_by_network", "authorized", outcome),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": kind, kind: {**dict.fromkeys(_DETAILS[kind]), **details}},
        "receipt_url": None,
        "status": "succeeded",
    }
    return world.add("charge", world.owners[intent["id"]], made)


_DETAILS: dict[str, tuple[str, ...]] = {
    "card": ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "mandate"),
    "sepa_debit": ("bank_code", "branch_code", "country", "fingerprint", "last4", "mandate"),
    "alipay": ("fingerprint", "transaction_id"),
    "wechat_pay": ("fingerprint", "transaction_id"),
}


def _outcome(status: str, kind: str, outcome: Outcome) -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": status,
        "reason": outcome.decline_code,
        "risk_level": "normal",
        "seller_message": outcome.message if outcome.decline_code else "Payment complete.",
        "type": kind,
    }


def capture(world: World, intent: Json, amount: int, call: Call) -> None:
    """Take what was reserved, or a part of it; the rest goes back to the payer at once."""
    made = world.objects[intent["latest_charge"]]
    left = made["amount"] - amount
    made.update(captured=True, amount_captured=amount, amount_refunded=left)
    book(world, made)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    world.note(made["id"])["released"] = left
    emit(world, "charge.captured", made, call=call)
    _finish(world, intent, made, outcome_of(world.objects[made["payment_method"]]), call)


def release(world: World, intent: Json, call: Call) -> None:
    """Let go of what was reserved."""
    made = world.objects[intent["latest_charge"]]
    made.update(refunded=True, amount_refunded=made["amount"])
    world.note(made["id"])["released"] = made["amount"]
    intent["amount_capturable"] = 0
    emit(world, "charge.refunded", made, call=call)

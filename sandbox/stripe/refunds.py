"""Refunds: out of what is available, else pending until there is enough; some come back later."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import money
from sandbox.stripe.events import emit
from sandbox.stripe.listing import merge_metadata
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import World, invariant, step

_DESTINATIONS: dict[str, Json] = {
    "card": {"type": "card", "card": {"type": "refund"}},
    "alipay": {"type": "alipay", "alipay": {}},
    "wechat_pay": {"type": "wechat_pay", "wechat_pay": {}},
    "sepa_debit": {"type": "sepa_debit"},
}
_GONE = ("failed", "canceled")


def create(world: World, call: Call) -> Json:
    """Give money back from the platform's balance; transfers stay where they are, as at Stripe."""
    for name in ("reverse_transfer", "refund_application_fee"):
        if call.params.get(name):
            raise Refusal(400, "This sandbox does separate charges and transfers: reverse the transfer.", param=name)
    paid = _charge_of(world, call)
    left = money.unrefunded(world, paid)
    amount = call.params.get("amount", left)
    if paid["status"] != "succeeded" or not paid["captured"]:
        raise Refusal(400, f"Charge {paid['id']} has no money to refund.", code="charge_not_refundable")
    if _contested(world, paid):
        message = f"Charge {paid['id']} has been charged back; cannot issue a refund."
        raise Refusal(400, message, code="charge_disputed")
    if left == 0:
        raise Refusal(400, f"Charge {paid['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise Refusal(400, message, param="amount")
    kind = paid["payment_method_details"]["type"]
    made: dict[str, Any] = {
        "id": world.new_id("re" if kind == "card" else "pyr", world.basis(call)),
        "amount": amount,
        "charge": paid["id"],
        "currency": paid["currency"],
        "destination_details": _DESTINATIONS[kind],
        "metadata": call.params.get("metadata") or {},
        "payment_intent": paid["payment_intent"],
        "reason": call.params.get("reason"),
        "status": "pending",
    }
    refund = world.add("refund", call.account, made)
    before = paid["amount_refunded"]
    _count(paid, amount)
    needed, purse, _ = money.settle(world, call.account, amount, paid["currency"])
    if money.available(world, call.account, purse) < needed:
        refund["pending_reason"] = "insufficient_funds"
        world.note("refunds").setdefault("waiting", []).append(refund["id"])
    else:
        _pay(world, refund)
    emit(world, "refund.created", refund, call=call)
    emit(world, "charge.refunded", paid, call=call, amount_refunded=before)
    return refund


def _contested(world: World, paid: Json) -> bool:
    return any(
        one["charge"] == paid["id"] and not one["is_charge_refundable"] and one["status"] != "won"
        for one in world.every("dispute")
    )


def _count(paid: Json, amount: int) -> None:
    paid["amount_refunded"] += amount
    paid["refunded"] = paid["amount_refunded"] >= paid["amount"]


def _pay(world: World, refund: Json) -> None:
    kind = "refund" if refund["id"].startswith("re_") else "payment_refund"
    account = world.owners[refund["id"]]
    settled, currency, rate = money.settle(world, account, refund["amount"], refund["currency"])
    entry = money.book(world, account, kind, -settled, currency, refund["id"], rate=rate)
    refund["balance_transaction"], refund["status"] = entry["id"], "succeeded"
    refund.pop("pending_reason", None)
    if world.faults.hits("refund_fails", refund["metadata"].get("refund", refund["id"])):
        world.later(world.options.fail_late_s, "refund_came_back", refund["id"])


@step
def fund_refunds(world: World, account: str, currency: str) -> None:
    """There is money again: pay the refunds that wait for it, the oldest first."""
    queue = world.note("refunds").setdefault("waiting", [])
    for refund_id in list(queue):
        refund = world.objects[refund_id]
        needed, purse, _ = money.settle(world, account, refund["amount"], refund["currency"])
        if world.owners[refund_id] != account or purse != currency:
            continue
        if money.available(world, account, currency) < needed:
            return
        queue.remove(refund_id)
        _pay(world, refund)
        emit(world, "refund.updated", refund)
        emit(world, "charge.refund.updated", refund)


@step
def refund_came_back(world: World, refund_id: str) -> None:
    """The payer's bank could not take the money: it is ours again, and the charge is less refunded."""
    refund = world.objects[refund_id]
    if refund["status"] != "succeeded":
        return
    paid = world.objects[refund["charge"]]
    refund.update(status="failed", failure_reason="expired_or_canceled_card")
    _count(paid, -refund["amount"])
    account = world.owners[refund_id]
    settled, currency, rate = money.settle(world, account, refund["amount"], refund["currency"])
    entry = money.book(world, account, "refund_failure", settled, currency, refund_id, rate=rate)
    refund["failure_balance_transaction"] = entry["id"]
    emit(world, "refund.updated", refund)
    emit(world, "refund.failed", refund)


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


def update(world: World, call: Call) -> Json:
    """Change our own names of a refund."""
    refund = world.get("refund", call.names["id"], call.account)
    merge_metadata(refund, call)
    emit(world, "refund.updated", refund, call=call)
    return refund


@invariant
def charges_count_their_refunds(world: World) -> list[str]:
    """What a charge says is refunded is what its refunds are, never more than was taken."""
    said = []
    back: dict[str, int] = {}
    for refund in world.every("refund"):
        if refund["status"] not in _GONE:
            back[refund["charge"]] = back.get(refund["charge"], 0) + refund["amount"]
        if (refund["status"] == "pending") == (refund["balance_transaction"] is not None):
            said.append(f"refund {refund['id']} is {refund['status']} with {refund['balance_transaction']}")
    for paid in world.every("charge"):
        released = world.note(paid["id"]).get("released", 0)
        if paid["amount_refunded"] != back.get(paid["id"], 0) + released or paid["amount_refunded"] > paid["amount"]:
            said.append(f"charge {paid['id']} says {paid['amount_refunded']} refunded, {back.get(paid['id'], 0)} are")
    return said

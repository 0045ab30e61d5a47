"""Chargebacks: opened by the test card 4000000000000259, ended by the evidence."""

from __future__ import annotations

from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import World


def open_dispute(world: World, paid: Json, reason: str = "fraudulent") -> Json:
    """Take the disputed amount out of the balance and ask for evidence."""
    account = paid["_account"]
    made = {
        "id": world.new_id("du", paid["id"]),
        "amount": paid["amount"],
        "balance_transactions": [],
        "charge": paid["id"],
        "currency": paid["currency"],
        "evidence": {},
        "evidence_details": {
            "due_by": world.now + 7 * 86_400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": paid["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    dispute = world.add("dispute", account, made)
    paid["disputed"] = True
    world.emit("charge.dispute.created", dispute)
    taken = world.book(account, "adjustment", -paid["amount"], paid["currency"], dispute["id"])
    dispute["balance_transactions"].append(world.show(taken))
    world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def respond(world: World, call: Call) -> Json:
    """Take evidence; Stripe's test words `winning_evidence` and `losing_evidence` decide at once."""
    dispute = world.get("dispute", call.names["id"], call.account)
    if dispute["status"] != "needs_response":
        raise Refusal(400, "This dispute is already closed.")
    dispute["metadata"].update(call.params.get("metadata") or {})
    if evidence := call.params.get("evidence"):
        dispute["evidence"].update(evidence)
        dispute["evidence_details"]["has_evidence"] = True
        verdict = {"winning_evidence": "won", "losing_evidence": "lost"}.get(evidence.get("uncategorized_text", ""))
        if verdict:
            return _end(world, dispute, verdict, call)
    world.emit("charge.dispute.updated", dispute, call=call)
    return dispute


def close(world: World, call: Call) -> Json:
    """Give up: the payer keeps the money."""
    dispute = world.get("dispute", call.names["id"], call.account)
    if dispute["status"] in ("won", "lost"):
        raise Refusal(400, "This dispute is already closed.")
    return _end(world, dispute, "lost", call)


def _end(world: World, dispute: Json, verdict: str, call: Call) -> Json:
    dispute["status"] = verdict
    if verdict == "won":
        back = world.book(dispute["_account"], "adjustment", dispute["amount"], dispute["currency"], dispute["id"])
        dispute["balance_transactions"].append(world.show(back))
        world.emit("charge.dispute.funds_reinstated", dispute, call=call)
    world.emit("charge.dispute.closed", dispute, call=call)
    return dispute

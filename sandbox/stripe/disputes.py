"""Chargebacks: opened by a test card, by the fault plan or by a test's own door; ended by evidence, by giving up or by time."""

from __future__ import annotations

from sandbox.stripe import money
from sandbox.stripe.events import emit
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import World, invariant, step

_WORDS = {"winning_evidence": "won", "losing_evidence": "lost"}
_OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
_FILES = frozenset(
    (
        *("cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation"),
        *("receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file"),
    )
)


def dispute_later(world: World, paid: Json) -> None:
    """By the fault plan: the payer disputes this charge after a while."""
    world.later(world.options.fail_late_s, "disputed", paid["id"], "fraudulent", None)


@step
def disputed(world: World, charge_id: str, reason: str, amount: int | None) -> None:
    """The payer has disputed a charge."""
    paid = world.objects[charge_id]
    if paid["status"] == "succeeded" and not paid["disputed"] and money.unrefunded(world, paid) > 0:
        open_dispute(world, paid, reason, amount)


def open_dispute(world: World, paid: Json, reason: str, amount: int | None = None) -> Json:
    """Take the disputed amount out of the balance and ask for evidence; an inquiry takes nothing yet.

    errors   Refusal 400 for a charge that is disputed already or has nothing left
    """
    left = money.unrefunded(world, paid)
    wanted = left if amount is None else amount
    if paid["status"] != "succeeded" or paid["disputed"] or not 0 < wanted <= left:
        raise Refusal(400, f"Charge {paid['id']} cannot be disputed for {wanted}.")
    account, inquiry = world.owners[paid["id"]], reason == "inquiry"
    details = paid["payment_method_details"]
    brand = (details.get("card") or {}).get("brand", "visa")
    card = {
        "brand": brand,
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": brand,
        "network_reason_code": "10.4",
    }
    made = {
        "id": world.new_id("du", paid["id"]),
        "amount": wanted,
        "balance_transactions": [],
        "charge": paid["id"],
        "currency": paid["currency"],
        "enhanced_eligibility_types": [],
        "evidence_details": {
            "due_by": world.now + int(world.options.dispute_due_s),
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "payment_intent": paid["payment_intent"],
        "payment_method_details": {"type": "card", "card": card} if details["type"] == "card" else None,
        "reason": "general" if inquiry else reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    if made["payment_method_details"] is None:
        made.pop("payment_method_details")
    dispute = world.add("dispute", account, made)
    paid["disputed"] = True
    emit(world, "charge.dispute.created", dispute)
    if not inquiry:
        _move(world, dispute, -wanted, world.options.dispute_fee)
        emit(world, "charge.dispute.funds_withdrawn", dispute)
    if reason == "debit_not_authorized":
        # A payer's bank takes a debit back without asking anybody.
        _end(world, dispute, "lost", None)
    else:
        world.later(world.options.dispute_due_s, "dispute_due", dispute["id"])
    return dispute


def _move(world: World, dispute: Json, amount: int, fee: int) -> None:
    category, account = "dispute" if amount < 0 else "dispute_reversal", world.owners[dispute["id"]]
    settled, currency, rate = money.settle(world, account, abs(amount), dispute["currency"])
    entry = money.book(
        *(world, account, "adjustment", settled if amount > 0 else -settled, currency, dispute["id"]),
        fee=fee,
        category=category,
        description=f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}",
        rate=rate,
    )
    dispute["balance_transactions"].append(world.show(entry))


def respond(world: World, call: Call) -> Json:
    """Take evidence and, unless told to wait, hand it in; Stripe's test words decide at once."""
    dispute = world.get("dispute", call.names["id"], call.account)
    evidence = call.params.get("evidence") or {}
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise Refusal(400, "This dispute is already closed.")
    for name in sorted(_FILES & evidence.keys()):
        if evidence[name] and world.get("file", evidence[name], call.account, name)["purpose"] != "dispute_evidence":
            raise Refusal(400, "Only files with purpose dispute_evidence may be evidence.", param=f"evidence[{name}]")
    dispute["metadata"] = {**dispute["metadata"], **(call.params.get("metadata") or {})}
    details = dispute["evidence_details"]
    if evidence:
        dispute["evidence"].update({name: value or None for name, value in evidence.items()})
        details["has_evidence"] = True
    if details["has_evidence"] and call.params.get("submit", True):
        details["submission_count"] += 1
        if verdict := _WORDS.get(str(dispute["evidence"]["uncategorized_text"])):
            return _end(world, dispute, verdict, call)
        warned = dispute["status"].startswith("warning")
        dispute["status"] = "warning_under_review" if warned else "under_review"
        world.later(world.options.decide_s, "dispute_decided", dispute["id"])
    emit(world, "charge.dispute.updated", dispute, call=call)
    return dispute


@step
def dispute_decided(world: World, dispute_id: str) -> None:
    """The payer's bank has read the evidence; the seed says what it thinks."""
    dispute = world.objects[dispute_id]
    if dispute["status"] in _OPEN:
        _end(world, dispute, "won" if world.faults.share("verdict", dispute_id) < 0.5 else "lost", None)


@step
def dispute_due(world: World, dispute_id: str) -> None:
    """Nobody answered in time."""
    dispute = world.objects[dispute_id]
    if dispute["status"] in ("needs_response", "warning_needs_response"):
        dispute["evidence_details"]["past_due"] = True
        _end(world, dispute, "lost", None)


def close(world: World, call: Call) -> Json:
    """Give up: the payer keeps the money."""
    dispute = world.get("dispute", call.names["id"], call.account)
    if dispute["status"] not in _OPEN:
        raise Refusal(400, "This dispute is already closed.")
    return _end(world, dispute, "lost", call)


def _end(world: World, dispute: Json, verdict: str, call: Call | None) -> Json:
    if dispute["status"].startswith("warning"):
        dispute["status"] = "warning_closed"
        world.objects[dispute["charge"]]["disputed"] = False
    else:
        dispute["status"] = verdict
        if verdict == "won":
            _move(world, dispute, dispute["amount"], 0)
            emit(world, "charge.dispute.funds_reinstated", dispute, call=call)
    emit(world, "charge.dispute.closed", dispute, call=call)
    return dispute


@invariant
def disputes_hold_their_money(world: World) -> list[str]:
    """An open or lost dispute took its amount, a won one gave it back, an inquiry took nothing."""
    said = []
    for dispute in world.every("dispute"):
        moved = sum(entry["amount"] for entry in dispute["balance_transactions"])
        taken = money.settle(world, world.owners[dispute["id"]], dispute["amount"], dispute["currency"])[0]
        wanted = 0 if dispute["status"] == "won" or dispute["status"].startswith("warning") else -taken
        if moved != wanted:
            said.append(f"dispute {dispute['id']} is {dispute['status']} and moved {moved}")
    return said

"""Transfers to connected accounts and their reversals."""

from __future__ import annotations

from sandbox.stripe import money
from sandbox.stripe.events import emit
from sandbox.stripe.listing import page
from sandbox.stripe.payouts import sweep
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import PLATFORM, World, invariant


def create(world: World, call: Call) -> Json:
    """Move money from the platform's balance to a connected account; tied to a charge, no earlier than that charge's."""
    params, currency = call.params, call.params["currency"].lower()
    account = world.get("account", params["destination"], PLATFORM, "destination")
    if account["capabilities"].get("transfers") != "active":
        message = "Your destination account needs to have at least one of the following capabilities enabled: transfers"
        raise Refusal(400, message, code="insufficient_capabilities_for_transfer", param="destination")
    source = params.get("source_transaction")
    paid = world.get("charge", source, PLATFORM, "source_transaction") if source else None
    amount = params.get("amount", paid["amount"] if paid else None)
    if amount is None:
        raise Refusal(400, "Missing required param: amount.", code="parameter_missing", param="amount")
    if amount <= 0:
        message = "This value must be greater than or equal to 1."
        raise Refusal(400, message, code="parameter_invalid_integer", param="amount")
    if paid is None and money.available(world, call.account, currency) < amount:
        raise Refusal(400, money.SHORT, code="balance_insufficient")
    on = _fits_source(world, paid, amount, currency) if paid else 0.0
    transfer_id = world.new_id("tr", world.basis(call))
    group = params.get("transfer_group") or (paid["transfer_group"] if paid else None)
    made = {
        "id": transfer_id,
        "amount": amount,
        "currency": currency,
        "description": params.get("description"),
        "destination": account["id"],
        "destination_payment": world.new_id("py", transfer_id),
        "metadata": params.get("metadata") or {},
        "reversals": {"object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{transfer_id}/reversals"},
        "source_transaction": paid["id"] if paid else None,
        "source_type": params.get("source_type", "card"),
        "transfer_group": group if group or paid is None else f"group_{paid['payment_intent']}",
    }
    transfer = world.add("transfer", call.account, made)
    transfer["balance_transaction"] = money.book(
        world, call.account, "transfer", -amount, currency, transfer_id, on=on
    )["id"]
    _receive(world, transfer, account, on)
    emit(world, "transfer.created", transfer, call=call)
    return transfer


def _receive(world: World, transfer: Json, account: Json, on: float) -> None:
    # What the account sees: a payment of its own. Under the recipient agreement it waits a day more.
    recipient = account["tos_acceptance"].get("service_agreement") == "recipient"
    wait_s = world.options.recipient_s if recipient else 0.0
    when = max(on, world.clock) + wait_s if wait_s else on
    amount, currency = transfer["amount"], transfer["currency"]
    made: Json = {
        "id": transfer["destination_payment"],
        "amount": amount,
        "amount_captured": amount,
        "captured": True,
        "currency": currency,
        "description": transfer["description"],
        "payment_method": None,
        "payment_method_details": None,
        "source_transfer": transfer["id"],
        "status": "succeeded",
    }
    payment = world.add("charge", account["id"], made)
    entry = money.book(world, account["id"], "payment", amount, currency, payment["id"], on=when)
    payment["balance_transaction"] = entry["id"]
    emit(world, "payment.created", payment, account["id"])


def _fits_source(world: World, paid: Json, amount: int, currency: str) -> float:
    """When a transfer tied to this charge becomes available.

    errors   Refusal 400 when it is not this charge's money
    """
    if paid["status"] != "succeeded" or not paid["balance_transaction"]:
        message = f"The source_transaction {paid['id']} has not succeeded."
        raise Refusal(400, message, param="source_transaction")
    # What counts is what the charge was settled in: its balance transaction, and not what the payer was shown.
    entry = world.objects[paid["balance_transaction"]]
    if entry["currency"] != currency:
        raise Refusal(400, "The currency must match the source_transaction's.", param="currency")
    # Stripe's pages do not say what becomes of this one; here it is refused, the stricter of both.
    if paid["refunded"]:
        message = f"The source_transaction {paid['id']} has been refunded."
        raise Refusal(400, message, param="source_transaction")
    sent = sum(t["amount"] for t in world.every("transfer") if t["source_transaction"] == paid["id"])
    if sent + amount > entry["amount"]:
        message = "Transfers using this transaction as a source must not exceed the source amount."
        raise Refusal(400, message, param="amount")
    if entry["status"] == "pending":
        return float(world.note(entry["id"])["on"])
    if money.available(world, PLATFORM, currency) < amount:
        raise Refusal(400, money.SHORT, code="balance_insufficient")
    return 0.0


def listed(world: World, call: Call) -> Json:
    """Transfers, newest first, by destination and transfer group."""
    return page(world, "transfer", call, **{name: call.params.get(name) for name in ("destination", "transfer_group")})


# --- reversals -----------------------------------------------------------------------------
def reverse(world: World, call: Call) -> Json:
    """Bring a transfer back, in whole or in part, if the connected account still has it."""
    transfer = world.get("transfer", call.names["id"], call.account)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.params.get("amount", left)
    if left == 0:
        raise Refusal(400, f"Transfer {transfer['id']} has already been fully reversed.", code="transfer_reversed")
    if not 0 < amount <= left:
        raise Refusal(400, f"Reversal amount ({amount}) is greater than the unreversed amount ({left})", param="amount")
    account, currency = transfer["destination"], transfer["currency"]
    if world.faults.hits(
        "reversal_short", transfer["id"], (call.params.get("metadata") or {}).get("recovery", call.key)
    ):
        sweep(world, account, currency)
    on, on_arrival = _where_it_lies(world, transfer, amount)
    back_id = world.new_id("trr", world.basis(call))
    made = {
        "id": back_id,
        "amount": amount,
        "currency": currency,
        "destination_payment_refund": world.new_id("pyr", back_id),
        "metadata": call.params.get("metadata") or {},
        "transfer": transfer["id"],
    }
    back = world.add("transfer_reversal", call.account, made)
    entry = money.book(world, call.account, "transfer_refund", amount, currency, back_id, on=on)
    back["balance_transaction"] = entry["id"]
    payment = world.objects[transfer["destination_payment"]]
    _give_back(world, back, payment, account, on_arrival)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, world.show(back))
    emit(world, "transfer.reversed", transfer, call=call)
    return back


def _where_it_lies(world: World, transfer: Json, amount: int) -> tuple[float, float]:
    """When each side of a reversal becomes available: what is still pending comes back as pending.

    errors   Refusal 400 balance_insufficient
    """
    account, currency = transfer["destination"], transfer["currency"]
    out = world.objects[transfer["balance_transaction"]]
    into = world.objects[world.objects[transfer["destination_payment"]]["balance_transaction"]]
    on = float(world.note(out["id"])["on"]) if out["status"] == "pending" else 0.0
    if into["status"] == "pending" and money.waiting(world, account, currency) >= amount:
        return on, float(world.note(into["id"])["on"])
    if money.available(world, account, currency) < amount:
        message = "The destination account has insufficient available funds to reverse this transfer."
        raise Refusal(400, message, code="balance_insufficient")
    return on, 0.0


def _give_back(world: World, back: Json, payment: Json, account: str, on: float) -> None:
    made = {
        "id": back["destination_payment_refund"],
        "amount": back["amount"],
        "charge": payment["id"],
        "currency": back["currency"],
        "metadata": {},
        "source_transfer_reversal": back["id"],
        "status": "succeeded",
    }
    refund = world.add("refund", account, made)
    refund["balance_transaction"] = money.book(
        world, account, "payment_refund", -back["amount"], back["currency"], refund["id"], on=on
    )["id"]
    payment["amount_refunded"] += back["amount"]
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]


def reversal_list(world: World, call: Call) -> Json:
    """The reversals of one transfer, newest first."""
    transfer = world.get("transfer", call.names["id"], call.account)
    return page(world, "transfer_reversal", call, transfer=transfer["id"])


def reversal_get(world: World, call: Call) -> Json:
    """One reversal of one transfer."""
    found = world.get("transfer_reversal", call.names["reversal"], call.account)
    if found["transfer"] != call.names["id"]:
        raise Refusal(404, "No such transfer reversal", code="resource_missing")
    return found


@invariant
def transfers_move_what_they_say(world: World) -> list[str]:
    """A transfer and its reversals take from one side what they give to the other, and never more than a charge brought."""
    said, back, tied = [], dict[str, int](), dict[str, int]()
    for one in world.every("transfer_reversal"):
        back[one["transfer"]] = back.get(one["transfer"], 0) + one["amount"]
    for transfer in world.every("transfer"):
        if (
            transfer["amount_reversed"] != back.get(transfer["id"], 0)
            or transfer["amount_reversed"] > transfer["amount"]
        ):
            said.append(f"transfer {transfer['id']} says {transfer['amount_reversed']} came back")
        if source := transfer["source_transaction"]:
            tied[source] = tied.get(source, 0) + transfer["amount"]
    said += [
        f"more was transferred from {source} than it brought"
        for source, amount in tied.items()
        if amount > world.objects[world.objects[source]["balance_transaction"]]["amount"]
    ]
    sums: dict[str, int] = {}
    for entry in world.every("balance_transaction"):
        about = world.objects.get(str(entry["source"]), {})
        inner = about.get("source_transfer") or about.get("source_transfer_reversal")
        if entry["type"] in ("transfer", "transfer_refund") or inner:
            sums[entry["currency"]] = sums.get(entry["currency"], 0) + entry["amount"]
    return said + [f"transfers lost {-amount} {currency}" for currency, amount in sums.items() if amount]

"""Connected accounts, transfers and their reversals, payouts, top-ups, balances."""

from __future__ import annotations

from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import PLATFORM, World, cut

# source: https://docs.stripe.com/connect/testing#account-numbers
_FAILING_BANK = "000111111116"
_SHORT = "You have insufficient available funds in your Stripe account."


# --- accounts ------------------------------------------------------------------------------
def account_create(world: World, call: Call) -> Json:
    """Open a connected account; asked capabilities are active at once unless onboarding is required."""
    params = call.params
    bank = params.get("external_account")
    wanted = params.get("capabilities") or {}
    active = not world.options.require_onboarding
    state = "active" if active else "inactive"
    account_id = world.new_id("acct", world.basis(call))
    made = {
        "id": account_id,
        "business_profile": params.get("business_profile"),
        "business_type": params.get("business_type"),
        "capabilities": {name: state for name, asked in wanted.items() if asked.get("requested")},
        "charges_enabled": active and "card_payments" in wanted,
        "controller": params.get("controller") or {"type": "application"},
        "country": params.get("country", "US"),
        "default_currency": params.get("default_currency", "eur"),
        "details_submitted": active,
        "email": params.get("email"),
        "metadata": params.get("metadata") or {},
        "payouts_enabled": active,
        "requirements": {"currently_due": [] if active else ["external_account"], "disabled_reason": None},
        "type": params.get("type", "none" if "controller" in params else "standard"),
        "_bank": bank.get("account_number") if isinstance(bank, dict) else bank,
    }
    account = world.add("account", PLATFORM, made)
    world.emit("account.updated", account, account_id, call)
    return account


def account_get(world: World, call: Call) -> Json:
    """Read a connected account of the platform."""
    return world.get("account", call.names["id"], PLATFORM, "account")


def account_update(world: World, call: Call) -> Json:
    """Change what the platform may change."""
    account = account_get(world, call)
    for name in ("business_profile", "email", "business_type"):
        if name in call.params:
            account[name] = call.params[name]
    for name, asked in (call.params.get("capabilities") or {}).items():
        if asked.get("requested"):
            account["capabilities"][name] = "active" if account["details_submitted"] else "inactive"
    merge_metadata(account, call)
    world.emit("account.updated", account, account["id"], call)
    return account


def link_create(world: World, call: Call) -> Json:
    """A link to the page where the account's owner ends the onboarding."""
    account = world.get("account", call.params["account"], PLATFORM, "account")
    account["_pay"] = {"return_url": call.params.get("return_url")}
    url = f"{call.origin}/onboarding/{account['id']}"
    return {"object": "account_link", "created": world.now, "expires_at": world.now + 300, "url": url}


def finish_onboarding(world: World, account: Json) -> None:
    """What the owner's visit to the onboarding page does."""
    for name in account["capabilities"]:
        account["capabilities"][name] = "active"
    account.update(
        details_submitted=True, payouts_enabled=True, charges_enabled="card_payments" in account["capabilities"]
    )
    account["requirements"]["currently_due"] = []
    world.emit("account.updated", account, account["id"])


def merge_metadata(owner: Json, call: Call) -> None:
    """Merge as Stripe does: an empty value removes its key, an empty metadata removes all."""
    given = call.params.get("metadata")
    if given == "":
        owner["metadata"] = {}
    for key, value in (given or {}).items():
        if value == "":
            owner["metadata"].pop(key, None)
        else:
            owner["metadata"][key] = value


# --- transfers -----------------------------------------------------------------------------
def transfer_create(world: World, call: Call) -> Json:
    """Move money from the platform's balance to a connected account."""
    params, currency = call.params, call.params["currency"].lower()
    account = world.get("account", params["destination"], PLATFORM, "destination")
    if account["capabilities"].get("transfers") != "active":
        message = "Your destination account needs to have at least one of the following capabilities enabled: transfers"
        raise Refusal(400, message, code="insufficient_capabilities_for_transfer", param="destination")
    paid = (
        world.get("charge", params["source_transaction"], PLATFORM, "source_transaction")
        if "source_transaction" in params
        else None
    )
    amount = params.get("amount", paid["amount"] if paid else None)
    if amount is None:
        raise Refusal(400, "Missing required param: amount.", code="parameter_missing", param="amount")
    if amount <= 0:
        raise Refusal(
            400, "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if paid is None and world.balance(call.account, currency) < amount:
        raise Refusal(400, _SHORT, code="balance_insufficient")
    if paid is not None:
        _fits_source(world, paid, amount, currency)
    transfer_id = world.new_id("tr", world.basis(call))
    made = {
        "id": transfer_id,
        "amount": amount,
        "amount_reversed": 0,
        "currency": currency,
        "description": params.get("description"),
        "destination": account["id"],
        "destination_payment": world.new_id("py", transfer_id),
        "metadata": params.get("metadata") or {},
        "reversals": {"object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{transfer_id}/reversals"},
        "reversed": False,
        "source_transaction": paid["id"] if paid else None,
        "source_type": params.get("source_type", "card"),
        "transfer_group": params.get("transfer_group") or (paid["transfer_group"] if paid else None),
    }
    transfer = world.add("transfer", call.account, made)
    transfer["balance_transaction"] = world.book(call.account, "transfer", -amount, currency, transfer_id)["id"]
    world.book(account["id"], "payment", amount, currency, transfer["destination_payment"])
    world.emit("transfer.created", transfer, call=call)
    return transfer


def _fits_source(world: World, paid: Json, amount: int, currency: str) -> None:
    if paid["currency"] != currency:
        raise Refusal(400, "The currency must match the source_transaction's.", param="currency")
    sent = sum(t["amount"] for t in _all(world, "transfer") if t["source_transaction"] == paid["id"])
    if sent + amount > paid["amount"]:
        message = "Transfers using this transaction as a source must not exceed the source amount."
        raise Refusal(400, message, param="amount")


def _all(world: World, kind: str) -> list[Json]:
    return [world.objects[i] for i in world.kinds.get(kind, [])]


def transfer_get(world: World, call: Call) -> Json:
    """Read one transfer."""
    return world.get("transfer", call.names["id"], call.account, "transfer")


def transfer_list(world: World, call: Call) -> Json:
    """Transfers, newest first, by destination and transfer group."""
    wanted = {name: call.params.get(name) for name in ("destination", "transfer_group")}
    return world.page("transfer", call, **wanted)


def reversal_create(world: World, call: Call) -> Json:
    """Bring a transfer back, in whole or in part, if the connected account still has it."""
    transfer = transfer_get(world, call)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.params.get("amount", left)
    if left == 0:
        raise Refusal(400, f"Transfer {transfer['id']} has already been fully reversed.", code="transfer_reversed")
    if not 0 < amount <= left:
        raise Refusal(400, f"Reversal amount ({amount}) is greater than the unreversed amount ({left})", param="amount")
    if world.balance(transfer["destination"], transfer["currency"]) < amount:
        message = "The destination account has insufficient available funds to reverse this transfer."
        raise Refusal(400, message, code="balance_insufficient")
    made = {
        "id": world.new_id("trr", world.basis(call)),
        "amount": amount,
        "currency": transfer["currency"],
        "metadata": call.params.get("metadata") or {},
        "transfer": transfer["id"],
        "source_refund": None,
    }
    back = world.add("transfer_reversal", call.account, made)
    back["balance_transaction"] = world.book(call.account, "transfer_refund", amount, transfer["currency"], back["id"])[
        "id"
    ]
    world.book(
        transfer["destination"], "payment_refund", -amount, transfer["currency"], transfer["destination_payment"]
    )
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, world.show(back))
    world.emit("transfer.reversed", transfer, call=call)
    return back


def reversal_list(world: World, call: Call) -> Json:
    """The reversals of one transfer, newest first."""
    transfer = transfer_get(world, call)
    return world.page("transfer_reversal", call, transfer=transfer["id"])


def reversal_get(world: World, call: Call) -> Json:
    """One reversal of one transfer."""
    found = world.get("transfer_reversal", call.names["reversal"], call.account)
    if found["transfer"] != call.names["id"]:
        raise Refusal(404, "No such transfer reversal", code="resource_missing")
    return found


# --- payouts, top-ups, balances ------------------------------------------------------------
def payout_create(world: World, call: Call) -> Json:
    """Send an account's balance to its bank; paid or failed shortly after."""
    currency, amount = call.params["currency"].lower(), call.params["amount"]
    if amount <= 0:
        raise Refusal(
            400, "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if world.balance(call.account, currency) < amount:
        raise Refusal(400, _SHORT, code="balance_insufficient")
    made = {
        "id": world.new_id("po", world.basis(call)),
        "amount": amount,
        "arrival_date": world.now,
        "automatic": False,
        "currency": currency,
        "description": call.params.get("description"),
        "destination": call.params.get("destination"),
        "failure_code": None,
        "failure_message": None,
        "metadata": call.params.get("metadata") or {},
        "method": call.params.get("method", "standard"),
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "statement_descriptor": call.params.get("statement_descriptor"),
        "status": "pending",
        "type": "bank_account",
    }
    payout = world.add("payout", call.account, made)
    payout["balance_transaction"] = world.book(call.account, "payout", -amount, currency, payout["id"])["id"]
    world.emit("payout.created", payout, call=call)
    return payout


def payout_arrive(world: World, payout: Json) -> None:
    """The bank's answer: paid, or failed when the account's bank is Stripe's failing test number."""
    if payout["status"] != "pending":
        return
    owner = world.objects.get(payout["_account"], {})
    if owner.get("_bank") == _FAILING_BANK:
        payout.update(
            status="failed", failure_code="no_account", failure_message="The bank account could not be found."
        )
        world.book(payout["_account"], "payout_failure", payout["amount"], payout["currency"], payout["id"])
        world.emit("payout.failed", payout)
        return
    payout["status"] = "paid"
    world.emit("payout.paid", payout)


def topup_create(world: World, call: Call) -> Json:
    """Put the platform's own money into its balance."""
    amount, currency = call.params["amount"], call.params["currency"].lower()
    made = {"id": world.new_id("tu", world.basis(call)), "amount": amount, "currency": currency, "status": "succeeded"}
    topup = world.add("topup", call.account, {**made, "metadata": call.params.get("metadata") or {}})
    topup["balance_transaction"] = world.book(call.account, "topup", amount, currency, topup["id"])["id"]
    world.emit("topup.succeeded", topup, call=call)
    return topup


def balance_get(world: World, call: Call) -> Json:
    """Available and pending money of the account that asks."""
    return world.balances(call.account)


def entry_list(world: World, call: Call) -> Json:
    """Balance transactions, newest first; by payout: the payout's own line (a manual payout has no contents)."""
    source = call.params.get("source") or call.params.get("payout")
    wanted = {"currency": call.params.get("currency"), "type": call.params.get("type"), "source": source}
    return world.page("balance_transaction", call, **wanted)


def event_list(world: World, call: Call) -> Json:
    """Events of the last days, newest first, by type."""
    rows = world.rows("event", call, type=call.params.get("type"))
    if "types" in call.params:
        rows = [event for event in rows if event["type"] in call.params["types"]]
    return cut(rows, call)

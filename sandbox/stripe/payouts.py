"""Payouts to banks, by hand and by schedule, that arrive, fail, or come back after they arrived; and top-ups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sandbox.stripe import money
from sandbox.stripe.accounts import bank_failed, bank_of
from sandbox.stripe.cards import FAILING_BANKS
from sandbox.stripe.events import emit
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import PLATFORM, World, invariant, step

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_RETURNED = ("could_not_process", "The bank returned the payout after it had been marked paid.")


def create(world: World, call: Call) -> Json:
    """Send an account's money to its bank; no more than is available."""
    currency, amount = call.params["currency"].lower(), call.params["amount"]
    if amount <= 0:
        message = "This value must be greater than or equal to 1."
        raise Refusal(400, message, code="parameter_invalid_integer", param="amount")
    bank = _bank(world, call.account, currency, call.params.get("destination"))
    if money.available(world, call.account, currency) < amount:
        raise Refusal(400, money.SHORT, code="balance_insufficient")
    if call.account != PLATFORM and not world.objects[call.account]["payouts_enabled"]:
        message = "Payouts have been disabled on the connected account; its external account has to be renewed."
        raise Refusal(400, message, code="payouts_not_allowed")
    return _send(world, call.account, amount, currency, bank, call=call)


def _bank(world: World, account: str, currency: str, wanted: str | None) -> str | None:
    if account == PLATFORM:
        return wanted
    if wanted is not None:
        return str(world.get("bank_account", wanted, account, "destination")["id"])
    found = bank_of(world.objects[account], currency)
    if found is None:
        raise Refusal(400, f"Sorry, you don't have any external accounts in that currency ({currency}).")
    return str(found["id"])


def _send(
    world: World, account: str, amount: int, currency: str, bank: str | None, *, call: Call | None = None
) -> Json:
    params = call.params if call else {}
    wait_s = world.options.payout_s
    made = {
        "id": world.new_id("po", world.basis(call) if call else account),
        "amount": amount,
        "arrival_date": int(world.clock + wait_s),
        "automatic": call is None,
        "currency": currency,
        "description": params.get("description") or (None if call else "STRIPE PAYOUT"),
        "destination": bank,
        "metadata": params.get("metadata") or {},
        "method": params.get("method", "standard"),
        "reconciliation_status": "not_applicable" if call else "in_progress",
        "source_type": params.get("source_type", "card"),
        "statement_descriptor": params.get("statement_descriptor"),
        "status": "pending",
    }
    payout = world.add("payout", account, made)
    payout["balance_transaction"] = money.book(world, account, "payout", -amount, currency, payout["id"])["id"]
    emit(world, "payout.created", payout, account, call)
    world.later(wait_s / 2, "payout_sent", payout["id"])
    world.later(wait_s, "payout_arrived", payout["id"])
    return payout


@step
def payout_sent(world: World, payout_id: str) -> None:
    """Handed to the bank: from now on it cannot be cancelled."""
    payout = world.objects[payout_id]
    if payout["status"] == "pending":
        payout["status"] = "in_transit"
        emit(world, "payout.updated", payout)


@step
def payout_arrived(world: World, payout_id: str) -> None:
    """The bank's answer: paid, or failed when the account's bank is one of Stripe's failing test numbers."""
    payout = world.objects[payout_id]
    if payout["status"] not in ("pending", "in_transit"):
        return
    number = world.note(str(payout["destination"])).get("number")
    if number in FAILING_BANKS:
        _fail(world, payout, *FAILING_BANKS[number])
        return
    payout["status"] = "paid"
    emit(world, "payout.paid", payout)
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
        emit(world, "payout.reconciliation_completed", payout)
    if world.faults.hits("payout_fails_after_paid", *_tried(world, payout)):
        world.later(world.options.fail_late_s, "payout_came_back", payout_id)


def _tried(world: World, payout: Json) -> tuple[object, ...]:
    """What a payout is for and how often that came back before, however often its caller had to ask."""
    named = payout["metadata"].get("payout")
    if named is None:
        return (payout["id"],)
    same = [one for one in world.every("payout") if one["metadata"].get("payout") == named]
    return named, sum(one["status"] == "failed" for one in same)


@step
def payout_came_back(world: World, payout_id: str) -> None:
    """Days after it was paid the bank returns it: failed, and the money lies at the account again."""
    payout = world.objects[payout_id]
    if payout["status"] == "paid":
        _fail(world, payout, *_RETURNED)


def _fail(world: World, payout: Json, code: str, message: str) -> None:
    payout.update(status="failed", failure_code=code, failure_message=message)
    account = world.owners[payout["id"]]
    entry = money.book(world, account, "payout_failure", payout["amount"], payout["currency"], payout["id"])
    payout["failure_balance_transaction"] = entry["id"]
    emit(world, "payout.failed", payout)
    if account != PLATFORM and payout["destination"]:
        bank_failed(world, world.objects[account], payout["destination"])


def cancel(world: World, call: Call) -> Json:
    """Take back a payout the bank does not have yet."""
    payout = world.get("payout", call.names["id"], call.account)
    if payout["status"] != "pending":
        raise Refusal(400, "Payouts can only be canceled while they are pending.", code="payout_not_cancelable")
    payout["status"] = "canceled"
    entry = money.book(world, call.account, "payout_cancel", payout["amount"], payout["currency"], payout["id"])
    payout["failure_balance_transaction"] = entry["id"]
    emit(world, "payout.canceled", payout, call=call)
    return payout


# --- by schedule ---------------------------------------------------------------------------
@step
def plan_payout(world: World, account: str, currency: str) -> None:
    """Money came to an account whose payouts are automatic: it goes out at the next moment of the schedule."""
    owner = world.objects.get(account)
    if owner is None or owner["settings"]["payouts"]["schedule"]["interval"] == "manual":
        return
    moment = _next(datetime.fromtimestamp(world.clock, UTC), owner["settings"]["payouts"]["schedule"])
    if not any(entry[2] == "pay_by_schedule" and entry[3] == [account, currency] for entry in world.due):
        world.later(moment.timestamp() - world.clock, "pay_by_schedule", account, currency)


def _next(now: datetime, schedule: Json) -> datetime:
    # The night's run begins to gather an hour before.
    day = (now + timedelta(hours=1)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while not _is_day(day, schedule):
        day += timedelta(days=1)
    return day


def _is_day(day: datetime, schedule: Json) -> bool:
    if schedule["interval"] == "weekly":
        return bool(_WEEKDAYS[day.weekday()] == schedule["weekly_anchor"])
    if schedule["interval"] == "monthly":
        return day.day == min(int(schedule["monthly_anchor"]), 28)
    return True


@step
def pay_by_schedule(world: World, account: str, currency: str) -> None:
    """Everything available goes to the bank, unless the account has said meanwhile that it pays by hand."""
    owner = world.objects.get(account)
    if owner is not None and owner["settings"]["payouts"]["schedule"]["interval"] != "manual":
        sweep(world, account, currency)


def sweep(world: World, account: str, currency: str) -> None:
    """Pay out all that an account has, and note what was inside."""
    owner = world.objects[account]
    amount, bank = money.available(world, account, currency), bank_of(owner, currency)
    if amount <= 0 or bank is None or not owner["payouts_enabled"]:
        return
    paid_before = {i for one in world.every("payout") for i in world.note(one["id"]).get("inside", [])}
    inside = [
        entry["id"]
        for entry in world.every("balance_transaction")
        if world.owners[entry["id"]] == account
        and entry["currency"] == currency
        and entry["status"] == "available"
        and entry["id"] not in paid_before
    ]
    payout = _send(world, account, amount, currency, bank["id"])
    world.note(payout["id"])["inside"] = inside


# --- top-ups -------------------------------------------------------------------------------
def topup_create(world: World, call: Call) -> Json:
    """Put the platform's own money into its balance."""
    amount, currency = call.params["amount"], call.params["currency"].lower()
    made = {
        "id": world.new_id("tu", world.basis(call)),
        "amount": amount,
        "currency": currency,
        "description": call.params.get("description"),
        "expected_availability_date": world.now,
        "metadata": call.params.get("metadata") or {},
        "status": "succeeded",
        "transfer_group": call.params.get("transfer_group"),
    }
    topup = world.add("topup", call.account, made)
    topup["balance_transaction"] = money.book(world, call.account, "topup", amount, currency, topup["id"])["id"]
    emit(world, "topup.created", topup, call=call)
    emit(world, "topup.succeeded", topup, call=call)
    return topup


@invariant
def payouts_left_or_came_back(world: World) -> list[str]:
    """A payout that stands took its amount; one that failed or was cancelled brought it back."""
    moved: dict[str, int] = {}
    for entry in world.every("balance_transaction"):
        if entry["type"] in ("payout", "payout_failure", "payout_cancel") and not world.note(entry["id"]).get(
            "injected"
        ):
            moved[str(entry["source"])] = moved.get(str(entry["source"]), 0) + entry["amount"]
    return [
        f"payout {one['id']} is {one['status']} and moved {moved.get(one['id'])}"
        for one in world.every("payout")
        if moved.get(one["id"]) != (0 if one["status"] in ("failed", "canceled") else -one["amount"])
    ]

"""Balances: every movement is a balance transaction, pending until its date, available after it."""

from __future__ import annotations

from collections import defaultdict

from sandbox.stripe.events import emit
from sandbox.stripe.listing import cut, rows
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import PLATFORM, World, invariant, step

SHORT = "You have insufficient available funds in your Stripe account."
# What Stripe takes whether or not it is there; a balance below zero stops everything else.
FORCED = frozenset(
    (
        *("adjustment", "stripe_fee", "stripe_fx_fee", "tax_fee", "payment_failure_refund", "reserve_hold"),
        *("reserve_transaction", "payment_reversal", "topup_reversal", "payout_minimum_balance_hold"),
    )
)
_CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "charge_failure",
    "transfer_refund": "transfer_reversal",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "adjustment": "other_adjustment",
    "reserve_hold": "risk_reserved_funds",
    "reserve_release": "risk_reserved_funds",
}


def book(
    world: World,
    account: str,
    kind: str,
    amount: int,
    currency: str,
    source: str | None,
    *,
    fee: int = 0,
    on: float = 0.0,
    category: str | None = None,
    description: str | None = None,
    rate: float | None = None,
) -> Json:
    """Write a balance transaction and move the account's balance by its net.

    shapes   on: when it becomes available, in seconds since 1970; what lies in the past is available at once
    """
    pending = on > world.clock
    net = amount - fee
    entry = world.add(
        "balance_transaction",
        account,
        {
            "id": world.new_id("txn", source, kind),
            "amount": amount,
            "available_on": int(on) if pending else world.now,
            "currency": currency,
            "description": description,
            "exchange_rate": rate,
            "fee": fee,
            "fee_details": [_fee(fee, currency)] if fee else [],
            "net": net,
            "reporting_category": category or _CATEGORIES.get(kind, kind),
            "source": source,
            "status": "pending" if pending else "available",
            "type": kind,
        },
    )
    _purse(world, account, currency)[1 if pending else 0] += net
    if pending:
        world.note(entry["id"])["on"] = on
        world.later_once(on - world.clock, "mature", account, currency, on)
    else:
        _judge(world, entry, account)
        _arrived(world, account, currency, net)
    return entry


@step
def mature(world: World, account: str, currency: str, on: float) -> None:
    """What was pending until this moment can be sent now."""
    ready = [
        one
        for one in world.every("balance_transaction")
        if one["status"] == "pending"
        and one["currency"] == currency
        and world.owners[one["id"]] == account
        and world.note(one["id"])["on"] <= on
    ]
    purse = _purse(world, account, currency)
    for entry in sorted(ready, key=lambda one: -one["net"]):
        entry["status"] = "available"
        purse[1] -= entry["net"]
        purse[0] += entry["net"]
    emit(world, "balance.available", balances(world, account), account)
    _arrived(world, account, currency, sum(entry["net"] for entry in ready))


def _arrived(world: World, account: str, currency: str, net: int) -> None:
    if net <= 0:
        return
    if world.note("refunds").get("waiting"):
        world.later_once(0, "fund_refunds", account, currency)
    if account != PLATFORM:
        world.later_once(0, "plan_payout", account, currency)


def _judge(world: World, entry: Json, account: str) -> None:
    left = _purse(world, account, entry["currency"])[0]
    if left < 0 and entry["net"] < 0 and entry["type"] not in FORCED:
        world.broken.append(f"{entry['type']} {entry['source']} took {account} below zero: {left}")


def settle(world: World, account: str, amount: int, currency: str) -> tuple[int, str, float | None]:
    """What an amount comes to in the currency that the balance is kept in, and the rate; itself where that is the same."""
    own = world.options.settle_in
    if account != PLATFORM or not own or currency == own:
        return amount, currency, None
    return amount * world.options.fx_ppm // 1_000_000, own, world.options.fx_ppm / 1_000_000


def available(world: World, account: str, currency: str) -> int:
    """What can be sent now, in the currency's smallest coin."""
    return _purse(world, account, currency)[0]


def waiting(world: World, account: str, currency: str) -> int:
    """What is pending."""
    return _purse(world, account, currency)[1]


def _purse(world: World, account: str, currency: str) -> list[int]:
    return world.purses.setdefault(account, {}).setdefault(currency, [0, 0])


def balances(world: World, account: str) -> Json:
    """The balance object of one account."""
    held = sorted(world.purses.get(account, {}).items()) or [("eur", [0, 0])]
    shown: Json = {
        "object": "balance",
        "available": [_amount(currency, both[0]) for currency, both in held],
        "pending": [_amount(currency, both[1]) for currency, both in held],
        "livemode": False,
    }
    if account == PLATFORM:
        # Stripe holds back as much as its connected accounts are below zero.
        short: dict[str, int] = defaultdict(int)
        for owner, purse in world.purses.items():
            for currency, both in purse.items():
                short[currency] += max(-both[0], 0) if owner != PLATFORM else 0
        shown["connect_reserved"] = [{"amount": short[c], "currency": c} for c, _ in held]
    return shown


def balance_get(world: World, call: Call) -> Json:
    """Available and pending money of the account that asks."""
    return balances(world, call.account)


def entry_list(world: World, call: Call) -> Json:
    """Balance transactions, newest first; by payout: what an automatic one paid, of a manual one its own line."""
    wanted = {name: call.params.get(name) for name in ("currency", "type", "source")}
    found = rows(world, "balance_transaction", call, **wanted)
    if payout_id := call.params.get("payout"):
        payout = world.get("payout", payout_id, call.account, "payout")
        inside = {*world.note(payout_id).get("inside", []), payout["balance_transaction"]}
        found = [entry for entry in found if entry["id"] in inside]
    return cut(found, call)


def inject(world: World, account: str, kind: str, amount: int, currency: str, source: str | None, fee: int) -> Json:
    """A test's own movement, of any type, so that a type nobody expected can be met."""
    if account != PLATFORM and account not in world.kinds.get("account", []):
        raise Refusal(404, f"No such account: '{account}'")
    made = book(world, account, kind, amount, currency, source, fee=fee, description="injected by a test")
    world.note(made["id"])["injected"] = True
    world.broken = [said for said in world.broken if f"{kind} {source} took" not in said]
    return made


def fee_of(world: World, amount: int) -> int:
    """Stripe's fee on a charge, rounded half up to a coin."""
    return (amount * world.options.fee_bps + 5_000) // 10_000 + world.options.fee_fixed


def unrefunded(world: World, paid: Json) -> int:
    """What of a charge was taken and did not go back."""
    released = int(world.note(paid["id"]).get("released", 0))
    return int(paid["amount_captured"]) + released - int(paid["amount_refunded"])


@invariant
def balances_are_sums(world: World) -> list[str]:
    """A balance is the sum of its transactions, and each amount is its net and its fee."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    said = []
    for entry in world.every("balance_transaction"):
        sums[world.owners[entry["id"]], entry["currency"]][entry["status"] == "pending"] += entry["net"]
        if entry["net"] != entry["amount"] - entry["fee"]:
            said.append(f"{entry['id']}: net is not amount less fee")
        if entry["status"] == "pending" and world.note(entry["id"])["on"] < world.clock - 1 and world.virtual:
            said.append(f"{entry['id']} should be available")
    for account, purse in world.purses.items():
        for currency, both in purse.items():
            if both != sums[account, currency]:
                said.append(f"{account} {currency} holds {both}, its transactions {sums[account, currency]}")
    return said


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _fee(fee: int, currency: str) -> Json:
    return {"amount": fee, "application": None, "currency": currency, "description": "fees", "type": "stripe_fee"}

"""The simulation's auditor: plain integers and the clients' own books against what the API says in the end.

It imports nothing of the exchange. Rating, splitting and balances are written a second time here, from the plans as their
buyers read them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.simulation.people import Bought, Caller, tax_of, units


def charge_of(bought: Bought, records: int) -> int:
    """What use costs in all, in millionths: every record above what is included."""
    return max(0, records - bought.plan.included) * bought.plan.per_record


def parts_of(total: int, shares: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Hamilton's method: floors first, then one unit each to the largest remainders, ties to the first."""
    whole = sum(weight for _, weight in shares)
    floors = [total * weight // whole for _, weight in shares]
    order = sorted(range(len(shares)), key=lambda n: (-(total * shares[n][1] % whole), n))
    for n in order[: total - sum(floors)]:
        floors[n] += 1
    parts: dict[str, int] = defaultdict(int)
    for (who, _), part in zip(shares, floors, strict=True):
        parts[who] += part
    return dict(parts)


async def audit(caller: Caller, buyers: Sequence[str], payees: Sequence[str], stripe: Path) -> list[str]:
    """Everything that does not agree, in words."""
    found: list[str] = []
    due: dict[str, int] = defaultdict(int)
    for buyer in buyers:
        found += await _buyer(caller, buyer, due)
    for payee in payees:
        found += await _payee(caller, payee, due[caller.parties[payee].organisation])
    found += await _house(caller, due["platform"], due["tax"])
    return found + _stripe(caller, stripe, await _payouts(caller, payees))


async def _buyer(caller: Caller, buyer: str, due: dict[str, int]) -> list[str]:
    """A buyer's orders, use, charges and wallet; adds what others get of them to `due`."""
    books, found = caller.books, []
    mine = {name: one for name, one in books.bought.items() if one.buyer == buyer}
    orders = {one["id"]: one for one in await caller.items(buyer, "/buyer/v1/orders")}
    found += _differs(f"orders of {buyer}", sorted(mine), sorted(orders))
    found += [f"{name} is {one['state']}" for name, one in orders.items() if one["state"] != "paid"]
    grants = Counter(one["order"] for one in await caller.items(buyer, "/buyer/v1/grants"))
    found += _differs(f"grants of {buyer}", Counter(dict.fromkeys(mine, 1)), grants)
    charges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in await caller.items(buyer, "/buyer/v1/charges"):
        charges[row["order"]].append((units(row["amount"]) - units(row["tax"]), units(row["tax"])))
    spent = 0
    for name, bought in mine.items():
        plan = bought.plan
        found += _differs(f"price of {name}", plan.paid_at_once, units(orders[name]["total"]))
        records = await _records(caller, bought)
        reported = sum(books.reported.get(bought.grant, {}).values())
        if not bought.answered + reported <= records <= bought.asked + reported:
            found.append(
                f"{bought.grant}: {bought.answered} + {reported} answered, {bought.asked} asked, {records} on record"
            )
        found += _differs(f"charges of {name}", charge_of(bought, records), sum(net for net, _ in charges[name]))
        taxes = [tax_of(net, plan.tax_percent) for net, _ in charges[name]]
        found += _differs(f"tax on charges of {name}", taxes, [tax for _, tax in charges[name]])
        spent += sum(map(sum, charges[name])) + (plan.paid_at_once if bought.way == "wallet" else 0)
        due["tax"] += plan.paid_at_once - plan.at_once + sum(taxes)
        for net in [plan.at_once, *(net for net, _ in charges[name])]:
            for who, part in parts_of(net, plan.shares).items():
                due[who] += part
    put_in = sum(amount for who, amount in books.topped_up.values() if who == buyer)
    held = sum(units(one) for one in (await caller.get(buyer, "/buyer/v1/wallet"))["balances"])
    moved = sum(units(one["amount"]) for one in await caller.items(buyer, "/buyer/v1/wallet/movements?currency=CNY"))
    return found + _differs(f"wallet of {buyer}", put_in - spent, held) + _differs(f"movements of {buyer}", held, moved)


async def _records(caller: Caller, bought: Bought) -> int:
    usage = await caller.get(bought.buyer, f"/buyer/v1/grants/{bought.grant}/usage")
    return sum(line["quantity"] for line in usage["items"] if line["meter"] == "records")


async def _payee(caller: Caller, payee: str, due: int) -> list[str]:
    """The newest statement closes with what the payee's shares sum to, since nothing was paid out before it."""
    portal = "/supplier/v1" if payee.startswith("supplier") else "/assessor/v1"
    statements = await caller.items(payee, f"{portal}/statements")
    if not statements:
        return _differs(f"statement of {payee}", due, 0)
    newest = max(statements, key=lambda one: one["number"])
    paid = sum(
        units(one["amount"])
        for one in await caller.items(payee, f"{portal}/payouts")
        if one["state"] in ("sent", "paid")
    )
    found = _differs(f"statement of {payee}", due, units(newest["closing"]))
    # A payout is in whole cents; what is smaller stays on account.
    return found + _differs(f"payout of {payee}", due // 10_000 * 10_000, paid)


async def _house(caller: Caller, due: int, tax: int) -> list[str]:
    """The exchange's own revenue, the tax it holds, its trial balance, and its check of all facts."""
    (trial,) = (await caller.get("operator", "/operator/v1/trial-balance"))["items"]
    sums = {line["account"]: units(line["sum"]) for line in trial["accounts"]}
    found = _differs("revenue of the exchange", due, sums.get("revenue", 0))
    found += _differs("tax held by the exchange", tax, sums.get("tax", 0))
    found += _differs("trial balance", 0, sum(sums.values()))
    found += _differs("money still on its way", (0, 0), (sums.get("pending", 0), sums.get("in_transit", 0)))
    checked = await caller.get("operator", "/operator/v1/findings")
    return found + [f"fsck: {one}" for one in checked["findings"]]


async def _payouts(caller: Caller, payees: Sequence[str]) -> list[int]:
    portal = {payee: "/supplier/v1" if payee.startswith("supplier") else "/assessor/v1" for payee in payees}
    rows = [one for payee in payees for one in await caller.items(payee, f"{portal[payee]}/payouts")]
    return sorted(units(one["amount"]) // 10_000 for one in rows if one["state"] in ("sent", "paid"))


def _stripe(caller: Caller, stripe: Path, payouts: list[int]) -> list[str]:
    """Stripe charged each acknowledged card once and sent each payout once, whatever it said and how often."""
    books, state = caller.books, json.loads(stripe.read_text())
    objects = [one for one in state["objects"].values() if isinstance(one, dict)]
    charged = sorted(
        one["amount"] for one in objects if one["object"] == "payment_intent" and one["status"] == "succeeded"
    )
    ours = [amount // 10_000 for name, (_, amount) in books.topped_up.items() if name in books.by_card]
    ours += [one.plan.paid_at_once // 10_000 for one in books.bought.values() if one.way == "card"]
    found = _differs("charges at Stripe", sorted(ours), charged)
    return found + _differs(
        "transfers at Stripe", payouts, sorted(one["amount"] for one in objects if one["object"] == "transfer")
    )


def _differs(what: str, ours: Any, theirs: Any) -> list[str]:
    return [] if ours == theirs else [f"{what}: by the clients' books {ours}, by the exchange {theirs}"]

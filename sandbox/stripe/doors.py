"""A test's own doors to a world: its clock, its events, its checks, and what a test wants to happen."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import accounts, disputes, money, payouts, refunds
from sandbox.stripe.events import HELD, answered, hand_out, listen
from sandbox.stripe.faults import FaultPlan, parse_faults
from sandbox.stripe.options import chosen
from sandbox.stripe.webhooks import letter
from sandbox.stripe.wire import Json, Refusal
from sandbox.stripe.world import PLATFORM, VIRTUAL_START, World


def build(given: Json) -> World:
    """A world of its own, by default with a virtual clock.

    shapes   {"seed": 7, "faults": "late=0.1", "options": {"settle_s": 172800}, "start": 1767225600 | null}
    errors   Refusal 400
    """
    try:
        faults = parse_faults(given.get("faults", ""), int(given.get("seed", 0)))
        return World(faults=faults, options=chosen(given.get("options", {})), moment=given.get("start", VIRTUAL_START))
    except ValueError as error:
        raise Refusal(400, str(error)) from error


def ask(world: World, name: str) -> Any:
    """What a test may look at: state, check, outbox, clock.

    errors   Refusal 404
    """
    if name == "state":
        everybody = [PLATFORM, *world.kinds.get("account", [])]
        return {**world.state(), "balances": {one: money.balances(world, one) for one in everybody}}
    if name == "check":
        return {"broken": world.check()}
    if name == "outbox":
        return {"outbox": [{**one, "type": world.objects[one["event"]]["type"]} for one in world.outbox]}
    if name == "clock":
        return {"now": world.clock, "due": len(world.due), "next": world.due[0][0] if world.due else None}
    raise Refusal(404, "Not a control path of the sandbox.")


def do(world: World, name: str, given: Json) -> Any:
    """What a test may do.

    shapes   clock {"advance_s": 60} or {"to_next": true}; webhook {"url", "secret", "of": platform|connect|both};
             deliver {"n": 1} gives letters of `held:` endpoints away; resend {"event"} hands one out again;
             faults {"faults": "late=1"}; dispute {"charge", "reason", "amount"}; restrict {"account", "reason", "for_s"};
             return_payout {"payout"}; return_refund {"refund"}; transaction {"account", "type", "amount", "currency", ...}
    errors   Refusal 404
    """
    if name == "clock":
        ahead = max(world.due[0][0] - world.clock, 0.0) if given.get("to_next") and world.due else 0.0
        world.advance(given.get("advance_s", ahead))
    elif name == "webhook":
        listen(world, given["url"], given["secret"], given.get("of", "both"))
    elif name == "deliver":
        return {"letters": _letters(world, given.get("n", 1))}
    elif name == "resend":
        event = next((one for one in world.every("event") if one["id"] == given["event"]), None)
        for endpoint in world.every("webhook_endpoint") if event else ():
            hand_out(world, given["event"], endpoint["id"], 1)
    elif name == "faults":
        world.faults = FaultPlan(world.faults.seed, parse_faults(given["faults"], 0).rates)
    elif name == "dispute":
        paid = world.get("charge", given["charge"], PLATFORM, "charge")
        return disputes.open_dispute(world, paid, given.get("reason", "fraudulent"), given.get("amount"))
    elif name == "restrict":
        accounts.restrict(world, given["account"], given.get("reason", "under_review"), given.get("for_s"))
    elif name == "return_payout":
        payouts.payout_came_back(world, given["payout"])
    elif name == "return_refund":
        refunds.refund_came_back(world, given["refund"])
    elif name == "transaction":
        booked = (given["type"], given["amount"], given["currency"], given.get("source"), given.get("fee", 0))
        return money.inject(world, given.get("account", PLATFORM), *booked)
    else:
        raise Refusal(404, "Not a control path of the sandbox.")
    return ask(world, "clock")


def _letters(world: World, most: int) -> list[Json]:
    """The next letters for endpoints that a test serves itself; they count as accepted."""
    found: list[Json] = []
    for delivery in list(world.outbox):
        endpoint = world.objects.get(delivery["endpoint"], {})
        if len(found) < most and endpoint.get("url", "").startswith(HELD):
            sent = letter(world, delivery)
            answered(world, delivery["id"], True)
            if sent is not None:
                found.append(sent)
    return found

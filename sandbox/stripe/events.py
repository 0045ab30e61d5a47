"""Events: recorded with what they are about as it was then, and planned for every endpoint that wants them."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.listing import cut, merge_metadata, rows
from sandbox.stripe.wire import Call, Json, Refusal
from sandbox.stripe.world import API_VERSION, PLATFORM, World, step

# Stripe retries for three days; here the shape (doubling) stays and the steps are shorter.
RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 30.0
ATTEMPTS_MAX = 16
# An endpoint with such an address gets nothing by itself: a test fetches its deliveries and hands them in.
HELD = "held:"


def emit(
    world: World, kind: str, about: Json, account: str | None = None, call: Call | None = None, **previous: Any
) -> Json:
    """Record an event about `about` as it is now, and plan who gets it."""
    owner = account or world.owners.get(about.get("id", ""), PLATFORM)
    data: Json = {"object": world.show(about)}
    if previous:
        data["previous_attributes"] = previous
    made: Json = {
        "id": world.new_id("evt", kind, about.get("id", owner)),
        "api_version": API_VERSION,
        "data": data,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": call.key if call else None},
        "type": kind,
    }
    if owner != PLATFORM:
        made["account"] = owner
    event = world.add("event", owner, made)
    for endpoint in world.every("webhook_endpoint"):
        if _wants(world, endpoint, event):
            _plan(world, event, endpoint)
    return event


def _wants(world: World, endpoint: Json, event: Json) -> bool:
    # An endpoint hears of the platform or of its connected accounts, never of both; a sandbox's default one may.
    of = world.note(endpoint["id"])["of"]
    ours = "account" not in event
    listens = of == "both" or (of == "platform") == ours
    named = endpoint["enabled_events"]
    return listens and endpoint["status"] == "enabled" and ("*" in named or event["type"] in named)


def _plan(world: World, event: Json, endpoint: Json) -> None:
    plan, subject = world.faults, (event["type"], event["data"]["object"].get("id"), event["id"], endpoint["id"])
    event["pending_webhooks"] += 1
    if plan.hits("lost_event", *subject):
        return
    delay_s = 0.0
    if plan.hits("late", *subject):
        delay_s = world.options.late_s * (0.5 + plan.share("late-by", *subject) / 2)
    elif plan.hits("reorder", *subject):
        delay_s = 0.1 + plan.share("reorder-by", *subject)
    world.later(delay_s, "hand_out", event["id"], endpoint["id"], 1)
    if plan.hits("duplicate", *subject):
        again_s = delay_s + 0.05 + plan.share("duplicate-by", *subject) / 2
        world.later(again_s, "hand_out", event["id"], endpoint["id"], 1)


@step
def hand_out(world: World, event_id: str, endpoint_id: str, attempt: int) -> None:
    """An event's time at one endpoint has come."""
    number = world.count("delivery")
    world.outbox.append({"id": number, "event": event_id, "endpoint": endpoint_id, "attempt": attempt})


def answered(world: World, number: int, accepted: bool) -> None:
    """A delivery was accepted, or is to come again after a while."""
    found = next((one for one in world.outbox if one["id"] == number), None)
    if found is None:
        return
    world.outbox.remove(found)
    event = world.objects.get(found["event"])
    if accepted and event is not None:
        event["pending_webhooks"] = max(event["pending_webhooks"] - 1, 0)
    elif not accepted and found["attempt"] < ATTEMPTS_MAX:
        delay_s = min(RETRY_FIRST_S * 2 ** (found["attempt"] - 1), RETRY_LONGEST_S)
        world.later(delay_s, "hand_out", found["event"], found["endpoint"], found["attempt"] + 1)


# --- endpoints -----------------------------------------------------------------------------
def listen(world: World, url: str, secret: str, of: str) -> Json:
    """Register an address of our own choosing, or renew it: of `platform`, `connect` or, for a simple sandbox, `both`."""
    for known in world.every("webhook_endpoint"):
        if world.note(known["id"]) | {"door": True, "of": of} == world.note(known["id"]):
            known["url"], world.note(known["id"])["secret"] = url, secret
            return known
    made = {"id": world.new_id("we", "door", of), "url": url, "enabled_events": ["*"], "api_version": API_VERSION}
    return world.add("webhook_endpoint", PLATFORM, made, secret=secret, of=of, door=True)


def endpoint_create(world: World, call: Call) -> Json:
    """Register an address; its secret is told this once. A second one for the same address has a secret of its own."""
    params = call.params
    endpoint_id = world.new_id("we", world.basis(call))
    secret = "whsec_" + world.new_id("s", endpoint_id)[2:]
    made = {
        "id": endpoint_id,
        "url": params["url"],
        "enabled_events": params["enabled_events"],
        "api_version": params.get("api_version") or API_VERSION,
        "description": params.get("description"),
        "metadata": params.get("metadata") or {},
    }
    of = "connect" if params.get("connect") else "platform"
    return {**world.add("webhook_endpoint", call.account, made, secret=secret, of=of), "secret": secret}


def endpoint_update(world: World, call: Call) -> Json:
    """Change what an endpoint listens to, or switch it off."""
    endpoint = world.get("webhook_endpoint", call.names["id"], call.account)
    for name in ("url", "enabled_events", "description"):
        if name in call.params:
            endpoint[name] = call.params[name]
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    merge_metadata(endpoint, call)
    return endpoint


def endpoint_delete(world: World, call: Call) -> Json:
    """Forget an endpoint and its secret."""
    return world.drop(world.get("webhook_endpoint", call.names["id"], call.account)["id"])


def event_list(world: World, call: Call) -> Json:
    """Events of the last days, newest first, by type; also those no endpoint ever got."""
    if "type" in call.params and "types" in call.params:
        raise Refusal(400, "You may only specify one of these parameters: type, types.")
    found = rows(world, "event", call)
    if "delivery_success" in call.params:
        found = [event for event in found if (event["pending_webhooks"] == 0) == call.params["delivery_success"]]
    if kinds := call.params.get("types") or ([call.params["type"]] if "type" in call.params else []):
        found = [event for event in found if any(_fits(event["type"], kind) for kind in kinds)]
    return cut(found, call)


def _fits(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith(".*") else kind == wanted

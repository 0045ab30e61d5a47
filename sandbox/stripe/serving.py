"""One request to one world: faults, the idempotency key, parameters, then the handler; no socket in here."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import routes
from sandbox.stripe.params import check
from sandbox.stripe.shapes import misshapen
from sandbox.stripe.wire import Call, Json, Refusal, decode_form
from sandbox.stripe.world import API_VERSION, PLATFORM, World, step

_IN_USE = "There is currently another in-progress request using this Idempotent Key."
_ANOTHER = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
    "Try using a key other than the one given if you meant to execute a different request."
)
_UNKNOWN = "An unknown error occurred."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client sent."""

    method: str
    path: str
    encoded: str = ""
    account: str = PLATFORM
    key: str | None = None
    origin: str = "http://127.0.0.1"

    @property
    def slot(self) -> str:
        """Where the answer to this key is kept: each account has its own keys."""
        return f"{self.account}/{self.key}"

    @property
    def print(self) -> str:
        """What must be the same when a key comes again."""
        return f"{self.method} {self.path}\n{self.encoded}"


@dataclass(slots=True)
class Answer:
    """What is sent back; a lost one never arrives."""

    status: int
    body: Any
    headers: list[tuple[str, str]] = field(default_factory=list)
    lost: bool = False


def serve(world: World, asked: Asked) -> Answer:
    """Answer a request, with what became due before it and what it made due at once."""
    world.advance()
    try:
        answer = _serve(world, asked)
    except Refusal as refusal:
        answer = Answer(refusal.status, {"error": refusal.body})
    answer.headers += [("request-id", world.new_id("req", "http")), ("stripe-version", API_VERSION)]
    world.advance()
    return answer


def _serve(world: World, asked: Asked) -> Answer:
    if asked.account != PLATFORM and world.objects.get(asked.account, {}).get("object") != "account":
        message = f"The provided key does not have access to account '{asked.account}' (or it does not exist)."
        raise Refusal(403, message, code="account_invalid")
    found = routes.find(asked.method, asked.path)
    if found is None:
        raise Refusal(404, f"Unrecognized request URL ({asked.method}: {asked.path}).")
    route, names = found
    _limit(world, asked.method, route.path)
    hits = _Hits(world, asked)
    hits.before()
    if (kept := _kept(world, asked)) is not None:
        return kept
    params = check(route.spec, decode_form(asked.encoded))
    call = Call(asked.method, asked.path, params, asked.account, asked.key, asked.origin, names)
    if asked.method == "GET":
        return Answer(*_run(world, route, call))
    if hits.struck("timeout_before"):
        return Answer(504, {}, lost=True)
    if hits.struck("commit_late"):
        world.later(world.options.commit_late_s, "commit", *_frozen(asked))
        if asked.key is not None:
            world.answers[asked.slot] = {"print": asked.print, "busy": True, "at": world.now}
        return Answer(504, {}, lost=True)
    if asked.key is not None and hits.struck("error_500_kept"):
        answer = Answer(500, {"error": {"message": _UNKNOWN, "type": "api_error"}})
    else:
        answer = Answer(*_run(world, route, call))
        if hits.struck("error_500_committed"):
            answer = Answer(500, {"error": {"message": _UNKNOWN, "type": "api_error"}})
    _keep(world, asked, answer)
    answer.lost = hits.struck("timeout_after_commit")
    return answer


def _frozen(asked: Asked) -> list[Any]:
    return [asked.method, asked.path, asked.encoded, asked.account, asked.key, asked.origin]


@step
def commit(world: World, *frozen: Any) -> None:
    """A request whose sender gave up long ago is done now, and its answer kept for who asks again."""
    asked = Asked(*frozen)
    found = routes.find(asked.method, asked.path)
    if found is None:
        return
    params = check(found[0].spec, decode_form(asked.encoded))
    call = Call(asked.method, asked.path, params, asked.account, asked.key, asked.origin, found[1])
    _keep(world, asked, Answer(*_run(world, found[0], call)))


def _run(world: World, route: routes.Route, call: Call) -> tuple[int, Any]:
    try:
        body = world.show(route.run(world, call), call.params.get("expand"))
    except Refusal as refusal:
        return refusal.status, world.show({"error": refusal.body})
    except Exception:
        world.broken.append(f"{call.method} {call.path} {call.params}: {traceback.format_exc()}")
        raise
    for said in misshapen(body):
        line = f"{call.method} {route.path} answers {said}"
        if line not in world.broken:
            world.broken.append(line)
    return 200, body


# --- idempotency ---------------------------------------------------------------------------
def _kept(world: World, asked: Asked) -> Answer | None:
    if asked.key is None or asked.method != "POST":
        return None
    kept = world.answers.get(asked.slot)
    if kept is not None and world.now - kept["at"] >= world.options.key_life_s and not kept.get("busy"):
        del world.answers[asked.slot]
        kept = None
    if kept is None:
        return None
    if kept["print"] != asked.print:
        raise Refusal(400, _ANOTHER, kind="idempotency_error")
    if kept.get("busy"):
        raise Refusal(409, _IN_USE, code="idempotency_key_in_use")
    return Answer(
        kept["status"], kept["body"], [("idempotent-replayed", "true"), ("original-request", kept["request"])]
    )


def _keep(world: World, asked: Asked, answer: Answer) -> None:
    if asked.key is not None and asked.method == "POST":
        made = {"print": asked.print, "status": answer.status, "body": answer.body, "at": world.now}
        world.answers[asked.slot] = {**made, "request": world.new_id("req", asked.slot)}


# --- faults --------------------------------------------------------------------------------
class _Hits:
    """The plan's word on one try of one request."""

    def __init__(self, world: World, asked: Asked) -> None:
        about = asked.slot if asked.key else asked.print
        world.attempts[about] = self._attempt = world.attempts.get(about, 0) + 1
        self._plan, self._about = world.faults, about

    def struck(self, name: str) -> bool:
        return self._plan.hits(name, self._about, self._attempt)

    def before(self) -> None:
        """What strikes at the edge: nothing is done, nothing is kept."""
        if self.struck("rate_limit"):
            raise Refusal(429, "Request rate limit exceeded.", code="rate_limit")
        if self.struck("conflict_409"):
            raise Refusal(409, _IN_USE, code="idempotency_key_in_use")
        if self.struck("error_500_lost"):
            raise Refusal(500, _UNKNOWN, kind="api_error")


def _limit(world: World, method: str, path: str) -> None:
    most, most_each = world.options.per_second, world.options.per_endpoint
    if not most and not most_each:
        return
    seen: Json = world.note("rate")
    if seen.get("second") != world.now:
        seen.clear()
        seen.update(second=world.now, every=0)
    endpoint = f"{method} {path}"
    seen["every"] += 1
    seen[endpoint] = seen.get(endpoint, 0) + 1
    if (most and seen["every"] > most) or (most_each and seen[endpoint] > most_each):
        raise Refusal(429, "Request rate limit exceeded.", code="rate_limit")

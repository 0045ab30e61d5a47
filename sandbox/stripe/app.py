"""The ASGI application: authorisation, idempotency, faults, parameters, then the handler."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from sandbox.stripe import checkout, connect, routes
from sandbox.stripe.bridge import Bridge
from sandbox.stripe.params import check
from sandbox.stripe.webhooks import Endpoint, Sender
from sandbox.stripe.wire import Call, Json, Refusal, decode_form
from sandbox.stripe.world import API_VERSION, PLATFORM, World

Send = Callable[[Json], Awaitable[None]]
BODY_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read whole."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def origin(self) -> str:
        """Scheme and host as the client wrote them, for links to our pages."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"


def as_json(status: int, value: Any, *headers: tuple[str, str]) -> Reply:
    """A JSON reply, laid out as Stripe lays it out."""
    return Reply(status, json.dumps(value, indent=2, ensure_ascii=False).encode(), headers)


class Sandbox:
    """Stripe's protocol over one world."""

    def __init__(self, world: World, endpoint: Endpoint) -> None:
        """Put the parts together; `start` makes the child process and the sender."""
        self.world = world
        self.endpoint = endpoint
        self.bridge = Bridge(world)
        self.sender = Sender(world, endpoint)
        self._turn = asyncio.Lock()
        self._busy: set[str] = set()
        self._timers: set[asyncio.Task[None]] = set()
        self._attempts: dict[str, int] = {}

    async def start(self) -> None:
        """Load the state, start localstripe, take up what was under way."""
        self.world.load()
        await self.bridge.start()
        self.sender.start()
        self._watch_payouts()

    async def stop(self) -> None:
        """End the child and the sender."""
        for timer in list(self._timers):
            timer.cancel()
        await self.sender.stop()
        await self.bridge.stop()

    async def __call__(self, scope: Json, receive: Callable[[], Awaitable[Json]], send: Send) -> None:
        """ASGI: one request in, one reply out."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body") or len(body) > BODY_MAX:
                break
        request = Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body)
        reply = await self.answer(request)
        pairs = [("content-type", reply.media_type), *reply.headers]
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [(n.encode(), v.encode()) for n, v in pairs],
            }
        )
        await send({"type": "http.response.body", "body": reply.body})

    async def answer(self, request: Request) -> Reply:
        """Route a request; every refusal becomes Stripe's error document."""
        try:
            if request.path.startswith("/v1/"):
                return await self._api(request)
            if request.path.startswith("/_sandbox/"):
                return await self._control(request)
            async with self._turn:
                return await self._page(request)
        except Refusal as refusal:
            return as_json(refusal.status, {"error": refusal.body})

    # --- the API ---------------------------------------------------------------------------
    async def _api(self, request: Request) -> Reply:
        account = self._authorize(request)
        found = routes.find(request.method, request.path)
        if found is None:
            message = f"Unrecognized request URL ({request.method}: {request.path})."
            raise Refusal(404, message)
        route, names = found
        encoded = request.query if request.method != "POST" else request.body.decode()
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        slot = f"{account}/{key}"
        print_of = f"{request.method} {request.path}\n{encoded}"
        if key is not None and (replay := self._replay(slot, print_of)):
            return replay
        hang = self._edge_faults(slot if key else print_of)
        call = Call(
            request.method, request.path, check(route.spec, decode_form(encoded)), account, key, request.origin, names
        )
        if key is not None and slot in self._busy:
            message = "There is currently another in-progress request using this Idempotent Key."
            raise Refusal(409, message, code="idempotency_key_in_use")
        self._busy.add(slot)
        try:
            async with self._turn:
                reply = await self._execute(route, call, slot, print_of)
        finally:
            self._busy.discard(slot)
        if hang and request.method == "POST":
            # The work is done and kept; the caller hears nothing in time.
            await asyncio.sleep(self.world.options.hang_s)
        return reply

    def _authorize(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            token = base64.b64decode(token).decode("latin-1").split(":")[0]
        if not token:
            raise Refusal(401, "You did not provide an API key.")
        if not token.startswith(("sk_test_", "rk_test_")) or len(token) < 12:
            raise Refusal(401, f"Invalid API Key provided: {token[:8]}***")
        account = request.headers.get("stripe-account", PLATFORM)
        if account != PLATFORM and self.world.objects.get(account, {}).get("object") != "account":
            message = f"The provided key does not have access to account '{account}' (or that account does not exist)."
            raise Refusal(403, message, code="account_invalid")
        return account

    def _replay(self, slot: str, print_of: str) -> Reply | None:
        kept = self.world.answers.get(slot)
        if kept is None:
            return None
        if kept["print"] != print_of:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                "Try using a key other than the one given if you meant to execute a different request."
            )
            raise Refusal(400, message, kind="idempotency_error")
        headers = (
            ("idempotent-replayed", "true"),
            ("original-request", kept["request"]),
            ("request-id", self._request_id()),
        )
        return as_json(kept["status"], kept["body"], *headers)

    def _edge_faults(self, about: str) -> bool:
        """Faults before any work (nothing is kept under the key), and whether the answer will get lost."""
        plan = self.world.faults
        self._attempts[about] = attempt = self._attempts.get(about, 0) + 1
        if plan.hits("rate_limit", about, attempt):
            raise Refusal(429, "Request rate limit exceeded.", kind="invalid_request_error", code="rate_limit")
        if plan.hits("error_500", about, attempt):
            raise Refusal(500, "An unknown error occurred.", kind="api_error")
        return plan.hits("timeout_after_commit", about, attempt)

    async def _execute(self, route: routes.Route, call: Call, slot: str, print_of: str) -> Reply:
        status, request_id = 200, self._request_id()
        try:
            made = await route.run(self.world, self.bridge, call)
            body = self.world.show(made, call.params.get("expand"))
        except Refusal as refusal:
            status, body = refusal.status, {"error": refusal.body}
        if call.method != "GET":
            if call.key is not None:
                self.world.answers[slot] = {"print": print_of, "status": status, "body": body, "request": request_id}
            self._committed()
        return as_json(status, body, ("request-id", request_id), ("stripe-version", API_VERSION))

    def _committed(self) -> None:
        self.world.save()
        self.sender.take()
        self._watch_payouts()

    def _request_id(self) -> str:
        return self.world.new_id("req", "http")

    # --- time passes -----------------------------------------------------------------------
    def _watch_payouts(self) -> None:
        for payout_id in self.world.kinds.get("payout", []):
            payout = self.world.objects[payout_id]
            if payout["status"] == "pending" and not any(t.get_name() == payout_id for t in self._timers):
                timer = asyncio.create_task(self._arrive(payout), name=payout_id)
                self._timers.add(timer)
                timer.add_done_callback(self._timers.discard)

    async def _arrive(self, payout: Json) -> None:
        await asyncio.sleep(self.world.options.payout_s)
        async with self._turn:
            connect.payout_arrive(self.world, payout)
            self._committed()

    # --- pages and tests' own door ---------------------------------------------------------
    async def _page(self, request: Request) -> Reply:
        name, _, object_id = request.path.strip("/").partition("/")
        form = parse_qs(request.body.decode())
        if name == "onboarding" and object_id:
            return self._redirect(checkout.onboard(self.world, object_id))
        if name == "authorize" and request.method == "GET":
            return self._html(checkout.show_authorize(self.world, object_id))
        if name == "authorize":
            return self._redirect(checkout.authorize(self.world, object_id, form.get("outcome") == ["succeed"]))
        if name == "pay" and request.method == "GET":
            return self._html(checkout.show_pay(self.world, object_id))
        if name == "pay":
            chosen = form.get("payment_method", ["pm_card_visa"])[0]
            try:
                target = await checkout.pay(self.world, self.bridge, object_id, chosen, request.origin)
            except Refusal as refusal:
                if refusal.status != 402:
                    raise
                self._committed()
                return self._html(checkout.show_pay(self.world, object_id, str(refusal)), 402)
            return self._redirect(target)
        return self._html("Stripe sandbox", 200 if request.path == "/" else 404)

    def _redirect(self, target: str) -> Reply:
        self._committed()
        return Reply(303, b"", (("location", target),), "text/html")

    @staticmethod
    def _html(page: str, status: int = 200) -> Reply:
        return Reply(status, page.encode(), (), "text/html; charset=utf-8")

    async def _control(self, request: Request) -> Reply:
        if request.method == "GET" and request.path == "/_sandbox/state":
            shown = {n: [self.world.show(self.world.objects[i]) for i in ids] for n, ids in self.world.kinds.items()}
            accounts = [PLATFORM, *self.world.kinds.get("account", [])]
            balances = {account: self.world.balances(account) for account in accounts}
            return as_json(200, {"objects": shown, "balances": balances})
        if request.method == "POST" and request.path == "/_sandbox/webhook":
            given = json.loads(request.body)
            self.endpoint.url, self.endpoint.secret = given["url"], given["secret"]
            return as_json(200, {"url": self.endpoint.url})
        raise Refusal(404, "Not a control path of the sandbox.")

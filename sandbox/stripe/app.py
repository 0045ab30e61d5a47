"""The ASGI application: reads a request, finds its world by its key, and sends what `serving` answers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from sandbox.stripe import accounts, checkout, doors, files, pages
from sandbox.stripe.serving import Asked, serve
from sandbox.stripe.webhooks import Sender, ended
from sandbox.stripe.wire import Json, Refusal
from sandbox.stripe.world import PLATFORM, World

Send = Callable[[Json], Awaitable[None]]
BODY_MAX = 6_000_000


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

    @property
    def token(self) -> str:
        """The API key, or nothing."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            token = base64.b64decode(token).decode("latin-1").split(":")[0]
        return token


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


class Site:
    """One world with what moves it: its sender and, on the machine's clock, somebody who lets time pass."""

    def __init__(self, world: World) -> None:
        """Put the parts together; nothing moves before `start`."""
        self.world = world
        self._wake = asyncio.Event()
        self.sender = Sender(world, self._wake.set)
        self._passing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send and, on the machine's clock, to let time pass."""
        self.sender.start()
        if not self.world.virtual:
            self._passing = asyncio.create_task(self._pass())

    async def stop(self) -> None:
        """End both, and write the state down."""
        if self._passing is not None:
            await ended([self._passing])
        await self.sender.stop()
        self.world.save()

    def changed(self) -> None:
        """After a change: write it down, then tell about it."""
        self.world.save()
        self.sender.take()
        self._wake.set()

    async def _pass(self) -> None:
        while True:
            wait_s = max(self.world.due[0][0] - self.world.clock, 0.0) if self.world.due else 3_600.0
            # Not `wait_for`: before Python 3.12 it forgets a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, 3_600.0) + 0.001):
                    await self._wake.wait()
            self._wake.clear()
            if self.world.due and self.world.due[0][0] <= self.world.clock:
                self.world.advance()
                self.world.save()
            self.sender.take()


class Sandbox:
    """Stripe's protocol over one world, and over as many more as tests ask for, each behind its own key."""

    def __init__(self, world: World) -> None:
        """The world every key opens that has none of its own."""
        self.default = Site(world)
        self.sites: dict[str, Site] = {}

    def start(self) -> None:
        """Let the default world move."""
        self.default.start()

    async def stop(self) -> None:
        """End all worlds."""
        for site in (self.default, *self.sites.values()):
            await site.stop()

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
        start = {"type": "http.response.start", "status": reply.status}
        await send({**start, "headers": [(n.encode(), v.encode()) for n, v in pairs]})
        await send({"type": "http.response.body", "body": reply.body})

    async def answer(self, request: Request) -> Reply:
        """Route a request; every refusal becomes Stripe's error document."""
        try:
            if request.path.startswith("/v1/"):
                return await self._api(request)
            if request.path.startswith("/_sandbox/"):
                return await self._door(request)
            return self._page(request)
        except Refusal as refusal:
            return as_json(refusal.status, {"error": refusal.body})

    def _site(self, request: Request) -> Site:
        return self.sites.get(request.token, self.default)

    # --- the API ---------------------------------------------------------------------------
    async def _api(self, request: Request) -> Reply:
        token = request.token
        if not token:
            raise Refusal(401, "You did not provide an API key.")
        if not token.startswith(("sk_test_", "rk_test_")) or len(token) < 12:
            raise Refusal(401, f"Invalid API Key provided: {token[:8]}***")
        site = self._site(request)
        asked = Asked(
            *(request.method, request.path, _encoded(request), request.headers.get("stripe-account", PLATFORM)),
            key=request.headers.get("idempotency-key") if request.method == "POST" else None,
            origin=request.origin,
        )
        answer = serve(site.world, asked)
        if request.method != "GET":
            site.changed()
        if answer.lost:
            # Who is still waiting then hears it from a proxy in between, never from Stripe.
            await asyncio.sleep(site.world.options.hang_s)
            return Reply(504, b"<html>504 Gateway Time-out</html>", (), "text/html")
        return as_json(answer.status, answer.body, *answer.headers)

    # --- pages and tests' own doors --------------------------------------------------------
    def _page(self, request: Request) -> Reply:
        name, _, object_id = request.path.strip("/").partition("/")
        form = parse_qs(request.body.decode()) | parse_qs(request.query)
        site = self._holder(object_id)
        world = site.world
        world.advance()
        if name == "onboarding" and object_id:
            return self._redirect(site, accounts.visit(world, object_id, form.get("bank", [None])[0]))
        if name == "authorize" and request.method == "GET":
            return self._html(pages.authorize(world, object_id))
        if name == "authorize":
            return self._redirect(site, pages.authorized(world, object_id, form.get("outcome") == ["succeed"]))
        if name == "pay" and request.method == "GET":
            return self._html(pages.pay(world, object_id))
        if name == "pay":
            chosen = form.get("payment_method", ["pm_card_visa"])[0]
            try:
                target = checkout.pay(world, object_id, chosen, request.origin)
            except Refusal as refusal:
                if refusal.status != 402:
                    raise
                site.changed()
                return self._html(pages.pay(world, object_id, str(refusal)), 402)
            return self._redirect(site, target)
        return self._html("Stripe sandbox", 200 if request.path == "/" else 404)

    def _holder(self, object_id: str) -> Site:
        """The world an object of a page lives in: a browser sends no key."""
        for site in self.sites.values():
            if object_id in site.world.objects or object_id in site.world.notes:
                return site
        return self.default

    @staticmethod
    def _redirect(site: Site, target: str) -> Reply:
        site.world.advance()
        site.changed()
        return Reply(303, b"", (("location", target),), "text/html")

    @staticmethod
    def _html(page: str, status: int = 200) -> Reply:
        return Reply(status, page.encode(), (), "text/html; charset=utf-8")

    async def _door(self, request: Request) -> Reply:
        name = request.path.removeprefix("/_sandbox/")
        given = json.loads(request.body) if request.body else {}
        if name == "worlds":
            return await self._worlds(request.method, given)
        site = self._site(request)
        if request.method == "GET":
            return as_json(200, doors.ask(site.world, name))
        try:
            told = doors.do(site.world, name, given)
        except (KeyError, ValueError, TypeError) as error:
            raise Refusal(400, f"{type(error).__name__}: {error}") from error
        site.world.advance()
        site.changed()
        return as_json(200, told)

    async def _worlds(self, method: str, given: Json) -> Reply:
        key = str(given.get("key", ""))
        if not key.startswith("sk_test_") or len(key) < 12:
            raise Refusal(400, "A world needs a key that begins with sk_test_.")
        if (old := self.sites.pop(key, None)) is not None:
            await old.stop()
        if method == "POST":
            self.sites[key] = site = Site(doors.build(given))
            site.start()
        return as_json(200, {"worlds": len(self.sites)})


def _encoded(request: Request) -> str:
    if request.method != "POST":
        return request.query
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return urlencode(files.fields(request.body, kind))
    try:
        return request.body.decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, "The body is no form in UTF-8.") from error

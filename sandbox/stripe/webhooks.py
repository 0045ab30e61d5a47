"""Sends what lies in a world's outbox: signed, at least once, in no promised order."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Collection, Coroutine
from hashlib import sha256
from typing import Any

import httpx

from sandbox.stripe.events import HELD, answered
from sandbox.stripe.wire import Json
from sandbox.stripe.world import World


class Sender:
    """Takes deliveries whose time has come and makes them.

    One lane sends first tries in order; what comes again goes its own way, at the same time.
    """

    def __init__(self, world: World, answered_one: Callable[[], None]) -> None:
        """Prepare; nothing is sent before `start`. Whoever lets time pass is told of answers: one may be due again."""
        self._world = world
        self._answered_one = answered_one
        self._lane: asyncio.Queue[Json] = asyncio.Queue()
        self._taken: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(trust_env=False, timeout=10)

    def start(self) -> None:
        """Begin to send, first what a restart left unsent."""
        self._spawn(self._run())
        self.take()

    async def stop(self) -> None:
        """Forget what is under way; it is still in the outbox."""
        await ended(self._tasks)
        await self._http.aclose()

    def take(self) -> None:
        """Send everything in the outbox that nobody sends yet and no test fetches by itself."""
        for delivery in self._world.outbox:
            endpoint = self._world.objects.get(delivery["endpoint"], {})
            if delivery["id"] in self._taken or endpoint.get("url", "").startswith(HELD):
                continue
            self._taken.add(delivery["id"])
            if delivery["attempt"] == 1:
                self._lane.put_nowait(delivery)
            else:
                self._spawn(self._deliver(delivery))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        while True:
            await self._deliver(await self._lane.get())

    async def _deliver(self, delivery: Json) -> None:
        sent = letter(self._world, delivery)
        accepted = sent is None
        if sent is not None:
            try:
                reply = await self._http.post(sent["url"], content=sent["body"].encode(), headers=sent["headers"])
                accepted = reply.is_success
            except httpx.HTTPError:
                accepted = False
        # Saved with the next change or at the end; after a crash the last few go out again, as Stripe may too.
        answered(self._world, delivery["id"], accepted)
        self._taken.discard(delivery["id"])
        self._answered_one()


async def ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: one that turned a cancellation into a time-out of its own is told again."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        left = (await asyncio.wait(left, timeout=0.2))[1]


def letter(world: World, delivery: Json) -> Json | None:
    """The address, the body and the headers of a delivery, signed now; nothing when its endpoint is gone."""
    endpoint = world.objects.get(delivery["endpoint"])
    event = world.objects.get(delivery["event"])
    if endpoint is None or event is None or endpoint["status"] != "enabled":
        return None
    body = json.dumps(world.show(event), indent=2, ensure_ascii=False)
    signature = sign(body.encode(), world.note(endpoint["id"])["secret"], world.now)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature,
    }
    return {"delivery": delivery["id"], "url": endpoint["url"], "body": body, "headers": headers}


def sign(payload: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over `t.payload`."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, sha256).hexdigest()
    return f"t={at},v1={digest}"

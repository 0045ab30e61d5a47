"""Sends events as Stripe does: signed, at least once, in no promised order, retried with back-off."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx

from sandbox.stripe.world import World

# Stripe retries for three days; a sandbox keeps the shape (doubling) and shortens the steps.
RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 30.0
ATTEMPTS_MAX = 16


@dataclass(slots=True)
class Endpoint:
    """Where events go."""

    url: str | None = None
    secret: str = ""


def sign(payload: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over `t.payload`."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, sha256).hexdigest()
    return f"t={at},v1={digest}"


class Sender:
    """Takes fresh events from the world and delivers them.

    One lane sends in order; what the fault plan holds back, doubles or what was not accepted goes its own way.
    """

    def __init__(self, world: World, endpoint: Endpoint) -> None:
        """Prepare; nothing is sent before `start`."""
        self._world = world
        self._endpoint = endpoint
        self._lane: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(trust_env=False, timeout=10)

    def start(self) -> None:
        """Begin to send, first what a restart left undelivered."""
        self._spawn(self._run())
        self.take()

    async def stop(self) -> None:
        """Forget what is under way; undelivered events are in the state."""
        for task in list(self._tasks):
            task.cancel()
        await self._http.aclose()
        self._world.save()

    def take(self) -> None:
        """Plan the deliveries of every fresh event; call it after the state was saved."""
        fresh, self._world.fresh_events = self._world.fresh_events, []
        plan = self._world.faults
        for event_id in fresh:
            about = self._world.objects[event_id]
            subject = (about["type"], about["data"]["object"].get("id"), event_id)
            if plan.hits("reorder", *subject):
                self._spawn(self._later(event_id, 0.1 + plan.share("reorder-by", *subject)))
            else:
                self._lane.put_nowait(event_id)
            if plan.hits("duplicate", *subject):
                self._spawn(self._later(event_id, 0.05 + plan.share("duplicate-by", *subject) / 2))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        while True:
            event_id = await self._lane.get()
            if not await self._deliver(event_id):
                self._spawn(self._later(event_id, RETRY_FIRST_S))

    async def _later(self, event_id: str, delay_s: float) -> None:
        for attempt in range(ATTEMPTS_MAX):
            await asyncio.sleep(min(delay_s, RETRY_LONGEST_S))
            if await self._deliver(event_id):
                return
            delay_s = RETRY_FIRST_S * 2 ** (attempt + 1)

    async def _deliver(self, event_id: str) -> bool:
        event = self._world.objects.get(event_id)
        if event is None or self._endpoint.url is None:
            return True
        payload = json.dumps(self._world.show(event), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": sign(payload, self._endpoint.secret, int(time.time())),
        }
        try:
            reply = await self._http.post(self._endpoint.url, content=payload, headers=headers)
        except httpx.HTTPError:
            return False
        if reply.is_success:
            # Saved with the next change or at the end; after a crash the last few go out again, as Stripe may too.
            event.update(pending_webhooks=0, _delivered=True)
        return reply.is_success

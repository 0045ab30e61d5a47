"""A Stripe sandbox in this process: its protocol without a socket, and a test's doors without a protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx

from sandbox.stripe import doors
from sandbox.stripe.app import Request, Sandbox
from sandbox.stripe.world import World
from settlement.gateway.stripe.client import StripeGateway

# Nobody listens there: what does not come by the transport fails.
ORIGIN = "http://stripe.invalid"


class Inside(httpx.AsyncBaseTransport):
    """Brings whole requests to the sandbox's application and its replies back."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Bring them to this sandbox."""
        self.sandbox = sandbox

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request; what fails in the sandbox itself fails the life that asked."""
        # A socket would let others go on here, too.
        await asyncio.sleep(0)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw}
        path, query = request.url.path, request.url.query.decode("latin-1")
        reply = await self.sandbox.answer(Request(request.method, path, query, headers, await request.aread()))
        shown = [("content-type", reply.media_type), *reply.headers]
        return httpx.Response(reply.status, headers=shown, content=reply.body)

    def carry(self, gateway: StripeGateway) -> None:
        """Have Stripe's own client, which the gateway holds, send by this way and by no other."""
        gateway._http._client_async = httpx.AsyncClient(transport=self, trust_env=False)

    def door(self, key: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Do something by a door of the world of a key."""
        site = self.sandbox.sites[key]
        told = _copied(doors.do(site.world, name, _copied(given)))
        site.world.advance()
        site.changed()
        return told

    def look(self, key: str, name: str) -> dict[str, Any]:
        """What a door of the world of a key tells now; it stays as it is when the world goes on."""
        return _copied(doors.ask(self.sandbox.sites[key].world, name))


def _copied(said: dict[str, Any]) -> dict[str, Any]:
    """The same as it would come over a line."""
    return cast(dict[str, Any], json.loads(json.dumps(said)))


@contextlib.asynccontextmanager
async def inside() -> AsyncIterator[Inside]:
    """A sandbox; its worlds end with the block."""
    sandbox = Sandbox(World())
    try:
        yield Inside(sandbox)
    finally:
        await sandbox.stop()

"""One Stripe sandbox on a socket for many tests: each opens a world of its own behind a key of its own."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpx
import stripe

from sandbox.stripe.process import START_S_MAX, command, free_port

_NUMBERS = itertools.count(1)


class Transport(stripe.HTTPXClient):
    """The SDK's httpx client with the body as `content`; its `data=<text>` is deprecated in httpx and warns.

    It remembers what it sent: method, address, body.
    """

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self.sent: list[tuple[str, str, Any]] = []

    def _get_request_args_kwargs(self, method: str, url: str, headers: Any, post_data: Any) -> Any:
        args, kwargs = super()._get_request_args_kwargs(method, url, headers, post_data)
        kwargs["content"] = kwargs.pop("data", None) or None
        self.sent.append((method, url, kwargs["content"]))
        return [args, kwargs]


class Client(stripe.StripeClient):
    """The SDK's own client in one world, and the doors of that world."""

    def __init__(self, origin: str, key: str, timeout_s: float = 5.0) -> None:
        self.http = Transport(timeout=timeout_s)
        places = {"api": origin, "files": origin}
        super().__init__(key, base_addresses=places, http_client=self.http, max_network_retries=0)  # type: ignore[arg-type]
        self.origin = origin
        self.doors = httpx.AsyncClient(
            base_url=f"{origin}/_sandbox/", headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60
        )
        self.browser = httpx.AsyncClient(trust_env=False, timeout=60)

    async def aclose(self) -> None:
        await self.http.close_async()  # type: ignore[no-untyped-call]
        await self.doors.aclose()
        await self.browser.aclose()

    async def door(self, name: str, **given: Any) -> dict[str, Any]:
        """Do something by a test's own door."""
        reply = await self.doors.post(name, json=given)
        assert reply.status_code == 200, reply.text
        return cast(dict[str, Any], reply.json())

    async def look(self, name: str) -> dict[str, Any]:
        """What a door tells: state, check, outbox, clock."""
        return cast(dict[str, Any], (await self.doors.get(name)).json())

    async def advance(self, seconds: float) -> None:
        """Let this world's time pass."""
        await self.door("clock", advance_s=seconds)

    async def letters(self, most: int = 1_000) -> list[dict[str, Any]]:
        """The webhooks this world wants to deliver to its held endpoints."""
        return list((await self.door("deliver", n=most))["letters"])

    async def available(self, owner: str | None = None) -> int:
        """What an account can send now, over all currencies."""
        balance = await self.v1.balance.retrieve_async({}, {"stripe_account": owner} if owner else {})
        return sum(line.amount for line in balance.available)

    async def pending(self, owner: str | None = None) -> int:
        """What an account will be able to send."""
        balance = await self.v1.balance.retrieve_async({}, {"stripe_account": owner} if owner else {})
        return sum(line.amount for line in balance.pending)

    async def pay(self, amount: int = 5_000, key: str | None = None, **more: Any) -> stripe.PaymentIntent:
        """A charge of a good card, unless told otherwise."""
        params: Any = {"amount": amount, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, **more}
        return await self.v1.payment_intents.create_async(params, {"idempotency_key": key} if key else {})

    async def account(self, key: str | None = None, **more: Any) -> stripe.Account:
        """A connected account that may receive transfers."""
        asked = {
            "capabilities": {"transfers": {"requested": True}},
            "tos_acceptance": {"service_agreement": "recipient"},
        }
        params: Any = {"type": "express", "country": "DE", **asked, **more}
        return await self.v1.accounts.create_async(params, {"idempotency_key": key} if key else {})

    async def send(self, amount: int, to: str, key: str | None = None, **more: Any) -> stripe.Transfer:
        """A transfer to an account."""
        params: Any = {"amount": amount, "currency": "eur", "destination": to, **more}
        return await self.v1.transfers.create_async(params, {"idempotency_key": key} if key else {})

    async def pay_out(self, amount: int, owner: str, **more: Any) -> stripe.Payout:
        """A payout of an account's money to its bank."""
        params: Any = {"amount": amount, "currency": "eur", **more}
        return await self.v1.payouts.create_async(params, {"stripe_account": owner})


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """A sandbox on a socket; it ends with the block."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command(port), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + START_S_MAX * 2
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(origin, trust_env=False)
                break
            assert process.poll() is None, "the sandbox ended at once"
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.05)
        yield origin
    finally:
        process.terminate()
        process.communicate()


@contextlib.asynccontextmanager
async def world(
    origin: str, *, seed: int = 0, faults: str = "", real: bool = False, timeout_s: float = 5.0, **options: Any
) -> AsyncIterator[Client]:
    """A world of its own, whose own checks must find nothing wrong at the end; by default its clock stands still."""
    key = f"sk_test_world{next(_NUMBERS):06d}"
    client = Client(origin, key, timeout_s)
    about: dict[str, Any] = {"key": key, "seed": seed, "faults": faults, "options": options}
    try:
        await client.door("worlds", **about, **({"start": None} if real else {}))
        yield client
        broken = (await client.look("check"))["broken"]
        assert broken == [], broken
    finally:
        await client.doors.request("DELETE", "worlds", json={"key": key})
        await client.aclose()

"""The Stripe hook on a socket: signed events are stored once, with their job; everything else is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest_asyncio

from exchange.kernel import jobs
from settlement.gateway.stripe.client import StripeGateway
from settlement.settings import StripeSettings
from tests.support.api import Market, market

SECRET = "whsec_test"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.created",
    "created": 1_700_000_000,
    "data": {"object": {"id": "cus_1"}},
}


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with the portals of this module."""
    async with market(database_url, tmp_path, only=("hooks",)) as made:
        yield made


def listen(exchange: Market) -> None:
    gateway = StripeGateway(StripeSettings(api_key="sk_test_x", webhook_secret=SECRET))
    exchange.services.webhook = lambda body, signature: gateway.verify_webhook(body, signature, datetime.now(UTC))


async def tell(
    exchange: Market, body: bytes, *, secret: str = SECRET, age_s: int = 0, at: str = "/hooks/stripe"
) -> httpx.Response:
    sent = int(time.time()) - age_s
    mac = hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={sent},v1={mac}", "content-type": "application/json"}
    return await exchange.http.post(at, content=body, headers=headers)


async def waiting(exchange: Market) -> list[jobs.JobState]:
    return await exchange.services.db.run(lambda tx: jobs.listed(tx, kind="stripe_event"))


async def test_an_event_is_stored_once_whatever_its_type(exchange: Market) -> None:
    listen(exchange)
    body = json.dumps(EVENT).encode()
    answers = [await tell(exchange, body) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 200]
    assert [one.json()["replayed"] for one in answers] == [False, True, True]
    (job,) = await waiting(exchange)
    assert job.payload == {"event": "evt_1"}


async def test_what_is_not_signed_well_leaves_nothing(exchange: Market) -> None:
    listen(exchange)
    body = json.dumps(EVENT).encode()
    for answer in (
        await tell(exchange, body, secret="other"),
        await tell(exchange, body, age_s=3600),
        await tell(exchange, b"[]"),
        await exchange.http.post("/hooks/stripe", content=body),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.json()["type"] == "/problems/webhook-signature-invalid"
    assert (await tell(exchange, b" " * (1024 * 1024 + 1))).status_code == 413
    assert await waiting(exchange) == []


async def test_a_signed_event_without_a_name_of_stripes_is_no_event(exchange: Market) -> None:
    listen(exchange)
    odd = ("", "a b", "evt_\x00", "evt_\ud800", "evt_" + "x" * 4_000, "事件", 7, None, ["evt_1"])
    for value in odd:
        data = {"object": {"id": value}}
        wrong = [{**EVENT, "id": value}, {**EVENT, "type": value}] + ([{**EVENT, "data": data}] if value else [])
        for event in wrong:
            answer = await tell(exchange, json.dumps(event).encode())
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/webhook-signature-invalid"), event
    assert await waiting(exchange) == []
    # A balance has no id.
    assert (await tell(exchange, json.dumps({**EVENT, "data": {"object": {}}}).encode())).status_code == 200


async def test_the_connect_endpoint_has_secrets_of_its_own_and_an_event_told_to_both_counts_once(
    exchange: Market,
) -> None:
    """While a secret is changed, the old and the new one are good."""
    both = StripeSettings(
        api_key="sk_test_x", webhook_secret=SECRET, connect_webhook_secret="whsec_connect_old, whsec_connect_new"
    )
    gateway = StripeGateway(both)
    exchange.services.webhook = lambda body, signature: gateway.verify_webhook(body, signature, datetime.now(UTC))
    exchange.services.connect_webhook = lambda body, signature: gateway.verify_webhook(
        body, signature, datetime.now(UTC), connect=True
    )
    event = {
        **EVENT,
        "id": "evt_c",
        "type": "account.updated",
        "account": "acct_1",
        "data": {"object": {"id": "acct_1"}},
    }
    body = json.dumps(event).encode()
    at = "/hooks/stripe-connect"
    assert [(await tell(exchange, body, secret=one, at=at)).status_code for one in (SECRET, "other", "")] == [400] * 3
    assert (await tell(exchange, body, secret="whsec_connect_new")).status_code == 400
    answers = [await tell(exchange, body, secret=f"whsec_connect_{one}", at=at) for one in ("old", "new")]
    assert [(one.status_code, one.json()["replayed"]) for one in answers] == [(200, False), (200, True)]
    assert (await tell(exchange, body)).json()["replayed"] is True
    (job,) = await waiting(exchange)
    assert job.payload == {"event": "evt_c"}


async def test_a_live_event_at_a_test_key_is_kept_and_no_job_is_made(exchange: Market) -> None:
    """Stripe tells a Connect endpoint of both modes."""
    listen(exchange)
    live = json.dumps({**EVENT, "id": "evt_live", "livemode": True}).encode()
    answers = [await tell(exchange, live) for _ in range(2)]
    assert [(one.status_code, one.json()["replayed"]) for one in answers] == [(200, False), (200, True)]
    assert await waiting(exchange) == []


async def test_without_a_connect_secret_that_endpoint_says_so(exchange: Market) -> None:
    listen(exchange)
    assert (await tell(exchange, json.dumps(EVENT).encode(), at="/hooks/stripe-connect")).status_code == 503


async def test_without_a_provider_the_hook_says_so(exchange: Market) -> None:
    assert (await tell(exchange, b"{}")).status_code == 503

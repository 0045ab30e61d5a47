"""Webhooks over HTTP, from the making of one to its end, against a receiver on a socket that checks with its own library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook, WebhookVerificationError

from compliance import notes
from exchange import main
from exchange.kernel.clock import FixedClock, SystemClock
from exchange.kernel.db import Tx
from exchange.webhooks.deliveries import WAITS
from exchange.worker.hook_sending import Sending
from tests.support.api import Market, Party, market
from tests.support.hook_receiver import Receiver, receiving, status
from tests.support.outcomes import funded
from tests.support.sequencing import sequence
from tests.support.trade import OnSale, on_sale

SANDBOX = {"EXCHANGE_SANDBOX": "true", "EXCHANGE_WEBHOOKS_LOOPBACK": "true", "EXCHANGE_TOKEN_TTL_S": "99999999"}


@dataclass
class Place:
    """A market whose webhooks are sent when the test says so, at the time that it says."""

    m: Market
    there: Receiver
    clock: FixedClock
    sending: Sending
    sale: OnSale
    buyer: Party

    async def round(self) -> int:
        """Log what happened, read it, and make every attempt that is due; how many."""
        made = self.m.services
        origin = made.settings.process.log_origin
        await sequence(made.db, [notes.log_signer(made.keyring, origin)], origin)
        await self.sending.tell()
        return await self.sending.send_due()

    async def make(self, who: Party, portal: str, kinds: list[str] | None = None) -> tuple[str, str]:
        wish = {"url": self.there.url, "kinds": kinds or ["*"], "label": "test"}
        made = await self.m.done(who, f"/{portal}/v1/webhooks", wish)
        return made["id"], made["secret"]

    async def buy(self) -> str:
        wish = {"offer": self.sale.offer, "purposes": ["pretrain"], "payment": "wallet"}
        order: str = (await self.m.done(self.buyer, "/buyer/v1/orders", wish))["id"]
        return order

    def heard(self, start: int = 0) -> list[dict[str, Any]]:
        return [json.loads(one.body) for one in self.there.heard[start:]]

    async def shown(self, who: Party, path: str, **query: Any) -> Any:
        answer = await self.m.get(who, path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    clock = FixedClock(SystemClock().now())
    only = ("supplier", "assessor", "buyer", "operator")
    async with market(database_url, tmp_path, only=only, clock=clock, **SANDBOX) as m, receiving() as there:
        yield Place(m, there, clock, main.webhooks(m.services), await on_sale(m), await funded(m))


async def test_what_happens_is_told_signed_and_told_again(place: Place) -> None:
    m, there, supplier, buyer = place.m, place.there, place.sale.supplier, place.buyer
    await place.round()
    selling, secret = await place.make(supplier, "supplier", ["order.*"])
    buying, buyers_secret = await place.make(buyer, "buyer")
    order = await place.buy()
    assert await place.round() == 2
    told = {one["data"]["link"].split("/")[3]: one for one in place.heard()}
    assert {portal: (one["type"], one["data"]["object"]) for portal, one in told.items()} == {
        "supplier": ("order.placed", order),
        "buyer": ("order.placed", order),
    }
    for portal, who in (("supplier", supplier), ("buyer", buyer)):
        data = told[portal]["data"]
        assert data["organisation"] == who.organisation
        assert (await m.get(who, data["link"].removeprefix(m.services.settings.origin))).status_code == 200
    # The receiver's own library takes the one's message with the one's secret, and with no other.
    mine = next(one for one in there.heard if json.loads(one.body)["data"]["organisation"] == supplier.organisation)
    assert Webhook(secret).verify(mine.body, mine.headers)["type"] == "order.placed"
    with pytest.raises(WebhookVerificationError):
        Webhook(buyers_secret).verify(mine.body, mine.headers)
    assert b"amount" not in mine.body
    assert await place.round() == 0, "told twice"
    # A secret is shown once, and stands nowhere in the database.
    assert secret.removeprefix("whsec_") not in json.dumps(await place.shown(supplier, "/supplier/v1/webhooks"))
    assert await m.services.db.run(_readable) == 0
    # Rotated, both sign until the overlap ends; then only the new one.
    changed = await m.done(supplier, f"/supplier/v1/webhooks/{selling}/secret-rotation", {"overlap_hours": 1})
    count = len(there.heard)
    await m.done(supplier, f"/supplier/v1/webhooks/{selling}/test")
    assert await place.round() == 1
    for one in (secret, changed["secret"]):
        assert Webhook(one).verify(there.heard[count].body, there.heard[count].headers)["type"] == "webhook.test"
    place.clock.advance(3601)
    await m.done(supplier, f"/supplier/v1/webhooks/{selling}/test")
    await place.round()
    Webhook(changed["secret"]).verify(there.heard[-1].body, there.heard[-1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(there.heard[-1].body, there.heard[-1].headers)
    # Replayed by time, a message keeps its id; by id, it goes wherever it is wanted.
    since = (place.clock.now() - timedelta(days=1)).isoformat()
    again = await m.done(supplier, f"/supplier/v1/webhooks/{selling}/replay", {"since": since})
    assert again["messages"] == 1
    count = len(there.heard)
    assert await place.round() == 1
    assert there.heard[count].headers["webhook-id"] == mine.headers["webhook-id"]
    assert there.heard[count].body == mine.body
    shown = await place.shown(supplier, f"/supplier/v1/webhook-messages/{mine.headers['webhook-id']}")
    assert [one["status"] for one in shown["deliveries"][0]["attempts"]] == [204, 204]
    refused = await m.post(buyer, f"/buyer/v1/webhooks/{buying}/replay", {"message": mine.headers["webhook-id"]})
    assert refused.status_code == 404, "another organisation's message"
    one = await m.done(supplier, f"/supplier/v1/webhooks/{selling}/replay", {"message": mine.headers["webhook-id"]})
    assert one["messages"] == 1
    await place.sending.tidy()
    assert len((await place.shown(supplier, "/supplier/v1/webhook-messages"))["items"]) == 3
    place.clock.advance(31 * 86_400)
    await place.sending.tidy()
    async with m.services.db.read(supplier.actor) as tx:
        assert await (await tx.driver()).fetchval("SELECT count(*) FROM webhooks.message") == 0


async def test_what_fails_is_tried_again_and_given_up(place: Place) -> None:
    m, there, buyer, clock = place.m, place.there, place.buyer, place.clock
    operator = await m.operator()
    await place.round()
    buying, _ = await place.make(buyer, "buyer", ["order.placed"])
    there.replies += [status(500), status(429, "retry-after: 600"), status(302, "location: http://169.254.169.254/")]
    await place.buy()
    assert await place.round() == 1
    assert (await place.shown(operator, "/operator/v1/failing-webhooks"))["items"][0] | {"organisation": 0} == {
        "id": buying, "organisation": 0, "portal": "buyer", "host": "127.0.0.1", "state": "active", "reason": None,
        "failing_since": clock.now().isoformat().replace("+00:00", "Z"), "failures": 1, "last_error": "status", "waiting": 1,
    }  # fmt: skip
    assert await place.round() == 0, "tried again before its time"
    clock.advance(6.1)
    assert await place.round() == 1
    clock.advance(400)
    assert await place.round() == 0, "the receiver asked for ten minutes"
    clock.advance(201)
    assert await place.round() == 1
    clock.advance(2160)
    assert await place.round() == 1
    found = await place.shown(buyer, f"/buyer/v1/webhooks/{buying}/deliveries", standing="delivered")
    course = (await place.shown(buyer, f"/buyer/v1/webhook-messages/{found['items'][0]['message']}"))["deliveries"][0]
    assert [(one["number"], one["status"], one["error"]) for one in course["attempts"]] == [
        (1, 500, "status"), (2, 429, "status"), (3, 302, "redirect"), (4, 204, None),
    ]  # fmt: skip
    assert (await place.shown(operator, "/operator/v1/failing-webhooks"))["items"] == []
    # 410 ends it at once, and its owner's other webhooks hear of that; what waits is given up until a replay.
    watching, _ = await place.make(buyer, "buyer", ["webhook.disabled"])
    there.replies.append(status(410))
    await place.buy()
    await place.round()
    assert await place.round() == 1
    assert place.heard()[-1]["type"] == "webhook.disabled"
    assert place.heard()[-1]["data"]["object"] == buying
    shown = await place.shown(buyer, f"/buyer/v1/webhooks/{buying}")
    assert (shown["state"], shown["reason"], shown["last_error"]) == ("disabled", "gone", "gone")
    await place.buy()
    assert await place.round() == 0
    for verb, body in (("test", None), ("replay", {"since": "2026-01-01T00:00:00Z"})):
        assert (await m.post(buyer, f"/buyer/v1/webhooks/{buying}/{verb}", body)).status_code == 409
    await m.done(buyer, f"/buyer/v1/webhooks/{buying}/changes", {"active": True})
    since = (clock.now() - timedelta(minutes=1)).isoformat()
    assert (await m.done(buyer, f"/buyer/v1/webhooks/{buying}/replay", {"since": since}))["messages"] == 2
    assert await place.round() == 2
    # Ten attempts over three days and a half at most; after five days without one success the webhook is disabled.
    await m.done(buyer, f"/buyer/v1/webhooks/{watching}/changes", {"active": False})
    there.replies += [status(503)] * 11
    await place.buy()
    made = []
    for wait in WAITS:
        clock.advance(1.2 * wait.total_seconds() + 1)
        made.append(await place.round())
    assert made == [1] * 10
    (failed,) = (await place.shown(buyer, f"/buyer/v1/webhooks/{buying}/deliveries", standing="failed"))["items"]
    assert (failed["attempts"], failed["last_error"], failed["next_at"]) == (10, "status", None)
    shown = await place.shown(buyer, f"/buyer/v1/webhooks/{buying}")
    assert (shown["state"], shown["failures"]) == ("active", 10)
    clock.advance(2 * 86_400)
    await place.buy()
    assert await place.round() == 1
    shown = await place.shown(buyer, f"/buyer/v1/webhooks/{buying}")
    assert (shown["state"], shown["reason"]) == ("disabled", "failing")
    assert (await m.done(buyer, f"/buyer/v1/webhooks/{watching}/removal"))["state"] == "removed"
    assert (await m.get(buyer, f"/buyer/v1/webhooks/{watching}")).status_code == 404


async def test_a_receiver_that_hangs_holds_up_nobody_else(place: Place) -> None:
    m, there, buyer = place.m, place.there, place.buyer

    async def hangs(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with receiving() as slow:
        slow.replies += [hangs] * 20
        made = await m.done(buyer, "/buyer/v1/webhooks", {"url": slow.url})
        for _ in range(12):
            await m.done(buyer, f"/buyer/v1/webhooks/{made['id']}/test")
        fast, _ = await place.make(place.sale.supplier, "supplier")
        await m.done(place.sale.supplier, f"/supplier/v1/webhooks/{fast}/test")
        running = asyncio.create_task(place.sending.run())
        async with asyncio.timeout(10):
            while not there.heard or len(slow.heard) < 8:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.6)
        assert len(slow.heard) == 8, "more than eight at once to one endpoint"
        assert [one["type"] for one in place.heard()] == ["webhook.test"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_is_no_address_of_the_internet_is_refused(place: Place) -> None:
    m, buyer = place.m, place.buyer
    for url in ("http://hooks.example.com/", "https://2130706433/", "https://10.0.0.1/", "https://user@a.example/"):
        refused = await m.post(buyer, "/buyer/v1/webhooks", {"url": url})
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/webhook-address"), url
    refused = await m.post(buyer, "/buyer/v1/webhooks", {"url": place.there.url, "kinds": ["payout.paid"]})
    assert refused.json()["type"] == "/problems/webhook-kind-unknown"
    for _ in range(10):
        await place.make(buyer, "buyer")
    refused = await m.post(buyer, "/buyer/v1/webhooks", {"url": place.there.url})
    assert refused.json()["type"] == "/problems/webhooks-too-many"
    key = await m.post(place.sale.supplier, "/supplier/v1/webhooks", {"url": place.there.url}, key="one")
    again = await m.post(place.sale.supplier, "/supplier/v1/webhooks", {"url": place.there.url}, key="one")
    assert key.json()["secret"].startswith("whsec_")
    assert again.json() == {name: value for name, value in key.json().items() if name != "secret"}


async def _readable(tx: Tx) -> int:
    """How many rows hold a secret as it is shown, in what is kept of answers."""
    return int(
        await (await tx.driver()).fetchval(
            "SELECT count(*) FROM kernel.idempotency WHERE position('whsec_'::bytea IN answer) > 0"
        )
    )

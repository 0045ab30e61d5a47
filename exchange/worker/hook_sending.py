"""Sends webhooks: reads the log into messages, and delivers what is due without holding up anything else of the worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from compliance.entries import CENTRE
from exchange.flows.deliver_webhook import record_attempt, take_due
from exchange.flows.tell_webhooks import tell_webhooks
from exchange.kernel import custody, ids
from exchange.kernel.clock import Clock
from exchange.kernel.db import WHERE, Database, DatabaseAway
from exchange.kernel.keys import Keyring
from exchange.kernel.metrics import (
    WEBHOOK_ATTEMPTS,
    WEBHOOK_BEHIND,
    WEBHOOK_DUE,
    WEBHOOK_FAILING,
    WEBHOOK_MESSAGES,
    WEBHOOK_SECONDS,
)
from exchange.webhooks import signing
from exchange.webhooks.deliveries import Failure, Heard
from exchange.webhooks.settings import WebhookSettings
from exchange.webhooks.signing import SealedSecret, SigningPair
from exchange.webhooks.store import deliveries, endpoints
from exchange.webhooks.store.deliveries import Parcel
from exchange.worker.hook_calls import Caller

_LOG = structlog.get_logger("webhooks")
TELL_EVERY_S = 1.0
SEND_EVERY_S = 0.5
TIDY_EVERY_S = 600.0
FIGURES_EVERY_S = 15.0


@dataclass(slots=True)
class Sending:
    """The regular work of webhooks; `wall` is the real time, with which messages are signed whatever clock a market lives by."""

    db: Database
    keyring: Keyring
    settings: WebhookSettings
    caller: Caller
    origin: str
    wall: Clock
    node_id: str = CENTRE
    _busy: Counter[UUID] = field(default_factory=Counter, init=False)
    _running: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def run(self) -> None:
        """Work until cancelled; a round that fails is told, and the next one comes."""
        WHERE.set("worker")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_every(TELL_EVERY_S, self.tell))
                group.create_task(_every(SEND_EVERY_S, self.start_due))
                group.create_task(_every(TIDY_EVERY_S, self.tidy))
                group.create_task(_every(FIGURES_EVERY_S, self.figures))
        finally:
            # What is cut off is due again by itself, and its receiver folds what it has by the message's id.
            cut = list(self._running)
            for task in cut:
                task.cancel()
            await asyncio.gather(*cut, return_exceptions=True)

    async def tell(self) -> int:
        """Read the log up to its end; the number of messages that came of it."""
        count = 0
        while True:
            read = await self.db.run(partial(tell_webhooks, origin=self.origin, node_id=self.node_id))
            if read is None:
                return count
            count += read.messages
            WEBHOOK_MESSAGES.inc(read.messages)
            WEBHOOK_BEHIND.set(read.behind)
            if not read.behind:
                return count

    async def start_due(self) -> int:
        """Begin as many due attempts as there is room for; how many. They run on by themselves."""
        room = self.settings.in_flight_max - len(self._running)
        if room <= 0:
            return 0
        take = partial(take_due, settings=self.settings, busy=dict(self._busy), limit=room)
        load = await self.db.run(take)
        for one in load.parcels:
            self._busy[one.endpoint_id] += 1
            task = asyncio.create_task(self._deliver(one, load.secrets.get(one.endpoint_id, ())))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(load.parcels)

    async def send_due(self) -> int:
        """Make every attempt that is due now and wait for it; how many."""
        count = 0
        while started := await self.start_due():
            count += started
            await asyncio.gather(*self._running)
        return count

    async def tidy(self) -> None:
        """Forget messages whose time is over, and secrets that sign no more."""
        before = self.db.clock.now() - timedelta(days=self.settings.kept_days)
        while await self.db.run(partial(deliveries.forget_old, before=before)):
            pass
        await self.db.run(endpoints.drop_ended_secrets)

    async def figures(self) -> None:
        """Tell the metrics what is due and which endpoints fail."""
        WEBHOOK_DUE.set(await self.db.run(deliveries.late))
        WEBHOOK_FAILING.set(await self.db.run(endpoints.count_troubles))

    async def _deliver(self, one: Parcel, secrets: Sequence[SealedSecret]) -> None:
        try:
            heard = await self._call(one, secrets)
            if heard is None:
                # No failure of this endpoint: the attempt is due again by itself, when it would have been written down.
                _LOG.warning("webhook-put-off", delivery=str(one.delivery_id), organisation=str(one.organisation_id))
                return
            await self.db.run(partial(record_attempt, parcel=one, heard=heard, settings=self.settings))
            WEBHOOK_ATTEMPTS.labels(heard.error or "ok").inc()
            WEBHOOK_SECONDS.observe(heard.ms / 1000)
        except Exception as error:  # noqa: BLE001  # what was not written down is due again by itself; the log has it whole
            _LOG.error("webhook-attempt-lost", delivery=str(one.delivery_id), exc_info=error)
        finally:
            self._busy[one.endpoint_id] -= 1
            if not self._busy[one.endpoint_id]:
                del self._busy[one.endpoint_id]

    async def _call(self, one: Parcel, secrets: Sequence[SealedSecret]) -> Heard | None:
        try:
            pairs = [self._opened(secret) for secret in secrets]
        except custody.SealBroken as error:
            _LOG.error("webhook-secret-sealed", endpoint=str(one.endpoint_id), error=str(error))
            return Heard(None, 0, Failure.SECRET.value)
        if not pairs:
            # Removed between the taking and the sending: nothing goes out unsigned.
            return Heard(None, 0, Failure.SECRET.value)
        at = int(self.wall.now().timestamp())
        headers = signing.headers(ids.text("msg", one.message_id), at, one.body, pairs)
        return await self.caller.post(one.organisation_id, one.url, headers, one.body)

    def _opened(self, one: SealedSecret) -> SigningPair:
        owner = ids.text("whk", one.endpoint_id)
        secret = custody.open_secret(self.keyring, owner, one.sealed_by, one.sealed)
        private = custody.unsealed(self.keyring, owner, one.kid, one.sealed_by, one.sealed_private)
        return SigningPair(secret, private)


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do regular work until cancelled."""
    while True:
        try:
            await work()
        except DatabaseAway as error:
            _LOG.warning("database-away", error=str(error))
        except Exception as error:  # noqa: BLE001  # regular work outlives a fault, which alerts see in the log
            _LOG.error("webhooks-failed", exc_info=error)
        await asyncio.sleep(seconds)

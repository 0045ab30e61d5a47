"""The steps that hold the books against the payment provider's balance: every movement, and the sum of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from exchange.flows.prove_money import MoneyMoved, prove_money, recorded_now
from exchange.flows.reconcile import PORTION, BooksRefuse, Portion, reconcile_next, record_movements
from exchange.kernel.db import Database
from exchange.kernel.metrics import OPEN_ITEMS
from exchange.kernel.money import Money
from exchange.worker.loop import NotNow, Running, Step
from exchange.worker.money_steps import MoneySteps
from exchange.worker.pacing import pace
from settlement.gateway.stripe.client import StripeGateway
from settlement.gateway.stripe.movements import balance, movements
from settlement.open_items import Opened
from settlement.provider_events import About
from settlement.recon import PLATFORM, PROVIDER, Look, Place, Stop
from settlement.store import recon
from settlement.store.proofs import ProofRow

RECONCILE = "reconcile"
PROVE_MONEY = "prove_money"
OVERLAP = timedelta(minutes=10)
# How often the balance is asked for until no movement came between it and the list of movements.
TRIES = 4
_LOG = structlog.get_logger("money")
_ABOUT: Mapping[str, About] = {
    "payment": About.PAYMENT,
    "transfer": About.TRANSFER,
    "refund": About.REFUND,
    "dispute": About.DISPUTE,
}


@dataclass(frozen=True, slots=True)
class ReconSteps:
    """What these steps need; `money` looks at objects of ours that have not had their effect yet."""

    db: Database
    money: MoneySteps
    gateway: StripeGateway | None

    def table(self) -> dict[str, Step]:
        """The step of each kind of job."""
        return {RECONCILE: self.reconcile, PROVE_MONEY: self.prove}

    async def reconcile(self, running: Running) -> Mapping[str, Any]:
        """List what moved on our balance since the last time, and bring it into the books until something stops.

        errors   NotNow
        """
        if self.gateway is None:
            return {"outcome": "no provider"}
        there = await self._balance(self.gateway)
        return await self._all(running, self.gateway, there)

    async def prove(self, running: Running) -> Mapping[str, Any]:
        """Reconcile, ask for the balance, and prove that clients' money is there.

        errors   NotNow
        """
        made, opened = await self._proved(running)
        self._alarm(opened)
        return {
            "proofs": {one.currency: one.sha256.hex() for one in made},
            "differs": {one.currency: str(one.difference) for one in made if one.difference.units},
            "short": {one.currency: str(one.short) for one in made if one.short.units},
        }

    async def _proved(self, running: Running) -> tuple[list[ProofRow], list[Opened]]:
        if self.gateway is None:
            return await self.db.run(partial(prove_money, at_provider={}, recorded={}))
        await self.reconcile(running)
        for _ in range(TRIES):
            there = await self._balance(self.gateway)
            if (await self._all(running, self.gateway, there))["new"]:
                continue
            recorded = await self.db.run(recorded_now)
            with contextlib.suppress(MoneyMoved):
                return await self.db.run(partial(prove_money, at_provider=there, recorded=recorded))
        raise NotNow("money moved each time it was counted")

    async def _balance(self, gateway: StripeGateway) -> dict[str, Money]:
        await pace(self.db, gateway.settings, "balance")
        there = await balance(gateway)
        if not isinstance(there, dict):
            raise NotNow(f"{there.code}: {there.message}")
        return there

    async def _all(self, running: Running, gateway: StripeGateway, there: Mapping[str, Money]) -> dict[str, Any]:
        known = {one.place.currency for one in await self.db.run(recon.cursors) if one.place.provider == PROVIDER}
        places = [Place(PROVIDER, PLATFORM, currency) for currency in sorted(known | there.keys())]
        new = done = 0
        stopped: dict[str, str] = {}
        for number, place in enumerate(places):
            new += await self._listed(gateway, place)
            count, stop = await self._booked(place)
            done += count
            if stop is not None:
                stopped[place.currency] = f"{stop.reason}: {stop.said}"
            await running.progress(number + 1, len(places))
        return {"new": new, "done": done, "stopped": stopped}

    async def _listed(self, gateway: StripeGateway, place: Place) -> int:
        """Record what moved; the mark moves only once the whole list was read, for it comes with the newest first."""
        cursor = await self.db.run(partial(recon.lock_cursor, place=place))
        since = cursor.seen_until - OVERLAP if cursor.seen_until is not None else None
        newest, new = cursor.seen_until, 0
        await pace(self.db, gateway.settings, "balance_transactions")
        async for page in movements(gateway, place.currency, since):
            if not isinstance(page, list):
                raise NotNow(f"{page.code}: {page.message}")
            new += await self.db.run(partial(record_movements, place=place, items=page))
            # By the provider's own clock, whatever ours says.
            newest = max([one.created_at for one in page] + ([newest] if newest else []), default=newest)
            await pace(self.db, gateway.settings, "balance_transactions")
        await self.db.run(partial(recon.saw_until, place=place, until=newest))
        return new

    async def _booked(self, place: Place) -> tuple[int, Stop | None]:
        """Bring what is recorded into the books, in order."""
        done, limit = 0, PORTION
        looked: set[str] = set()
        while True:
            try:
                portion = await self.db.run(partial(reconcile_next, place=place, looked=looked, limit=limit))
            except BooksRefuse:
                limit = 1
                continue
            self._alarm(portion.opened)
            done += portion.done
            if portion.look is not None and portion.look_for is not None:
                await self._look(portion, portion.look)
                looked.add(portion.look_for)
            elif portion.stopped is not None or not portion.left:
                return done, portion.stopped

    async def _look(self, portion: Portion, look: Look) -> None:
        about = _ABOUT.get(look.what)
        if about is not None:
            await self.money.look_at(about, look.object_id, look.payment)

    def _alarm(self, opened: tuple[Opened, ...] | list[Opened]) -> None:
        for one in opened:
            OPEN_ITEMS.labels(one.kind.value).inc()
            _LOG.error("open-item", kind=one.kind.value, subject=one.subject, **one.about)

"""A market with a payee, the worker's money steps, and the sandbox's Stripe at the other end of a line that may fail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from exchange.flows.open_payout_account import PayoutAccountReceipt, open_payout_account
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.flows.sale import Sales
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.flows.top_up import TopUp, TopUpReceipt, top_up
from exchange.kernel import ids, jobs
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, Tx
from exchange.kernel.jobs import JobState
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from exchange.worker.loop import drain
from exchange.worker.money_steps import MoneySteps
from exchange.worker.recon_steps import ReconSteps
from sandbox.stripe.process import running
from settlement.gateway.stripe.client import StripeGateway
from settlement.open_items import OpenItem
from settlement.payout_accounts import PayoutAccount
from settlement.payouts import Payout, Rail
from settlement.settings import StripeSettings
from settlement.store import audit, open_items, payout_accounts, payouts
from tests.support.settlement_market import BUYER, SELLER, Market, actor, open_market
from tests.support.stripe_line import Line, line_to

YUAN = 1_000_000
KEY = "sk_test_once0000"
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "CNY")
# What the seller gets of one order of 300.00.
SHARE = Money(240 * YUAN, "CNY")


@dataclass(slots=True)
class Desk:
    """One worker's view: our database, its clock, and the line to Stripe."""

    database: Database
    clock: FixedClock
    line: Line
    gateway: StripeGateway
    market: Market | None = None

    @contextlib.asynccontextmanager
    async def impatient(self, timeout_s: float) -> AsyncIterator[None]:
        """Calls wait no longer than this for their answer."""
        patient = self.gateway
        self.gateway = StripeGateway(replace(patient.settings, timeout_s=timeout_s))
        try:
            yield
        finally:
            await self.gateway.aclose()
            self.gateway = patient

    def steps(self, database: Any = None) -> MoneySteps:
        """The steps of a worker on this database."""
        return MoneySteps(database or self.database, self.market.sales if self.market else Sales(), self.gateway)

    async def work(self, database: Any = None) -> int:
        """Run every job that is due."""
        used, steps = database or self.database, self.steps(database)
        return await drain(used, steps.table() | ReconSteps(used, steps, self.gateway).table())

    async def work_later(self, seconds: float = 3_700, times: int = 1) -> None:
        """Let time pass so that what was put back is due, and work."""
        for _ in range(times):
            self.clock.advance(seconds)
            await self.work()

    async def job(self, kind: str) -> JobState:
        """The only job of a kind."""
        (found,) = await self.database.run(lambda tx: jobs.listed(tx, kind=kind))
        return found

    # --- our side --------------------------------------------------------------------------
    async def top_up(self, units: int, card: str = "pm_card_bypassPending") -> UUID:
        """A buyer tops up by card; the job waits."""
        wish = TopUp(Money(units, "CNY"), "card", card)
        made = await self.database.run(lambda tx: top_up(tx, actor(BUYER, "buyer"), wish))
        assert isinstance(made, TopUpReceipt), made
        return ids.parse("pay", made.id)

    async def earn(self, keyring: Keyring) -> None:
        """The seller earns 240.00, settled, and has an account at Stripe."""
        self.market = await open_market(self.database, keyring)
        await self.market.fund(BUYER, 1_000 * YUAN)
        await self.market.buy(BUYER, "one_off")
        self.clock.advance(20 * 86_400)
        found = await self.database.run(lambda tx: start_run(tx, JANUARY))
        while isinstance(found, RunProgress) and not found.finished:
            run_id = ids.parse("run", found.run)
            found = await self.database.run(partial(settle_next, sales=self.market.sales, run_id=run_id))
        opened = await self.database.run(lambda tx: open_payout_account(tx, actor(SELLER, "supplier")))
        assert isinstance(opened, PayoutAccountReceipt), opened
        await self.work()

    async def account(self) -> PayoutAccount:
        """The seller's account as we know it."""
        found = await self.database.run(partial(payout_accounts.account_of, organisation_id=SELLER, rail=Rail.STRIPE))
        assert found is not None
        return found

    async def order_payout(self, period: str = "2026-01", rail: Rail = Rail.STRIPE) -> UUID:
        """All that is payable to the seller is ordered paid; the job waits."""
        destination = (await self.account()).destination or "acct_none"
        wish = PayOut(SELLER, "CNY", period, rail, destination)
        (made,) = await self.database.run(lambda tx: pay_out(tx, [wish]))
        assert isinstance(made, PayoutReceipt), made
        return ids.parse("pot", made.id)

    async def payout(self, payout_id: UUID) -> Payout:
        """A payout as it stands."""
        return (await self.database.run(partial(payouts.get_payouts, payout_ids=[payout_id])))[payout_id]

    async def items(self) -> dict[str, OpenItem]:
        """What waits for a person, by kind; one of each."""
        page = await self.database.run(partial(open_items.list_items, request=PageRequest(200)))
        found = {one.what.kind.value: one for one in page.items}
        assert len(found) == len(page.items), page.items
        return found

    async def sound(self) -> None:
        """The books agree with themselves."""
        assert await self.database.run(audit.check) == []

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""

        async def look(tx: Tx) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await (await tx.driver()).fetch(query)]

        return await self.database.run(look)

    # --- Stripe's side ---------------------------------------------------------------------
    async def ask(self, method: str, path: str, account: str | None = None, **form: Any) -> Any:
        """Ask Stripe past the line, as its own page would."""
        headers = {"authorization": f"Bearer {KEY}", **({"stripe-account": account} if account else {})}
        data = {name.replace("__", "[") + "]" * name.count("__"): str(value) for name, value in form.items()}
        asked: dict[str, Any] = {"params": data} if method == "GET" else {"data": data}
        reply = await self.line.http.request(method, self.line.target + path, headers=headers, **asked)
        assert reply.is_success, reply.text
        return reply.json()

    async def there(self, path: str, account: str | None = None) -> list[dict[str, Any]]:
        """All objects of a kind at Stripe, newest first."""
        found: list[dict[str, Any]] = (await self.ask("GET", path, account, limit=100))["data"]
        return found

    async def fill_stripe(self, units: int = 1_000 * YUAN) -> None:
        """Money lies on the platform's balance at Stripe."""
        await self.ask("POST", "/v1/topups", amount=units // 10_000, currency="cny", description="float")

    async def state(self) -> Mapping[str, Any]:
        """All that Stripe has."""
        reply = await self.line.http.get(f"{self.line.target}/_sandbox/state")
        said: Mapping[str, Any] = reply.json()
        return said


@contextlib.asynccontextmanager
async def desk_at(database: Database, clock: FixedClock, *options: str) -> AsyncIterator[Desk]:
    """A desk with a Stripe of its own, patient enough for a machine that does much else."""
    async with running(*options) as origin, line_to(origin) as line:
        settings = StripeSettings(
            api_key=KEY,
            webhook_secret="whsec_once",
            api_base=line.origin,
            timeout_s=30.0,
            calls_per_s=1_000,
            endpoint_calls_per_s=1_000,
        )
        gateway = StripeGateway(settings)
        try:
            yield Desk(database, clock, line, gateway)
        finally:
            await gateway.aclose()


class Killed(BaseException):
    """The worker's process ends here, without a word to anybody."""


class Mortal:
    """A database whose user dies at one point: before or after its n-th transaction."""

    def __init__(self, database: Database, point: int, *, after: bool) -> None:
        """Point 1 is the first transaction."""
        self._database, self._point, self._after, self.count = database, point, after, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def run(self, flow: Any, **more: Any) -> Any:
        """Run a flow, or die."""
        self.count += 1
        if self.count == self._point and not self._after:
            raise Killed
        done = await self._database.run(flow, **more)
        if self.count == self._point:
            raise Killed
        return done

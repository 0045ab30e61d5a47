"""The whole exchange over HTTP, its worker by hand, and a Stripe on a socket whose time passes with ours."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exchange import main
from exchange.kernel.clock import FixedClock
from exchange.kernel.jobs import listed
from exchange.worker.loop import drain
from sandbox.stripe.world import VIRTUAL_START
from settlement.gateway.stripe.client import StripeGateway
from settlement.settings import StripeSettings
from settlement.store import audit
from tests.support.api import Market, Party, market
from tests.support.stripe_worlds import Client, world
from tests.support.trade import OnSale, offer_document

SECRETS = {"platform": "whsec_platform", "connect": "whsec_connect"}
HOOKS = {"platform": "/hooks/stripe", "connect": "/hooks/stripe-connect"}
START = datetime.fromtimestamp(VIRTUAL_START, UTC)


@dataclass(slots=True)
class Story:
    """One exchange and one Stripe."""

    m: Market
    stripe: Client
    clock: FixedClock
    letters: list[dict[str, Any]] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    async def work(self) -> None:
        """Bring Stripe's letters in and do the jobs that are due, until nothing more comes of it."""
        while True:
            await self.stripe.advance(0)
            came = await self.stripe.letters()
            self.letters += came
            for letter in came:
                await self.deliver(letter)
            if not await drain(self.m.services.db, main.steps(self.m.services).table()) and not came:
                return

    async def deliver(self, letter: dict[str, Any]) -> None:
        """Hand one letter in as Stripe would, at the endpoint that it is for; one that is signed by nobody is refused."""
        await self.post("connect" if json.loads(letter["body"]).get("account") is not None else "platform", letter)

    async def post(self, of: str, letter: dict[str, Any]) -> None:
        """Hand one letter in at an endpoint."""
        headers = {**letter["headers"], "content-type": "application/json"}
        sent = await self.m.http.post(HOOKS[of], content=letter["body"].encode(), headers=headers)
        assert sent.status_code in (200, 400), sent.text
        self.answered.append(sent.status_code)

    async def later(self, seconds: float) -> None:
        """Let time pass on both sides, and work."""
        self.clock.advance(seconds)
        await self.stripe.advance(seconds)
        await self.work()

    async def show(self, party: Party, path: str) -> dict[str, Any]:
        """What a read answers."""
        answer = await self.m.get(party, path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        shown: dict[str, Any] = answer.json()
        return shown

    async def items(self, party: Party, path: str) -> list[dict[str, Any]]:
        """What a list answers."""
        found: list[dict[str, Any]] = (await self.show(party, path))["items"]
        return found

    async def wallet(self, party: Party, currency: str = "CNY") -> str:
        """What is in a wallet."""
        balances = (await self.show(party, "/buyer/v1/wallet"))["balances"]
        return next((one["amount"] for one in balances if one["currency"] == currency), "0.00")

    async def top_up(self, party: Party, amount: str, currency: str = "CNY", **more: Any) -> str:
        """Put money into a wallet; the payment's id."""
        wish = {"amount": {"amount": amount, "currency": currency}, "method": "card", **more}
        if wish["method"] == "card":
            wish.setdefault("payment_method", "pm_card_bypassPending")
        made = await self.m.done(party, "/buyer/v1/top-ups", wish)
        await self.work()
        return str(made["id"])

    async def ledger(self) -> dict[str, dict[str, int]]:
        """The sums of all accounts, by currency and kind, in coins of a hundredth."""
        sums = await self.m.services.db.run(audit.trial_balance)
        return {currency: {kind: units // 10_000 for kind, units in kinds.items()} for currency, kinds in sums.items()}

    async def agree(self) -> None:
        """Our books are sound, and what they say lies at Stripe lies there, to the last coin; nothing is left undone."""
        assert await self.m.services.db.run(audit.check) == []
        balance = await self.stripe.v1.balance.retrieve_async()
        there = {one.currency.upper(): one.amount for one in balance.available}
        for one in balance.pending:
            there[one.currency.upper()] = there.get(one.currency.upper(), 0) + one.amount
        # What a test put there itself is no money of ours.
        entries = (await self.stripe.v1.balance_transactions.list_async({"limit": 100})).data
        for entry in entries:
            if entry.type == "topup":
                there[entry.currency.upper()] -= entry.net
        ours = {currency: -sums.get("stripe", 0) for currency, sums in (await self.ledger()).items()}
        assert {c: n for c, n in ours.items() if n} == {c: n for c, n in there.items() if n}
        dead = await self.m.services.db.run(lambda tx: listed(tx, state="dead"))
        assert dead == []


@contextlib.asynccontextmanager
async def story(
    origin: str, database_url: str, folder: Path, *, country: str = "", **options: Any
) -> AsyncIterator[Story]:
    """An exchange and a Stripe world of its own; webhooks are held until `work` hands them in."""
    clock = FixedClock(START)
    settings = {"EXCHANGE_TOKEN_TTL_S": "31536000"}
    async with (
        world(origin, payout_interval="manual", **options) as stripe,
        market(database_url, folder, clock=clock, **settings) as m,
    ):
        for of, secret in SECRETS.items():
            await stripe.door("webhook", url="held:", secret=secret, of=of)
        key = stripe.doors.headers["authorization"].removeprefix("Bearer ")
        asked = StripeSettings(
            api_key=key,
            webhook_secret=SECRETS["platform"],
            connect_webhook_secret=SECRETS["connect"],
            api_base=origin,
            country=country,
            return_url="https://exchange.example/back",
            timeout_s=5.0,
            calls_per_s=1_000,
            endpoint_calls_per_s=1_000,
        )
        gateway = StripeGateway(asked)
        made = m.services
        made.gateway = gateway
        made.webhook = lambda body, signature: gateway.verify_webhook(body, signature, clock.now())
        made.connect_webhook = lambda body, signature: gateway.verify_webhook(
            body, signature, clock.now(), connect=True
        )
        try:
            yield Story(m, stripe, clock)
        finally:
            await gateway.aclose()


def with_fees(**more: Any) -> dict[str, Any]:
    """A Stripe that takes fees as the real one does."""
    return {"fee_bps": 290, "fee_fixed": 30, "dispute_fee": 1_500, **more}


SETTLED = {"period_start": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z", "currency": "CNY"}


async def onboarded(s: Story, payee: Party, portal: str = "supplier") -> str:
    """A payee opens its account at Stripe and completes it on Stripe's page; the account's name."""
    prefix = f"/{portal}/v1/payout-accounts"
    await s.m.done(payee, prefix)
    await s.work()
    link = (await s.m.done(payee, f"{prefix}/stripe/onboarding-link", {"return_url": "https://payee.example/back"}))[
        "url"
    ]
    assert (await s.stripe.browser.get(link)).headers["location"] == "https://payee.example/back"
    await s.work()
    (account,) = await s.items(payee, prefix)
    assert (account["state"], account["due"]) == ("active", []), account
    return str(account["destination"])


async def shared(s: Story, sale: OnSale) -> str:
    """An offer of the listing in which three share: supplier, assessor, platform."""
    shares = [
        {"role": "supplier", "weight": 8000},
        {"role": "assessor", "organisation": sale.assessor.organisation, "weight": 800},
        {"role": "platform", "weight": 1200},
    ]
    document = {**offer_document(), "shares": shares}
    path = f"/supplier/v1/listings/{sale.listing}/offers"
    return str((await s.m.done(sale.supplier, path, {"code": "shared", "document": document}))["id"])


async def settled(s: Story) -> None:
    """January is over and settled."""
    await s.later(32 * 86_400.0)
    run = (await s.m.done(await s.m.operator(), "/operator/v1/settlement-runs", SETTLED))["run"]
    await s.work()
    shown = await s.show(await s.m.operator(), f"/operator/v1/settlement-runs/{run}")
    assert shown["run"]["state"] == "closed", shown


async def paid_out(s: Story, period: str = "2026-01") -> list[dict[str, Any]]:
    """Everybody is paid what is payable; the payouts as they stand afterwards."""
    operator = await s.m.operator()
    await s.m.done(operator, "/operator/v1/payouts", {"currency": "CNY", "period": period})
    await s.work()
    return [one for one in await s.items(operator, "/operator/v1/payouts") if one["period"] == period]

"""One seed's life: a market, its Stripe, acts, faults and news in bad order; then quiet, and the auditor."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, cast

import asyncpg
import httpx

from exchange.apps.hooks.app import app
from exchange.apps.http.context import Services
from exchange.flows.open_payout_account import open_payout_account
from exchange.flows.sale import Sales
from exchange.kernel import jobs
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database, DatabaseUrls
from exchange.kernel.ids import IdSource
from exchange.kernel.jobs import Job
from exchange.kernel.keys import Keyring
from exchange.settings import load
from exchange.worker.loop import drain
from exchange.worker.money_steps import SWEEP_EVENTS, MoneySteps
from exchange.worker.recon_steps import PROVE_MONEY, RECONCILE, ReconSteps
from sandbox.stripe.cards import TEST_IBANS
from sandbox.stripe.world import VIRTUAL_START
from settlement.gateway.stripe.client import StripeGateway
from settlement.settings import StripeSettings
from tests.simulation.payments.acts import ACTS, renew, visit
from tests.simulation.payments.auditor import audit, digest_of
from tests.simulation.payments.inside import ORIGIN, Inside
from tests.simulation.payments.plan import ROUND_S, Act, Plan, draw_plan
from tests.support.settlement_market import BROKER, SELLER, Market, actor, open_market

START = datetime.fromtimestamp(VIRTUAL_START, UTC)
SECRETS = {"platform": "whsec_platform", "connect": "whsec_connect"}
HOOKS = {"platform": "/hooks/stripe", "connect": "/hooks/stripe-connect"}
# Plenty for every payout: that a balance is short is a matter of a few seeds.
FLOAT, SHORT_FLOAT = 5_000_000, 20_000
# No life gets near it: one that does goes round in circles.
STIRS_MAX = 2_000
SWEEP_AFTER_S = 2 * 86_400.0


@dataclass
class Told:
    """What a seed came to."""

    seed: int
    findings: list[str] = field(default_factory=list)
    digest: str = ""
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)
    final: dict[str, Any] = field(default_factory=dict)


class Life:
    """A market and a Stripe; `order` draws how the news comes in, and decides nothing else."""

    def __init__(
        self, seed: int, url: str, stripe: Inside, keyring: Keyring, order: int = 0, plan: Plan | None = None
    ) -> None:
        """Prepare; `run` lives it."""
        self.plan: Plan = plan or draw_plan(seed)
        self.order = Random(f"order/{seed}/{order}")
        self.rough = order > 0
        self.told = Told(seed)
        self.keyring, self.stripe = keyring, stripe
        self.key = f"sk_test_seed{seed:06d}o{order}"
        self.clock = FixedClock(START)
        self.db = Database(DatabaseUrls.from_one(url), self.clock, ids=IdSource(f"work/{seed}".encode()))
        self.own_ids = self.db.ids
        self.http = httpx.AsyncClient(
            transport=stripe, base_url=ORIGIN, headers={"authorization": f"Bearer {self.key}"}, trust_env=False
        )
        self.gateway = StripeGateway(self._settings())
        stripe.carry(self.gateway)
        self.hooks = self._hooks()
        self.sales = Sales()
        steps = MoneySteps(self.db, self.sales, self.gateway)
        self.steps = steps.table() | ReconSteps(self.db, steps, self.gateway).table()
        self.looking: asyncpg.Connection[Any] | None = None
        self.market: Market | None = None
        self.debits: dict[str, str] = {}
        self.held: list[dict[str, Any]] = []
        self.stirs = self.asked = 0
        self.again = False
        self.rates = ""
        self.swept_at = START

    def _settings(self) -> StripeSettings:
        return StripeSettings(
            api_key=self.key,
            webhook_secret=SECRETS["platform"],
            connect_webhook_secret=SECRETS["connect"],
            api_base=ORIGIN,
            return_url="https://exchange.example/back",
            timeout_s=20.0,
            calls_per_s=1_000,
            endpoint_calls_per_s=1_000,
        )

    def _hooks(self) -> httpx.AsyncClient:
        """The app for outside services, in this process: it asks for nothing but what is given here."""
        rest: dict[str, Any] = dict.fromkeys(
            (
                "keyring",
                "files",
                "vault",
                "tokens",
                "grants",
                "sales",
                "holder",
                "purchases",
                "quotes",
                "reads",
                "records",
            )
        )
        services = Services(db=self.db, settings=replace(load({}), stripe=self._settings()), **cast(Any, rest))
        services.webhook = lambda body, signature: self.gateway.verify_webhook(body, signature, self.clock.now())
        services.connect_webhook = lambda body, signature: self.gateway.verify_webhook(
            body, signature, self.clock.now(), connect=True
        )
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=cast(Any, app(services))), base_url="http://hooks")

    # --- a life ----------------------------------------------------------------------------
    async def run(self) -> Told:
        """Live it; what the auditor found is in the answer."""
        began = time.monotonic()
        try:
            await self._found()
            for turn, acts in enumerate(self.plan.rounds):
                await self._round(turn, acts)
            await self._end()
        finally:
            await self._leave()
        self.told.seconds = time.monotonic() - began
        return self.told

    async def _found(self) -> None:
        """Parties, Stripe accounts of both payees, and money on the platform's balance; nothing fails yet."""
        about = {"key": self.key, "seed": self.plan.seed, "options": self.plan.options}
        await self.http.post("/_sandbox/worlds", json=about)
        for of, secret in SECRETS.items():
            await self.door("webhook", url="held:", secret=secret, of=of)
        self.market = await open_market(self.db, self.keyring)
        for kind, iban in TEST_IBANS.items():
            wish = {"type": "sepa_debit", "sepa_debit[iban]": iban, "billing_details[name]": "Payer"}
            self.debits[kind] = (
                await self.ask("payment_methods", **wish, **{"billing_details[email]": "p@example.com"})
            )["id"]
        amount = SHORT_FLOAT if self.plan.seed % 7 == 0 else FLOAT
        await self.ask("topups", amount=amount, currency="cny", description="float")
        await self.ask("topups", amount=FLOAT, currency="eur", description="float")
        for payee, role in ((SELLER, "supplier"), (BROKER, "broker")):
            await self.db.run(partial(open_payout_account, actor=actor(payee, role)))
        await self._stir()
        self.rates = self.plan.rates
        await self.door("faults", faults=self.rates)

    async def _round(self, turn: int, acts: list[Act]) -> None:
        await renew(self)
        for act in acts:
            # Ids are a matter of the act, whatever the worker did before: so are keys, and so are faults.
            self.db.ids = IdSource(f"{self.plan.seed}/{act.number}".encode())
            said = await ACTS[act.name](self, act)
            self.db.ids = self.own_ids
            self.told.counts[f"act {act.name}"] += said is not None
            self.told.trace.append(f"round {turn} {act.name}: {said}")
            if self.plan.mixed:
                await self._stir()
                await self._to(self.clock.now() + timedelta(seconds=self.order.choice((0, 1, 900, 90_000))))
        await self.quiet(START + timedelta(seconds=ROUND_S * (turn + 1)))

    async def _end(self) -> None:
        """Money comes for whatever still waits for it, nothing fails any more, and time passes until nothing is due."""
        self.rates = ""
        await self.ask("topups", amount=FLOAT, currency="cny", description="more")
        await renew(self)
        await visit(self, Random(f"last/{self.plan.seed}"))
        until = START + timedelta(seconds=ROUND_S * (len(self.plan.rounds) + 3))
        await self.quiet(until)
        await self.queue(RECONCILE, PROVE_MONEY)
        await self._stir()
        self.told.findings += await audit(self)
        final = await digest_of(self)
        # All that was ever told, once more and in any order, changes nothing.
        events = [one["id"] for one in (await self.look("state"))["objects"].get("event", [])]
        self.order.shuffle(events)
        self.again = True
        for event in events[:: 2 if self.rough else 8]:
            await self.door("resend", event=event)
        await self._stir()
        again = await digest_of(self)
        if again != final:
            self.told.findings.append(f"told again, all that was told changed {differences(final, again)}")
        self.told.final = final
        self.told.digest = hashlib.sha256(json.dumps(final, sort_keys=True).encode()).hexdigest()

    async def _leave(self) -> None:
        await self.http.request("DELETE", "/_sandbox/worlds", json={"key": self.key})
        if self.looking is not None:
            await self.looking.close()
        await self.hooks.aclose()
        await self.gateway.aclose()
        await self.http.aclose()
        await self.db.close()

    # --- time ------------------------------------------------------------------------------
    async def quiet(self, until: datetime) -> None:
        """Do what is due, at its own time, until nothing is; then it is `until`."""
        while True:
            await self._stir()
            following = await self._next()
            if following is None or following >= until:
                # What was never delivered is in Stripe's list.
                if await self._sweep():
                    continue
                break
            if (following - self.swept_at).total_seconds() > SWEEP_AFTER_S:
                await self.queue(SWEEP_EVENTS)
                await renew(self)
            await self._to(following)
        await self._to(until)

    async def _sweep(self) -> bool:
        """Look through Stripe's list until that worked; True where it told something, or time passed over it."""
        rows = "SELECT count(*) FROM settlement.stripe_event"
        before = await self.rows(rows)
        moved = False
        for _ in range(20):
            await self.queue(SWEEP_EVENTS)
            await self._stir()
            (last,) = await self.rows(
                f"SELECT state FROM kernel.job WHERE kind = '{SWEEP_EVENTS}' ORDER BY created_at DESC, id DESC LIMIT 1"
            )
            if last == ("done",):
                break
            moved = True
            await self._to(self.clock.now() + timedelta(seconds=601))
        return moved or await self.rows(rows) != before

    async def _next(self) -> datetime | None:
        """When the next thing is due, here or there."""
        kinds = ",".join(f"'{kind}'" for kind in self.steps)
        ((ours,),) = await self.rows(f"SELECT min(run_at) FROM kernel.job WHERE state = 'queued' AND kind IN ({kinds})")
        there = (await self.look("clock"))["next"]
        theirs = datetime.fromtimestamp(there, UTC) + timedelta(milliseconds=1) if there is not None else None
        found = [one for one in (ours, theirs) if one is not None]
        return max(min(found), self.clock.now() + timedelta(milliseconds=1)) if found else None

    async def _to(self, at: datetime) -> None:
        """Let time pass on both sides."""
        # Held letters are as old as Stripe would sign anew: they come before time passes.
        if self.held:
            await self._stir(last=True)
        ahead = (at - self.clock.now()).total_seconds()
        if ahead > 0:
            self.clock.advance(ahead)
            await self.door("clock", advance_s=ahead)

    # --- news and work ---------------------------------------------------------------------
    async def _stir(self, *, last: bool = False) -> None:
        """Bring Stripe's letters in, in whatever order, and work, until nothing more comes of it."""
        worked = -1
        while True:
            self.stirs += 1
            if self.stirs > STIRS_MAX:
                raise AssertionError(f"no end of it: {self.told.trace[-3:]}")
            letters = (await self.door("deliver", n=1_000))["letters"]
            came = self.held + letters
            # Time stands still here: where nothing came in, nothing has become due since all was done.
            if not came and worked >= 0:
                return
            self.held = []
            self.order.shuffle(came)
            for letter in came:
                await self._deliver(letter, last=last)
            worked = await self._work()
            self.told.counts["jobs"] += worked
            if not letters and not worked and not self.held:
                return

    async def _work(self) -> int:
        """Run every job that is due; most often none is, and to see that takes less than to try to take one."""
        due = await self.rows(
            """SELECT 1 FROM kernel.job WHERE run_at <= $1 AND kind = ANY($2)
            AND (state = 'queued' OR (state = 'running' AND locked_until < $1)) LIMIT 1""",
            self.clock.now(),
            list(self.steps),
        )
        return await drain(self.db, self.steps) if due else 0

    async def _deliver(self, letter: dict[str, Any], *, last: bool) -> None:
        """Hand one letter in: at once, twice, at a later time, or never where a second life is rough."""
        self.told.counts["letters"] += 1
        fate = self.order.random()
        if self.rough and not last and fate < 0.15:
            self.told.counts["letters lost"] += 1
            return
        if not last and fate < 0.35:
            self.held.append(letter)
            return
        of = "connect" if json.loads(letter["body"]).get("account") is not None else "platform"
        for _ in range(2 if fate > 0.8 else 1):
            headers = {**letter["headers"], "content-type": "application/json"}
            answer = await self.hooks.post(HOOKS[of], content=letter["body"].encode(), headers=headers)
            # Told again, an event is signed for either endpoint, and good at one.
            if answer.status_code != 200 and not (self.again and answer.status_code == 400):
                self.told.findings.append(f"a letter was answered {answer.status_code}: {answer.text[:200]}")
        if fate > 0.9:
            await self._work()

    async def queue(self, *kinds: str) -> None:
        """Queue regular work, as the clock does."""
        self.asked += 1
        if SWEEP_EVENTS in kinds:
            self.swept_at = self.clock.now()
        made = [Job(kind, f"sim{self.asked}", {}, attempts_max=3) for kind in kinds]
        await self.db.run(lambda tx: jobs.put(tx, *made))

    # --- looking and asking past everything --------------------------------------------------
    async def rows(self, query: str, *given: Any) -> list[tuple[Any, ...]]:
        """What a query finds, on a connection of its own."""
        if self.looking is None:
            self.looking = await asyncpg.connect(self.db.urls.app.replace("+asyncpg", ""))
        return [tuple(row) for row in await self.looking.fetch(query, *given)]

    async def entries(self) -> list[dict[str, Any]]:
        """Every movement on the platform's balance, as Stripe lists them."""
        await self.door("faults", faults="")
        found: list[dict[str, Any]] = []
        while True:
            params = {"limit": 100, **({"starting_after": found[-1]["id"]} if found else {})}
            page = (await self.http.get("/v1/balance_transactions", params=params)).json()
            found += page["data"]
            if not page["has_more"]:
                return found

    async def look(self, name: str) -> dict[str, Any]:
        """What a door of the world tells."""
        return self.stripe.look(self.key, name)

    async def door(self, name: str, **given: Any) -> dict[str, Any]:
        """Do something by a test's own door."""
        return self.stripe.door(self.key, name, given)

    async def ask(self, path: str, account: str = "", **form: Any) -> dict[str, Any]:
        """Ask Stripe as somebody else would who has our key: nothing fails on that way; a refusal is an answer."""
        self.asked += 1
        await self.door("faults", faults="")
        # By what is asked and when, so that both lives name alike what they make.
        about = json.dumps([path, self.clock.now().timestamp(), form], default=str, sort_keys=True)
        headers = {"idempotency-key": f"driver-{hashlib.sha256(about.encode()).hexdigest()[:20]}"}
        if account:
            headers["stripe-account"] = account
        reply = await self.http.post(
            f"/v1/{path}", data={name: str(value) for name, value in form.items()}, headers=headers
        )
        await self.door("faults", faults=self.rates)
        return cast(dict[str, Any], reply.json())


def differences(one: Any, other: Any) -> str:
    """Where two ends differ, in few words."""
    said = []
    for part in sorted({*one, *other}):
        mine, theirs = one.get(part, {}), other.get(part, {})
        for name in sorted({*mine, *theirs}):
            if mine.get(name) != theirs.get(name):
                said.append(f"{part} {name}: {mine.get(name)} / {theirs.get(name)}")
    return "; ".join(said[:8]) or "nothing"

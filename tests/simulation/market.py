"""A small market lives through two days: many buyers at once, doubled requests, late use, unruly webhooks, crashes.

Everything goes over HTTP to the real process; the only thing shared with it is the folder of the sandbox's clock.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from exchange.process import ground, services
from exchange.settings import load
from sandbox.demo.clock import Clock
from tests.e2e.lives import Lives, lives
from tests.simulation import auditor
from tests.simulation.people import UNITS, Bought, Caller, Plan, chance_of, wire
from tests.support.api import Market, Party
from tests.support.trade import CONTENT, DATASET, STATEMENT, SUMMARY, TITLE, component, offer_document

FAULTS = "duplicate=0.4,reorder=0.4,rate_limit=0.05,error_500=0.05,timeout_after_commit=0.03"
RECORDS = CONTENT.count(b"\n")
CARD, BAD_CARD = "pm_card_visa", "pm_card_chargeDeclined"


@dataclass(frozen=True)
class Size:
    """How large a simulation is."""

    rich: int = 2
    poor: int = 2
    suppliers: int = 2
    hands: int = 2
    actions: int = 14
    crashes: int = 2


@dataclass
class Told:
    """What came of a simulation."""

    findings: list[str]
    lines: list[str] = field(default_factory=list)


def simulate(seed: int, home: Path, size: Size) -> Told:
    """Run one simulation in `home`, and audit it."""
    options = ("--faults", FAULTS, "--seed", str(seed), "--hang-s", "1")
    with lives(home, *options, STRIPE_TIMEOUT_S="0.8") as living:
        return asyncio.run(_Simulation(seed, size, living).run())


class _Simulation:
    def __init__(self, seed: int, size: Size, living: Lives) -> None:
        self.seed, self.size, self.lives = seed, size, living
        self.clock = Clock(living.home / "clock")
        self.suppliers = [f"supplier-{n}" for n in range(size.suppliers)]
        self.rich = [f"rich-{n}" for n in range(size.rich)]
        self.poor = [f"poor-{n}" for n in range(size.poor)]
        self.plans: list[Plan] = []
        self.days: set[str] = set()
        self.caller: Caller

    async def run(self) -> Told:
        began, at = time.monotonic(), self.clock.now()
        async with httpx.AsyncClient(base_url=self.lives.origin, trust_env=False, timeout=20) as http:
            self.caller = Caller(http, await self._parties(), self.seed)
            await asyncio.gather(*(self._open(one) for one in self.suppliers), self._account("broker"))
            for buyer in [*self.rich, *self.poor]:
                # By card, so that Stripe holds what it will have to pay out.
                await self._top_up(buyer, (9_000 if buyer in self.rich else 350) * UNITS, "card")
            await self._day(1)
            middle = (self.clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            self.clock.advance_to(middle + timedelta(hours=2))
            # A token of a grant lives for a day: just after midnight the way to two o'clock of the next one is longer.
            self.caller.tokens.clear()
            for one in self.caller.books.bought.values():
                one.token = ""
            await asyncio.gather(self._day(2), self._close(start, middle))
            end = (self.clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            self.clock.advance_to(end + timedelta(hours=2))
            self.caller.tokens.clear()
            # What nobody accepted is on hold for a week, and the auditor wants everybody to have been paid.
            waiting = [one for one in self.caller.books.bought.values() if not one.accepted]
            await asyncio.gather(*(self._accept(one) for one in waiting))
            await self._close(middle, end)
            await self._pay(f"{end:%Y-%m-%d}")
            buyers, payees = [*self.rich, *self.poor], [*self.suppliers, "broker"]
            found = await auditor.audit(self.caller, buyers, payees, self.lives.home / "stripe.json")
        return Told(found, self._lines(time.monotonic() - began))

    # ------------------------------------------------------------------ the cast

    async def _parties(self) -> dict[str, Party]:
        async with ground(load(self.lives.environment)) as on, services(on) as made, httpx.AsyncClient() as http:
            market = Market(made, http)
            parties = {"operator": await market.operator()}
            for name in [*self.suppliers, *self.rich, *self.poor, "broker", "assessor"]:
                role = "buyer" if name in self.rich + self.poor else name.partition("-")[0]
                # The first supplier has a tax number, so that what it sells is taxed; the others have none.
                parties[name] = await market.join(role, tax_number=name == self.suppliers[0])
        return parties

    async def _account(self, who: str) -> None:
        portal = "/supplier/v1" if who in self.suppliers else "/assessor/v1"
        made = await self.caller.done(who, f"{portal}/payout-accounts")
        await self.caller.job(who, portal, made["job"])

    async def _open(self, who: str) -> None:
        """A supplier's listing with three offers, whose prices and shares leave remainders."""
        do, at = self.caller.done, "/supplier/v1"
        await self._account(who)
        await do(who, f"{at}/usage/sources", {})
        dataset = (await do(who, f"{at}/datasets", DATASET))["id"]
        wish: dict[str, Any] = {"path": "poems.jsonl", "size_bytes": len(CONTENT)}
        upload = (await do(who, f"{at}/datasets/{dataset}/uploads", wish))["id"]
        await self.caller.send(who, "PATCH", f"{at}/uploads/{upload}", content=CONTENT, headers={"upload-offset": "0"})
        await do(who, f"{at}/uploads/{upload}/completion")
        sealed = await do(who, f"{at}/datasets/{dataset}/revisions", {"uploads": [upload]})
        await self.caller.job(who, at, sealed["job"])
        asked = {"assessor": self.caller.parties["assessor"].organisation}
        assessment = (await do(who, f"{at}/revisions/{sealed['id']}/assessments", asked))["assessment"]
        await do("assessor", f"/assessor/v1/assessments/{assessment}/acceptance")
        signed = {"statement": STATEMENT, "scope": "full", "valid_days": 365}
        await do("assessor", f"/assessor/v1/assessments/{assessment}/certificate", signed)
        wish = {"revision": sealed["id"], "title": TITLE, "summary": SUMMARY}
        listing = (await do(who, f"{at}/listings", wish))["id"]
        for plan, document in self._offers(who):
            body = {"code": plan.code, "document": document}
            made = await do(who, f"{at}/listings/{listing}/offers", body)
            self.plans.append(replace(plan, offer=made["id"]))
        await do(who, f"{at}/listings/{listing}/publication")

    def _offers(self, who: str) -> list[tuple[Plan, dict[str, Any]]]:
        chance = chance_of(self.seed, "offers", who)
        supplier, broker = self.caller.parties[who].organisation, self.caller.parties["broker"].organisation
        made = []
        for code in ("odd", "once", "month", "use"):
            third = chance.randint(1, 9)
            weights = ((supplier, 7000 + third), (broker, 1100 - third), ("platform", 1900))
            price = {"odd": 33_333_333 + chance.randint(0, 99), "once": 120 * UNITS, "month": 30 * UNITS, "use": 0}[
                code
            ]
            per_record = {"month": 70_001, "use": 250_007}.get(code, 0)
            tax = 6 if who == self.suppliers[0] else 0
            plan = Plan("", who, code, price, per_record, 12 if code == "month" else 0, weights, tax)
            made.append((plan, self._document(plan, broker)))
        return made

    def _document(self, plan: Plan, broker: str) -> dict[str, Any]:
        price, use = wire(plan.at_once)["amount"], {"type": "per_unit", "unit_price": wire(plan.per_record)["amount"]}
        if plan.code == "use":
            document = offer_document("pay_per_use", component(use, "records", "month"))
        elif plan.code == "month":
            flat = component({"type": "flat", "amount": price, "in_advance": True}, None, "month")
            included = {"type": "included", "quantity": plan.included, "overage": use}
            document = offer_document("subscription", flat, component(included, "records", "month"))
        else:
            document = offer_document("one_off", component({"type": "one_off", "amount": price}))
        (_, supplier), (_, second), (_, platform) = plan.shares
        shares: list[dict[str, Any]] = [{"role": "supplier", "weight": supplier}]
        shares += [
            {"role": "broker", "organisation": broker, "weight": second},
            {"role": "platform", "weight": platform},
        ]
        return {**document, "shares": shares}

    # ------------------------------------------------------------------ a day

    async def _day(self, day: int) -> None:
        """All hands of all buyers at once, the suppliers' reports, and the server's deaths among them."""
        hands = [(buyer, hand) for buyer in self.rich + self.poor for hand in range(self.size.hands)]
        crashes = asyncio.create_task(self._crashes(day))
        await asyncio.gather(*(self._live(buyer, chance_of(self.seed, day, buyer, hand)) for buyer, hand in hands))
        await asyncio.gather(*(self._report(one, day) for one in self.suppliers))
        await crashes

    async def _crashes(self, day: int) -> None:
        chance = chance_of(self.seed, "crashes", day)
        for _ in range(self.size.crashes):
            await asyncio.sleep(chance.uniform(0.2, 0.8))
            before = self.lives.statements()
            self.lives.die_after(chance.randint(20, 200))
            await asyncio.sleep(0.5)
            # Whether it has died by itself in the middle of something or has to be helped: the next one takes over.
            self.caller.books.calls["statements before a crash"] += self.lives.statements() - before
            await asyncio.to_thread(self.lives.again)

    async def _live(self, buyer: str, chance: random.Random) -> None:
        for _ in range(self.size.actions):
            twice, throw = chance.random() < 0.3, chance.random()
            if throw < 0.12:
                await self._top_up(
                    buyer, chance.randint(500, 9_000) * 10_000, chance.choice(("card", "bank", "bad")), twice
                )
            elif throw < 0.6 or buyer in self.poor:
                # The poor buy what needs no more money later, until the wallet says no.
                codes = ("odd", "once") if buyer in self.poor else ("odd", "month", "use", "use")
                plan = chance.choice([one for one in self.plans if one.code in codes])
                by_card = plan.code == "once" and chance.random() < 0.3
                await self._buy(buyer, plan, "card" if by_card else "wallet", twice)
            else:
                await self._read(buyer, chance)

    async def _top_up(self, buyer: str, amount: int, how: str, twice: bool = False) -> None:
        caller = self.caller
        wish: dict[str, Any] = {"amount": wire(amount), "method": "bank" if how == "bank" else "card"}
        if how != "bank":
            wish["payment_method"] = BAD_CARD if how == "bad" else CARD
        name = (await caller.done(buyer, "/buyer/v1/top-ups", wish, twice=twice))["id"]
        if how == "bank":
            digest = hashlib.sha256(buyer.encode()).hexdigest()
            head = "booking_date,amount,currency,payer_name,payer_account_digest,reference,entry_id"
            line = f"{self.clock.now().date()},{wire(amount)['amount']},CNY,Somebody,{digest},{name},BK-{name[-20:]}"
            for _ in range(1 + twice):
                # Overlapping statements: the same line again under another key.
                headers, content = {"content-type": "text/csv"}, f"{head}\n{line}\n".encode()
                await caller.done("operator", "/operator/v1/bank-statements", headers=headers, content=content)

        async def ended() -> Any:
            state = (await caller.get(buyer, f"/buyer/v1/payments/{name}"))["state"]
            return state if state in ("succeeded", "failed") else None

        state = await caller.wait(ended)
        assert state == ("failed" if how == "bad" else "succeeded"), f"{name} by {how}: {state}"
        if state == "succeeded":
            caller.books.topped_up[name] = (buyer, amount)
            caller.books.by_card |= {name} if how == "card" else set()

    async def _buy(self, buyer: str, plan: Plan, way: str, twice: bool) -> None:
        caller = self.caller
        wish = {"offer": plan.offer, "purposes": ["pretrain"], "payment": way}
        if way == "card":
            wish["payment_method"] = CARD
        answer = await caller.ask(buyer, "/buyer/v1/orders", wish, twice=twice)
        said = answer.json()
        if answer.status_code != 201:
            assert said["type"] == "/problems/wallet-too-low", answer.text
            caller.books.refused[buyer] += 1
            return
        bought = caller.books.bought[said["id"]] = Bought(plan, buyer, said["id"], way, said["grant"] or "")

        async def granted() -> Any:
            items = await caller.items(buyer, "/buyer/v1/grants")
            return next((one["id"] for one in items if one["order"] == bought.order), None)

        bought.grant = bought.grant or await caller.wait(granted)
        if twice:
            # The others look at it first: their payees wait, and a run in between releases nothing of theirs.
            await self._accept(bought)

    async def _accept(self, bought: Bought) -> None:
        path = f"/buyer/v1/orders/{bought.order}/acceptance"
        said = await self.caller.done(bought.buyer, path, twice=True)
        assert said["standing"] == "accepted", said
        bought.accepted = True

    async def _read(self, buyer: str, chance: random.Random) -> None:
        mine = [
            one for one in self.caller.books.bought.values() if one.buyer == buyer and one.plan.per_record and one.grant
        ]
        if not mine:
            return
        bought, count = chance.choice(mine), chance.randint(1, 9)
        while not bought.token:
            made = await self.caller.done(buyer, f"/buyer/v1/grants/{bought.grant}/tokens")
            bought.token = made["token"] or bought.token
        headers = {"authorization": f"Bearer {bought.token}"}
        if not bought.asset:
            opened = await self.caller.send(None, "GET", "/data/v1/grant", headers=headers)
            bought.asset = opened.json()["assets"][0]["id"]
        self.days.add(str(self.clock.now().date()))

        def told() -> None:
            bought.asked += count

        path = f"/data/v1/assets/{bought.asset}/rows?from={chance.randrange(RECORDS - count)}&limit={count}"
        got = await self.caller.send(None, "GET", path, headers=headers, told=told)
        assert (got.status_code, got.headers.get("x-rows")) == (200, str(count)), got.text
        bought.answered += count

    async def _report(self, supplier: str, day: int) -> None:
        """Use that the supplier's own centre counted: batches out of order, events in two batches, and a day late."""
        chance = chance_of(self.seed, "report", supplier, day)
        own = [one for one in self.caller.books.bought.values() if one.plan.seller == supplier and one.plan.per_record]
        events = []
        for bought in chance.sample(own, min(len(own), 4)):
            reported = self.caller.books.reported.setdefault(bought.grant, {})
            for _ in range(3):
                number, value = str(UUID(int=chance.getrandbits(128), version=4)), chance.randint(1, 9)
                reported[number] = value
                events.append(self._event(number, bought.grant, value, self._moment(bought, chance)))
        chance.shuffle(events)
        half = len(events) // 2
        for batch in (events[half:], events[: half + 2], events[half:]):
            if not batch:
                continue
            answer = await self.caller.ask(supplier, "/supplier/v1/usage/events", batch, twice=chance.random() < 0.5)
            assert (answer.status_code, answer.json().get("refused")) == (200, []), answer.text

    def _moment(self, bought: Bought, chance: random.Random) -> datetime:
        # Ids carry the moment of their making: no event is older than its order.
        ordered = datetime.fromtimestamp(_milliseconds(bought.order) / 1000 + 1, self.clock.now().tzinfo)
        moment = ordered + (self.clock.now() - ordered) * chance.random()
        self.days.add(str(moment.date()))
        return moment

    def _event(self, number: str, grant: str, value: int, at: datetime) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": number,
            "source": "gpu",
            "type": "exchange.usage",
            "subject": grant,
            "time": at.isoformat(),
            "data": {"meter": "records", "value": value},
        }

    # ------------------------------------------------------------------ closing

    async def _close(self, start: datetime, end: datetime) -> None:
        """Seal the days that are over and settle up to `end`, while others go on buying."""
        caller = self.caller
        for day in sorted(one for one in self.days if one < str(end.date())):
            ordered = await caller.done("operator", "/operator/v1/usage/seals", {"day": day}, twice=True)
            await caller.job("operator", "/operator/v1", ordered["job"])
        wish = {"period_start": start.isoformat(), "period_end": end.isoformat(), "currency": "CNY"}
        run = (await caller.done("operator", "/operator/v1/settlement-runs", wish, twice=True))["run"]

        async def closed() -> bool:
            found = await caller.get("operator", f"/operator/v1/settlement-runs/{run}")
            return bool(found["run"]["state"] == "closed")

        await caller.wait(closed)

    async def _pay(self, period: str) -> None:
        caller = self.caller
        await caller.done("operator", "/operator/v1/payouts", {"currency": "CNY", "period": period}, twice=True)

        async def paid() -> bool:
            items = await caller.items("operator", "/operator/v1/payouts")
            assert not [one for one in items if one["state"] == "failed"], items
            return all(one["state"] in ("sent", "paid") for one in items)

        await caller.wait(paid)

    def _lines(self, seconds: float) -> list[str]:
        books = self.caller.books
        by_code: dict[str, int] = {}
        for one in books.bought.values():
            by_code[one.plan.code] = by_code.get(one.plan.code, 0) + 1
        crashes = f"{books.calls['lost']} lost in {self.lives.deaths} crashes, {books.calls['put off']} put off"
        refused = f"{books.refused.total()} refused for want of money"
        orders = f"{len(books.topped_up)} top-ups ({len(books.by_card)} by card), {len(books.bought)} orders {by_code}"
        read = sum(one.answered for one in books.bought.values())
        events = sum(len(one) for one in books.reported.values())
        return [
            f"seed {self.seed}: {seconds:.0f} s, {books.calls['sent']} requests, {crashes}",
            f"{orders}, {refused}",
            f"{read} records read, {events} events reported, half of them more than once",
        ]


def _milliseconds(name: str) -> int:
    """When an id was made (RFC 9562, UUID version 7)."""
    number = 0
    for letter in name.partition("_")[2]:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    return number >> 80

"""A market that is told facts by an unruly outside: in any order, any number of times, several at once.

What cannot be yet (an order without money, a refund of an order that is not there) is refused, and told again later: nothing
of it may stay. `World.ledger` says what the ledger holds, without the ids and times that differ from one telling to the next.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from exchange.access.settings import AccessSettings
from exchange.access.store import usage
from exchange.access.store.usage import Source
from exchange.access.usage import GrantCache, read_events
from exchange.flows.accept_delivery import accept_delivery
from exchange.flows.credit_bank_transfer import credit_bank_transfer, match_bank_entry
from exchange.flows.ingest_usage import Report, ingest_usage
from exchange.flows.once import Command, Receipt, once
from exchange.flows.pay_out import PayOut, PayoutReceipt, pay_out
from exchange.flows.purchase import OrderReceipt, Purchase, purchase
from exchange.flows.record_payment import PaymentResult, record_payment
from exchange.flows.record_transfer import TransferResult, record_transfer
from exchange.flows.refund_order import RefundWish, refund_order
from exchange.flows.seal_usage import SEALED, seal_usage
from exchange.flows.settle_period import Period, RunProgress, settle_next, start_run
from exchange.flows.top_up import TopUp, TopUpReceipt, top_up
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.money import Money
from settlement.payments import BankEntry
from settlement.payouts import Rail
from settlement.refunds import Reason
from tests.support.settlement_market import BROKER, BUYER, NAMES, OPERATOR, SELLER, Market, actor

YUAN = 1_000_000
SETTINGS = AccessSettings()

_SUMS = """
SELECT a.organisation_id, a.kind, a.currency, p.tag, sum(p.amount)::bigint AS units
FROM settlement.posting p JOIN settlement.account a ON a.id = p.account_id
GROUP BY 1, 2, 3, 4 HAVING sum(p.amount) <> 0"""
_CHARGES = "SELECT id, order_id, component, service_start, amount_units FROM settlement.charge"
_ENTRIES = "SELECT id, entry_ref FROM settlement.bank_entry"
_PAYOUTS = "SELECT id, organisation_id, period FROM settlement.payout"
_JOURNALS = "SELECT kind, count(*) AS n FROM settlement.journal GROUP BY 1"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened outside: telling it answers whether it is known now; `after` must have been known before."""

    name: str
    tell: Callable[[], Awaitable[bool]]
    after: frozenset[str] = frozenset()


@dataclass
class World:
    """One market, and the ids that its facts were given."""

    market: Market
    clock: FixedClock
    known: set[str] = field(default_factory=set)
    payments: dict[str, UUID] = field(default_factory=dict)
    orders: dict[str, OrderReceipt] = field(default_factory=dict)
    payouts: dict[str, UUID] = field(default_factory=dict)
    source: Source | None = None
    _tries: dict[str, int] = field(default_factory=dict)

    async def open(self) -> None:
        """Payments that are asked for, and a source that may report use."""
        run = self.market.database.run
        for name, units in (("card", 700 * YUAN), ("bank", 450 * YUAN)):
            wish = TopUp(Money(units, "CNY"), "card" if name == "card" else "bank", "pm_card_visa")
            made = await run(lambda tx, wish=wish: top_up(tx, actor(BUYER, "buyer"), wish))  # type: ignore[misc]
            assert isinstance(made, TopUpReceipt), made
            self.payments[name] = ids.parse("pay", made.id)
        client = UUID(int=0xC11E)
        self.source = Source(await run(lambda tx: usage.register_source(tx, SELLER, client)), SELLER)

    def reference(self, payment: str) -> str:
        """What a bank transfer quotes."""
        return ids.text("pay", self.payments[payment])

    async def told(self, facts: Sequence[Fact], dice: random.Random | None, lanes: int = 1) -> int:
        """Tell every fact at least once, in an order of the dice (none: as they stand, once); how often something was told.

        Told once more after all is known, everything is known as before.
        """
        if dice is None:
            queue = list(facts)
        else:
            queue = [fact for fact in facts for _ in range(dice.randint(1, 3))]
            dice.shuffle(queue)
        count = 0

        async def lane() -> None:
            nonlocal count
            while queue:
                fact = queue.pop(0)
                count += 1
                assert count < 500 * len(facts), f"{fact.name} is refused for ever"
                if fact.after <= self.known and await fact.tell():
                    self.known.add(fact.name)
                else:
                    queue.append(fact)
                    await asyncio.sleep(0.005)

        await asyncio.gather(*(lane() for _ in range(lanes)))
        return count

    async def command(self, name: str, who: Actor, flow: Callable[[Tx], Awaitable[Receipt]]) -> bool:
        """Something that a client asks with a key."""
        key = self._key(name)
        wish = Command(who, "test", key, hashlib.sha256(name.encode()).digest())
        answer = await self.market.database.run(lambda tx: once(tx, wish, 201, flow))
        if isinstance(answer, Problem):
            return self._refused(name, key)
        return True

    async def buy(self, name: str, offer: str, buyer: UUID = BUYER) -> bool:
        """An order of that name."""
        key = self._key(name)
        command = Command(actor(buyer, "buyer"), "purchase", key, hashlib.sha256(name.encode()).digest())
        wish = Purchase(command, self.market.offers[offer], ("pretrain",), "wallet")
        market = self.market
        (answer,) = await market.database.run(lambda tx: purchase(tx, market.sales, market.keyring, [wish]))
        if isinstance(answer, Problem):
            return self._refused(name, key)
        receipt = msgspec.json.decode(answer.body, type=OrderReceipt)
        assert self.orders.setdefault(name, receipt) == receipt, "one order became two"
        return True

    async def paid(self, name: str, state: Any) -> bool:
        """What Stripe says of a payment by card; news that come too late are refused and mean nothing."""
        result = PaymentResult(self.payments[name], state, f"pi_{name}")
        market = self.market
        (answer,) = await market.database.run(lambda tx: record_payment(tx, market.sales, [result]))
        return not isinstance(answer, Problem) or state != "succeeded"

    async def transferred(self, *entries: tuple[str, str, int]) -> bool:
        """Lines of a bank statement: reference of the bank, what the payer wrote, millionths."""
        at = datetime(2026, 1, 14, tzinfo=UTC)
        told = [BankEntry(ref, text, Money(units, "CNY"), at) for ref, text, units in entries]
        operator = actor(OPERATOR, "operator")
        answers = await self.market.database.run(lambda tx: credit_bank_transfer(tx, operator, told))
        return not any(isinstance(one, Problem) for one in answers)

    async def matched(self, ref: str, owner: UUID) -> bool:
        """A person says whose a transfer is."""

        async def flow(tx: Tx) -> Receipt:
            entry = await (await tx.driver()).fetchval("SELECT id FROM settlement.bank_entry WHERE entry_ref = $1", ref)
            return await match_bank_entry(tx, actor(OPERATOR, "operator"), entry, owner)

        return await self.command(f"match {ref}", actor(OPERATOR, "operator"), flow)

    async def used(self, batch: str, order: str, *events: tuple[int, int, int]) -> bool:
        """A batch of usage events: number, records, seconds after the market's day began."""
        assert self.source is not None
        day = datetime(2026, 1, 15, 8, tzinfo=UTC)
        body = msgspec.json.encode(
            [
                {
                    "specversion": "1.0",
                    "id": str(UUID(int=number)),
                    "source": "urn:shelf:1",
                    "type": "exchange.usage",
                    "subject": self.orders[order].grant,
                    "time": (day + timedelta(seconds=seconds)).isoformat(),
                    "data": {"meter": "records", "value": records},
                }
                for number, records, seconds in events
            ]
        )
        read = read_events(body, SETTINGS)
        assert not isinstance(read, Problem), read
        report = Report(self.source, batch, hashlib.sha256(body).digest(), read)
        (answer,) = await self.market.database.run(
            lambda tx: ingest_usage(tx, [report], known=GrantCache(10), settings=SETTINGS)
        )
        assert not isinstance(answer, Problem), answer
        assert msgspec.json.decode(answer.answer)["accepted"] == len(events)
        return True

    async def accepted(self, order: str) -> bool:
        """The buyer accepts; what was refunded whole has nothing to accept."""
        who, order_id = actor(BUYER, "buyer"), ids.parse("ord", self.orders[order].id)
        await self.command(f"accept {order}", who, lambda tx: accept_delivery(tx, who, order_id))
        return True

    async def refunded(self, name: str, order: str, units: int | None) -> bool:
        """The seller gives a part of an order back, or all that is left."""
        who = actor(SELLER, "supplier")
        amount = None if units is None else Money(units, "CNY")
        wish = RefundWish(("order", ids.parse("ord", self.orders[order].id)), Reason.GOODWILL, amount)
        return await self.command(name, who, lambda tx: refund_order(tx, who, wish))

    async def month_ends(self, end: datetime) -> None:
        """Time passes until after `end`; use is sealed, and the year so far is settled."""
        run = self.market.database.run
        self.clock.advance((end - self.clock.now()).total_seconds() + 86_400)
        for day in (date(2026, 1, 15), date(2026, 1, 16)):
            while await run(lambda tx, day=day: seal_usage(tx, day, settings=SETTINGS)) not in (SEALED, None):  # type: ignore[misc]
                pass
        found = await run(lambda tx: start_run(tx, Period(datetime(2026, 1, 1, tzinfo=UTC), end, "CNY")))
        while isinstance(found, RunProgress) and not found.finished:
            run_id = ids.parse("run", found.run)
            found = await run(lambda tx, run_id=run_id: settle_next(tx, self.market.sales, run_id))  # type: ignore[misc]
        assert isinstance(found, RunProgress), found

    async def pay_out(self) -> None:
        """Every payee's money is on its way."""
        wishes = [PayOut(who, "CNY", "2026", Rail.BANK, "account") for who in (SELLER, BROKER)]
        for name, made in zip(
            ("seller", "broker"), await self.market.database.run(lambda tx: pay_out(tx, wishes)), strict=True
        ):
            assert isinstance(made, PayoutReceipt), made
            self.payouts[name] = ids.parse("pot", made.id)

    async def confirmed(self, name: str, state: Any) -> bool:
        """What the bank says of a payout; news that come too late are refused and mean nothing."""
        result = TransferResult(self.payouts[name], state, f"tr_{name}")
        (answer,) = await self.market.database.run(lambda tx: record_transfer(tx, [result]))
        return not isinstance(answer, Problem) or state == "sent"

    async def ledger(self) -> dict[str, Any]:
        """What every account holds by tag, and how many journals of each kind there are; names instead of ids."""
        return await self.market.database.run(self._look)

    async def _look(self, tx: Tx) -> dict[str, Any]:
        driver = await tx.driver()
        named: dict[UUID | None, str] = {None: "-"}
        named |= {one: f"payment {name}" for name, one in self.payments.items()}
        orders = {ids.parse("ord", one.id): name for name, one in self.orders.items()}
        named |= {one: f"order {name}" for one, name in orders.items()}
        # Several runs book one period of a component in steps; what counts is what they come to together.
        for one, order, component, start, _ in await driver.fetch(_CHARGES):
            named[one] = f"charge {orders[order]} {component} {start:%Y-%m-%d}"
        named |= {one: f"entry {ref}" for one, ref in await driver.fetch(_ENTRIES)}
        named |= {one: f"payout {NAMES[who]} {period}" for one, who, period in await driver.fetch(_PAYOUTS)}
        sums: dict[tuple[str, str, str, str], int] = {}
        for who, kind, currency, tag, units in await driver.fetch(_SUMS):
            key = (NAMES[who] if who else "exchange", kind, currency, named[tag])
            sums[key] = sums.get(key, 0) + units
        return {"sums": sums, "journals": dict(await driver.fetch(_JOURNALS))}

    def _key(self, name: str) -> str:
        return f"{name}/{self._tries.get(name, 0)}"

    def _refused(self, name: str, key: str) -> bool:
        # A refusal is kept beside its key, so the next attempt needs another; whoever was slower changes nothing.
        if key == self._key(name):
            self._tries[name] = self._tries.get(name, 0) + 1
        return False

"""What a seed draws: the parties, their offers, and the inputs of each stage with how often each is delivered."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.seeded.spec import EXCHANGE, MILLION, Market, Offer, Step

CURRENCIES = ("CNY", "EUR")
CENT = 10_000
STAGES = 4


@dataclass(frozen=True)
class Input:
    """One thing that somebody sends; the same name is the same thing, however often it comes.

    shapes   needs: inputs that must have been accepted before this one can be sent at all
    """

    name: str
    kind: str
    about: dict[str, Any] = field(default_factory=dict, hash=False)
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Inputs that are delivered in an order of their own, then so many hours pass."""

    deliveries: tuple[Input, ...]
    hours: int


def market(chance: random.Random) -> Market:
    """Parties and offers."""
    sellers = tuple(f"seller{n}" for n in range(chance.randint(1, 3)))
    brokers = tuple(f"broker{n}" for n in range(chance.randint(1, 2)))
    buyers = tuple(f"buyer{n}" for n in range(chance.randint(2, 3)))
    offers: dict[str, Offer] = {}
    for seller in sellers:
        kinds = ["once", "metered", *chance.sample(["monthly", "ruled", "ruled metered"], chance.randint(1, 3))]
        for number, kind in enumerate(kinds):
            one = _offer(chance, f"{seller}-{number}", seller, kind, brokers)
            offers[one.name] = one
    introduced = {
        (seller, buyer): (chance.choice(brokers), chance.randint(1, 20 * MILLION))
        for seller in sellers
        for buyer in buyers
        if chance.random() < 0.4
    }
    return Market(sellers, brokers, buyers, offers, introduced)


def _offer(chance: random.Random, name: str, seller: str, kind: str, brokers: tuple[str, ...]) -> Offer:
    price = chance.randint(20, 400) * MILLION
    if chance.random() < 0.5:
        price += chance.choice([chance.randrange(MILLION), chance.randrange(100) * CENT])
    metered = kind.endswith("metered")
    shares = [("supplier", seller, chance.randint(1, 9_000))]
    shares += [("broker", broker, chance.randint(1, 900)) for broker in brokers if chance.random() < 0.6]
    shares.append(("platform", EXCHANGE, chance.randint(1, 2_000)))
    # No two end at the same number.
    bands = {chance.randint(5, 900) * 10**n: chance.randint(1, 90_000) for n in range(chance.randint(0, 2))}
    tiers = sorted(bands.items())
    return Offer(
        name,
        seller,
        chance.choice(CURRENCIES),
        kind.removeprefix("ruled ").replace("ruled", "once"),
        price=0 if metered else price,
        tiers=(*tiers, (None, chance.randint(1, 50_000))) if metered else (),
        shares=tuple(shares),
        rule=_rule(chance, seller, brokers) if kind.startswith("ruled") else (),
    )


def _rule(chance: random.Random, seller: str, brokers: tuple[str, ...]) -> tuple[Step, ...]:
    """A rule with a memory: what a step takes depends on all that was sold before."""

    def percent(most: int) -> int:
        return chance.randint(1, most * MILLION)

    bands = ((chance.randint(50, 500) * MILLION, percent(5)), (chance.randint(501, 900) * MILLION, percent(20)))
    steps = [
        Step("visit", "fixed", "sale", EXCHANGE, amount=chance.randint(1, 5 * MILLION)),
        Step("brokered", "share_of_gross", "sale", brokers[0], percent=percent(10)),
        Step("introduced", "mandate", "sale", ""),
        Step("fee", "share_of_gross", "month", EXCHANGE, percent=percent(15), amount=chance.randint(1, 40) * MILLION),
        Step("earned_back", "recoup", "lifetime", seller, percent=percent(60), amount=chance.randint(1, 80) * MILLION),
        Step("pool", "share_of_net", "lifetime", "pool", percent=percent(4)),
        Step("bonus", "tiers", "lifetime", brokers[-1], bands=(*bands, (None, percent(10)))),
    ]
    kept = [step for step in steps[:-1] if chance.random() < 0.7]
    return (*kept, steps[-1], Step("rest", "residual", "lifetime", seller))


def stages(chance: random.Random, world: Market) -> list[Stage]:
    """All inputs, stage by stage."""
    drawn = Drawing(chance, world)
    return [drawn.stage(number) for number in range(STAGES)]


class Drawing:
    """Draws inputs that can have something to do with what was drawn before them."""

    def __init__(self, chance: random.Random, world: Market) -> None:
        self.chance, self.world = chance, world
        self.count = 0
        self.orders: list[tuple[str, Offer]] = []
        self.holds: list[tuple[str, int]] = []
        self.payouts: list[str] = []
        self.batches: list[Input] = []
        self.rates: list[str] = []
        self.refunds: dict[str, int] = {}
        self.earlier: list[Input] = []

    def stage(self, number: int) -> Stage:
        """One stage: inputs, their duplicates, and some late duplicates of what came in earlier stages."""
        inputs: list[Input] = []
        if number == 0:
            inputs += [
                one for buyer in self.world.buyers for currency in CURRENCIES for one in self.money(buyer, currency)
            ]
            inputs.append(self.make("rates"))
            self.rates.append(inputs[-1].name)
        for _ in range(self.chance.randint(10, 18)):
            inputs += self.draw(number)
        deliveries = [one for one in inputs for _ in range(self.chance.choice([1, 1, 2, 3]))]
        again = [one for one in self.earlier if one.kind not in ("work", "expire", "seal", "log")]
        deliveries += self.chance.sample(again, min(len(again), self.chance.randint(0, 4)))
        self.chance.shuffle(deliveries)
        self.earlier += inputs
        return Stage(tuple(deliveries), self.chance.choice([1, 7, 25, 60, 100, 200]))

    def make(self, kind: str, needs: tuple[str, ...] = (), **about: Any) -> Input:
        """A new input."""
        self.count += 1
        return Input(f"{kind}-{self.count}", kind, about, needs)

    def money(self, buyer: str, currency: str) -> list[Input]:
        """A top-up by card with what Stripe tells of it, or a transfer that reached the bank."""
        units = self.chance.randint(200, 3_000) * MILLION + self.chance.randrange(100) * CENT
        if self.chance.random() < 0.5:
            named = self.chance.random() < 0.8
            sent = self.make("bank", buyer=buyer, currency=currency, units=units, named=named)
            return [sent] if named else [sent, self.make("match", (sent.name,), entry=sent.name, buyer=buyer)]
        asked = self.make("top_up", buyer=buyer, currency=currency, units=units)
        return [asked, *self.told(asked)]

    def told(self, asked: Input) -> list[Input]:
        """What Stripe tells of a charge: refused, gone through, or first the one and then the other."""
        words = self.chance.choice(
            [("succeeded",), ("succeeded",), ("payment_failed", "succeeded"), ("payment_failed",)]
        )
        return [self.make("event", (asked.name,), of=asked.name, word=word) for word in words]

    def draw(self, number: int) -> list[Input]:
        """A few inputs that belong together."""
        chance = self.chance
        kinds = {
            "purchase": 14, "money": 3, "usage": 9, "refund": 6, "accept": 4, "reject": 3, "hold": 4, "end_hold": 4,
            "convert": 3, "advance": 1, "expire": 2, "seal": 2, "settle": 3, "work": 3, "payout": 3, "transfer": 3, "log": 1,
        }  # fmt: skip
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        return list(getattr(self, f"_{kind}", self._plain)(kind) or [])

    def _plain(self, kind: str) -> list[Input]:
        return [self.make(kind)]

    def _money(self, _kind: str) -> list[Input]:
        return self.money(self.chance.choice(self.world.buyers), self.chance.choice(CURRENCIES))

    def _purchase(self, kind: str) -> list[Input]:
        offer = self.chance.choice(list(self.world.offers.values()))
        card = offer.price > 0 and not offer.price % CENT and self.chance.random() < 0.3
        made = self.make(kind, offer=offer.name, buyer=self.chance.choice(self.world.buyers), card=card)
        self.orders.append((made.name, offer))
        if not card:
            return [made]
        given_up = [self.make("cancel", (made.name,), order=made.name)] if self.chance.random() < 0.3 else []
        return [made, *self.told(made), *given_up]

    def _usage(self, kind: str) -> list[Input]:
        orders = [name for name, offer in self.orders if offer.tiers]
        if not orders:
            return []
        if self.batches and self.chance.random() < 0.2:
            # Another batch with events that were reported before, under their old ids.
            old = self.chance.choice(self.batches)
            return [self.make(kind, old.needs, **old.about | {"batch": f"again-{self.count}"})]
        order = self.chance.choice(orders)
        events = [(self.count * 100 + n, self.chance.randint(1, 3_000)) for n in range(self.chance.randint(1, 6))]
        ages = [self.chance.random() ** 3 for _ in events]
        made = self.make(kind, (order,), order=order, events=events, ages=ages, batch=f"batch-{self.count}")
        self.batches.append(made)
        return [made]

    def _refund(self, kind: str) -> list[Input]:
        orders = [(name, offer) for name, offer in self.orders if offer.price and self.refunds.get(name, 0) < 2]
        if not orders:
            return []
        name, offer = self.chance.choice(orders)
        self.refunds[name] = self.refunds.get(name, 0) + 1
        # The whole of a subscription does not go back here: which months were charged before would be up to the order.
        whole = offer.kind == "once" and self.chance.random() < 0.4
        units = None if whole else self.chance.randint(1, offer.price // 3)
        return [self.make(kind, (name,), order=name, units=units)]

    def _accept(self, kind: str) -> list[Input]:
        orders = [name for name, _ in self.orders]
        return [self.make(kind, (one,), order=one) for one in self.chance.sample(orders, min(len(orders), 1))]

    def _reject(self, kind: str) -> list[Input]:
        orders = [name for name, offer in self.orders if offer.kind == "once"]
        if not orders:
            return []
        order = self.chance.choice(orders)
        made = [self.make(kind, (order,), order=order)]
        if self.chance.random() < 0.6:
            part = self.chance.choice([None, 0, self.chance.randint(1, 15 * MILLION)])
            made.append(self.make("decide", (made[0].name,), order=order, units=part))
        return made

    def _hold(self, kind: str) -> list[Input]:
        units = self.chance.randint(1, 60 * MILLION)
        hours = self.chance.choice([None, 2, 30, 300])
        buyer, currency = self.chance.choice(self.world.buyers), self.chance.choice(CURRENCIES)
        made = self.make(kind, buyer=buyer, currency=currency, units=units, hours=hours)
        self.holds.append((made.name, units))
        return [made]

    def _end_hold(self, kind: str) -> list[Input]:
        if not self.holds:
            return []
        name, units = self.chance.choice(self.holds)
        # Two who would end it, differently: one of them is late.
        ends = [0, *(self.chance.randint(1, units) for _ in range(self.chance.randint(0, 2)))]
        return [self.make(kind, (name,), hold=name, units=one) for one in dict.fromkeys(ends)]

    def _convert(self, kind: str) -> list[Input]:
        buyer, (sell, buy) = self.chance.choice(self.world.buyers), self.chance.sample(CURRENCIES, 2)
        units = self.chance.randint(1, 80 * MILLION)
        rate = self.chance.choice(self.rates)
        return [self.make(kind, (rate,), buyer=buyer, sell=sell, buy=buy, units=units, rates=rate)]

    def _advance(self, kind: str) -> list[Input]:
        seller, currency = self.chance.choice(self.world.sellers), self.chance.choice(CURRENCIES)
        return [self.make(kind, seller=seller, currency=currency, units=self.chance.randint(1, 50 * MILLION))]

    def _settle(self, kind: str) -> list[Input]:
        return [self.make(kind, currency=self.chance.choice(CURRENCIES)), self.make("work"), self.make("work")]

    def _payout(self, kind: str) -> list[Input]:
        payee = self.chance.choice([*self.world.sellers, *self.world.brokers])
        made = self.make(
            kind, payee=payee, currency=self.chance.choice(CURRENCIES), rail=self.chance.choice(["bank", "stripe"])
        )
        self.payouts.append(made.name)
        return [made]

    def _transfer(self, kind: str) -> list[Input]:
        if not self.payouts:
            return []
        payout = self.chance.choice(self.payouts)
        words = self.chance.choice([("sent", "paid"), ("paid", "sent"), ("sent", "failed"), ("failed", "paid")])
        return [self.make(kind, (payout,), payout=payout, word=word) for word in words]

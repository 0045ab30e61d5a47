"""Every way to charge, through HTTP: ordered, used, seen as a draft invoice, explained, settled.

The sums are worked out by hand. An agreement begins on 15 January 2026 at 16:00 in Shanghai; use happens on the 20th;
January is settled on 2 February and February on 2 March, so each monthly period 0 ends on 15 February.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from exchange.access.store import seal
from exchange.flows.check_books import check_books
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from pricing.basis import coupon_digest
from pricing.explain import recompute
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.months import go_to, settle
from tests.support.trade import OnSale, offer_document, on_sale

START, USED = datetime(2026, 1, 15, 8, tzinfo=UTC), datetime(2026, 1, 20, 9, tzinfo=UTC)
RECORDS = 1_200
Lines = Mapping[str, str]


def part(name: str, meter: str | None = None, period: str | None = None, /, **model: Any) -> dict[str, Any]:
    return {"id": name, "title": {"en": name, "zh": name}, "meter": meter, "period": period, "model": model}


def use(price: str = "0.01", period: str | None = "month", meter: str = "records") -> dict[str, Any]:
    return part("use", meter, period, type="per_unit", unit_price=price)


@dataclass(frozen=True)
class Case:
    """One plan, what its order costs, and the sum of each line of all charges after two months."""

    name: str
    kind: str
    components: tuple[dict[str, Any], ...]
    order: str
    lines: Lines
    extra: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, Any] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=lambda: {"records": RECORDS})
    buyer: str = "company"
    currency: str = "CNY"


FEE = part("fee", None, "month", type="flat", amount="99.00")
TIERS = [{"up_to": 1_000, "unit_price": "0.01"}, {"unit_price": "0.005"}]
LEAST = {"id": "least", "type": "minimum", "period": "month", "amount": "20"}
MOST = {"id": "most", "type": "maximum", "period": "month", "amount": "5"}
CREDITS = part("prepaid", type="credits", amount="8", credit="10", valid_days=60)
SHARED = [
    {"title": {"en": "Scanning", "zh": "扫描"}, "amount": "60"},
    {"title": {"en": "Hosting", "zh": "托管"}, "amount": "40"},
]
DOLLARS = {"currency": "USD", "models": {"use": {"type": "per_unit", "unit_price": "0.002"}}}
ACADEMIC = {"buyer_class": "academic", "models": {"use": {"type": "per_unit", "unit_price": "0.001"}}}
NOTHING: Lines = {}

CASES = (
    Case("one off", "one_off", (part("copy", type="one_off", amount="300"),), "300.00", NOTHING, used={}),
    Case("flat in advance", "subscription", (FEE,), "99.00", {"fee": "99"}, used={}),
    Case(
        "flat in arrears",
        "subscription",
        (part("fee", None, "month", type="flat", amount="99.00", in_advance=False),),
        "0.00",
        {"fee": "99"},
        used={},
    ),
    Case(
        # 15 January 16:00 to 1 February is 392 of 744 hours; then February and March, which begins on 28 February UTC.
        "calendar months, prorated",
        "subscription",
        (part("fee", None, "month", type="flat", amount="31.00", prorate=True),),
        "16.333333",
        {"fee": "62"},
        {"anchor": "calendar"},
        used={},
    ),
    Case(
        "instalments",
        "subscription",
        (part("part", None, "month", type="instalments", amount="100", count=3),),
        "33.333334",
        {"part": "33.333333"},
        used={},
    ),
    Case("per unit", "pay_per_use", (use(),), "0.00", {"use": "12"}),
    Case(
        "graduated",
        "pay_per_use",
        (part("use", "records", None, type="graduated", tiers=TIERS),),
        "0.00",
        {"use": "11"},
    ),
    Case("volume", "pay_per_use", (part("use", "records", None, type="volume", tiers=TIERS),), "0.00", {"use": "6"}),
    Case(
        "package",
        "pay_per_use",
        (part("use", "records", None, type="package", size=500, amount="4"),),
        "0.00",
        {"use": "12"},
    ),
    Case(
        "base pack and increments",
        "pay_per_use",
        (
            part(
                "pack",
                "records",
                "month",
                type="base_pack",
                base={"size": 1_000, "amount": "10"},
                increment={"size": 150, "amount": "3"},
            ),
        ),
        "10.00",
        {"pack": "16"},
    ),
    Case(
        "allowance with overage",
        "pay_per_use",
        (
            part(
                "use",
                "records",
                "month",
                type="included",
                quantity=1_000,
                overage={"type": "per_unit", "unit_price": "0.01"},
            ),
        ),
        "0.00",
        {"use": "2"},
    ),
    Case("minimum", "pay_per_use", (use(),), "0.00", {"use": "12", "least@month": "8"}, {"limits": [LEAST]}),
    Case("cap", "pay_per_use", (use(),), "0.00", {"use": "12", "most@month": "-7"}, {"limits": [MOST]}),
    Case("credits", "pay_per_use", (CREDITS, use()), "8.00", {"use": "12", "prepaid.0>use": "-10"}),
    Case("free", "pay_per_use", (part("use", "records", "month", type="free"),), "0.00", NOTHING),
    Case("trial", "subscription", (FEE, use()), "0.00", {"fee": "198"}, {"trial": {"days": 14}}),
    Case(
        "cost recovery",
        "pay_per_use",
        (part("use", "records", None, type="cost_recovery", costs=SHARED, quantity=3_600),),
        "0.00",
        {"use": "33.333333"},
    ),
    Case(
        "pay what you want",
        "one_off",
        (part("gift", type="pay_what_you_want", floor="5", suggested="20"),),
        "7.50",
        NOTHING,
        choices={"amounts": {"gift": "7.50"}},
        used={},
    ),
    Case(
        "volume discount",
        "pay_per_use",
        (use(),),
        "0.00",
        {"use": "12", "much@month": "-0.4"},
        {"discounts": [{"id": "much", "type": "volume", "bands": [{"from": "10", "percent": "20"}]}]},
    ),
    Case(
        # 12, a tenth off for the commitment of 50; 39.20 more make it 50.
        "commitment",
        "pay_per_use",
        (use(),),
        "0.00",
        {"use": "12", "promise@month": "-1.2", "commitment@month": "39.2"},
        {"discounts": [{"id": "promise", "type": "commitment", "period": "month", "at_least": "50", "percent": "10"}]},
        {"commitment": "50"},
    ),
    Case(
        # A quarter off 12, then a third off the remaining 9.
        "term and coupon",
        "pay_per_use",
        (use(),),
        "0.00",
        {"use": "12", "year@month": "-3", "spring@month": "-3.6"},
        {
            "discounts": [
                {"id": "spring", "type": "coupon", "code_sha256": coupon_digest("Spring26"), "percent": "40"},
                {"id": "year", "type": "term", "months": 12, "percent": "25"},
            ]
        },
        {"coupon": "SPRING26", "term_months": 12},
    ),
    Case(
        "class price", "pay_per_use", (use(),), "0.00", {"use": "1.2"}, {"price_lists": [ACADEMIC]}, buyer="university"
    ),
    Case("class price not for others", "pay_per_use", (use(),), "0.00", {"use": "12"}, {"price_lists": [ACADEMIC]}),
    Case(
        "class discount",
        "pay_per_use",
        (use(),),
        "0.00",
        {"use": "12", "edu@month": "-6"},
        {"discounts": [{"id": "edu", "type": "buyer_class", "classes": ["academic"], "percent": "50"}]},
        buyer="university",
    ),
    Case(
        "another currency",
        "pay_per_use",
        (use(),),
        "0.00",
        {"use": "2.4"},
        {"price_lists": [DOLLARS]},
        {"currency": "USD"},
        currency="USD",
    ),
    Case(
        "media, computing, own meters and classes of data",
        "pay_per_use",
        (
            part("film", "media_seconds", None, type="per_unit", unit_price="0.1"),
            part("gpu", "compute_minutes", None, type="per_unit", unit_price="0.5"),
            part("pages", "x_pages", None, type="per_unit", unit_price="2"),
            {**part("medical", "tokens", None, type="per_unit", unit_price="0.03"), "data_class": "medical"},
            part("tokens", "tokens", None, type="per_unit", unit_price="0.01"),
        ),
        "0.00",
        {"film": "9", "gpu": "7.5", "pages": "8", "medical": "3", "tokens": "2"},
        used={"media_seconds": 90, "compute_minutes": 15, "x_pages": 4, "tokens/medical": 100, "tokens": 200},
    ),
)


@dataclass(frozen=True)
class Bought:
    """A case that was ordered."""

    case: Case
    grant: str


@pytest.fixture
def clock() -> FixedClock:
    """A clock that months pass on."""
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    """A market on that clock."""
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def test_every_model_is_ordered_used_drafted_explained_and_settled(m: Market, clock: FixedClock) -> None:
    sale = await on_sale(m)
    buyers = {"company": await m.join("buyer"), "university": await _university(m)}
    for buyer in buyers.values():
        await _fund(m, buyer)
    bought = [await _order(m, sale, buyers[case.buyer], case) for case in CASES]
    await m.services.db.run(partial(seal.ensure_partitions, days=60))
    supplier, *_ = await go_to(m, clock, USED, sale.supplier)
    await _report(m, supplier, bought)

    names = list(buyers)
    after = [datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)]
    for month, at in enumerate(after, 1):
        signed_in = await go_to(m, clock, at, *buyers.values())
        buyers = dict(zip(names, signed_in, strict=True))
        drafts = await _drafts(m, buyers)
        for currency in ("CNY", "USD"):
            await settle(m, 2026, month, currency)
        if month == 1:
            _january(bought, drafts)
    charged = await _charged(m, buyers)
    for one in bought:
        wanted = {name: Decimal(amount) for name, amount in one.case.lines.items()}
        assert charged.get(one.grant, {}) == wanted, one.case.name
    assert (await m.get(buyers["company"], "/buyer/v1/invoices")).json()["items"]
    assert await check_books(m.services.db, m.services.keyring, m.services.settings.process.log_origin, _unheard) == []


def _january(bought: list[Bought], drafts: Mapping[str, dict[str, Any]]) -> None:
    """What drafts said in January: each line explained by arithmetic that comes to its cumulative amount."""
    for one in bought:
        draft = drafts[one.grant]
        for line in draft["lines"]:
            name = line["component"]
            money = recompute(line["explain"])
            assert Decimal(line["explain"]["amount"]["amount"]) == Decimal(money.to_wire()["amount"]), one.case.name
            assert money.currency == one.case.currency
            assert line["description"]["en"], name
            assert line["description"]["zh"], name
        metered = {line["component"]: Decimal(line["amount"]["amount"]) for line in draft["lines"]}
        for component in one.case.components:
            name = component["id"]
            if component["meter"] and component["model"]["type"] not in ("free", "base_pack"):
                wanted = one.case.lines.get(name)
                assert metered.get(name) == (None if wanted is None else Decimal(wanted)), one.case.name


async def _university(m: Market) -> Party:
    """A buyer whose class the operator confirmed."""
    buyer, operator = await m.join("buyer"), await m.operator()
    path = f"/operator/v1/organisations/{buyer.organisation}/decisions"
    await m.done(operator, path, {"decision": "suspend", "reason": "its class is to be confirmed"})
    wish = {"decision": "verify", "reason": "the charter was seen", "buyer_class": "academic"}
    await m.done(operator, path, wish)
    return buyer


async def _fund(m: Market, buyer: Party) -> None:
    for currency in ("CNY", "USD"):
        money = Money(5_000_000_000, currency)
        journal = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, money)
        await m.services.db.run(lambda tx, journal=journal: ledger.post(tx, [journal]))  # type: ignore[misc]


async def _order(m: Market, sale: OnSale, buyer: Party, case: Case) -> Bought:
    document = offer_document(case.kind, *case.components)
    document["plan"].update(case.extra)
    body = {"code": case.name.replace(" ", "-").replace(",", "")[:40], "document": document}
    offer = (await m.done(sale.supplier, f"/supplier/v1/listings/{sale.listing}/offers", body))["id"]
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet", **case.choices}
    quote = await m.done(buyer, "/buyer/v1/quotes", {"offer": offer, "purposes": ["pretrain"], **case.choices})
    order = await m.done(buyer, "/buyer/v1/orders", wish)
    assert order["total"] == quote["total"] == {"amount": case.order, "currency": case.currency}, case.name
    return Bought(case, order["grant"])


async def _report(m: Market, supplier: Party, bought: list[Bought]) -> None:
    await m.done(supplier, "/supplier/v1/usage/sources", {})
    events = [
        {
            "specversion": "1.0",
            "id": str(UUID(int=number * 100 + position)),
            "source": "archive",
            "type": "exchange.usage",
            "subject": one.grant,
            "time": USED.isoformat(),
            "data": {"meter": meter, "value": value},
        }
        for number, one in enumerate(bought)
        for position, (meter, value) in enumerate(one.case.used.items())
    ]
    taken = await m.post(supplier, "/supplier/v1/usage/events", events, key="batch")
    assert taken.json()["accepted"] == len(events), taken.text


async def _drafts(m: Market, buyers: Mapping[str, Party]) -> dict[str, dict[str, Any]]:
    found = {}
    for buyer in buyers.values():
        path: str | None = "/buyer/v1/draft-invoices?limit=50"
        while path:
            page = await m.get(buyer, path)
            found.update({one["grant"]: one for one in page.json()["items"]})
            path = page.links["next"]["url"] if "next" in page.links else None
    return found


async def _charged(m: Market, buyers: Mapping[str, Party]) -> dict[str, dict[str, Decimal]]:
    """The sum of each line of each grant over all charges."""
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for buyer in buyers.values():
        page = await m.get(buyer, "/buyer/v1/charges", limit="200")
        assert "next" not in page.links
        for one in page.json()["items"]:
            found[one["grant"]][one["component"]] += Decimal(one["amount"]["amount"])
    return {grant: {name: sum_ for name, sum_ in lines.items() if sum_} for grant, lines in found.items()}


async def _unheard(_what: str, _done: int, _total: int | None) -> None:
    """Nobody watches the check."""

"""Settlement of priced plans: discounts, caps, minimums, credits, tax, late corrections and what a change gives back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from exchange.access.store import grants
from exchange.flows.change_offer import Change, OfferChanged, change_offer
from exchange.flows.end_grant import GrantEnded, end_grant
from exchange.flows.settle_period import Period, start_run
from exchange.flows.show_draft import DraftInvoice, show_draft
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import Money
from exchange.kernel.pages import PageRequest
from pricing.basis import Basis
from pricing.explain import recompute
from settlement.accounts import AccountKind, payable, pending, platform, receivable, wallet
from settlement.store import audit, ledger, reads
from settlement.store.reads import ChargeRow, InvoiceRow
from tests.integration.test_settlement_run import settle
from tests.support.settlement_market import BUYER, ONE_OFF, PER_RECORD, SELLER, Market, actor, open_market

YUAN = 1_000_000
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "CNY")
FEBRUARY = Period(JANUARY.end, datetime(2026, 3, 1, tzinfo=UTC), "CNY")
MARCH = Period(FEBRUARY.end, datetime(2026, 4, 1, tzinfo=UTC), "CNY")
USE = {**PER_RECORD, "period": "month"}
FEE = {
    "id": "fee",
    "meter": None,
    "period": "month",
    "model": {"type": "flat", "amount": "31.00", "in_advance": True, "prorate": True},
}
MINIMUM = {"id": "least", "type": "minimum", "period": "month", "amount": "40"}
CAP = {"id": "most", "type": "maximum", "period": "month", "amount": "60"}
VOLUME = {"id": "volume", "type": "volume", "bands": [{"from": "10", "percent": "20"}]}


async def opened(database: Database, keyring: Keyring, units: int = 10_000 * YUAN) -> Market:
    market = await open_market(database, keyring)
    await market.fund(BUYER, units)
    return market


async def charges(market: Market) -> list[ChargeRow]:
    """Every charge, the oldest first."""
    buyer = actor(BUYER, "buyer")
    async with market.database.read(buyer) as tx:
        return (await reads.list_charges(tx, buyer, PageRequest(200))).items[::-1]


async def booked(market: Market) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for one in await charges(market):
        key = (one.component, one.service_start.month)
        found[key] = found.get(key, 0) + one.amount.units
    return found


async def invoices(market: Market) -> list[InvoiceRow]:
    buyer = actor(BUYER, "buyer")
    async with market.database.read(buyer) as tx:
        return (await reads.list_invoices(tx, buyer, PageRequest(200))).items[::-1]


async def sums(market: Market) -> dict[str, int]:
    keys = {
        "wallet": wallet(BUYER, "CNY"),
        "owed": receivable(BUYER, "CNY"),
        "pending": pending(SELLER, "CNY"),
        "seller": payable(SELLER, "CNY"),
        "tax": platform(AccountKind.TAX, "CNY"),
    }
    found = await market.database.run(lambda tx: ledger.sums(tx, list(keys.values())))
    return {name: found[key] for name, key in keys.items()}


async def drafts(market: Market, *names: str) -> list[DraftInvoice]:
    async def flow(tx: Any) -> list[DraftInvoice]:
        known = await grants.load(tx, [ids.parse("grt", name) for name in names])
        return await show_draft(tx, market.sales, list(known.values()))

    return await market.database.run(flow)


async def sound(market: Market) -> None:
    assert await market.database.run(audit.check) == []


async def test_discounts_come_before_the_cap_and_the_minimum_when_the_month_is_over(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("plan", USE, kind="pay_per_use", limits=[MINIMUM, CAP], discounts=[VOLUME])
    order, start = await market.buy(BUYER, "plan"), clock.now()
    # First month 99.99: 20 % off what is above 10 leaves 81.992, the cap takes the rest above 60.
    await market.use(order.grant, 6_666, start + timedelta(minutes=5))
    clock.advance(18 * 86_400)
    await settle(market, JANUARY)
    assert await booked(market) == {
        ("use", 1): 99_990_000,
        ("volume@month", 1): -17_998_000,
        ("most@month", 1): -21_992_000,
    }
    assert (await sums(market))["wallet"] == (10_000 - 60) * YUAN
    # Second month 15.00, less 1.00: the rest up to the minimum is due only when the month is over.
    await market.use(order.grant, 1_000, datetime(2026, 2, 20, tzinfo=UTC))
    clock.advance(30 * 86_400)
    await settle(market, FEBRUARY)
    second = {("use", 2): 15 * YUAN, ("volume@month", 2): -YUAN}
    assert {key: units for key, units in (await booked(market)).items() if key[1] == 2} == second
    clock.advance(30 * 86_400)
    await settle(market, MARCH)
    assert (await booked(market))["least@month", 2] == 26 * YUAN
    assert (await sums(market))["wallet"] == (10_000 - 60 - 40) * YUAN
    for one in await charges(market):
        assert one.corrects is None
        assert recompute(one.explanation) == Money.from_wire(one.explanation["amount"])
    await sound(market)
    before = len(await charges(market))
    await settle(market, MARCH)
    assert len(await charges(market)) == before


async def test_late_use_is_a_correction_that_points_at_what_it_corrects_and_is_taxed(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("use", USE, kind="pay_per_use")
    start = clock.now()
    one, other = await market.buy(BUYER, "use"), await market.buy(BUYER, "use")
    await market.use(one.grant, 1_000, start + timedelta(minutes=5))
    clock.advance(18 * 86_400)
    await settle(market, JANUARY)
    clock.advance(30 * 86_400)
    await settle(market, FEBRUARY)
    for order in (one, other):
        await market.use(order.grant, 100, start + timedelta(minutes=10))
    clock.advance(30 * 86_400)
    await settle(market, MARCH)
    first, late, never = await charges(market)
    assert (first.amount.units, first.tax.units, first.corrects) == (15_900_000, 900_000, None)
    assert (late.amount.units, late.tax.units, late.corrects) == (1_590_000, 90_000, first.id)
    # Nothing was charged before for the other grant, so its correction points at the order.
    assert never.corrects == never.order_id == ids.parse("ord", other.id)
    assert late.explanation["text"]["en"].startswith(f"Correction of {ids.text('chg', first.id)}: ")
    assert "此前已入账 15.00 CNY" in late.explanation["text"]["zh"]
    january, march = await invoices(market)
    said = msgspec.json.decode(january.document)
    assert (said["net"]["amount"], said["total"]["amount"]) == ("15.00", "15.90")
    (tax,) = said["tax"]
    assert (tax["code"], tax["rate"], tax["country"]) == ("standard", "0.06", "CN")
    assert (tax["taxable"]["amount"], tax["amount"]["amount"]) == ("15.00", "0.90")
    lines = msgspec.json.decode(march.document)["lines"]
    assert [line["corrects"] for line in lines] == [ids.text("chg", first.id), other.id]
    assert march.total.units == 2 * 1_590_000
    assert (await sums(market))["tax"] == 900_000 + 2 * 90_000
    await sound(market)


async def test_included_tax_is_taken_out_of_each_charge_and_books_cumulatively(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("inside", USE, kind="pay_per_use", tax={"included": True})
    order, start = await market.buy(BUYER, "inside"), clock.now()
    await market.use(order.grant, 1_000, start + timedelta(minutes=5))
    clock.advance(18 * 86_400)
    await settle(market, JANUARY)
    await market.use(order.grant, 1_000, start + timedelta(minutes=5))
    await settle(market, JANUARY)
    assert [(one.amount.units, one.tax.units) for one in await charges(market)] == [(15 * YUAN, 849_057)] * 2
    assert (await sums(market))["wallet"] == (10_000 - 30) * YUAN
    await sound(market)


async def test_credits_pay_for_use_over_two_runs_and_late_use_draws_them_too(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    credit = {"type": "credits", "amount": "90", "credit": "100", "valid_days": 365}
    pack = {"id": "pack", "meter": None, "period": None, "model": credit}
    await market.offer("credits", pack, USE, kind="pay_per_use")
    order, start = await market.buy(BUYER, "credits"), clock.now()
    assert order.total["amount"] == "90.00"
    await market.use(order.grant, 2_000, start + timedelta(minutes=5))
    clock.advance(18 * 86_400)
    await settle(market, JANUARY)
    assert await booked(market) == {("use", 1): 30 * YUAN, ("pack.0>use", 1): -30 * YUAN}
    await market.use(order.grant, 6_000, datetime(2026, 2, 20, tzinfo=UTC))
    clock.advance(30 * 86_400)
    await settle(market, FEBRUARY)
    assert (await booked(market))["pack.0>use", 2] == -70 * YUAN
    assert (await sums(market))["wallet"] == (10_000 - 90 - 20) * YUAN
    # Late use of the first month draws first; the second month gives that much back.
    await market.use(order.grant, 1_000, start + timedelta(minutes=5))
    clock.advance(30 * 86_400)
    await settle(market, MARCH)
    found = await booked(market)
    assert (found["pack.0>use", 1], found["pack.0>use", 2]) == (-45 * YUAN, -55 * YUAN)
    assert (await sums(market))["wallet"] == (10_000 - 90 - 35) * YUAN
    await sound(market)


async def test_a_discount_costs_the_payees_nothing_while_the_use_itself_is_not_paid(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring, 1)
    await market.offer("plan", USE, kind="pay_per_use", discounts=[VOLUME])
    order = await market.buy(BUYER, "plan")
    await market.use(order.grant, 2_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    await settle(market, JANUARY)
    # 30.00 less 4.00: the discount pays for a part of the use, the rest is owed.
    assert await sums(market) == {
        "wallet": 0,
        "owed": -26 * YUAN + 1,
        "pending": 26 * YUAN * 8 // 10,
        "seller": 0,
        "tax": 0,
    }
    await sound(market)
    await market.fund(BUYER, 100 * YUAN)
    await settle(market, JANUARY)
    found = await sums(market)
    assert (found["owed"], found["pending"], found["seller"]) == (0, 0, 26 * YUAN * 8 // 10)
    assert found["wallet"] == 100 * YUAN - 26 * YUAN + 1
    await sound(market)


async def changed(market: Market, grant: str, offer: str, **more: Any) -> OfferChanged | Problem:
    wish = Change(ids.parse("grt", grant), market.offers[offer], **more)
    buyer = actor(BUYER, "buyer")
    return await market.database.run(lambda tx: change_offer(tx, market.sales, market.keyring, buyer, wish))


async def test_changing_the_offer_in_mid_month_gives_the_rest_of_the_old_one_back(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("small", FEE)
    await market.offer("large", {**FEE, "model": {**FEE["model"], "amount": "62.00"}})
    order = await market.buy(BUYER, "small")
    clock.advance(10 * 86_400)
    answer = await changed(market, order.grant, "large")
    assert isinstance(answer, OfferChanged), answer
    assert answer.changes_at == "2026-01-25T08:15:00Z"
    assert answer.order.total["amount"] == "65.72"
    old = (await database.run(lambda tx: grants.load(tx, [ids.parse("grt", order.grant)]))).popitem()[1]
    new = (await database.run(lambda tx: grants.load(tx, [ids.parse("grt", answer.order.grant or "")]))).popitem()[1]
    assert old.ends_at == new.starts_at == datetime(2026, 1, 25, 8, 15, tzinfo=UTC)
    again = await changed(market, order.grant, "large")
    assert isinstance(again, Problem)
    assert again.slug == "grant-ends-already"
    clock.advance(10 * 86_400)
    await settle(market, JANUARY)
    (back,) = await charges(market)
    # 10 days and a quarter of an hour of 31 days are kept.
    kept = round(31 * YUAN * (10 * 86_400 + 900) / (31 * 86_400))
    assert (back.amount.units - back.tax.units, back.corrects) == (kept - 31 * YUAN, ids.parse("ord", order.id))
    assert back.tax.units == round((kept - 31 * YUAN) * 0.06)
    assert (await sums(market))["wallet"] == 10_000 * YUAN - 32_860_000 - 65_720_000 - back.amount.units
    (invoice,) = await invoices(market)
    assert invoice.total.units == 32_860_000 + 65_720_000 + back.amount.units
    await sound(market)


async def test_a_term_holds_its_buyer_until_it_is_over(database: Database, keyring: Keyring, clock: FixedClock) -> None:
    market = await opened(database, keyring)
    term = {"id": "year", "type": "term", "months": 12, "percent": "10"}
    await market.offer("term", FEE, discounts=[term])
    order = await market.buy(BUYER, "term", choices=Basis(term_months=12))
    assert order.total["amount"] == "27.90"
    clock.advance(86_400)
    refused = await changed(market, order.grant, "one_off")
    assert isinstance(refused, Problem)
    assert refused.slug == "term-not-over"
    grant_id, buyer = ids.parse("grt", order.grant), actor(BUYER, "buyer")
    ended = await database.run(lambda tx: end_grant(tx, market.sales, buyer, grant_id))
    assert isinstance(ended, GrantEnded)
    assert ended.ends_at == "2027-01-15T08:00:00Z"


async def test_a_draft_is_what_the_next_settlement_books_and_writes_nothing(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.register_for_tax(SELLER)
    await market.offer("plan", USE, kind="pay_per_use", discounts=[VOLUME])
    once, order = await market.buy(BUYER, "one_off"), await market.buy(BUYER, "plan")
    await market.use(order.grant, 2_000, clock.now() + timedelta(minutes=5))
    clock.advance(17 * 86_400 - 8 * 3_600)
    assert clock.now() == JANUARY.end
    nothing, draft = await drafts(market, once.grant, order.grant)
    assert (nothing.lines, nothing.total["amount"]) == ([], "0.00")
    assert [(line.component, line.amount["amount"]) for line in draft.lines] == [
        ("use", "30.00"),
        ("volume@month", "-4.00"),
    ]
    assert (draft.net["amount"], draft.total["amount"]) == ("26.00", "27.56")
    (tax,) = draft.tax
    assert (tax["rate"], tax["taxable"]["amount"], tax["amount"]["amount"]) == ("0.06", "26.00", "1.56")
    assert draft.lines[0].description["zh"]
    assert await charges(market) == []
    await settle(market, JANUARY)
    assert {one.component: one.amount.units - one.tax.units for one in await charges(market)} == {
        "use": 30 * YUAN,
        "volume@month": -4 * YUAN,
    }
    nothing, draft = await drafts(market, once.grant, order.grant)
    assert draft.lines == []


async def test_a_trial_costs_nothing_and_a_one_off_price_is_charged_when_it_is_over(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("trial", ONE_OFF, USE, kind="pay_per_use", trial={"days": 30})
    order = await market.buy(BUYER, "trial")
    assert order.total["amount"] == "0.00"
    await market.use(order.grant, 1_000, clock.now() + timedelta(minutes=5))
    clock.advance(20 * 86_400)
    await settle(market, JANUARY)
    assert await charges(market) == []
    clock.advance(30 * 86_400)
    await settle(market, FEBRUARY)
    assert await booked(market) == {("price", 2): 300 * YUAN}
    await sound(market)


async def test_a_period_before_the_last_settled_one_is_refused_and_takes_nothing_back(
    database: Database, keyring: Keyring, clock: FixedClock
) -> None:
    market = await opened(database, keyring)
    await market.offer("fee", FEE)
    await market.buy(BUYER, "fee")
    clock.advance(90 * 86_400)
    await settle(market, JANUARY)
    await settle(market, FEBRUARY)
    before = await charges(market)
    answer = await database.run(lambda tx: start_run(tx, JANUARY))
    assert isinstance(answer, Problem)
    assert answer.slug == "period-passed"
    assert await charges(market) == before
